//! The table of facts: one row declares all there is to know about one.

use std::borrow::Cow;

use super::Side;
use super::kind::{self, FactKind, ValueContent};
use crate::event::Event;
use crate::flags::ResponseFlags;

/// An attribute of Envoy: the way to it, part by part.
pub type Attribute = &'static [&'static str];

/// The type of a kind's values. It is spelt out, since a structure with fields of the type [`FactKind::Value`] is invariant: it could not
/// be borrowed for less long than its texts live.
macro_rules! value {
    ($text:lifetime Status) => { u16 };
    ($text:lifetime GrpcStatus) => { u32 };
    ($text:lifetime Duration) => { u64 };
    ($text:lifetime Microseconds) => { u64 };
    ($text:lifetime Count) => { u64 };
    ($text:lifetime Flags) => { ResponseFlags };
    ($text:lifetime Truth) => { bool };
    ($text:lifetime Direction) => { Side };
    ($text:lifetime Event) => { Event };
    ($text:lifetime $kind:ident) => { Cow<$text, str> };
}

/// A column that may be empty.
macro_rules! column {
    (-) => {
        None
    };
    ($text:literal) => {
        Some($text)
    };
}

/// Makes of the rows the structures, the enumeration of facts, and all that does the same with each of them.
macro_rules! facts {
    ($($(#[$group_doc:meta])* $group:ident $part:ident {
        $($(#[$doc:meta])* $fact:ident $field:ident: $kind:ident, $record:tt, $key:tt, $operator:tt, [$($attribute:literal)*];)*
    })*) => {
        $(
            $(#[$group_doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Default)]
            pub struct $group<'a> {
                $($(#[$doc])* pub $field: Option<value!('a $kind)>,)*
            }

            impl<'a> $group<'a> {
                /// Copies every borrowed text.
                #[must_use]
                pub fn into_owned(self) -> $group<'static> {
                    $group { $($field: self.$field.map(kind::$kind::own),)* }
                }

                /// Cuts every text to what is kept.
                fn bound(&mut self) {
                    $(self.$field.as_mut().into_iter().for_each(kind::$kind::bound);)*
                }

                /// A fact of these in letters; `-` for flags that are none.
                #[must_use]
                pub fn text(&self, fact: Fact) -> Option<Cow<'_, str>> {
                    match fact {
                        $(Fact::$fact => self.$field.as_ref().map(kind::$kind::text),)*
                        _ => None,
                    }
                }

                /// How many facts there are.
                fn count(&self) -> usize {
                    [$(self.$field.is_some()),*].into_iter().filter(|known| *known).count()
                }
            }
        )*

        /// A fact by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fact {
            $($(
                #[doc = concat!("[`", stringify!($group), "::", stringify!($field), "`].")]
                $fact,
            )*)*
        }

        impl Fact {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$($(Self::$fact),*),*];

            /// The name of the field.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$fact => stringify!($field),)*)* }
            }

            /// The kind's name.
            #[must_use]
            pub const fn kind(self) -> &'static str {
                match self { $($(Self::$fact => kind::$kind::NAME,)*)* }
            }

            /// Which texts stand for it in an access log.
            #[must_use]
            pub const fn content(self) -> ValueContent {
                match self { $($(Self::$fact => kind::$kind::CONTENT,)*)* }
            }

            /// Longest value kept, in bytes; `None` for what is no text.
            #[must_use]
            pub const fn kept(self) -> Option<usize> {
                match self { $($(Self::$fact => kind::$kind::KEPT,)*)* }
            }

            /// The type of its attribute in a record, as JSON Schema names it.
            #[must_use]
            pub const fn json_type(self) -> &'static str {
                match self { $($(Self::$fact => kind::$kind::JSON,)*)* }
            }

            /// The structure that holds it.
            #[must_use]
            pub const fn part(self) -> &'static str {
                match self { $($(Self::$fact => stringify!($part),)*)* }
            }

            /// Its attribute in a record.
            #[must_use]
            pub const fn record_attribute(self) -> Option<&'static str> {
                match self { $($(Self::$fact => column!($record),)*)* }
            }

            /// Its key in an access log: Istio's, or else the operator in small letters.
            #[must_use]
            pub const fn key(self) -> Option<&'static str> {
                match self { $($(Self::$fact => column!($key),)*)* }
            }

            /// The fact with this key.
            #[must_use]
            #[inline]
            pub fn of_key(key: &str) -> Option<Self> {
                $($(if column!($key) == Some(key) { return Some(Self::$fact); })*)*
                None
            }

            /// The operator that gives it in an access log, without percent signs.
            #[must_use]
            pub const fn operator(self) -> Option<&'static str> {
                match self { $($(Self::$fact => column!($operator),)*)* }
            }

            /// The attribute that gives it in CEL and to a module; empty where there is none.
            #[must_use]
            pub const fn attribute(self) -> Attribute {
                match self { $($(Self::$fact => &[$($attribute),*],)*)* }
            }
        }

        /// Facts about one request or connection; every field is optional.
        ///
        /// # Shape
        /// Text is borrowed from the line, the record or the host's buffer and is untrusted. `None` means that the source does
        /// not say; an empty text means that Envoy says there is none.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct Facts<'a> {
            $($(#[$group_doc])* pub $part: $group<'a>,)*
        }

        impl<'a> Facts<'a> {
            /// Puts in a value as a source gives it; `-` and nothing at all say that there is none.
            #[inline]
            pub fn put(&mut self, fact: Fact, value: Cow<'a, str>) {
                let none = value == "-" || value.is_empty();
                match fact {
                    $($(
                        Fact::$fact if none => self.$part.$field = kind::$kind::none().or(self.$part.$field.take()),
                        Fact::$fact => self.$part.$field = kind::$kind::read(value),
                    )*)*
                }
            }

            /// Copies every borrowed text, so that the facts outlive their source.
            #[must_use]
            pub fn into_owned(self) -> Facts<'static> {
                Facts { $($part: self.$part.into_owned(),)* }
            }

            /// Cuts every text to what is kept.
            pub(crate) fn bound(&mut self) {
                $(self.$part.bound();)*
            }

            /// How many facts there are.
            #[must_use]
            pub fn count(&self) -> usize {
                [$(self.$part.count()),*].into_iter().sum()
            }

            /// Gives name and JSON of each attribute of a record, in the order of the table.
            pub(crate) fn write(&self, attribute: &mut dyn FnMut(&'static str, &str)) {
                $($(
                    if let (Some(name), Some(value)) = (Fact::$fact.record_attribute(), &self.$part.$field)
                        && let Some(json) = kind::$kind::json(value)
                    {
                        attribute(name, &json);
                    }
                )*)*
            }
        }
    };
}

