//! The dumps of proxies beside what failed: where each failed request went in the proxy that speaks.

use meshwhy_check::source::Source;
use meshwhy_core::Lang;
use meshwhy_diagnose::Group;
use meshwhy_proxy::route::{FailureReport, explain_failure};
use meshwhy_proxy::{Clusters, ConfigDump};

use crate::configuration::facts;

/// The file with what a proxy is configured with, in an archive and live.
pub const DUMP: &str = "config_dump";
/// The file beside it with what a proxy knows of its endpoints.
pub const CLUSTERS: &str = "clusters";
/// What a dump begins with, in whatever form; nothing else has it in its first bytes.
const TYPE: &str = "type.googleapis.com/envoy.admin.v3.";
/// Within how many bytes that stands.
const BEGINNING: usize = 4096;

/// What a proxy says of itself.
#[derive(Debug, Clone, Copy)]
pub struct ProxyDump<'a> {
    /// Its pod, or `POD.NAMESPACE`, where something beside the dump says so.
    pub proxy: Option<&'a str>,
    /// `/config_dump`.
    pub config_dump: &'a [u8],
    /// `/clusters`.
    pub clusters: Option<&'a [u8]>,
}

impl<'a> ProxyDump<'a> {
    /// The dumps among sources, each with the answer that has its name but for the file.
    #[must_use]
    pub fn among(sources: &'a [Source], clusters: &'a [Source]) -> Vec<Self> {
        let of = |source: &'a Source| {
            let beside = clusters.iter().find(|clusters| folder(&clusters.name) == folder(&source.name));
            Self {
                proxy: pod_of(&source.name),
                config_dump: source.text.as_bytes(),
                clusters: beside.map(|clusters| clusters.text.as_bytes()),
            }
        };
        sources.iter().filter(|source| is_dump(source)).map(of).collect()
    }
}

/// What dumps say of each group, in the order of the groups.
#[must_use]
pub fn explain(dumps: &[ProxyDump<'_>], groups: &[Group], lang: Lang) -> Vec<Option<FailureReport>> {
    let mut reports: Vec<Option<FailureReport>> = groups.iter().map(|_| None).collect();
    for given in dumps {
        // Reading a dump takes a while; it may be known to be of a proxy of which nothing failed.
        if given.proxy.is_some_and(|proxy| !groups.iter().any(|group| is_of(group, proxy))) {
            continue;
        }
        let dump = ConfigDump::read(given.config_dump);
        let proxy = given.proxy.or_else(|| Some(dump.id()?.proxy));
        let clusters = given.clusters.map(Clusters::read);
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
