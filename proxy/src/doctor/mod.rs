//! What is wrong with a proxy, as far as its admin interface says: one line for each thing that was looked at.

mod access_log_filter;
mod certificates;
mod circuit_breakers;
mod configuration;
mod connection_failures;
mod connections;
mod loaded_certificates;
mod manifests;
mod module;
mod module_log;
mod telemetry;

pub use self::manifests::compare;
pub use self::module_log::{ModuleLog, of_log};

use jiff::Timestamp;
use meshwhy_core::Lang;
use serde::Serialize;

use crate::admin::Stats;
use crate::matching::Truth;
use crate::route::RouteReport;
use crate::words::say;
use crate::{AdminData, Clusters, ConfigDump};

/// What was looked at in a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct DoctorReport {
    /// `POD.NAMESPACE` of the proxy, where it is one of Istio's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// When the proxy last took an update, as RFC 3339 writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<String>,
    /// One for each thing.
    pub examined: Vec<Examined>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Examined {
    /// What it belongs to.
    pub area: Area,
    /// Whether it is as it should be.
    pub good: Truth,
    /// What was seen.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// What a thing belongs to, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// What the control plane delivered.
    Configuration,
    /// Certificates and CAs.
    Certificates,
    /// Connections to others.
    Connections,
    /// The destination that was asked about.
    Destination,
    /// meshwhy's own module.
    Module,
    /// Logs and traces.
    Telemetry,
    /// Manifests that should be in it.
    Manifests,
}

/// Everything that the examinations look at.
struct Proxy<'p, 'a> {
    dump: &'p ConfigDump<'a>,
    clusters: Option<Clusters>,
    stats: Option<Stats>,
    data: &'p AdminData<'a>,
    now: Timestamp,
    lang: Lang,
}

/// Looks at a proxy, and at the way to a destination that was asked about. What expired before `now`, and after the proxy's last update, may
/// have been renewed since the data were taken.
#[must_use]
pub fn examine(
    dump: &ConfigDump<'_>,
    data: &AdminData<'_>,
    destination: Option<&RouteReport>,
    now: Timestamp,
    lang: Lang,
) -> DoctorReport {
    let (clusters, stats) = (data.clusters.map(Clusters::read), data.stats.map(Stats::read));
    let proxy = Proxy { dump, clusters, stats, data, now, lang };
    let mut examined = configuration::examine(&proxy);
    examined.extend(certificates::examine(&proxy));
    examined.extend(connections::examine(&proxy));
    examined.extend(destination.into_iter().flat_map(|report| of_route(report, lang)));
    examined.extend(module::examine(&proxy));
    examined.extend(telemetry::examine(&proxy));
    DoctorReport {
        proxy: dump.id().map(|id| id.proxy.to_owned()),
        last_updated: dump.last_updated().map(str::to_owned),
        examined,
    }
}

impl DoctorReport {
    /// Whether something is wrong.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.examined.iter().any(|examined| examined.good == Truth::No)
    }
}

impl Examined {
    fn good(area: Area, what: String) -> Self {
        Self { area, good: Truth::Yes, what, action: None }
    }

    fn bad(area: Area, what: String, action: String) -> Self {
        Self { area, good: Truth::No, what, action: Some(action) }
    }

    fn open(area: Area, what: String, action: String) -> Self {
        Self { area, good: Truth::Unknown, what, action: Some(action) }
    }
}

/// The way to a destination: its steps, and how it ends.
fn of_route(report: &RouteReport, lang: Lang) -> Vec<Examined> {
    let step = |passed, name: &str, detail: &str| {
        let what = if name.is_empty() { detail.to_owned() } else { format!("{name}: {detail}") };
        Examined { area: Area::Destination, good: passed, what, action: None }
    };
    let mut examined: Vec<Examined> = report.steps.iter().map(|it| step(it.passed, &it.name, &it.detail)).collect();
    examined.extend(report.destinations.iter().map(|it| step(it.served, &it.cluster, &it.detail)));
    let good = match report.outcome {
        crate::route::report::Outcome::Unknown => Truth::Unknown,
        _ => Truth::from(!report.is_failure()),
    };
    let action = (good != Truth::Yes).then(|| {
        say!(
            lang,
            "`meshwhy route` with the same file and URL lists hosts and routes that came near.",
            "用相同的文件和 URL 运行 `meshwhy route` 可列出最接近的主机和路由。"
        )
    });
    examined.push(Examined { area: Area::Destination, good, what: format!("{}: {}", report.request, report.headline), action });
    examined
}
