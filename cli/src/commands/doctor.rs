//! `meshwhy doctor`.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::source::parse_all;
use meshwhy_core::Lang;
use meshwhy_diagnose::Analysis;
use meshwhy_proxy::doctor::{DoctorReport, ModuleLog, compare, examine, of_log};
use meshwhy_proxy::route::{Question, route};
use meshwhy_proxy::{AdminData, Clusters};

use super::route::get;
use crate::args::DoctorArgs;
use crate::failure::{Failure, Outcome};
use crate::manifests::Manifests;
use crate::proxies;
use crate::render;

/// How V8 reports a trap in Envoy's log.
const TRAP: &str = "failed: Uncaught RuntimeError";

/// Reads what the proxy says, and looks at all of it.
///
/// # Errors
/// [`Failure::Usage`] for a URL that is none, [`Failure::Input`] and [`Failure::NoDump`] for files.
pub(super) fn run(out: &mut dyn Write, args: &DoctorArgs, lang: Lang) -> Result<Outcome, Failure> {
    let request = args.destination.as_deref().map(get).transpose()?;
    let read = |path: &Option<PathBuf>| path.as_deref().map(proxies::answer).transpose();
    let (clusters, stats, server_info) = (read(&args.clusters)?, read(&args.stats)?, read(&args.server_info)?);
    let (certs, log) = (read(&args.certs)?, read(&args.log)?);
    let manifests = if args.manifests.is_empty() { None } else { Some(Manifests::read(&args.manifests)?.sources) };
    let mut reports = Vec::new();
    for proxy in proxies::read(&args.proxy, lang)? {
        let own = proxy.data();
        let data = AdminData {
            clusters: clusters.as_deref().or(own.clusters),
            certs: certs.as_deref().or(own.certs),
            stats: stats.as_deref().or(own.stats),
            server_info: server_info.as_deref().or(own.server_info),
            ..own
        };
        let dump = proxies::dump(&data, &args.proxy, lang)?;
        let way = request.as_ref().map(|request| {
            let clusters = data.clusters.map(Clusters::read);
            route(&dump, clusters.as_ref(), &Question { request, side: None, listener: None, lang })
        });
        let mut report = examine(&dump, &data, way.as_ref(), Timestamp::now(), lang);
        if let Some(sources) = &manifests {
            let (parsed, settings) = (parse_all(sources), Settings::default());
            report.examined.extend(compare(&dump, &Mesh::new(&parsed, None, &settings), lang));
        }
        if let Some(log) = &log {
            report.examined.extend(of_log(&dump, module_log(log), lang));
        }
        report.examined.sort_by_key(|one| one.area);
        reports.push(report);
    }
    render::doctor::write(out, &reports, lang, args.output.format)?;
    let is_wrong = reports.iter().any(DoctorReport::is_failure);
    Ok(if is_wrong { Outcome::Findings } else { Outcome::Clean })
}

/// What a proxy's log says of modules.
fn module_log(log: &[u8]) -> ModuleLog {
    let analysis = Analysis::of(log);
    let loads = analysis.groups.iter().filter(|group| group.verdict.cause.slug == "wasm-load-failed");
    let traps = String::from_utf8_lossy(log).lines().filter(|line| line.contains("wasm") && line.contains(TRAP)).count() as u64;
    ModuleLog {
        // A trap is such an event, too.
        load_failures: loads.map(|group| group.count).sum::<u64>().saturating_sub(traps),
        traps,
        records: analysis.tally.records,
        failures: analysis.tally.failed,
    }
}
