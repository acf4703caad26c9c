//! The words for what came of a probe, in both languages.

use meshwhy_core::Lang;
use meshwhy_probe::{
    Author, BodyEnd, CertificateFault, ConnectFailure, ExchangeFailure, Failure, Front, Omission, Outcome, SocketError,
    TlsFailure,
};

/// One of two texts.
pub(super) fn pick(lang: Lang, en: &str, zh: &str) -> String {
    match lang {
        Lang::En => en.to_owned(),
        Lang::Zh => zh.to_owned(),
    }
}

/// One line that shows what was seen, for whoever reads the examples of a report.
pub(crate) fn seen(outcome: &Outcome) -> String {
    match &outcome.result {
        Ok(response) => {
            let members: Vec<&str> = response.all("proxy-status").collect();
            let status = format!("{:?} {}", response.version, response.status);
            if members.is_empty() { status } else { format!("{status} proxy-status: {}", members.join(", ")) }
        }
        Err(failed) => failure(Lang::En, failed),
    }
}

/// What kept the request from a response.
pub(crate) fn failure(lang: Lang, failed: &Failure) -> String {
    match failed {
        Failure::Connect(failed) => connect(lang, failed),
        Failure::Tls(failed) => tls(lang, failed),
        Failure::Exchange { is_sent, failure } => {
            let unsent = pick(lang, " (it had not taken the whole request)", "（此时请求还没有发完）");
            format!("{}{}", exchange(lang, failure), if *is_sent { "" } else { &unsent })
        }
    }
}

/// The phase that failed.
pub(super) const fn phase(failed: &Failure) -> &'static str {
    match failed {
        Failure::Connect(ConnectFailure::Unresolved { .. }) => "resolve",
        Failure::Connect(_) => "connect",
        Failure::Tls(_) | Failure::Exchange { failure: ExchangeFailure::Tls(_), .. } => "tls",
        Failure::Exchange { is_sent: false, .. } => "send",
        Failure::Exchange { .. } => "headers",
    }
}

/// A failure in two or three words, for a table.
pub(super) fn briefly(lang: Lang, failed: &Failure) -> String {
    let (en, zh) = match failed {
        Failure::Connect(ConnectFailure::Unresolved { .. }) => ("no such name", "域名无法解析"),
        Failure::Connect(ConnectFailure::Socket { error: SocketError::Refused, .. }) => ("refused", "连接被拒绝"),
        Failure::Connect(_) => ("not connected", "无法连接"),
        Failure::Tls(failed) | Failure::Exchange { failure: ExchangeFailure::Tls(failed), .. } => match failed {
            TlsFailure::Certificate { .. } => ("certificate", "证书被拒"),
            TlsFailure::NotTls => ("no TLS there", "对端不是 TLS"),
            TlsFailure::TimedOut => ("TLS timeout", "TLS 超时"),
            TlsFailure::Closed | TlsFailure::Reset => ("TLS closed", "TLS 被断开"),
            TlsFailure::Alert { .. } => ("TLS alert", "TLS 告警"),
            TlsFailure::NoHttp2 => ("no HTTP/2", "不支持 HTTP/2"),
            TlsFailure::NothingInCommon(_) | TlsFailure::Other(_) => ("TLS failed", "TLS 失败"),
        },
        Failure::Exchange { failure, .. } => match failure {
            ExchangeFailure::TimedOut => ("timeout", "超时"),
            ExchangeFailure::Closed => ("closed", "连接被关闭"),
            ExchangeFailure::Reset => ("reset", "连接被重置"),
            ExchangeFailure::StreamReset(_) => ("stream reset", "流被重置"),
            ExchangeFailure::GoAway(_) => ("GOAWAY", "GOAWAY"),
            ExchangeFailure::AnsweredHttp1 => ("HTTP/1 there", "对端是 HTTP/1"),
            ExchangeFailure::AnsweredHttp2 => ("HTTP/2 there", "对端是 HTTP/2"),
            ExchangeFailure::AnsweredTls => ("TLS there", "对端是 TLS"),
            ExchangeFailure::TooLarge => ("headers too large", "响应头过大"),
            ExchangeFailure::NotHttp => ("no HTTP there", "对端不是 HTTP"),
            ExchangeFailure::Tls(_) | ExchangeFailure::Other(_) => ("failed", "失败"),
        },
    };
    pick(lang, en, zh)
}

