//! What a check tells its reader: every renderer takes this and adds only its form.

use std::collections::BTreeMap;
use std::fmt;

use meshwhy_core::catalogue::explanation::Explanation;
use meshwhy_core::catalogue::slot::{Fill, Slot};
use meshwhy_core::catalogue::texts::Lang;
use rayon::prelude::*;
use serde::Serialize;

use crate::document::{Document, Node, Parsed, Place, parse};
use crate::edit::Edit;
use crate::finding::{Finding, Related, Severity};
use crate::mesh::{Mesh, Settings};
use crate::model::ResourceName;
use crate::rules::{Persona, Rule, run_for};
use crate::source::{Position, Source, Sources, parse_all};
use crate::suppression::{self, Suppression};

/// What is asked of a check.
#[derive(Debug, Clone, Default)]
pub struct CheckRequest {
    /// What holds in the mesh.
    pub settings: Settings,
    /// Whom the rules are for; everybody's always run.
    pub personas: Vec<Persona>,
    /// What is not to be said.
    pub suppressions: Vec<Suppression>,
    /// The mesh configuration, as the text of a `MeshConfig`, and what a reader calls it. Without one, that of a ConfigMap `istio` or of an
    /// IstioOperator among the files holds.
    pub mesh_config: Option<Source>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct CheckReport {
    /// What is wrong, in the order of files and lines.
    pub findings: Vec<ReportedFinding>,
    /// What could not be decided, and what was not given.
    pub unknown: Vec<NotChecked>,
    /// The rules that found something, with how to confirm and how to fix.
    pub rules: Vec<ExplainedRule>,
    /// Suppressions that matched nothing.
    pub unmatched_suppressions: Vec<UnmatchedSuppression>,
    /// How many documents were read.
    pub documents: usize,
    /// How many of them are manifests of a kind that is understood, or dumps of proxies.
    pub resources: usize,
}

/// A finding with its words.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ReportedFinding {
    /// Code of the rule.
    pub code: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// `error`, `warning` or `info`.
    pub severity: &'static str,
    /// `certain` or `likely`.
    pub confidence: &'static str,
    /// What is wrong here.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub at: Location,
    /// The manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Other places that it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RelatedLocation>,
    /// Codes of the causes of failed requests that this mistake leads to.
    pub explains: Vec<&'static str>,
    /// Codes of other tools that mean the same.
    pub equivalent: &'static [&'static str],
    /// Whether there is an edit that cures it.
    pub has_edit: bool,
    /// The edits.
    #[serde(skip)]
    pub edits: Vec<Edit>,
    /// The place in bytes.
    #[serde(skip)]
    pub place: Place,
}

/// A place for people and editors.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Location {
    /// The file as it was given.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column after the end.
    pub end_column: u32,
}

/// Another place that a finding rests on.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct RelatedLocation {
    /// Where.
    #[serde(flatten)]
    pub at: Location,
    /// The manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

impl RelatedLocation {
    /// What a reader is shown of it.
    #[must_use]
    pub fn new(related: &Related<'_>, sources: &Sources<'_>) -> Self {
        Self { at: location(sources, related.place), resource: related.resource.map(|resource| resource.to_string()) }
    }
}

impl fmt::Display for Location {
    /// `file:line:column`, as editors and compilers write it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Something that could not be decided.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct NotChecked {
    /// Code of the rule.
    pub code: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// Where.
    #[serde(flatten)]
    pub at: Location,
    /// The manifest.
    pub resource: String,
    /// What was not given.
    pub missing: String,
}

/// A rule that found something.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ExplainedRule {
    /// Its code.
    pub code: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// What is wrong in general.
    pub headline: &'static str,
    /// Why it matters, how to be sure, how to fix it; filled with the words of the first finding.
    pub explanation: Explanation,
}

/// A suppression that matched nothing.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct UnmatchedSuppression {
    /// Its code as written.
    pub code: String,
    /// Where it is written, when it is in a manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Location>,
}

/// The words of a finding, for the slots of commands and patches.
struct FindingWords<'f, 'a>(&'f Finding<'a>);

impl Fill for FindingWords<'_, '_> {
    fn value(&self, slot: Slot) -> Option<&str> {
        let word = |name: &str| self.0.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref());
        let resource = self.0.resource;
        let value = match slot {
            Slot::Namespace => resource.map(|resource| resource.namespace).or_else(|| word("namespace")),
            _ => word(slot.name()),
        };
        // A word of a message may share its name with a slot and be no name.
        value.filter(|value| slot.accepts(value))
    }
}

/// Calls `take` with the mesh of some files, and with the files: those of the mesh configuration stand behind the others.
pub fn with_mesh<R>(
    files: &[Source],
    mesh_config: Option<&Source>,
    settings: &Settings,
    take: impl FnOnce(&Mesh<'_>, &Sources<'_>) -> R,
) -> R {
    let parsed = parse_all(files);
    let both: Vec<_> = files.iter().zip(&parsed).collect();
    with_mesh_of(&both, mesh_config, settings, take)
}

