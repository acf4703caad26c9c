//! The dumps of proxies beside what failed: where each failed request went in the proxy that speaks.

use meshwhy_check::source::Source;
use meshwhy_core::Lang;
use meshwhy_diagnose::Group;
use meshwhy_proxy::route::{FailureReport, explain_failure};
use meshwhy_proxy::{Clusters, ConfigDump};

use crate::configuration::facts;

/// The file with what a proxy is configured with, in an archive and live.
pub(crate) const DUMP: &str = "config_dump";
/// The file beside it with what a proxy knows of its endpoints.
pub(crate) const CLUSTERS: &str = "clusters";
/// What a dump begins with, in whatever form; nothing else has it in its first bytes.
const TYPE: &str = "type.googleapis.com/envoy.admin.v3.";
/// Within how many bytes that stands.
const BEGINNING: usize = 4096;

/// What the dumps among the sources say of each group, in the order of the groups.
pub(crate) fn explain(sources: &[Source], clusters: &[Source], groups: &[Group], lang: Lang) -> Vec<Option<FailureReport>> {
    let mut reports: Vec<Option<FailureReport>> = groups.iter().map(|_| None).collect();
    let dumps: Vec<&Source> = sources.iter().filter(|source| is_dump(source)).collect();
    for source in &dumps {
        // Reading a dump takes a while; the name may say that it is of a proxy of which nothing failed.
        let pod = pod_of(&source.name);
        if pod.is_some_and(|pod| !groups.iter().any(|group| is_of(group, pod))) {
            continue;
        }
        let dump = ConfigDump::read(source.text.as_bytes());
        let proxy = pod.or_else(|| Some(dump.id()?.proxy));
        let beside = clusters.iter().find(|clusters| folder(&clusters.name) == folder(&source.name));
        let clusters = beside.map(|clusters| Clusters::read(clusters.text.as_bytes()));
        for (group, report) in groups.iter().zip(&mut reports) {
            // A line that names no proxy is taken for one of the only proxy that there is.
            let is_of_proxy = proxy.is_some_and(|proxy| is_of(group, proxy)) || (group.hop.is_none() && dumps.len() == 1);
            if report.is_none() && is_of_proxy {
                *report = explain_failure(&dump, clusters.as_ref(), group.verdict.cause, &facts(group), lang);
            }
        }
    }
    reports
}

fn is_dump(source: &Source) -> bool {
    let text = source.text.as_bytes();
    memchr::memmem::find(text.get(..BEGINNING).unwrap_or(text), TYPE.as_bytes()).is_some()
}

/// Whether a group is of a proxy: `POD`, or `POD.NAMESPACE` where both say so.
fn is_of(group: &Group, proxy: &str) -> bool {
    let begins = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    group.hop.as_deref().is_some_and(|hop| begins(proxy, hop) || begins(hop, proxy))
}

/// The pod of `…/proxies/NAMESPACE/POD/config_dump`.
///
/// Source: Istio `tools/bug-report/pkg/archive/archive.go`, 1.29.
fn pod_of(name: &str) -> Option<&str> {
    let mut parts = name.rsplit('/');
    let file = parts.next()?;
    let pod = parts.next().filter(|_| file.split('?').next() == Some(DUMP))?;
    (parts.nth(1)? == "proxies").then_some(pod)
}

fn folder(name: &str) -> Option<&str> {
    name.rsplit_once('/').map(|(folder, _)| folder)
}