#[rustfmt::skip]
facts! {
    /// What verdicts are made of: all that a condition may look at, and which way the traffic went.
    Decisive decisive {
        //  fact   field: kind, record attribute, key in access logs, operator, attribute
        /// Which way the traffic went.
        Side side: Direction, "meshwhy.side", -, -, ["xds" "listener_direction"];
        /// What the proxy noticed beside the response.
        Event event: Event, "meshwhy.event", -, -, [];
        /// Response status; 0 when no response was sent (TCP, resets).
        Status status: Status, "http.response.status_code", "response_code", "RESPONSE_CODE", ["response" "code"];
        /// Response flags. In reply-time facts late flags are missing: see [`Decisive::details`] first.
        Flags flags: Flags, "envoy.response_flags", "response_flags", "RESPONSE_FLAGS", ["response" "flags"];
        /// The gRPC status as a number; 0 is OK.
        GrpcStatus grpc_status: GrpcStatus,
            "rpc.grpc.status_code", "grpc_status", "GRPC_STATUS_NUMBER", ["response" "grpc_status"];
        /// From the first byte of the request to the last of the response, in milliseconds.
        Duration duration_ms: Duration, "envoy.duration_ms", "duration", "DURATION", ["request" "duration"];
        /// How long before the request its upstream connection was made, in microseconds; absent where it was made for the request.
        UpstreamConnectionAge upstream_connection_age_us: Microseconds,
            "envoy.upstream_connection_age_us", "upstream_connection_age_us", "COMMON_DURATION(US_CX_BEG:DS_RX_BEG:us)", [];
        /// Whether the upstream connection had served a request before, where the source says so without its age.
        UpstreamReused upstream_reused: Truth, "envoy.upstream_reused", -, -, [];
        /// Response code details, as Envoy gives them; parse with [`Decisive::parsed_details`], never search them.
        Details details: Text,
            "envoy.response_code_details", "response_code_details", "RESPONSE_CODE_DETAILS", ["response" "code_details"];
        /// Why the connection to the upstream could not be made.
        UpstreamTransport upstream_transport_failure: Text,
            "envoy.upstream_transport_failure_reason", "upstream_transport_failure_reason", "UPSTREAM_TRANSPORT_FAILURE_REASON",
            ["upstream" "transport_failure_reason"];
        /// Why the connection from the downstream failed (listener level).
        DownstreamTransport downstream_transport_failure: Text,
            "envoy.downstream_transport_failure_reason", "downstream_transport_failure_reason",
            "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
            ["connection" "transport_failure_reason"];
        /// Why the downstream connection was ended.
        Termination termination_details: Text,
            "envoy.connection_termination_details", "connection_termination_details", "CONNECTION_TERMINATION_DETAILS",
            ["connection" "termination_details"];
        /// Why Envoy closed the upstream connection itself (Envoy 1.38 and later, or its own log); parse with
        /// [`Decisive::upstream_codec`].
        UpstreamLocalClose upstream_local_close: Text,
            "envoy.upstream_local_close_reason", "upstream_local_close_reason", "UPSTREAM_LOCAL_CLOSE_REASON", [];
        /// Why Envoy closed the downstream connection itself (Envoy 1.38 and later).
        DownstreamLocalClose downstream_local_close: Text,
            "envoy.downstream_local_close_reason", "downstream_local_close_reason", "DOWNSTREAM_LOCAL_CLOSE_REASON", [];
        /// What Mixer's policy check said (Istio 1.4 and earlier).
        PolicyStatus policy_status: Quoted,
            "envoy.policy_status", "istio_policy_status", "DYNAMIC_METADATA(istio.mixer:status)", [];
        /// Cluster name, such as `outbound|8080||reviews.default.svc.cluster.local`; parse with
        /// [`ClusterName`](crate::cluster_name::ClusterName).
        Cluster cluster: Word, "envoy.upstream_cluster", "upstream_cluster", "UPSTREAM_CLUSTER_RAW", ["xds" "cluster_name"];
        /// The virtual host that matched; empty when Envoy says that none did.
        VirtualHost virtual_host: Matched,
            "envoy.virtual_host_name", "virtual_host_name", "VIRTUAL_HOST_NAME", ["xds" "virtual_host_name"];
        /// Route name.
        Route route: Text, "envoy.route_name", "route_name", "ROUTE_NAME", ["xds" "route_name"];
        /// Address of the upstream host last tried.
        UpstreamHost upstream_host: Word, "envoy.upstream_host", "upstream_host", "UPSTREAM_HOST", ["upstream" "address"];
        /// Whether a client says so, and no proxy.
        SeenByClient seen_by_client: Truth, -, -, -, [];
        /// The proxy that made this reply, where another one only passes it on: the name in its `Proxy-Status` member.
        RelayedFrom relayed_from: Chosen, "meshwhy.relayed_from", -, -, [];
        /// The cause code that a proxy wrote into its `Proxy-Status` member.
        AnnotatedCode annotated_code: Chosen, -, -, -, [];
    }

    /// Who asked whom for what, when: what finds a failure again and decides nothing.
    Context context {
        /// `HTTP/1.1`, `HTTP/2`, …
        Protocol protocol: Protocol, "network.protocol.version", "protocol", "PROTOCOL", ["request" "protocol"];
        /// Whether the downstream connection is mutual TLS.
        Mtls mtls: Truth, "envoy.connection.mtls", -, -, ["connection" "mtls"];
        /// Configuration name of the filter that produced the local reply (Envoy 1.29 and later).
        LocalReplyOwner local_reply_owner: Text,
            "envoy.local_reply_owner", -, -, ["filter_state" "envoy.filters.network.http_connection_manager.local_reply_owner"];
        /// Request method.
        Method method: Word, "http.request.method", "method", "REQ(:METHOD)", ["request" "method"];
        /// Request path; the query string is cut by [`crate::redact`].
        Path path: Path, "url.path", "path", "PATH(NQ)", ["request" "url_path"];
        /// Host that the client asked for.
        Authority authority: Chosen, "server.address", "authority", "REQ(:AUTHORITY)", ["request" "host"];
        /// `x-request-id`.
        RequestId request_id: Chosen, "envoy.request_id", "request_id", "REQ(X-REQUEST-ID)", ["request" "id"];
        /// 32 hex digits.
        TraceId trace_id: TraceId, "trace_id", "trace_id", "TRACE_ID", [];
        /// The workload whose proxy speaks.
        Workload workload: Word, "k8s.workload.name", -, -, ["xds" "node" "metadata" "WORKLOAD_NAME"];
        /// The namespace of the proxy.
        Namespace namespace: Word, "k8s.namespace.name", -, "ENVIRONMENT(POD_NAMESPACE)", ["xds" "node" "metadata" "NAMESPACE"];
        /// The pod of the proxy.
        Pod pod: Word, "k8s.pod.name", -, "ENVIRONMENT(POD_NAME)", [];
        /// Our end of the upstream connection; equals the server's `downstream_remote_address`.
        UpstreamLocalAddress upstream_local_address: Word,
            "envoy.upstream_local_address", "upstream_local_address", "UPSTREAM_LOCAL_ADDRESS", ["upstream" "local_address"];
        /// How the upstream ended a TCP connection (Envoy 1.38 and later; 1.40 says `Normal` of every request).
        UpstreamCloseType upstream_close_type: Word,
            "envoy.upstream_detected_close_type", "upstream_detected_close_type", "UPSTREAM_DETECTED_CLOSE_TYPE", [];
        /// How the client ended it (Envoy 1.38 and later).
        DownstreamCloseType downstream_close_type: Word,
            "envoy.downstream_detected_close_type", "downstream_detected_close_type", "DOWNSTREAM_DETECTED_CLOSE_TYPE", [];
        /// The upstream hosts that a connection was made to, with commas between them (Envoy 1.38 and later).
        UpstreamHostsAttempted upstream_hosts_attempted: Text,
            "envoy.upstream_hosts_attempted", "upstream_hosts_attempted", "UPSTREAM_HOSTS_ATTEMPTED", [];
        /// The address the client connected to.
        DownstreamLocalAddress downstream_local_address: Word,
            "envoy.downstream_local_address", "downstream_local_address", "DOWNSTREAM_LOCAL_ADDRESS", ["destination" "address"];
        /// The client's address.
        DownstreamRemoteAddress downstream_remote_address: Word,
            "envoy.downstream_remote_address", "downstream_remote_address", "DOWNSTREAM_REMOTE_ADDRESS", ["source" "address"];
        /// SNI of the downstream connection.
        ServerName server_name: Word,
            "envoy.requested_server_name", "requested_server_name", "REQUESTED_SERVER_NAME",
            ["connection" "requested_server_name"];
        /// How often it happened, where the source counts repetitions: `x13 over 4d1h`.
        Occurrences occurrences: Count, -, -, -, [];
        /// Which proxy it is, where it is not Envoy: `ztunnel`, `agentgateway`.
        Proxy proxy: Word, -, -, -, [];
        /// Flags that no request to the cluster had since the proxy started, say its counters.
        RuledOut ruled_out: Flags, -, -, -, [];
        /// Whether a member of `Proxy-Status` has a record that was not believed.
        RecordRefused record_refused: Truth, -, -, -, [];
        /// When the request started, as the source prints it.
        StartTime start_time: Word, "envoy.start_time", "start_time", "START_TIME", ["request" "time"];
    }
}
