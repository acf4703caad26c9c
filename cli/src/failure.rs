//! How a run can end.

use std::io;

use meshwhy_core::Lang;

/// How a run ended that did what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is wrong.
    Clean,
    /// Something is wrong and was reported.
    Findings,
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
    #[error("{}", nothing_recognised(*.0))]
    NothingRecognised(Lang),
    /// Input of which no line is of the time that was asked for.
    #[error("{}", nothing_of_that_time(*.0))]
    NothingOfThatTime(Lang),
    /// Manifests of which none was there.
    #[error("{}", nothing_to_check(*.0))]
    NothingToCheck(Lang),
    /// Output that cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Arguments(error) => u8::try_from(error.exit_code()).unwrap_or(2),
            Self::Usage(_) => 2,
            Self::Input { .. }
            | Self::NothingRecognised(_)
            | Self::NothingOfThatTime(_)
            | Self::NothingToCheck(_)
            | Self::Output(_) => 3,
        }
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

const fn nothing_of_that_time(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "no line is of the time that was asked for with --since and --until, so nothing can be said of it",
        Lang::Zh => "没有任何一行落在 --since、--until 指定的时间内，因此无法判断",
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
