//! How a run can end.

use std::io;

use meshwhy_core::texts::Lang;

/// How a run ended that did what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is wrong.
    Clean,
    /// Something is wrong and was reported.
    Findings,
}

/// Why a run could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line, as clap judges it; also help and version.
    #[error("{0}")]
    Arguments(clap::Error),
    /// The command line, as we judge it.
    #[error("{0}")]
    Usage(String),
    /// A source that cannot be read.
    #[error("cannot read {name}")]
    Input {
        /// Path, or `standard input`.
        name: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Input of which no line was understood.
    #[error("{}", nothing_recognised(*.0))]
    NothingRecognised(Lang),
    /// Output that cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Arguments(error) => u8::try_from(error.exit_code()).unwrap_or(2),
            Self::Usage(_) => 2,
            Self::Input { .. } | Self::NothingRecognised(_) | Self::Output(_) => 3,
        }
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

const fn nothing_recognised(lang: Lang) -> &'static str {
    match lang {
        Lang::En => {
            "nothing in the input is an access-log line of Envoy or Istio, a meshwhy record or a Proxy-Status header; \
             give a whole line, as the proxy wrote it"
        }
        Lang::Zh => "输入中没有 Envoy 或 Istio 的访问日志行、meshwhy 记录或 Proxy-Status 响应头；请给出代理输出的完整一行",
    }
}
