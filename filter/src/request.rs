//! What one request remembers between its callbacks.

use std::rc::Rc;

use crate::verdict_cache::CachedVerdict;

/// The memory of one request.
#[derive(Debug, Clone, Default)]
pub struct RequestState {
    /// It was checked for trace context and came without any.
    pub lacks_trace_context: bool,
    /// How its response began; `None` while it has not, and under [`RecordScope::Replies`](crate::config::RecordScope::Replies) unless it is
    /// this module's to report.
    pub reply: Option<Reply>,
    /// The failure that was judged before the response was sent.
    pub judged: Option<Rc<CachedVerdict>>,
}

/// How a response began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Well, as far as its headers show.
    Fine,
    /// With a failure.
    Failed,
}

impl RequestState {
    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.lacks_trace_context && self.reply.is_none() && self.judged.is_none()
    }
}
