//! One line of the answer.

use std::borrow::Cow;

use meshwhy_core::catalogue::texts::Lang;

use crate::document::Place;
use crate::model::{Resource, ResourceName};
use crate::rules::Message;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is as it should be.
    Passed,
    /// Nobody gave what would say.
    Unknown,
    /// It works, and not as one may expect.
    Warning,
    /// It will not work, or breaks something.
    Failed,
}

/// How something stands, and where that is written.
#[derive(Debug, Clone)]
pub struct Remark<'a> {
    /// How it stands.
    pub standing: Standing,
    /// The manifest that it is about.
    pub resource: Option<ResourceName<'a>>,
    /// Where, in the files that were given.
    pub place: Option<Place>,
    message: &'static Message,
    values: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> Remark<'a> {
    pub(super) fn new(standing: Standing, message: &'static Message) -> Self {
        Self { standing, resource: None, place: None, message, values: Vec::new() }
    }

    pub(super) fn at(self, resource: &Resource<'a>, place: Place) -> Self {
        Self { resource: Some(resource.id()), place: Some(place), ..self }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// What is to be said.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        self.message.filled(lang, &self.values)
    }
}
