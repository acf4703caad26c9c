//! Says a condition as a sentence: "recognised by …", in both languages.

use super::{Condition, Field};
use crate::texts::Lang;

impl Condition {
    /// The condition in words.
    #[must_use]
    pub fn prose(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::All(parts), Lang::En) => join(parts, lang, " and "),
            (Self::All(parts), Lang::Zh) => join(parts, lang, ",且"),
            (Self::Any(parts), Lang::En) => join(parts, lang, " or "),
            (Self::Any(parts), Lang::Zh) => join(parts, lang, ",或"),
            (Self::Not(part), Lang::En) => format!("not ({})", part.prose(lang)),
            (Self::Not(part), Lang::Zh) => format!("并非({})", part.prose(lang)),
            (Self::Details(word), Lang::En) => format!("the code details are `{}`", word.as_str()),
            (Self::Details(word), Lang::Zh) => format!("response code details 为 `{}`", word.as_str()),
            (Self::ResetBefore(reset), Lang::En) => {
                format!("the upstream stream ended before the response with `{}`", reset.as_str())
            }
            (Self::ResetBefore(reset), Lang::Zh) => format!("响应开始前上游 stream 因 `{}` 结束", reset.as_str()),
            (Self::ResetAfter(reset), Lang::En) => {
                format!("the upstream stream ended during the response with `{}`", reset.as_str())
            }
            (Self::ResetAfter(reset), Lang::Zh) => format!("响应过程中上游 stream 因 `{}` 结束", reset.as_str()),
            (Self::RbacDenied, Lang::En) => "the code details are `rbac_access_denied_matched_policy[…]`".to_owned(),
            (Self::RbacDenied, Lang::Zh) => "response code details 为 `rbac_access_denied_matched_policy[…]`".to_owned(),
            (Self::Family(family), lang) => {
                let prefixes: Vec<String> = family.prefixes().iter().map(|prefix| format!("`{prefix}…`")).collect();
                match lang {
                    Lang::En => format!("the code details begin with {}", prefixes.join(" or ")),
                    Lang::Zh => format!("response code details 以 {} 开头", prefixes.join("或")),
                }
            }
            (Self::Closed(reason), Lang::En) => format!("Envoy closed the client's connection itself (`{}`)", reason.as_str()),
            (Self::Closed(reason), Lang::Zh) => format!("Envoy 主动关闭了客户端连接(`{}`)", reason.as_str()),
            (Self::BadCustomAction, Lang::En) => "the policy that denied is named `…due-to-bad-CUSTOM-action`".to_owned(),
            (Self::BadCustomAction, Lang::Zh) => "拒绝请求的策略名为 `…due-to-bad-CUSTOM-action`".to_owned(),
            (Self::UpstreamTls, Lang::En) => "the TLS handshake with the upstream failed".to_owned(),
            (Self::UpstreamTls, Lang::Zh) => "与上游的 TLS 握手失败".to_owned(),
            (Self::DownstreamTls, Lang::En) => "the TLS handshake with the client failed".to_owned(),
            (Self::DownstreamTls, Lang::Zh) => "与客户端的 TLS 握手失败".to_owned(),
            (Self::UpstreamCodec(fault), Lang::En) => format!("the upstream codec found `{}`", fault.as_str()),
            (Self::UpstreamCodec(fault), Lang::Zh) => format!("上游 codec 报告 `{}`", fault.as_str()),
            (Self::DownstreamCodec(fault), Lang::En) => format!("the downstream codec found `{}`", fault.as_str()),
            (Self::DownstreamCodec(fault), Lang::Zh) => format!("下游 codec 报告 `{}`", fault.as_str()),
            (Self::StatusClass(hundred), Lang::En) => format!("the status is {hundred}xx"),
            (Self::StatusClass(hundred), Lang::Zh) => format!("状态码为 {hundred}xx"),
            (Self::GrpcFailed, Lang::En) => "the gRPC status is not 0 although the HTTP status is 200".to_owned(),
            (Self::GrpcFailed, Lang::Zh) => "HTTP 状态码为 200,但 gRPC 状态不为 0".to_owned(),
            (Self::DurationBelow(limit), Lang::En) => format!("it took less than {limit} ms"),
            (Self::DurationBelow(limit), Lang::Zh) => format!("耗时不到 {limit} ms"),
            (Self::Cluster(kind), Lang::En) => format!("the cluster is `{}`", kind.as_str()),
            (Self::Cluster(kind), Lang::Zh) => format!("cluster 为 `{}`", kind.as_str()),
            (Self::Route(name), Lang::En) => format!("the route is `{}`", name.as_str()),
            (Self::Route(name), Lang::Zh) => format!("route 为 `{}`", name.as_str()),
            (Self::UpstreamReused, Lang::En) => "the upstream connection had been used before".to_owned(),
            (Self::UpstreamReused, Lang::Zh) => "上游连接是复用的".to_owned(),
            (Self::UpstreamIpv6, Lang::En) => "the upstream host has an IPv6 address".to_owned(),
            (Self::UpstreamIpv6, Lang::Zh) => "上游主机为 IPv6 地址".to_owned(),
            (Self::UpstreamTransport(kind), Lang::En) => format!("the upstream transport failure is `{}`", kind.as_str()),
            (Self::UpstreamTransport(kind), Lang::Zh) => format!("上游传输失败原因为 `{}`", kind.as_str()),
            (Self::DownstreamTransport(kind), Lang::En) => format!("the downstream transport failure is `{}`", kind.as_str()),
            (Self::DownstreamTransport(kind), Lang::Zh) => format!("下游传输失败原因为 `{}`", kind.as_str()),
            (Self::Flag(flag), Lang::En) => format!("the response flag `{}` ({}) is set", flag.short(), flag.long()),
            (Self::Flag(flag), Lang::Zh) => format!("带有 response flag `{}`({})", flag.short(), flag.long()),
            (Self::Status(status), Lang::En) => format!("the status is {status}"),
            (Self::Status(status), Lang::Zh) => format!("状态码为 {status}"),
            (Self::StatusAtLeast(status), Lang::En) => format!("the status is {status} or above"),
            (Self::StatusAtLeast(status), Lang::Zh) => format!("状态码不小于 {status}"),
            (Self::Present(field), Lang::En) => format!("there is {}", field.prose(lang)),
            (Self::Present(field), Lang::Zh) => format!("有{}", field.prose(lang)),
            (Self::Absent(field), Lang::En) => {
                format!("there is no {}", field.prose(lang).trim_start_matches("a ").trim_start_matches("an "))
            }
            (Self::Absent(field), Lang::Zh) => format!("没有{}", field.prose(lang)),
            (Self::Event(event), Lang::En) => format!("the proxy noticed `{}`", event.as_str()),
            (Self::Event(event), Lang::Zh) => format!("代理观察到 `{}`", event.as_str()),
        }
    }
}

impl Field {
    const fn prose(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Details, Lang::En) => "a code details text",
            (Self::Details, Lang::Zh) => " response code details",
            (Self::UpstreamTransportFailure, Lang::En) => "an upstream transport failure",
            (Self::UpstreamTransportFailure, Lang::Zh) => "上游传输失败原因",
            (Self::VirtualHost, Lang::En) => "a virtual host that matches",
            (Self::VirtualHost, Lang::Zh) => "匹配的 virtual host",
            (Self::UpstreamHost, Lang::En) => "an upstream host",
            (Self::UpstreamHost, Lang::Zh) => "上游主机",
            (Self::PolicyStatus, Lang::En) => "an answer of Mixer's policy check",
            (Self::PolicyStatus, Lang::Zh) => " Mixer 策略检查的结果",
            (Self::Flags, Lang::En) => "a response flag",
            (Self::Flags, Lang::Zh) => " response flag",
        }
    }
}

fn join(parts: &[Condition], lang: Lang, between: &str) -> String {
    parts.iter().map(|part| part.prose(lang)).collect::<Vec<_>>().join(between)
}
