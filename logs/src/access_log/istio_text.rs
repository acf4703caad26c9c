//! Istio's default TEXT access log.
//!
//! Envoy escapes nothing in a text log and clients choose user agent and `x-forwarded-for`: what stands before those is read
//! from the left, what stands behind them from the right, and they themselves not at all.
//!
//! Source: Istio `pilot/pkg/model/telemetry_logging.go` (1.9 and later); before 1.9 Mixer's status in quotes stood in
//! place of the two details fields.

use std::borrow::Cow;

use meshwhy_core::{Facts, ResponseFlags};

/// Reads a line; `None` when it is of another shape.
pub(crate) fn parse(text: &str) -> Option<Facts<'_>> {
    let mut head = Head { rest: text };
    let start_time = head.bracketed()?;
    let [method, path, protocol] = head.request_line()?;
    let status = head.word()?.parse().ok()?;
    let flags = ResponseFlags::parse(head.word()?)?;
    let (details, termination_details) = match head.quoted() {
        Some(_mixer_status) => (None, None),
        None => (Some(head.word()?), Some(head.word()?)),
    };
    let transport_failure = head.quoted()?;
    for _bytes_and_duration in 0..3 {
        head.word()?.parse::<u64>().ok()?;
    }
    let _upstream_time = head.word()?;

    let (rest, proxy_status) = split_proxy_status(head.rest);
    let (quoted, tail) = rest.rsplit_once("\" ")?;
    let mut names = quoted.rsplit(" \"").map(|name| name.trim_end_matches('"'));
    let [upstream_host, authority, request_id] = [names.next()?, names.next()?, names.next()?];
    let mut tail = tail.splitn(6, ' ').map(known);
    let mut facts = Facts {
        status: Some(status),
        flags: Some(flags),
        details: details.and_then(known),
        termination_details: termination_details.and_then(known),
        upstream_transport_failure: known(transport_failure),
        protocol: known(protocol),
        method: known(method),
        path: known(path),
        authority: known(authority),
        request_id: known(request_id),
        upstream_host: known(upstream_host),
        cluster: tail.next()?,
        upstream_local_address: tail.next()?,
        downstream_local_address: tail.next()?,
        downstream_remote_address: tail.next()?,
        server_name: tail.next()?,
        route: tail.next().flatten(),
        start_time: known(start_time),
        ..Facts::default()
    };
    super::complete(&mut facts, proxy_status);
    Some(facts)
}

fn known(field: &str) -> Option<Cow<'_, str>> {
    (field != "-" && !field.is_empty()).then_some(Cow::Borrowed(field))
}

/// Splits a quoted field off the end: `%RESP(PROXY-STATUS)%`, whose value holds quotes of its own.
///
/// The rightmost quote behind six bare words begins it: what clients choose stands further left.
fn split_proxy_status(text: &str) -> (&str, Option<&str>) {
    let Some(inner) = text.strip_suffix('"') else { return (text, None) };
    let begins = |at: &usize| inner.get(..*at).is_some_and(ends_in_tail);
    let start = memchr::memmem::rfind_iter(inner.as_bytes(), b" \"").find(begins);
    match start.and_then(|at| Some((inner.get(..at)?, inner.get(at.saturating_add(2)..)?))) {
        Some((rest, value)) => (rest, Some(value)),
        None => (text, None),
    }
}

/// Whether `text` ends with a quote and the six bare words behind the upstream host.
fn ends_in_tail(text: &str) -> bool {
    let mut words = text.rsplit(' ');
    let bare = words.by_ref().take(6).filter(|word| !word.is_empty() && !word.contains('"')).count();
    bare == 6 && words.next().is_some_and(|word| word.ends_with('"'))
}

/// What is left of a line, read from the left.
struct Head<'a> {
    rest: &'a str,
}

impl<'a> Head<'a> {
    fn until(&mut self, text: &'a str, end: &str) -> Option<&'a str> {
        let (part, rest) = text.split_once(end)?;
        self.rest = rest;
        Some(part)
    }

    fn bracketed(&mut self) -> Option<&'a str> {
        let inner = self.rest.strip_prefix('[')?;
        self.until(inner, "] ")
    }

    fn word(&mut self) -> Option<&'a str> {
        self.until(self.rest, " ")
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let inner = self.rest.strip_prefix('"')?;
        self.until(inner, "\" ")
    }

    /// Method and path hold no space; a path may hold quotes.
    fn request_line(&mut self) -> Option<[&'a str; 3]> {
        self.rest = self.rest.strip_prefix('"')?;
        let (method, path) = (self.word()?, self.word()?);
        Some([method, path, self.until(self.rest, "\" ")?])
    }
}
