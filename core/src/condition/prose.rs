//! Says a condition as a sentence: "recognised by …", in both languages.

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
        parts.collect::<Vec<_>>().join(self.of([" and ", ",且"]))
    }

    fn any(&self, parts: impl Iterator<Item = String>) -> String {
        parts.collect::<Vec<_>>().join(self.of([" or ", ",或"]))
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
    match condition {
        C::All(_) | C::Any(_) | C::Not(_) => [Lang::En, Lang::Zh].map(|lang| condition.prose(lang)),
        C::Details(word) => {
            [format!("the code details are `{}`", word.as_str()), format!("response code details 为 `{}`", word.as_str())]
        }
        C::ResetBefore(reset) => [
            format!("the upstream stream ended before the response with `{}`", reset.as_str()),
            format!("响应开始前上游 stream 因 `{}` 结束", reset.as_str()),
        ],
        C::ResetAfter(reset) => [
            format!("the upstream stream ended during the response with `{}`", reset.as_str()),
            format!("响应过程中上游 stream 因 `{}` 结束", reset.as_str()),
        ],
        C::RbacDenied => [
            "the code details are `rbac_access_denied_matched_policy[…]`".to_owned(),
            "response code details 为 `rbac_access_denied_matched_policy[…]`".to_owned(),
        ],
        C::Closed(reason) => [
            format!("Envoy closed the client's connection itself (`{}`)", reason.as_str()),
            format!("Envoy 主动关闭了客户端连接(`{}`)", reason.as_str()),
        ],
        C::BadCustomAction => [
            "the policy that denied is named `…due-to-bad-CUSTOM-action`".to_owned(),
            "拒绝请求的策略名为 `…due-to-bad-CUSTOM-action`".to_owned(),
        ],
        C::UpstreamTls => ["the TLS handshake with the upstream failed".to_owned(), "与上游的 TLS 握手失败".to_owned()],
        C::DownstreamTls => ["the TLS handshake with the client failed".to_owned(), "与客户端的 TLS 握手失败".to_owned()],
        C::UpstreamCodec(fault) => {
            [format!("the upstream codec found `{}`", fault.as_str()), format!("上游 codec 报告 `{}`", fault.as_str())]
        }
        C::DownstreamCodec(fault) => {
            [format!("the downstream codec found `{}`", fault.as_str()), format!("下游 codec 报告 `{}`", fault.as_str())]
        }
        C::StatusClass(hundred) => [format!("the status is {hundred}xx"), format!("状态码为 {hundred}xx")],
        C::GrpcFailed => [
            "the gRPC status is not 0 although the HTTP status is 200".to_owned(),
            "HTTP 状态码为 200,但 gRPC 状态不为 0".to_owned(),
        ],
        C::DurationBelow(limit) => [format!("it took less than {limit} ms"), format!("耗时不到 {limit} ms")],
        C::Cluster(kind) => [format!("the cluster is `{}`", kind.as_str()), format!("cluster 为 `{}`", kind.as_str())],
        C::Route(name) => [format!("the route is `{}`", name.as_str()), format!("route 为 `{}`", name.as_str())],
        C::UpstreamReused => ["the upstream connection had been used before".to_owned(), "上游连接是复用的".to_owned()],
        C::UpstreamIpv6 => ["the upstream host has an IPv6 address".to_owned(), "上游主机为 IPv6 地址".to_owned()],
        C::UpstreamTransport(kind) => {
            [format!("the upstream transport failure is `{}`", kind.as_str()), format!("上游传输失败原因为 `{}`", kind.as_str())]
        }
        C::DownstreamTransport(kind) => [
            format!("the downstream transport failure is `{}`", kind.as_str()),
            format!("下游传输失败原因为 `{}`", kind.as_str()),
        ],
        C::Flag(flag) => [
            format!("the response flag `{}` ({}) is set", flag.short(), flag.long()),
            format!("带有 response flag `{}`({})", flag.short(), flag.long()),
        ],
        C::Status(status) => [format!("the status is {status}"), format!("状态码为 {status}")],
        C::StatusAtLeast(status) => [format!("the status is {status} or above"), format!("状态码不小于 {status}")],
        C::Event(event) => [format!("the proxy noticed `{}`", event.as_str()), format!("代理观察到 `{}`", event.as_str())],
        C::Family(family) => {
            let prefixes: Vec<String> = family.prefixes().iter().map(|prefix| format!("`{prefix}…`")).collect();
            let (en, zh) = (prefixes.join(" or "), prefixes.join("或"));
            [format!("the code details begin with {en}"), format!("response code details 以 {zh} 开头")]
        }
        C::Success => ["the code details are those of a success".to_owned(), "response code details 表示成功".to_owned()],
        C::Refusal => ["the code details are those of a refusal".to_owned(), "response code details 表示请求被拒绝".to_owned()],
        C::FlagBeside(flags) => {
            [format!("a response flag beside `{flags}` is set"), format!("带有 `{flags}` 以外的 response flag")]
        }
        C::Present(field) => {
            let [en, zh] = field.prose();
            [format!("there is {en}"), format!("有{zh}")]
        }
        C::Absent(field) => {
            let [en, zh] = field.prose();
            [format!("there is no {}", en.trim_start_matches("a ").trim_start_matches("an ")), format!("没有{zh}")]
        }
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
        }
    }
}
