//! `meshwhy plan`.

use std::io::{self, Write};
use std::path::PathBuf;

use meshwhy_check::mesh::{Mesh, Settings};
use meshwhy_check::plan::{Plan, PlanReport};
use meshwhy_check::source::{Sources, parse_all};
use meshwhy_core::Lang;

use crate::args::PlanArgs;
use crate::failure::{Failure, Outcome};
use crate::manifests::Manifests;
use crate::render::plan::{PlanAnswer, write};

/// Reads both sides, plans, writes the steps.
///
/// # Errors
/// Something cannot be read: a document left out would be planned for deletion. Or NEW holds nothing.
pub(super) fn run(out: &mut dyn Write, args: &PlanArgs, lang: Lang) -> Result<Outcome, Failure> {
    let read = |path: &PathBuf| Manifests::read(std::slice::from_ref(path)).map(|manifests| manifests.sources);
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let (parsed_old, parsed_new) = (parse_all(&old), parse_all(&new));
    let settings = Settings { namespace: args.namespace.clone(), ..Settings::default() };
    let (mesh_old, mesh_new) = (Mesh::new(&parsed_old, None, &settings), Mesh::new(&parsed_new, None, &settings));
    let (sources_old, sources_new) = (Sources::new(&old), Sources::new(&new));
    for (mesh, sources) in [(&mesh_old, &sources_old), (&mesh_new, &sources_new)] {
        if let Some(fault) = mesh.faults().next() {
            let line = sources.position(fault.place.file, fault.place.start).line;
            let file = sources.file(fault.place).map_or("", |file| file.name.as_str());
            let source = io::Error::new(io::ErrorKind::InvalidData, fault.kind.to_string());
            return Err(Failure::Input { name: format!("{file}:{line}"), source });
        }
    }
    if mesh_new.documents().next().is_none() {
        return Err(Failure::NothingToCheck(lang));
    }
    let plan = Plan::new(&mesh_old, &mesh_new);
    let report = PlanReport::new(&plan, &sources_old, &sources_new, lang);
    let answer = PlanAnswer { plan: &plan, report: &report, new: &new, lang };
    write(out, &answer, args.format)?;
    Ok(Outcome::Clean)
}
