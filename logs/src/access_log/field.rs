//! The fields that an access log may carry, whatever its shape, and how each becomes a fact.

use std::borrow::Cow;

use meshwhy_core::{Facts, Flag, ResponseFlags};

/// What a key of a JSON line or an operator of a format stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Authority,
    Cluster,
    Details,
    DownstreamLocalAddress,
    DownstreamLocalClose,
    DownstreamRemoteAddress,
    DownstreamTransport,
    Duration,
    ConnectionAge,
    Flags,
    GrpcStatus,
    Method,
    Namespace,
    Path,
    Pod,
    PolicyStatus,
    Protocol,
    ProxyStatus,
    RequestId,
    Route,
    ServerName,
    StartTime,
    Status,
    Termination,
    TraceId,
    TraceParent,
    UpstreamHost,
    UpstreamLocalAddress,
    UpstreamLocalClose,
    UpstreamTransport,
    VirtualHost,
    /// Known, and of no use here.
    Ignored,
}

/// The facts of one line while it is read.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) facts: Facts<'a>,
    pub(crate) proxy_status: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    /// Puts in one value as the line gives it; `-` and nothing at all say that there is none.
    #[inline]
    pub(crate) fn put(&mut self, field: Field, value: Cow<'a, str>) {
        let facts = &mut self.facts;
        if value == "-" || value.is_empty() {
            match field {
                Field::Flags => facts.flags = Some(ResponseFlags::default()),
                Field::VirtualHost => facts.virtual_host = Some(Cow::Borrowed("")),
                _ => {}
            }
            return;
        }
        match field {
            Field::Authority => facts.authority = Some(value),
            Field::Cluster => facts.cluster = Some(value),
            Field::Details => facts.details = Some(value),
            Field::DownstreamLocalAddress => facts.downstream_local_address = Some(value),
            Field::DownstreamLocalClose => facts.downstream_local_close = Some(value),
            Field::DownstreamRemoteAddress => facts.downstream_remote_address = Some(value),
            Field::DownstreamTransport => facts.downstream_transport_failure = Some(value),
            Field::Duration => facts.duration_ms = whole(&value),
            Field::ConnectionAge => facts.upstream_reused = whole(&value).map(|_| true),
            Field::Flags => facts.flags = flags(&value),
            Field::GrpcStatus => facts.grpc_status = grpc_status(&value),
            Field::Method => facts.method = Some(value),
            Field::Namespace => facts.namespace = Some(value),
            Field::Path => facts.path = Some(value),
            Field::Pod => facts.pod = Some(value),
            Field::PolicyStatus => facts.policy_status = Some(unquoted(value)),
            Field::Protocol => facts.protocol = Some(value),
            Field::ProxyStatus => self.proxy_status = Some(value),
            Field::RequestId => facts.request_id = Some(value),
            Field::Route => facts.route = Some(value),
            Field::ServerName => facts.server_name = Some(value),
            Field::StartTime => facts.start_time = Some(value),
            Field::Status => facts.status = whole(&value).and_then(|status| u16::try_from(status).ok()),
            Field::Termination => facts.termination_details = Some(value),
            Field::TraceId => facts.trace_id = trace_id(value),
            Field::TraceParent => facts.trace_id = trace_parent(value),
            Field::UpstreamHost => facts.upstream_host = Some(value),
            Field::UpstreamLocalAddress => facts.upstream_local_address = Some(value),
            Field::UpstreamLocalClose => facts.upstream_local_close = Some(value),
            Field::UpstreamTransport => facts.upstream_transport_failure = Some(value),
            Field::VirtualHost => facts.virtual_host = Some(value),
            Field::Ignored => {}
        }
    }

    /// The facts, with what follows from other fields.
    #[inline]
    pub(crate) fn finish(mut self) -> Facts<'a> {
        super::complete(&mut self.facts, self.proxy_status.as_deref());
        self.facts
    }
}

/// Reads flags as access logs print them. Names that core does not know – extensions register their own – are left out.
pub(crate) fn flags(text: &str) -> Option<ResponseFlags> {
    match text {
        "-" => return Some(ResponseFlags::default()),
        "DC" => return Some(ResponseFlags(Flag::DC.mask())),
        "NR" => return Some(ResponseFlags(Flag::NR.mask())),
        "UC" => return Some(ResponseFlags(Flag::UC.mask())),
        "UF" => return Some(ResponseFlags(Flag::UF.mask())),
        "UF,URX" | "URX,UF" => return Some(ResponseFlags(Flag::UF.mask() | Flag::URX.mask())),
        _ => {}
    }
    ResponseFlags::parse(text).or_else(|| known_flags(text))
}