fn connect(lang: Lang, failed: &ConnectFailure) -> String {
    let socket = |error: &SocketError| match error {
        SocketError::Refused => pick(lang, "connection refused", "连接被拒绝"),
        SocketError::TimedOut => pick(lang, "no answer in time", "连接超时"),
        SocketError::NoRouteToHost => pick(lang, "no route to the host", "没有到该主机的路由"),
        SocketError::NetworkUnreachable => pick(lang, "the network is unreachable", "网络不可达"),
        SocketError::Other(reason) => reason.clone(),
    };
    match (failed, lang) {
        (ConnectFailure::Unresolved { host, reason }, Lang::En) => format!("the name {host} does not resolve here: {reason}"),
        (ConnectFailure::Unresolved { host, reason }, Lang::Zh) => format!("在本机无法解析域名 {host}：{reason}"),
        (ConnectFailure::Socket { address, error }, Lang::En) => format!("cannot connect to {address}: {}", socket(error)),
        (ConnectFailure::Socket { address, error }, Lang::Zh) => format!("无法连接 {address}：{}", socket(error)),
        (ConnectFailure::Tunnel { reason }, Lang::En) => format!("the tunnel to the server failed: {reason}"),
        (ConnectFailure::Tunnel { reason }, Lang::Zh) => format!("通往服务端的隧道失败：{reason}"),
    }
}

/// Why a certificate is refused.
pub(super) fn fault(lang: Lang, fault: &CertificateFault) -> String {
    let (en, zh) = match fault {
        CertificateFault::Expired => ("it has expired", "证书已过期"),
        CertificateFault::NotYetValid => ("it is not valid yet", "证书尚未生效"),
        CertificateFault::UnknownIssuer => ("no authority that is trusted here signed it", "签发它的 CA 不受信任"),
        CertificateFault::OtherName => ("it is for other names", "证书中没有所请求的名称"),
        CertificateFault::Other(reason) => (reason.as_str(), reason.as_str()),
    };
    pick(lang, en, zh)
}

fn tls(lang: Lang, failed: &TlsFailure) -> String {
    let (en, zh) = match failed {
        TlsFailure::Certificate { fault: why, .. } => (
            format!("the server's certificate was refused: {}", fault(lang, why)),
            format!("服务端证书未通过校验：{}", fault(lang, why)),
        ),
        TlsFailure::Alert { number, name } => (
            format!("the server refused the TLS handshake: alert {number}, {name}"),
            format!("服务端拒绝了 TLS 握手：告警 {number}（{name}）"),
        ),
        TlsFailure::NotTls => {
            ("the server's answer to the TLS handshake is no TLS".to_owned(), "服务端对 TLS 握手的应答不是 TLS".to_owned())
        }
        TlsFailure::Closed => {
            ("the server closed the connection within the TLS handshake".to_owned(), "服务端在 TLS 握手中关闭了连接".to_owned())
        }
        TlsFailure::Reset => {
            ("the server reset the connection within the TLS handshake".to_owned(), "服务端在 TLS 握手中重置了连接".to_owned())
        }
        TlsFailure::NothingInCommon(reason) => (
            format!("client and server have no TLS version, cipher or curve in common: {reason}"),
            format!("客户端与服务端没有共同支持的 TLS 版本、密码套件或曲线：{reason}"),
        ),
        TlsFailure::NoHttp2 => (
            "the server does not choose HTTP/2 in the TLS handshake; --http2-prior-knowledge speaks it all the same".to_owned(),
            "服务端在 TLS 握手中没有选择 HTTP/2；可用 --http2-prior-knowledge 强制使用".to_owned(),
        ),
        TlsFailure::TimedOut => (
            "the TLS handshake did not end in time; --timeout waits longer".to_owned(),
            "TLS 握手超时；可用 --timeout 延长等待".to_owned(),
        ),
        TlsFailure::Other(reason) => (format!("the TLS handshake failed: {reason}"), format!("TLS 握手失败：{reason}")),
    };
    pick(lang, &en, &zh)
}

