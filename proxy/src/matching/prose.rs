//! Conditions in words.

use meshwhy_core::Lang;

use super::{Check, Condition, Expectation, Subject, Truth, Value};
use crate::words::say;

impl Check {
    /// What was wanted, and what the request has where it fails.
    #[must_use]
    pub fn prose(&self, lang: Lang) -> String {
        let wanted = self.condition.prose(lang);
        match (self.truth, &self.found) {
            (Truth::Yes, _) => wanted,
            (Truth::Unknown, _) => say!(lang, "{wanted}: cannot be known from here", "{wanted}：仅凭现有数据无法判断"),
            (Truth::No, Value::Missing) => say!(lang, "{wanted}, request has none", "{wanted}，请求中没有"),
            (Truth::No, Value::Is(_)) if self.condition.subject.is_flag() => {
                say!(lang, "{wanted}, request is not", "{wanted}，请求不符合")
            }
            (Truth::No, Value::Is(found)) => say!(lang, "{wanted}, request has `{found}`", "{wanted}，请求中为 `{found}`"),
            (Truth::No, Value::Several { values, .. }) => {
                let found = values.join("`, `");
                say!(lang, "{wanted}, request has `{found}`", "{wanted}，请求中为 `{found}`")
            }
            (Truth::No, Value::Unknown) => wanted,
        }
    }
}

impl Condition {
    /// What it wants.
    #[must_use]
    pub fn prose(&self, lang: Lang) -> String {
        let subject = self.subject.prose(lang);
        if self.subject.is_flag() {
            return if self.inverted { say!(lang, "not: {subject}", "非：{subject}") } else { subject };
        }
        let expectation = self.expectation.prose(lang);
        let case = match (lang, self.ignore_case) {
            (_, false) => "",
            (Lang::En, true) => " in any case",
            (Lang::Zh, true) => "（不区分大小写）",
        };
        if self.inverted {
            say!(lang, "{subject}: wanted anything but {expectation}{case}", "{subject}：要求不是{expectation}{case}")
        } else {
            say!(lang, "{subject}: wanted {expectation}{case}", "{subject}：要求{expectation}{case}")
        }
    }
}

impl Subject {
    /// Whether it is true or false, and its words say it all.
    const fn is_flag(&self) -> bool {
        matches!(self, Self::Connect | Self::Grpc | Self::PresentedCertificate | Self::ValidatedCertificate | Self::Other(_))
    }

    /// What it is.
    #[must_use]
    pub fn prose(&self, lang: Lang) -> String {
        match self {
            Self::Path => say!(lang, "path", "路径"),
            Self::Header(name) if name == ":method" => say!(lang, "method", "方法"),
            Self::Header(name) if name == ":authority" => say!(lang, "authority", "authority"),
            Self::Header(name) if name == ":scheme" => say!(lang, "scheme", "scheme"),
            Self::Header(name) => say!(lang, "header `{name}`", "请求头 `{name}`"),
            Self::QueryParameter(name) => say!(lang, "query parameter `{name}`", "查询参数 `{name}`"),
            Self::Cookie(name) => say!(lang, "cookie `{name}`", "cookie `{name}`"),
            Self::Connect => say!(lang, "method CONNECT", "CONNECT 方法"),
            Self::Grpc => say!(lang, "a gRPC request", "gRPC 请求"),
            Self::PresentedCertificate => say!(lang, "a client certificate", "携带客户端证书"),
            Self::ValidatedCertificate => say!(lang, "a valid client certificate", "携带有效的客户端证书"),
            Self::RuntimeFraction(key) if key.is_empty() => say!(lang, "share of requests", "请求比例"),
            Self::RuntimeFraction(key) => {
                say!(lang, "share of requests by runtime key `{key}`", "由运行时键 `{key}` 决定的请求比例")
            }
            Self::ServerName => say!(lang, "SNI", "SNI"),
            Self::DestinationPort => say!(lang, "port", "端口"),
            Self::DestinationAddress => say!(lang, "destination address", "目标地址"),
            Self::Principal => say!(lang, "principal", "principal（客户端身份）"),
            Self::SourceAddress => say!(lang, "client's address", "客户端地址"),
            Self::RemoteAddress => say!(lang, "client's original address", "客户端原始地址"),
            Self::Claim(path) => say!(lang, "token's `{path}`", "令牌的 `{path}`"),
            Self::Other(field) => say!(lang, "condition `{field}`", "条件 `{field}`"),
        }
    }
}

impl Expectation {
    /// What is wanted of a value.
    #[must_use]
    pub fn prose(&self, lang: Lang) -> String {
        match self {
            Self::Present => say!(lang, "it to be there", "存在"),
            Self::Absent => say!(lang, "it not to be there", "不存在"),
            Self::Exact(value) => say!(lang, "exact `{value}`", "等于 `{value}`"),
            Self::Prefix(value) => say!(lang, "prefix `{value}`", "前缀 `{value}`"),
            Self::Suffix(value) => say!(lang, "suffix `{value}`", "后缀 `{value}`"),
            Self::Contains(value) => say!(lang, "something with `{value}` in it", "包含 `{value}`"),
            Self::Regex(value) => say!(lang, "regex `{value}` for all of it", "完整匹配正则 `{value}`"),
            Self::SeparatedPrefix(value) => say!(lang, "`{value}`, or `{value}/` and more", "`{value}` 或以 `{value}/` 开头"),
            Self::Template(value) => say!(lang, "template `{value}`", "路径模板 `{value}`"),
            Self::Between(start, end) => say!(lang, "a number from {start} to below {end}", "不小于 {start} 且小于 {end} 的整数"),
            Self::Within(range) => say!(lang, "an address of {range}", "属于 {range} 的地址"),
            Self::AnyOf(all) => {
                let all: Vec<String> = all.iter().map(|one| one.prose(lang)).collect();
                all.join(match lang {
                    Lang::En => " or ",
                    Lang::Zh => "或",
                })
            }
            Self::True => say!(lang, "true", "为真"),
            Self::Other(name) => say!(lang, "`{name}`", "`{name}`"),
        }
    }
}
