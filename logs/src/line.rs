//! A line, understood.

use meshwhy_core::Facts;
use meshwhy_core::record::Record;

use crate::access_log::field::Success;
use crate::origin::Origin;

/// One line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineReading<'a> {
    /// Who wrote the line, as the tools that carried it say.
    pub origin: Option<Origin<'a>>,
    /// What is left without their wrapping.
    pub content: LineContent<'a>,
    /// Whether the line is known to be cut: facts may be missing.
    pub truncated: bool,
}

/// What a line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineContent<'a> {
    /// One request or connection that did not fail, found so without reading all of it.
    Healthy(Success<'a>),
    /// One request, connection or event, healthy or not.
    Facts(Facts<'a>, LineFormat),
    /// One record.
    Record(Record, RecordWriter),
    /// The members of a `Proxy-Status` header in header order, the one nearest the origin first.
    Header(Vec<Facts<'a>>),
    /// The items of a list of the cluster's events that say something, in their order.
    Events(Vec<Facts<'a>>),
    /// Nothing but white space, or what only frames other lines.
    Blank,
    /// No UTF-8, longer than [`MAX_LINE`], or of no known format.
    Unreadable,
}

/// The format of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// An access log of Envoy or ztunnel, in their formats or the user's.
    AccessLog,
    /// Anything else that shows a failure: application logs, events, response heads and bodies, pieces of lines.
    Evidence,
}

/// Who wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordWriter {
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

impl<'a> LineReading<'a> {
    pub(crate) const fn of(content: LineContent<'a>) -> Self {
        Self { origin: None, content, truncated: false }
    }

    /// Whether the line shows a failure.
    pub(crate) fn fails(&self) -> bool {
        match &self.content {
            LineContent::Facts(facts, _) => facts.shows_failure(),
            LineContent::Record(..) | LineContent::Header(_) => true,
            LineContent::Events(events) => events.iter().any(|facts| facts.shows_failure()),
            LineContent::Healthy(_) | LineContent::Blank | LineContent::Unreadable => false,
        }
    }

    /// Whether the line is an access log from its beginning to its end, a record, or a list of events.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.content {
            LineContent::Healthy(_) | LineContent::Record(..) | LineContent::Events(_) => true,
            LineContent::Facts(_, format) => *format != LineFormat::Evidence && !self.truncated,
            LineContent::Header(_) | LineContent::Blank | LineContent::Unreadable => false,
        }
    }

    /// Whether the line is of a known format.
    pub(crate) fn is_ours(&self) -> bool {
        !matches!(self.content, LineContent::Blank | LineContent::Unreadable)
    }

    /// How much the line says, for choosing between readings.
    pub(crate) fn worth(&self) -> Worth {
        let (access_log, facts) = match &self.content {
            LineContent::Healthy(_) | LineContent::Record(..) => (true, usize::MAX),
            LineContent::Facts(facts, format) => (*format != LineFormat::Evidence, facts.count()),
            LineContent::Events(events) => (false, events.iter().map(|facts| facts.count()).sum()),
            LineContent::Header(_) | LineContent::Blank | LineContent::Unreadable => (false, 0),
        };
        Worth { whole: self.is_whole(), access_log, facts }
    }

    /// Puts the pod that the wrapping names into facts that name none.
    pub(crate) fn complete(&mut self) {
        if let (Some(origin), LineContent::Facts(facts, _)) = (&self.origin, &mut self.content) {
            facts.context.pod = facts.context.pod.take().or_else(|| origin.pod.clone());
            facts.context.namespace = facts.context.namespace.take().or_else(|| origin.namespace.clone());
        }
    }

    /// Copies every borrowed text, so that the line outlives its bytes.
    #[must_use]
    pub fn into_owned(self) -> LineReading<'static> {
        let content = match self.content {
            LineContent::Facts(facts, format) => LineContent::Facts(facts.into_owned(), format),
            LineContent::Header(members) => LineContent::Header(members.into_iter().map(Facts::into_owned).collect()),
            LineContent::Events(events) => LineContent::Events(events.into_iter().map(Facts::into_owned).collect()),
            LineContent::Record(record, writer) => LineContent::Record(record, writer),
            LineContent::Healthy(success) => LineContent::Healthy(success.into_owned()),
            LineContent::Blank => LineContent::Blank,
            LineContent::Unreadable => LineContent::Unreadable,
        };
        LineReading { origin: self.origin.map(Origin::into_owned), content, truncated: self.truncated }
    }
}