fn exchange(lang: Lang, failed: &ExchangeFailure) -> String {
    let named = |en: &str, zh: &str, name: &str| pick(lang, &format!("{en} {name}"), &format!("{zh} {name}"));
    let (en, zh) = match failed {
        ExchangeFailure::TimedOut => (
            "no response in time; who works on the request waits longer than this client, and --timeout does so too",
            "在限定时间内没有响应；处理该请求的一方等待得比本客户端更久，可用 --timeout 延长等待",
        ),
        ExchangeFailure::Closed => ("the connection was closed before a response", "连接在响应之前被关闭"),
        ExchangeFailure::Reset => ("the connection was reset before a response", "连接在响应之前被重置"),
        ExchangeFailure::TooLarge => {
            ("the headers of the response are larger than 256 KiB or more than 1000", "响应头超过 256 KiB，或多于 1000 个")
        }
        ExchangeFailure::AnsweredHttp1 => ("the server answered in HTTP/1, not in HTTP/2", "服务端用 HTTP/1 应答，而不是 HTTP/2"),
        ExchangeFailure::AnsweredHttp2 => {
            ("the server speaks HTTP/2 alone: ask with --http2", "服务端只支持 HTTP/2：请使用 --http2")
        }
        ExchangeFailure::AnsweredTls => ("the server speaks TLS: ask https://", "服务端使用 TLS：请改用 https://"),
        ExchangeFailure::NotHttp => ("what the server sent is no HTTP", "服务端发来的不是 HTTP"),
        ExchangeFailure::StreamReset(name) => {
            return named("the server reset the HTTP/2 stream:", "服务端重置了 HTTP/2 流：", name);
        }
        ExchangeFailure::GoAway(name) => {
            return named("the server ended the HTTP/2 connection:", "服务端结束了 HTTP/2 连接：", name);
        }
        ExchangeFailure::Tls(failed) => return tls(lang, failed),
        ExchangeFailure::Other(reason) => return named("the exchange failed:", "请求失败：", reason),
    };
    pick(lang, en, zh)
}

/// How a body ended, where that is worth a word.
pub(super) fn body(lang: Lang, end: &BodyEnd, length: u64) -> Option<String> {
    match (end, lang) {
        (BodyEnd::Complete, _) => None,
        (BodyEnd::Left, Lang::En) => Some(format!("after {length} bytes of the body it was not read on")),
        (BodyEnd::Left, Lang::Zh) => Some(format!("响应体读到 {length} 字节后不再继续读取")),
        (BodyEnd::TimedOut, Lang::En) => Some(format!(
            "the body had not ended in time ({length} bytes came): it is a stream, or it got stuck; --timeout waits longer"
        )),
        (BodyEnd::TimedOut, Lang::Zh) => Some(format!(
            "响应体在限定时间内没有结束（已收到 {length} 字节）：可能是流式响应，也可能卡住了；可用 --timeout 延长等待"
        )),
        (BodyEnd::Broken(failed), Lang::En) => {
            Some(format!("the body broke off after {length} bytes: {}", exchange(lang, failed)))
        }
        (BodyEnd::Broken(failed), Lang::Zh) => Some(format!("响应体在 {length} 字节后中断：{}", exchange(lang, failed))),
    }
}