fn known_flags(text: &str) -> Option<ResponseFlags> {
    let name = |name: &str| {
        let shaped = name.starts_with(|letter: char| letter.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        shaped && name.len() <= 64
    };
    let trimmed = || text.split(',').map(str::trim);
    trimmed().all(name).then(|| trimmed().filter_map(Flag::parse).collect())
}

/// A whole number; shippers turn it into `503.0`, and a unit may stand behind a duration.
pub(crate) fn whole(text: &str) -> Option<u64> {
    let digits = text.strip_suffix("ms").unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    fraction.bytes().all(|byte| byte.is_ascii_digit()).then(|| whole.parse().ok()).flatten()
}

/// Names of gRPC statuses in the order of their numbers.
///
/// Source: Envoy `source/common/grpc/common.cc`, `Utility::grpcStatusToString`, 1.40; gRPC `status_code_enum.h`.
const GRPC: [(&str, &str); 17] = [
    ("OK", "OK"),
    ("Canceled", "CANCELLED"),
    ("Unknown", "UNKNOWN"),
    ("InvalidArgument", "INVALID_ARGUMENT"),
    ("DeadlineExceeded", "DEADLINE_EXCEEDED"),
    ("NotFound", "NOT_FOUND"),
    ("AlreadyExists", "ALREADY_EXISTS"),
    ("PermissionDenied", "PERMISSION_DENIED"),
    ("ResourceExhausted", "RESOURCE_EXHAUSTED"),
    ("FailedPrecondition", "FAILED_PRECONDITION"),
    ("Aborted", "ABORTED"),
    ("OutOfRange", "OUT_OF_RANGE"),
    ("Unimplemented", "UNIMPLEMENTED"),
    ("Internal", "INTERNAL"),
    ("Unavailable", "UNAVAILABLE"),
    ("DataLoss", "DATA_LOSS"),
    ("Unauthenticated", "UNAUTHENTICATED"),
];

/// Reads `%GRPC_STATUS%` in any of its three spellings.
pub(crate) fn grpc_status(text: &str) -> Option<u32> {
    let number = || text.parse().ok();
    let named = |(camel, snake): &(&str, &str)| *camel == text || snake.eq_ignore_ascii_case(text);
    let at = GRPC.iter().position(named).and_then(|at| u32::try_from(at).ok());
    at.or_else(number)
}

/// Mixer's status is a quoted text inside the field.
pub(crate) fn unquoted(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches('"')),
        Cow::Owned(text) => Cow::Owned(text.trim_matches('"').to_owned()),
    }
}

/// 32 hex digits; the 16 of a short B3 id are filled up.
fn trace_id(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    match value.len() {
        32 => Some(value),
        16 => Some(Cow::Owned(format!("{value:0>32}"))),
        _ => None,
    }
}

/// The trace id inside `00-TRACE-SPAN-FLAGS`.
fn trace_parent(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match value {
        Cow::Borrowed(text) => trace_id(Cow::Borrowed(text.split('-').nth(1)?)),
        Cow::Owned(text) => trace_id(Cow::Owned(text.split('-').nth(1)?.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_statuses_in_every_spelling() {
        for (number, (camel, snake)) in GRPC.iter().enumerate() {
            for text in [(*camel).to_owned(), (*snake).to_owned(), number.to_string()] {
                assert_eq!(grpc_status(&text), u32::try_from(number).ok(), "{text}");
            }
        }
        assert_eq!(grpc_status("via_upstream"), None);
    }

    #[test]
    fn numbers_as_shippers_write_them() {
        assert_eq!(
            [whole("503"), whole("503.0"), whole("12ms"), whole("12ms.5"), whole("x"), whole("-1")],
            [Some(503), Some(503), Some(12), None, None, None]
        );
    }

    #[test]
    fn flags_of_extensions_are_left_out() {
        assert_eq!(flags("UF,Acme"), ResponseFlags::parse("UF"));
        assert_eq!(flags("UF, URX"), ResponseFlags::parse("UF,URX"));
        assert_eq!(flags("via_upstream"), None);
        assert_eq!(flags("HTTP/1.1"), None);
    }

    #[test]
    fn trace_ids() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_parent(format!("00-{id}-00f067aa0ba902b7-01").into()).as_deref(), Some(id));
        assert_eq!(trace_parent("00-xyz-1-01".into()), None);
    }
}
