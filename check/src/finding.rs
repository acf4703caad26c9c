//! What a rule found.

use std::borrow::Cow;

use meshwhy_core::words;

use crate::document::{Node, Place};
use crate::edit::Edit;
use crate::model::{Resource, ResourceName};

words! {
    /// How bad it is when a finding is right.
    pub enum Severity {
        /// Works, and could be said better.
        Info = "info",
        /// May fail, or does not do what it seems to.
        Warning = "warning",
        /// Fails, or is refused.
        Error = "error",
    }
}

words! {
    /// How sure a finding is.
    pub enum Certainty {
        /// Inferred: something that was not given could make it right.
        Likely = "likely",
        /// The files alone prove it.
        Certain = "certain",
    }
}

/// A rule that fired on a manifest.
#[derive(Debug, Clone)]
pub struct Finding<'a> {
    /// The manifest; `None` for a document that is none.
    pub resource: Option<ResourceName<'a>>,
    /// What is to be changed.
    pub place: Place,
    /// How sure it is.
    pub certainty: Certainty,
    /// Severity where it differs from the rule's.
    pub severity: Option<Severity>,
    /// The words that fill the rule's message.
    pub values: Vec<(&'static str, Cow<'a, str>)>,
    /// Other places that it rests on.
    pub related: Vec<Related<'a>>,
    /// What would cure it, where that is mechanical.
    pub edits: Vec<Edit>,
}

/// Another place that a finding rests on.
#[derive(Debug, Clone)]
pub struct Related<'a> {
    /// The manifest that it is in.
    pub resource: Option<ResourceName<'a>>,
    /// Where.
    pub place: Place,
}

impl<'a> Finding<'a> {
    /// A finding at a node of a manifest.
    #[must_use]
    pub fn new(resource: &Resource<'a>, node: Node<'a>) -> Self {
        Self { resource: Some(resource.id()), ..Self::at(node.place()) }
    }

    /// A finding in what is no manifest.
    #[must_use]
    pub const fn at(place: Place) -> Self {
        Self {
            resource: None,
            place,
            certainty: Certainty::Certain,
            severity: None,
            values: Vec::new(),
            related: Vec::new(),
            edits: Vec::new(),
        }
    }

    /// A finding in a manifest where it is in one, else in a file that is none, such as the mesh configuration.
    #[must_use]
    pub fn within(resource: Option<&Resource<'a>>, node: Node<'a>) -> Self {
        resource.map_or_else(|| Self::at(node.place()), |resource| Self::new(resource, node))
    }

    /// With a word for the message.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// With another place that it rests on.
    #[must_use]
    pub fn beside(mut self, resource: &Resource<'a>, node: Node<'a>) -> Self {
        self.related.push(Related { resource: Some(resource.id()), place: node.place() });
        self
    }

    /// With an edit that cures it.
    #[must_use]
    pub fn cured_by(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// Only likely: something that was not given could make it right.
    #[must_use]
    pub const fn likely(mut self) -> Self {
        self.certainty = Certainty::Likely;
        self
    }

    /// Of another severity than its rule.
    #[must_use]
    pub const fn of_severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

/// Something that a rule could not decide, and what it lacked.
#[derive(Debug, Clone)]
pub struct Undecided<'a> {
    /// The manifest.
    pub resource: ResourceName<'a>,
    /// What could not be looked at.
    pub place: Place,
    /// What was not given, such as `Service reviews.shop.svc.cluster.local`.
    pub missing: Cow<'a, str>,
}

/// What one rule found.
#[derive(Debug, Default)]
pub struct Findings<'a> {
    /// What is wrong.
    pub found: Vec<Finding<'a>>,
    /// What could not be decided.
    pub unknown: Vec<Undecided<'a>>,
}

impl<'a> Findings<'a> {
    /// Something is wrong.
    pub fn add(&mut self, finding: Finding<'a>) {
        self.found.push(finding);
    }

    /// Something could not be decided, because `missing` was not given.
    pub fn unknown(&mut self, resource: &Resource<'a>, node: Node<'a>, missing: impl Into<Cow<'a, str>>) {
        self.unknown.push(Undecided { resource: resource.id(), place: node.place(), missing: missing.into() });
    }
}
