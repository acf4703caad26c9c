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
            (Self::Flags, Lang::En) => "a response flag",
            (Self::Flags, Lang::Zh) => " response flag",
        }
    }
}

fn join(parts: &[Condition], lang: Lang, between: &str) -> String {
    parts.iter().map(|part| part.prose(lang)).collect::<Vec<_>>().join(between)
}
