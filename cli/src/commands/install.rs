//! `meshwhy install`: nothing is changed but the files of a folder.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use meshwhy_check::mesh::Settings;
use meshwhy_check::preflight::{Standing, preflight, sizes};
use meshwhy_check::report::with_mesh;
use meshwhy_check::source::Source;
use meshwhy_cluster::{Beyond, Extent, Namespaces, RbacSubject, Selection};
use meshwhy_core::Lang;
use meshwhy_envoyfilter::{File, helm, kustomize};

use super::{all_but_last, live};
use crate::args::{InstallFormatArg, RbacArgs};
use crate::check_options::LiveObjects;
use crate::failure::{Failure, Outcome};
use crate::install_options::{InstallAction, InstallOptions};
use crate::manifests::Manifests;
use crate::render::install as render;

/// Renders, or checks against what is there.
///
/// # Errors
/// A folder cannot be written, or a manifest of the cluster cannot be read: what is left out would pass for absent.
pub(super) fn run(out: &mut dyn Write, options: &InstallOptions, lang: Lang) -> Result<Outcome, Failure> {
    let InstallOptions { install, rendering, action } = options;
    let rendered = Source { name: "meshwhy install".to_owned(), text: rendering.text() };
    if let InstallAction::Remove(form, folder) = action {
        return remove(out, options, *form, folder.as_deref(), lang);
    }
    match action {
        InstallAction::Check(paths) => {
            let given = Manifests::read(paths)?.sources;
            return check(out, options, &given, &rendered, lang);
        }
        InstallAction::CheckLive(access) => {
            let live = LiveObjects {
                access: access.clone(),
                istio_namespace: install.root_namespace.as_str().to_owned(),
                selection: Selection { namespaces: Namespaces::All, ..Selection::default() },
            };
            let (given, failures) = live::objects(&live, lang)?;
            let outcome = check(out, options, &given, &rendered, lang)?;
            out.flush()?;
            return all_but_last(failures).map(|()| outcome);
        }
        _ => {}
    }
    let err = &mut anstream::stderr();
    let settings = Settings::default();
    with_mesh(std::slice::from_ref(&rendered), None, &settings, |mesh, _| render::sizes(err, &sizes(mesh), install, lang))?;
    render::notes(err, install, rendering, lang)?;
    match action {
        InstallAction::Kustomize(folder) => {
            save(folder, &kustomize(rendering))?;
            render::written(err, InstallFormatArg::Kustomize, folder, install, lang)?;
        }
        InstallAction::Chart(folder) => {
            let chart = helm(install, env!("CARGO_PKG_VERSION")).map_err(|refusal| Failure::Usage(refusal.to_string()))?;
            nothing_else_in(folder, &chart)?;
            save(folder, &chart)?;
            render::written(err, InstallFormatArg::Helm, folder, install, lang)?;
        }
        InstallAction::Stream | InstallAction::Remove(..) | InstallAction::Check(_) | InstallAction::CheckLive(_) => {
            render::stream(out, rendering)?
        }
    }
    Ok(Outcome::Clean)
}

/// Renders the roles of whoever reads a cluster.
///
/// # Errors
/// [`Failure::Usage`] where nobody is named.
pub(super) fn rbac(out: &mut dyn Write, args: RbacArgs) -> Result<Outcome, Failure> {
    let RbacArgs { user, group, service_account, namespace, root_namespace, probe, deep } = args;
    let account =
        service_account.map(|(namespace, name)| RbacSubject::ServiceAccount(namespace.as_str().into(), name.as_str().into()));
    let subject = user
        .map(RbacSubject::User)
        .or(group.map(RbacSubject::Group))
        .or(account)
        .ok_or_else(|| Failure::Usage("for whom? name one with --user, --group or --service-account".to_owned()))?;
    let extent = namespace.map_or(Extent::Cluster, |namespace| Extent::Namespace(namespace.as_str().to_owned()));
    out.write_all(meshwhy_cluster::rbac(&subject, &extent, root_namespace.as_str(), Beyond { admin: deep, probe }).as_bytes())?;
    Ok(Outcome::Clean)
}

fn remove(
    out: &mut dyn Write,
    options: &InstallOptions,
    form: InstallFormatArg,
    folder: Option<&Path>,
    lang: Lang,
) -> Result<Outcome, Failure> {
    render::removal_notes(&mut anstream::stderr(), options, lang)?;
    match form {
        InstallFormatArg::Yaml => out.write_all(options.rendering.removal().as_bytes())?,
        InstallFormatArg::Kustomize | InstallFormatArg::Helm => render::removal_command(out, options, form, folder)?,
    }
    Ok(Outcome::Clean)
}

fn check(
    out: &mut dyn Write,
    options: &InstallOptions,
    given: &[Source],
    rendered: &Source,
    lang: Lang,
) -> Result<Outcome, Failure> {
    let root = options.install.root_namespace.as_str();
    let settings = Settings { istio_minor: options.install.istio_minor, ..Settings::default() };
    with_mesh(given, None, &settings, |theirs, sources| {
        if let Some(fault) = theirs.faults().next() {
            let line = sources.position(fault.place.file, fault.place.start).line;
            let file = sources.file(fault.place).map_or("", |file| file.name.as_str());
            let source = io::Error::new(io::ErrorKind::InvalidData, fault.kind.to_string());
            return Err(Failure::Input { name: format!("{file}:{line}"), source });
        }
        if theirs.documents().next().is_none() {
            return Err(Failure::NothingToCheck(lang));
        }
        with_mesh(std::slice::from_ref(rendered), None, &settings, |ours, _| {
            let remarks = preflight(theirs, ours, root);
            render::sizes(out, &sizes(ours), &options.install, lang)?;
            render::remarks(out, &remarks, sources, lang)?;
            let is_wrong = remarks.iter().any(|remark| remark.standing >= Standing::Warning);
            Ok(if is_wrong { Outcome::Findings } else { Outcome::Clean })
        })
    })
}

/// Helm applies every file among the templates, those of an earlier chart with other options, too.
fn nothing_else_in(folder: &Path, chart: &[File]) -> Result<(), Failure> {
    let Ok(entries) = fs::read_dir(folder.join("templates")) else { return Ok(()) };
    for entry in entries {
        let name = entry?.file_name();
        let is_ours = |file: &File| file.path.strip_prefix("templates/").is_some_and(|path| name == path);
        if !chart.iter().any(is_ours) {
            let path = folder.join("templates").join(name);
            let path = crate::escape::line(&path.display().to_string());
            return Err(Failure::Usage(format!("{path} is not of this chart, and Helm would apply it; remove it first")));
        }
    }
    Ok(())
}

/// Writes what is not there yet.
fn save(folder: &Path, files: &[File]) -> Result<(), Failure> {
    for File { path, text } in files {
        let path = folder.join(path);
        if fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
            continue;
        }
        let parent = path.parent().unwrap_or(folder);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
        written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    }
    Ok(())
}