/// Who made the response; the name of a proxy is not escaped.
pub(super) fn author(lang: Lang, author: &Author) -> String {
    match (author, lang) {
        (Author::Proxy { name, side }, Lang::En) => {
            format!(
                "the proxy {name}{}, as `proxy-status` says",
                side.map(|side| format!(" ({})", side.as_str())).unwrap_or_default()
            )
        }
        (Author::Proxy { name, side }, Lang::Zh) => {
            format!("代理 {name}{}（依据 `proxy-status`）", side.map(|side| format!(" {}", side.as_str())).unwrap_or_default())
        }
        (Author::Upstream, Lang::En) => {
            "what is behind the proxy, which passed the answer on: the application, or a proxy that does not say".to_owned()
        }
        (Author::Upstream, Lang::Zh) => "代理背后的一方，代理只是转发：应用，或没有表明身份的代理".to_owned(),
        (Author::LikelyEnvoy, Lang::En) => "probably an Envoy by itself: no header says that an upstream took time".to_owned(),
        (Author::LikelyEnvoy, Lang::Zh) => "很可能是 Envoy 自己：没有响应头表明上游处理过".to_owned(),
        (Author::EnvoyOrUpstream, Lang::En) => "an Envoy, or what is behind it: no header says which".to_owned(),
        (Author::EnvoyOrUpstream, Lang::Zh) => "Envoy，或它背后的一方：响应头没有说明是哪一方".to_owned(),
        (Author::Unknown, Lang::En) => "no header says it; nothing shows a proxy of the mesh".to_owned(),
        (Author::Unknown, Lang::Zh) => "响应头没有说明；看不出经过了网格的代理".to_owned(),
    }
}

/// The same for a table.
pub(super) fn author_briefly(lang: Lang, author: &Author) -> String {
    match author {
        Author::Proxy { name, side } => side.map_or_else(|| name.clone(), |side| format!("{name} {}", side.as_str())),
        Author::Upstream => pick(lang, "upstream", "上游"),
        Author::LikelyEnvoy => pick(lang, "Envoy?", "Envoy?"),
        Author::EnvoyOrUpstream | Author::Unknown => "-".to_owned(),
    }
}

/// The word of an author for programs.
pub(super) const fn author_word(author: &Author) -> &'static str {
    match author {
        Author::Proxy { .. } => "proxy",
        Author::Upstream => "upstream",
        Author::LikelyEnvoy => "likely-envoy",
        Author::EnvoyOrUpstream => "envoy-or-upstream",
        Author::Unknown => "unknown",
    }
}

/// The proxy that the client spoke to.
pub(super) fn front(lang: Lang, front: Front) -> String {
    let (en, zh) = match front {
        Front::ClientSidecarOrEnvoy => (
            "This client spoke to its own sidecar, or to an Envoy without Istio.",
            "本客户端连接的是自己的 Sidecar，或不属于 Istio 的 Envoy。",
        ),
        Front::GatewayOrServerSidecar => {
            ("This client spoke to a gateway, or to the sidecar of the server.", "本客户端连接的是网关，或服务端的 Sidecar。")
        }
        Front::ServerSidecar => ("This client spoke to the sidecar of the server.", "本客户端连接的是服务端的 Sidecar。"),
    };
    pick(lang, en, zh)
}

/// Why a variant was not asked.
pub(super) fn omission(lang: Lang, omission: Omission) -> String {
    let (en, zh) = match omission {
        Omission::SameAsPlain => ("the plain request is one", "基准请求本来就是这样"),
        Omission::NeedsTls => ("there is no TLS", "没有使用 TLS"),
        Omission::NotForGrpc => ("gRPC is spoken over HTTP/2 alone", "gRPC 只能使用 HTTP/2"),
        Omission::Unreachable => ("nobody was reached", "没有连上服务端"),
    };
    pick(lang, en, zh)
}
