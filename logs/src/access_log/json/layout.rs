//! Lines that hold exactly Istio's keys, in Istio's order and without escapes: nearly all of them.
//!
//! Whatever differs in the least is left to the general reader, which knows any order and any spelling. This one only knows
//! where the next value must begin, and so need not look at keys.

use meshwhy_core::cluster_name::ClusterName;
use meshwhy_core::facts::kind::{FactKind, Flags};
use meshwhy_core::{Context, Decisive, Facts};

use crate::access_log::field::present;

/// Reads a line of Istio's layout; `None` when it is of any other.
///
/// # Shape
/// `text` holds no backslash and no line end.
#[inline]
pub(super) fn read(text: &str) -> Option<Facts<'_>> {
    let mut line = Rest(text);
    let authority = line.text(r#"{"authority":"#)?;
    line.number(r#","bytes_received":"#)?;
    line.number(r#","bytes_sent":"#)?;
    let termination_details = line.text(r#","connection_termination_details":"#)?;
    let downstream_local_address = line.text(r#","downstream_local_address":"#)?;
    let downstream_remote_address = line.text(r#","downstream_remote_address":"#)?;
    let duration_ms = line.number(r#","duration":"#)?;
    let method = line.text(r#","method":"#)?;
    let path = line.text(r#","path":"#)?;
    let protocol = line.text(r#","protocol":"#)?;
    let request_id = line.text(r#","request_id":"#)?;
    let server_name = line.text(r#","requested_server_name":"#)?;
    let status = u16::try_from(line.number(r#","response_code":"#)?).ok()?;
    let details = line.text(r#","response_code_details":"#)?;
    let flags = Flags::read(line.text(r#","response_flags":"#)?.unwrap_or("-").into())?;
    let route = line.text(r#","route_name":"#)?;
    let start_time = line.text(r#","start_time":"#)?;
    let cluster = line.text(r#","upstream_cluster":"#)?;
    let upstream_host = line.text(r#","upstream_host":"#)?;
    let upstream_local_address = line.text(r#","upstream_local_address":"#)?;
    line.text(r#","upstream_service_time":"#)?;
    let upstream_transport_failure = line.text(r#","upstream_transport_failure_reason":"#)?;
    line.text(r#","user_agent":"#)?;
    line.text(r#","x_forwarded_for":"#)?;
    if line.0 != "}" {
        return None;
    }
    Some(Facts {
        decisive: Decisive {
            status: Some(status),
            flags: Some(flags),
            details: present(details),
            termination_details: present(termination_details),
            upstream_transport_failure: present(upstream_transport_failure),
            duration_ms: Some(duration_ms),
            route: present(route),
            side: cluster.and_then(|name| ClusterName::parse(name).side()),
            cluster: present(cluster),
            upstream_host: present(upstream_host),
            ..Decisive::default()
        },
        context: Context {
            protocol: present(protocol),
            method: present(method),
            path: present(path),
            authority: present(authority),
            request_id: present(request_id),
            upstream_local_address: present(upstream_local_address),
            downstream_local_address: present(downstream_local_address),
            downstream_remote_address: present(downstream_remote_address),
            server_name: present(server_name),
            start_time: present(start_time),
            ..Context::default()
        },
    })
}

/// What is left of a line.
pub(super) struct Rest<'a>(pub(super) &'a str);

impl<'a> Rest<'a> {
    /// A text or `null` behind `key`.
    #[inline(always)]
    pub(super) fn text(&mut self, key: &'static str) -> Option<Option<&'a str>> {
        let rest = self.0.strip_prefix(key)?;
        let Some(inner) = rest.strip_prefix('"') else {
            self.0 = rest.strip_prefix("null")?;
            return Some(None);
        };
        let end = memchr::memchr(b'"', inner.as_bytes())?;
        self.0 = inner.get(end.saturating_add(1)..)?;
        inner.get(..end).map(Some)
    }

    /// A whole number behind `key`.
    #[inline(always)]
    fn number(&mut self, key: &'static str) -> Option<u64> {
        let rest = self.0.strip_prefix(key)?;
        let mut number = 0_u64;
        let mut digits = 0_usize;
        for digit in rest.bytes().map_while(|byte| byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))) {
            number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
            digits = digits.saturating_add(1);
        }
        self.0 = rest.get(digits..).filter(|_| digits > 0)?;
        Some(number)
    }
}
