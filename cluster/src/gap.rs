//! What could not be read, and why: nothing is left out in silence.

use http::StatusCode;
use kube::Error;
use meshwhy_core::Lang;

use crate::client::status;

/// Something that was to be read and was not, or not in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What: `logs of pay-1.shop/istio-proxy`, `events`, `virtualservices.networking.istio.io`.
    pub what: String,
    /// Why.
    pub reason: GapReason,
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GapReason {
    /// These credentials may not (403).
    Forbidden,
    /// The credentials are not accepted any more (401).
    Unauthorized,
    /// It is not there (any more).
    NotFound,
    /// The container has not started, so it has written nothing.
    NotStarted,
    /// The container has not run before.
    NoPrevious,
    /// There was more than is read of one container, in bytes.
    TooMuch(u64),
    /// Nothing came for so many seconds.
    Silent(u64),
    /// Only in some namespaces; elsewhere it is forbidden.
    OnlyIn(Vec<String>),
    /// What the API server, the kubelet or the connection says.
    Failed(String),
}

impl Gap {
    /// That a request failed.
    pub(crate) fn of(what: impl Into<String>, error: &Error) -> Self {
        let reason = match status(error) {
            Some(StatusCode::FORBIDDEN) => GapReason::Forbidden,
            Some(StatusCode::UNAUTHORIZED) => GapReason::Unauthorized,
            Some(StatusCode::NOT_FOUND) => GapReason::NotFound,
            _ => GapReason::Failed(message(error)),
        };
        Self { what: what.into(), reason }
    }
}

/// An error in one line, with what is behind it, each part once.
pub(crate) fn message(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(Error::Api(status)) = error.downcast_ref::<Error>() {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        behind = error.source();
    }
    text
}

impl GapReason {
    /// In words.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Forbidden, Lang::En) => "forbidden (403)".to_owned(),
            (Self::Forbidden, Lang::Zh) => "没有权限（403）".to_owned(),
            (Self::Unauthorized, Lang::En) => "the credentials are not accepted any more (401)".to_owned(),
            (Self::Unauthorized, Lang::Zh) => "凭证已失效（401）".to_owned(),
            (Self::NotFound, Lang::En) => "not there (404)".to_owned(),
            (Self::NotFound, Lang::Zh) => "不存在（404）".to_owned(),
            (Self::NotStarted, Lang::En) => "the container has not started".to_owned(),
            (Self::NotStarted, Lang::Zh) => "容器尚未启动".to_owned(),
            (Self::NoPrevious, Lang::En) => "the container has not run before".to_owned(),
            (Self::NoPrevious, Lang::Zh) => "该容器没有上一次运行的日志".to_owned(),
            (Self::TooMuch(bytes), Lang::En) => format!("more than {bytes} bytes; the rest was not read"),
            (Self::TooMuch(bytes), Lang::Zh) => format!("超过 {bytes} 字节，其余部分未读取"),
            (Self::Silent(seconds), Lang::En) => format!("nothing came for {seconds} s"),
            (Self::Silent(seconds), Lang::Zh) => format!("{seconds} 秒内没有任何响应"),
            (Self::OnlyIn(namespaces), Lang::En) => format!("seen only in {}; elsewhere forbidden", namespaces.join(", ")),
            (Self::OnlyIn(namespaces), Lang::Zh) => format!("只读取了命名空间 {}，其余没有权限", namespaces.join("、")),
            (Self::Failed(message), _) => message.clone(),
        }
    }
}
