//! The arguments of `meshwhy probe`.

use std::path::PathBuf;

use clap::Args;

use super::{ConnectionArgs, OutputArgs};

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// What to ask, such as http://reviews:9080/ or https://shop.example.com/cart; a gRPC method is http://HOST:PORT/PACKAGE.SERVICE/METHOD
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Also ask in the usual variants, one request each, and print a table: HTTP/1.0, HTTP/1.1 and HTTP/2, large headers, no Host, a wrong
    /// name in the TLS handshake, no trace context. The exit code is 1 when one of them fails
    #[arg(long)]
    pub(crate) matrix: bool,
    /// The method [default: GET; POST with --body or --grpc]
    #[arg(long, short = 'X', value_name = "METHOD")]
    pub(crate) request: Option<String>,
    /// A header, `NAME: VALUE`; may be repeated. Values are never printed
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// The body, or of a gRPC call the encoded message; `@FILE` takes it from a file
    #[arg(long, value_name = "TEXT|@FILE")]
    pub(crate) body: Option<String>,
    /// Add a header of so many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    pub(crate) header_size: u32,
    /// Send no Host header (HTTP/1)
    #[arg(long, conflicts_with_all = ["http2", "http2_prior_knowledge", "grpc"])]
    pub(crate) no_host: bool,
    /// Do not begin a trace: without it the request has a sampled `traceparent` of its own
    #[arg(long)]
    pub(crate) no_trace_context: bool,
    #[command(flatten)]
    pub(crate) version: HttpVersionArgs,
    /// Make a gRPC call with an empty message, or that of --body
    #[arg(long, conflicts_with_all = ["http1_0", "http1_1", "request"])]
    pub(crate) grpc: bool,
    /// Set out from inside this pod, so that the request takes the way of its workload: a program of its first container that is no proxy, or of
    /// CONTAINER, passes the bytes on (python3, bash, socat or nc; needs the right to `exec`)
    #[arg(long, value_name = "POD[/CONTAINER]")]
    pub(crate) from: Option<String>,
    /// The namespace of that pod
    #[arg(long, short, value_name = "NAMESPACE", requires = "from")]
    pub(crate) namespace: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    /// Connect here, whatever host and port the URL has
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) connect_to: Option<String>,
    /// The server's name in the TLS handshake, which its certificate must have [default: the host of the URL]
    #[arg(long, value_name = "NAME")]
    pub(crate) sni: Option<String>,
    /// Trust these authorities alone (PEM) [default: those of this machine]
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// Show this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Take any certificate; what is wrong with it is said all the same
    #[arg(long, short = 'k')]
    pub(crate) insecure: bool,
    /// How long each of resolving, connecting, the TLS handshake, the response's headers and its body may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Which version of HTTP is spoken: at most one of them.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct HttpVersionArgs {
    /// Speak HTTP/1.0
    #[arg(long = "http1.0")]
    pub(crate) http1_0: bool,
    /// Speak HTTP/1.1
    #[arg(long = "http1.1")]
    pub(crate) http1_1: bool,
    /// Speak HTTP/2: the server has to choose it in the TLS handshake; without TLS as --http2-prior-knowledge
    #[arg(long)]
    pub(crate) http2: bool,
    /// Speak HTTP/2, whether the server chooses it or not
    #[arg(long)]
    pub(crate) http2_prior_knowledge: bool,
}
