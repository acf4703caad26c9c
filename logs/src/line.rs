//! A line, understood.

use meshwhy_core::Facts;
use meshwhy_core::record::Record;

use crate::origin::Origin;

/// One line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Who wrote the line, as the tools that carried it say.
    pub origin: Option<Origin<'a>>,
    /// What is left without their wrapping.
    pub content: Content<'a>,
    /// Whether the line is known to be cut: facts may be missing.
    pub truncated: bool,
}

/// What a line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// One request or connection that did not fail, found so without reading all of it.
    Healthy,
    /// One request, connection or event, healthy or not.
    Facts(Facts<'a>, Format),
    /// One record.
    Record(Record, Writer),
    /// The members of a `Proxy-Status` header in header order, the one nearest the origin first.
    Header(Vec<Facts<'a>>),
    /// Nothing but white space, or what only frames other lines.
    Blank,
    /// No UTF-8, longer than [`MAX_LINE`], or of no known format.
    Unreadable,
}

/// The format of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Istio's default, `accessLogEncoding: TEXT`.
    IstioText,
    /// Istio's default keys, `accessLogEncoding: JSON`, or keys that mean the same.
    IstioJson,
    /// Envoy's default format.
    EnvoyText,
    /// A format that the user gave.
    Custom,
    /// ztunnel's access log.
    Ztunnel,
    /// Anything else that tells of a failure: application logs, events, response heads and bodies, pieces of lines.
    Evidence,
}

/// Who wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The module, into Envoy's log.
    Module,
    /// Envoy's own JSON access logger, in the native deployment.
    Envoy,
}

/// How much a reading says: a whole line more than a cut one, an access log more than other words, more facts more than fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Worth {
    pub(crate) whole: bool,
    pub(crate) access_log: bool,
    pub(crate) facts: usize,
}

impl<'a> Line<'a> {
    pub(crate) const fn of(content: Content<'a>) -> Self {
        Self { origin: None, content, truncated: false }
    }

    /// Whether the line shows a failure.
    pub(crate) fn fails(&self) -> bool {
        match &self.content {
            Content::Facts(facts, _) => facts.shows_failure(),
            Content::Record(..) | Content::Header(_) => true,
            Content::Healthy | Content::Blank | Content::Unreadable => false,
        }
    }

    /// Whether the line is an access log from its beginning to its end, or a record.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.content {
            Content::Healthy | Content::Record(..) => true,
            Content::Facts(_, format) => *format != Format::Evidence && !self.truncated,
            Content::Header(_) | Content::Blank | Content::Unreadable => false,
        }
    }

    /// Whether the line is of a known format.
    pub(crate) fn is_ours(&self) -> bool {
        !matches!(self.content, Content::Blank | Content::Unreadable)
    }

    /// How much the line says, for choosing between readings.
    pub(crate) fn worth(&self) -> Worth {
        let (access_log, facts) = match &self.content {
            Content::Healthy | Content::Record(..) => (true, usize::MAX),
            Content::Facts(facts, format) => (*format != Format::Evidence, facts.count()),
            Content::Header(_) | Content::Blank | Content::Unreadable => (false, 0),
        };
        Worth { whole: self.is_whole(), access_log, facts }
    }

    /// Puts the pod that the wrapping names into facts that name none.
    pub(crate) fn complete(&mut self) {
        if let (Some(origin), Content::Facts(facts, _)) = (&self.origin, &mut self.content) {
            facts.context.pod = facts.context.pod.take().or_else(|| origin.pod.clone());
            facts.context.namespace = facts.context.namespace.take().or_else(|| origin.namespace.clone());
        }
    }

    /// Copies every borrowed text, so that the line outlives its bytes.
    #[must_use]
    pub fn into_owned(self) -> Line<'static> {
        let content = match self.content {
            Content::Facts(facts, format) => Content::Facts(facts.into_owned(), format),
            Content::Header(members) => Content::Header(members.into_iter().map(Facts::into_owned).collect()),
            Content::Record(record, writer) => Content::Record(record, writer),
            Content::Healthy => Content::Healthy,
            Content::Blank => Content::Blank,
            Content::Unreadable => Content::Unreadable,
        };
        Line { origin: self.origin.map(Origin::into_owned), content, truncated: self.truncated }
    }
}