/// Calls `take` with the mesh of files that were read, in the order of their numbers.
pub(crate) fn with_mesh_of<'a, R>(
    files: &[(&'a Source, &'a Parsed<'a>)],
    mesh_config: Option<&Source>,
    settings: &Settings,
    take: impl FnOnce(&Mesh<'_>, &Sources<'_>) -> R,
) -> R {
    let embedded = mesh_config.cloned().or_else(|| mesh_config_map(files));
    let number = u32::try_from(files.len()).unwrap_or(u32::MAX);
    let config = embedded.as_ref().map(|config| parse(number, &config.text));
    let parsed = || files.iter().map(|(_, parsed)| *parsed);
    let mut roots = config.iter().chain(parsed()).flat_map(|file| &file.documents).map(Document::root);
    let config_root = match &config {
        Some(_) => roots.next(),
        None => {
            roots.find(|root| root.str_at(&["kind"]) == Some("IstioOperator")).and_then(|root| root.at(&["spec", "meshConfig"]))
        }
    };
    let mesh = Mesh::new(parsed(), config_root, settings);
    take(&mesh, &Sources::new(files.iter().map(|(source, _)| *source).chain(&embedded)))
}

/// Checks files.
#[must_use]
pub fn check(files: &[Source], request: &CheckRequest, lang: Lang) -> CheckReport {
    with_mesh(files, request.mesh_config.as_ref(), &request.settings, |mesh, sources| report(mesh, sources, request, lang))
}

pub(crate) fn report(mesh: &Mesh<'_>, sources: &Sources<'_>, request: &CheckRequest, lang: Lang) -> CheckReport {
    let mut outcome = run_for(mesh, &request.personas);
    let unmatched = suppression::apply(&mut outcome, mesh, sources, &request.suppressions);
    let place = |place: Place| location(sources, place);
    let mut rules: BTreeMap<&str, ExplainedRule> = BTreeMap::new();
    for (rule, finding) in &outcome.found {
        rules.entry(rule.code).or_insert_with(|| ExplainedRule {
            code: rule.code,
            slug: rule.slug,
            headline: rule.headline(lang),
            explanation: Explanation::new(&rule.entry, lang, &FindingWords(finding)),
        });
    }
    let name = |resource: ResourceName<'_>| resource.to_string();
    CheckReport {
        findings: outcome.found.iter().map(|(rule, finding)| reported(rule, finding, sources, lang)).collect(),
        unknown: outcome
            .unknown
            .iter()
            .map(|(rule, unknown)| NotChecked {
                code: rule.code,
                slug: rule.slug,
                at: place(unknown.place),
                resource: name(unknown.resource),
                missing: unknown.missing.to_string(),
            })
            .collect(),
        rules: rules.into_values().collect(),
        unmatched_suppressions: unmatched
            .into_iter()
            .map(|suppression| UnmatchedSuppression { at: suppression.place.map(place), code: suppression.code })
            .collect(),
        documents: mesh.files.iter().map(|file| file.documents.len() + file.faults.len()).sum(),
        resources: mesh.resources.len() + mesh.config_dumps().count(),
    }
}

/// The mesh configuration in the ConfigMap that istiod reads.
fn mesh_config_map<'a>(files: &[(&Source, &'a Parsed<'a>)]) -> Option<Source> {
    let is_istio = |root: &Node<'_>| {
        let name = || root.str_at(&["metadata", "name"]).unwrap_or_default();
        root.str_at(&["kind"]) == Some("ConfigMap") && (name() == "istio" || name().starts_with("istio-"))
    };
    let configured = |(_, parsed): &(&Source, &'a Parsed<'a>)| {
        parsed.documents.iter().map(Document::root).filter(is_istio).find_map(|root| root.at(&["data", "mesh"]))
    };
    let node = files.par_iter().find_map_first(configured)?;
    let (file, _) = files.get(node.place().file as usize)?;
    Some(Source { name: format!("{} (data.mesh)", file.name), text: node.text()?.to_owned() })
}

fn reported(rule: &'static Rule, finding: &Finding<'_>, sources: &Sources<'_>, lang: Lang) -> ReportedFinding {
    ReportedFinding {
        code: rule.code,
        slug: rule.slug,
        severity: finding.severity.unwrap_or(rule.severity).as_str(),
        confidence: finding.certainty.as_str(),
        message: rule.message.filled(lang, &finding.values),
        at: location(sources, finding.place),
        resource: finding.resource.map(|resource| resource.to_string()),
        related: finding.related.iter().map(|related| RelatedLocation::new(related, sources)).collect(),
        explains: rule.explains.iter().map(|cause| cause.code).collect(),
        equivalent: rule.equivalent,
        has_edit: !finding.edits.is_empty(),
        edits: finding.edits.clone(),
        place: finding.place,
    }
}

/// A place for people and editors.
#[must_use]
pub fn location(sources: &Sources<'_>, place: Place) -> Location {
    let Position { line, column } = sources.position(place.file, place.start);
    let end = sources.position(place.file, place.end);
    let file = sources.file(place).map(|file| file.name.clone()).unwrap_or_default();
    Location { file, line, column, end_line: end.line, end_column: end.column }
}

impl CheckReport {
    /// The worst severity; `None` when nothing was found.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        let severity =
            |finding: &ReportedFinding| Severity::ALL.iter().copied().find(|severity| severity.as_str() == finding.severity);
        self.findings.iter().filter_map(severity).max()
    }
}
