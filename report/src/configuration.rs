//! The manifests beside what failed: which of their lines explains it.

use std::borrow::Cow;

use meshwhy_check::join::{ConfigurationCause, explain, hidden_failure};
use meshwhy_check::mesh::Settings;
use meshwhy_check::report::{Location, RelatedLocation, location, with_mesh};
use meshwhy_check::rules::run;
use meshwhy_check::source::{Source, Sources};
use meshwhy_core::{Facts, Lang};
use meshwhy_diagnose::{Analysis, Group};
use meshwhy_proxy::route::FailureReport;
use serde::Serialize;

use crate::dumps::{self, ProxyDump};

/// The manifests that were given.
#[derive(Debug, Default)]
pub struct ConfigurationFiles {
    /// Their files, and dumps of proxies.
    pub sources: Vec<Source>,
    /// What the proxies know of their endpoints, each with the name of the dump beside it but for the file.
    pub clusters: Vec<Source>,
    /// The mesh configuration, where it is a file of its own.
    pub mesh_config: Option<Source>,
}

/// The place in the manifests that explains a failure.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Configuration {
    /// Where.
    #[serde(flatten)]
    pub at: Location,
    /// The manifest.
    pub resource: String,
    /// What is wrong there.
    pub message: String,
    /// Code of the rule of `meshwhy check` that says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// Whether there is an edit that cures it.
    pub has_edit: bool,
    /// Other places that it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RelatedLocation>,
}

impl ConfigurationFiles {
    /// Where the request of each group went in the proxy that speaks, where its dump is among the files; in the order of the groups.
    #[must_use]
    pub fn routes(&self, analysis: &Analysis, lang: Lang) -> Vec<Option<FailureReport>> {
        dumps::explain(&ProxyDump::among(&self.sources, &self.clusters), &analysis.groups, lang)
    }

    /// What the manifests say of each group, in the order of the groups; `None` where nothing in them explains it. Suspects that the
    /// manifests prove to have failed become groups.
    #[must_use]
    pub fn explain(&self, analysis: &mut Analysis, lang: Lang) -> Vec<Option<Configuration>> {
        with_mesh(&self.sources, self.mesh_config.as_ref(), &Settings::default(), |mesh, sources| {
            let findings = run(mesh);
            for suspect in std::mem::take(&mut analysis.suspects) {
                if hidden_failure(mesh, &facts(&suspect)).is_some() {
                    analysis.convict(suspect);
                }
            }
            let found = |group: &Group| {
                let cause = explain(mesh, group.verdict.cause, &facts(group), &findings)?;
                Some(Configuration::new(&cause, sources, lang))
            };
            analysis.groups.iter().map(found).collect()
        })
    }
}

/// The facts of a group, with the proxy that its lines name.
pub(crate) fn facts(group: &Group) -> Facts<'_> {
    let mut facts: Facts<'_> = group.facts.clone();
    facts.context.pod = facts.context.pod.or_else(|| group.hop.as_deref().map(Cow::Borrowed));
    facts.side = facts.side.or(group.side);
    facts
}

impl Configuration {
    fn new(cause: &ConfigurationCause<'_>, sources: &Sources<'_>, lang: Lang) -> Self {
        Self {
            at: location(sources, cause.place),
            resource: cause.resource.to_string(),
            message: cause.message(lang),
            rule: cause.rule.map(|rule| rule.code),
            has_edit: !cause.edits.is_empty(),
            related: cause.related.iter().map(|related| RelatedLocation::new(related, sources)).collect(),
        }
    }
}
