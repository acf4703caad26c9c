//! `meshwhy doctor`.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use meshwhy_core::Lang;
use meshwhy_proxy::doctor::{DoctorReport, examine};
use meshwhy_proxy::route::{Question, route};
use meshwhy_proxy::{AdminData, Clusters};

use super::route::get;
use crate::args::DoctorArgs;
use crate::failure::{Failure, Outcome};
use crate::proxies;
use crate::render;

/// Reads what the proxy says, and looks at all of it.
///
/// # Errors
/// [`Failure::Usage`] for a URL that is none, [`Failure::Input`] and [`Failure::NoDump`] for files.
pub(super) fn run(out: &mut dyn Write, args: &DoctorArgs, lang: Lang) -> Result<Outcome, Failure> {
    let request = args.destination.as_deref().map(get).transpose()?;
    let read = |path: &Option<PathBuf>| path.as_deref().map(proxies::answer).transpose();
    let (clusters, stats, server_info) = (read(&args.clusters)?, read(&args.stats)?, read(&args.server_info)?);
    let mut reports = Vec::new();
    for proxy in proxies::read(&args.proxy, lang)? {
        let own = proxy.data();
        let data = AdminData {
            clusters: clusters.as_deref().or(own.clusters),
            stats: stats.as_deref().or(own.stats),
            server_info: server_info.as_deref().or(own.server_info),
            ..own
        };
        let dump = proxies::dump(&data, &args.proxy, lang)?;
        let way = request.as_ref().map(|request| {
            let clusters = data.clusters.map(Clusters::read);
            route(&dump, clusters.as_ref(), &Question { request, side: None, listener: None, lang })
        });
        reports.push(examine(&dump, &data, way.as_ref(), Timestamp::now(), lang));
    }
    render::doctor::write(out, &reports, lang, args.output.format)?;
    let is_wrong = reports.iter().any(DoctorReport::is_failure);
    Ok(if is_wrong { Outcome::Findings } else { Outcome::Clean })
}
