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

    /// Whether an access log, cut as it is, is worth more than what was found inside of it.
    pub(crate) fn says_less_than(&self, outer: &Self) -> bool {
        let weight = |line: &Self| match &line.content {
            Content::Facts(_, Format::Evidence) | Content::Header(_) | Content::Blank | Content::Unreadable => 0,
            Content::Facts(facts, _) => facts.count(),
            Content::Healthy | Content::Record(..) => usize::MAX,
        };
        weight(self) < weight(outer)
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
