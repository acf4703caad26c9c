//! How a run can end.

use std::io;

use meshwhy_cluster::ConnectError;
use meshwhy_core::Lang;
use meshwhy_core::catalogue::Entry;

/// How a run ended that did what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is wrong.
    Clean,
    /// Something is wrong and was reported.
    Findings,
    /// Nobody was reached, which was reported.
    Unreachable,
}

/// Why a run could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line, as clap judges it; also help and version.
    #[error("{0}")]
    Arguments(clap::Error),
    /// The command line, as we judge it.
    #[error("{0}")]
    Usage(String),
    /// A source that cannot be read.
    #[error("cannot read {name}")]
    Input {
        /// Path, or `standard input`.
        name: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Input of which no line was understood.
    #[error("{}", nothing_recognised(*.lang))]
    NothingRecognised {
        /// The reader's language.
        lang: Lang,
        /// Who is named all the same.
        component: Option<&'static str>,
        /// Entries of the catalogues that the words fit best.
        nearest: Vec<&'static Entry>,
    },
    /// Words that no entry of the catalogues has.
    #[error("{}", nothing_found(*.0))]
    NothingFound(Lang),
    /// Input of which no line is of the time that was asked for.
    #[error("{}", nothing_of_that_time(*.0))]
    NothingOfThatTime(Lang),
    /// Manifests of which none was there.
    #[error("{}", nothing_to_check(*.0))]
    NothingToCheck(Lang),
    /// A program that was built without the web page.
    #[error("{}", no_page(*.0))]
    NoPage(Lang),
    /// A cluster that cannot be asked.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
    /// A Prometheus that gives no answer; the whole sentence.
    #[error("{0}")]
    Prometheus(String),
    /// A Prometheus in which nothing counts requests.
    #[error("{}", nothing_counted(*.0))]
    NothingCounted(Lang),
    /// Pods of which none has a proxy, or no pods at all.
    #[error("{}", no_proxies(*.lang, *.pods))]
    NoProxies {
        /// The reader's language.
        lang: Lang,
        /// How many pods there are.
        pods: usize,
    },
    /// A file that is no dump of a proxy.
    #[error("{}: {}", .name, no_dump(*.lang))]
    NoDump {
        /// The reader's language.
        lang: Lang,
        /// The file.
        name: String,
    },
    /// Output that cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Arguments(error) => u8::try_from(error.exit_code()).unwrap_or(2),
            Self::Usage(_) => 2,
            Self::Cluster(_) | Self::Prometheus(_) => 4,
            Self::Input { .. }
            | Self::NothingRecognised { .. }
            | Self::NothingFound(_)
            | Self::NothingOfThatTime(_)
            | Self::NothingToCheck(_)
            | Self::NothingCounted(_)
            | Self::NoProxies { .. }
            | Self::NoDump { .. }
            | Self::NoPage(_)
            | Self::Output(_) => 3,
        }
    }

    /// What may help, line by line.
    pub(crate) fn hints(&self) -> Vec<String> {
        let Self::NothingRecognised { lang, component, nearest } = self else { return Vec::new() };
        let named = component.map(|name| match lang {
            Lang::En => format!("it names {name}, but in no words that are known"),
            Lang::Zh => format!("其中提到了 {name}，但不是已知的报错"),
        });
        let heading = match lang {
            Lang::En => "nearest by words (see `meshwhy causes CODE`, `meshwhy rules CODE`, `meshwhy search WORDS`):",
            Lang::Zh => "字面上最接近的条目（用 `meshwhy causes CODE`、`meshwhy rules CODE`、`meshwhy search 关键词` 查看）：",
        };
        let entries = nearest.iter().map(|entry| format!("  {} {}: {}", entry.code, entry.slug, entry.headline(*lang)));
        let heading = (!nearest.is_empty()).then(|| heading.to_owned());
        named.into_iter().chain(heading).chain(entries).collect()
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

const fn nothing_recognised(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "nothing in the input tells of a request, a proxy or its control plane; give access-log lines, log lines of Envoy, \
             istiod or ztunnel, events, `curl -v` output or an error text, as they were written; a custom access-log format \
             needs --log-format"
        }
        Lang::Zh => {
            "输入中没有与请求、代理或控制面有关的内容；请原样给出访问日志、Envoy/istiod/ztunnel 日志、Kubernetes 事件、`curl -v` 输出或报错文本；自定义的访问日志格式需要 --log-format"
        }
    }
}

const fn nothing_found(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "no entry has any of these words; `meshwhy causes` and `meshwhy rules` list them all",
        Lang::Zh => "没有条目包含这些词；`meshwhy causes` 和 `meshwhy rules` 可列出全部条目",
    }
}

const fn nothing_counted(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "nothing in this Prometheus counts requests (istio_requests_total), so silence is no all-clear: is it the one that scrapes the \
             proxies? deploy/prometheus/scrape.yaml shows how"
        }
        Lang::Zh => {
            "这个 Prometheus 中没有统计请求的指标（istio_requests_total），因此不能认为一切正常：它是否采集了代理的指标？可参考 deploy/prometheus/scrape.yaml"
        }
    }
}

const fn nothing_of_that_time(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "no line is of the time that was asked for with --since and --until, so nothing can be said of it",
        Lang::Zh => "没有任何一行落在 --since、--until 指定的时间内，因此无法判断",
    }
}

const fn no_dump(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "no config dump of an Envoy; write one with `kubectl exec POD -n NAMESPACE -c istio-proxy -- pilot-agent request GET \
             'config_dump?include_eds' > dump.json`"
        }
        Lang::Zh => {
            "不是 Envoy 的配置转储；可以这样导出：`kubectl exec POD -n NAMESPACE -c istio-proxy -- pilot-agent request GET \
             'config_dump?include_eds' > dump.json`"
        }
    }
}

const fn nothing_to_check(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "no manifest of a kind that is checked was given; give YAML or JSON files of Kubernetes, Istio or the Gateway API, folders with \
             them, or an archive of `istioctl bug-report`"
        }
        Lang::Zh => {
            "没有给出可以检查的清单；请给出 Kubernetes、Istio 或 Gateway API 的 YAML/JSON 文件、包含它们的目录，或 `istioctl bug-report` 的归档"
        }
    }
}

fn no_proxies(lang: Lang, pods: usize) -> String {
    match (lang, pods) {
        (Lang::En, 0) => "no such pod; `-n` names another namespace, `-A` takes all of them".to_owned(),
        (Lang::Zh, 0) => "没有找到这样的 Pod；可用 `-n` 指定命名空间，或用 `-A` 查看所有命名空间".to_owned(),
        (Lang::En, pods) => {
            format!(
                "none of the pods ({pods}) has a proxy, so there is no log of one: is `istio-injection` or `istio.io/rev` on the namespace?"
            )
        }
        (Lang::Zh, pods) => {
            format!("{pods} 个 Pod 都没有代理，因此没有代理日志可读：命名空间是否打了 `istio-injection` 或 `istio.io/rev` 标签？")
        }
    }
}

const fn no_page(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "this program was built without the page; the programs of a release have it, and `cargo xtask build` builds one that does"
        }
        Lang::Zh => "这个程序构建时没有包含页面；发布版自带页面，也可以用 `cargo xtask build` 构建带页面的程序",
    }
}
