//! What is to be said of all that was given, as HTML.

use jiff::Timestamp;
use maud::{Markup, html};
use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::report::check;
use meshwhy_check::source::{Sources, parse_all};
use meshwhy_core::Lang;
use meshwhy_logs::decoded::decoded;
use meshwhy_proxy::ConfigDump;
use meshwhy_proxy::doctor::{compare, examine};
use meshwhy_report::configuration::ConfigurationFiles;
use meshwhy_report::diagnosis::DiagnosisReport;
use meshwhy_report::dumps::{self, ProxyDump};
use meshwhy_report::{escape, html as page};

use crate::material::{Input, Material, Proxies, admin_data};

/// Lines up to which each is explained with what its verdict rests on.
const EXPLAINED: u64 = 10;

/// Explains all inputs together: lines as `meshwhy explain` and `diagnose` do, manifests as `check`, dumps of proxies as `doctor`. What
/// came from the inputs is escaped.
#[must_use]
pub fn explain(inputs: Vec<Input>, lang: Lang, now: Timestamp) -> String {
    let material = Material::of(inputs);
    let unread = material.unread.clone();
    let parts = parts(material, lang, now);
    let markup = html! {
        @for problem in &unread { p.problem { (not_read(lang)) " " (escape::line(problem)) } }
        @for part in &parts { section { (part) } }
    };
    markup.into_string()
}

fn parts(material: Material, lang: Lang, now: Timestamp) -> Vec<Markup> {
    let Material { collector, logs, manifests, proxies, beginnings, .. } = material;
    let mut parts = Vec::new();
    let files = ConfigurationFiles { sources: manifests, ..ConfigurationFiles::default() };
    let mut analysis = collector.finish();
    let is_explained = analysis.totals.lines <= EXPLAINED;
    let (is_recognised, is_checked) = (analysis.recognised(), !files.sources.is_empty());
    let in_base64 = if is_explained || !is_recognised { decoded(&beginnings) } else { Vec::new() };
    if is_recognised || !in_base64.is_empty() {
        let configurations = is_checked.then(|| files.explain(&mut analysis, lang));
        let routes = dumps::explain(&given(&proxies), &analysis.groups, lang);
        let report = DiagnosisReport::new(analysis, configurations, lang, false).routed(routes).from(&logs);
        let report = DiagnosisReport { decoded: in_base64, is_explained, ..report };
        parts.push(page::diagnosis(&if is_explained { report } else { report.by_count() }, now));
    } else if !logs.is_empty() || (!is_checked && proxies.is_empty()) {
        // Lines that nobody understood are said to be so, beside what was understood.
        parts.push(nothing_recognised(lang));
    }
    if is_checked {
        let report = check(&files.sources, &Default::default(), lang);
        parts.push(page::check(&report, &Sources::new(&files.sources), lang));
    }
    let (parsed, settings) = (parse_all(&files.sources), Settings::default());
    for answers in proxies.values() {
        let data = admin_data(answers);
        let dump = ConfigDump::read(data.config_dump.unwrap_or_default());
        let mut report = examine(&dump, &data, None, now, lang);
        if is_checked {
            report.examined.extend(compare(&dump, &Mesh::new(&parsed, None, &settings), lang));
            report.examined.sort_by_key(|one| one.area);
        }
        parts.push(page::doctor(&report, lang));
    }
    parts
}

/// What the proxies say of themselves. That a pasted dump has a name of its own says nothing of its proxy.
fn given(proxies: &Proxies) -> Vec<ProxyDump<'_>> {
    let mut given = Vec::new();
    for (name, answers) in proxies {
        let data = admin_data(answers);
        let proxy = Some(name.as_str()).filter(|_| answers.len() > 1);
        given.extend(data.config_dump.map(|config_dump| ProxyDump { proxy, config_dump, clusters: data.clusters }));
    }
    given
}

const fn not_read(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "Not read, or not whole:",
        Lang::Zh => "未能读取，或未完整读取：",
    }
}

fn nothing_recognised(lang: Lang) -> Markup {
    let (what, how) = match lang {
        Lang::En => (
            "No line of this was recognised, which is no all-clear.",
            "meshwhy reads access logs of Envoy and Istio (text or JSON), log lines of Envoy, istiod and the agent, Kubernetes events, \
             response headers such as `proxy-status`, manifests, config dumps, and archives of `istioctl bug-report`.",
        ),
        Lang::Zh => (
            "没有识别出任何一行，但这不代表没有问题。",
            "meshwhy 可以读取：Envoy 和 Istio 的访问日志（文本或 JSON），Envoy、istiod 和 agent 的日志行，Kubernetes 事件，\
             `proxy-status` 等响应头，清单，config dump，以及 `istioctl bug-report` 的归档。",
        ),
    };
    html! { p.problem { strong { (what) } } p { (how.replace('`', "")) } }
}
