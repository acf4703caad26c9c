//! Says a condition as a sentence: "recognised by …", in both languages.

use std::fmt::Display;

use super::{Condition, Engine, Field, Literal};
use crate::Lang;

impl Condition {
    /// The condition in words.
    #[must_use]
    pub fn prose(&'static self, lang: Lang) -> String {
        self.fold(&lang)
    }
}

impl Literal {
    /// The literal in words.
    #[must_use]
    pub fn prose(&self, lang: Lang) -> String {
        lang.literal(*self)
    }
}

impl Engine for Lang {
    type Out = String;

    const WHOLE_NEGATIONS: bool = true;

    fn literal(&self, Literal { condition, negated }: Literal) -> String {
        let words = self.of(leaf(condition));
        match (negated, self) {
            (false, _) => words,
            (true, Self::En) => format!("not ({words})"),
            (true, Self::Zh) => format!("并非({words})"),
        }
    }

    fn all(&self, parts: impl Iterator<Item = String>) -> String {
        parts.collect::<Vec<_>>().join(self.of([" and ", "，且"]))
    }

    fn any(&self, parts: impl Iterator<Item = String>) -> String {
        parts.collect::<Vec<_>>().join(self.of([" or ", "，或"]))
    }
}

impl Lang {
    fn of<T>(self, [en, zh]: [T; 2]) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// English and Chinese.
fn leaf(condition: &'static Condition) -> [String; 2] {
    use Condition as C;
    let about = |value: &dyn Display, texts: [&str; 2]| texts.map(|text| text.replace("{}", &value.to_string()));
    let plain = |texts: [&str; 2]| texts.map(str::to_owned);
    match condition {
        C::All(_) | C::Any(_) | C::Not(_) => [Lang::En, Lang::Zh].map(|lang| condition.prose(lang)),
        C::Details(word) => about(&word.as_str(), ["the code details are `{}`", "response code details 为 `{}`"]),
        C::ResetBefore(reset) => about(
            &reset.as_str(),
            ["the upstream stream ended before the response with `{}`", "响应开始前上游 stream 因 `{}` 结束"],
        ),
        C::ResetAfter(reset) => about(
            &reset.as_str(),
            ["the upstream stream ended during the response with `{}`", "响应过程中上游 stream 因 `{}` 结束"],
        ),
        C::Family(family) => {
            let prefixes: Vec<String> = family.prefixes().iter().map(|prefix| format!("`{prefix}…`")).collect();
            let (en, zh) = (prefixes.join(" or "), prefixes.join("或"));
            [format!("the code details begin with {en}"), format!("response code details 以 {zh} 开头")]
        }
        C::Success => plain(["the code details are those of a success", "response code details 表示成功"]),
        C::Refusal => plain(["the code details are those of a failure", "response code details 表示失败"]),
        C::Closed(reason) => {
            about(&reason.as_str(), ["Envoy closed the client's connection itself (`{}`)", "Envoy 主动关闭了客户端连接(`{}`)"])
        }
        C::RbacDenied => {
            about(&"`rbac_access_denied_matched_policy[…]`", ["the code details are {}", "response code details 为 {}"])
        }
        C::BadCustomAction => {
            about(&"`…due-to-bad-CUSTOM-action`", ["the policy that denied is named {}", "拒绝请求的策略名为 {}"])
        }
        C::UpstreamTransport(kind) => {
            about(&kind.as_str(), ["the upstream transport failure is `{}`", "上游传输失败原因为 `{}`"])
        }
        C::DownstreamTransport(kind) => {
            about(&kind.as_str(), ["the downstream transport failure is `{}`", "下游传输失败原因为 `{}`"])
        }
        C::UpstreamTls => plain(["the TLS handshake with the upstream failed", "与上游的 TLS 握手失败"]),
        C::DownstreamTls => plain(["the TLS handshake with the client failed", "与客户端的 TLS 握手失败"]),
        C::UpstreamCodec(fault) => about(&fault.as_str(), ["the upstream codec found `{}`", "上游 codec 报告 `{}`"]),
        C::DownstreamCodec(fault) => about(&fault.as_str(), ["the downstream codec found `{}`", "下游 codec 报告 `{}`"]),
        C::Flag(flag) => {
            let (short, long) = (flag.short(), flag.long());
            [format!("the response flag `{short}` ({long}) is set"), format!("带有 response flag `{short}`({long})")]
        }
        C::FlagBeside(flags) => about(flags, ["a response flag beside `{}` is set", "带有 `{}` 以外的 response flag"]),
        C::Status(status) => about(status, ["the status is {}", "状态码为 {}"]),
        C::StatusAtLeast(status) => about(status, ["the status is {} or above", "状态码不小于 {}"]),
        C::StatusClass(hundred) => about(hundred, ["the status is {}xx", "状态码为 {}xx"]),
        C::GrpcFailed => {
            plain(["the gRPC status is not 0 although the HTTP status is 200", "HTTP 状态码为 200,但 gRPC 状态不为 0"])
        }
        C::DurationBelow(limit) => about(limit, ["it took less than {} ms", "耗时不到 {} ms"]),
        C::Cluster(kind) => about(&kind.as_str(), ["the cluster is `{}`", "cluster 为 `{}`"]),
        C::Route(name) => about(&name.as_str(), ["the route is `{}`", "route 为 `{}`"]),
        C::UpstreamReused => plain(["the upstream connection had been used before", "上游连接是复用的"]),
        C::TlsPort => plain(["servers expect TLS at the upstream's port", "上游端口通常要求 TLS"]),
        C::External => plain(["the upstream is outside the mesh", "上游在网格之外"]),
        C::UpstreamIpv6 => plain(["the upstream host has an IPv6 address", "上游主机为 IPv6 地址"]),
        C::Present(field) => {
            let [en, zh] = field.prose();
            [format!("there is {en}"), format!("有{zh}")]
        }
        C::Absent(field) => {
            let [en, zh] = field.prose();
            [format!("there is no {}", en.trim_start_matches("a ").trim_start_matches("an ")), format!("没有{zh}")]
        }
        C::Event(event) => about(&event.as_str(), ["the proxy noticed `{}`", "代理观察到 `{}`"]),
    }
}

impl Field {
    const fn prose(self) -> [&'static str; 2] {
        match self {
            Self::Details => ["a code details text", " response code details"],
            Self::UpstreamTransportFailure => ["an upstream transport failure", "上游传输失败原因"],
            Self::VirtualHost => ["a virtual host that matches", "匹配的 virtual host"],
            Self::UpstreamHost => ["an upstream host", "上游主机"],
            Self::PolicyStatus => ["an answer of Mixer's policy check", " Mixer 策略检查的结果"],
            Self::Flags => ["a response flag", " response flag"],
            Self::DownstreamTransportFailure => ["a downstream transport failure", "下游传输失败原因"],
            Self::UpstreamCodecError => ["an error of the upstream codec", "上游 codec 错误"],
            Self::DownstreamCodecError => ["an error of the downstream codec", "下游 codec 错误"],
            Self::TerminationDetails => ["a connection termination reason", "连接终止原因"],
            Self::Event => ["an event of the proxy", "代理事件"],
            Self::Duration => ["a duration", "耗时"],
        }
    }
}
