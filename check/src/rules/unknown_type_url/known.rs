//! Types that EnvoyFilters put in most. A name that is none of them and not near one is not judged: Envoy has more.

use crate::spelling::typos;

/// Package below `envoy.extensions.`, and message.
const KNOWN: [&str; 68] = [
    "access_loggers.file.v3.FileAccessLog",
    "access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
    "access_loggers.grpc.v3.TcpGrpcAccessLogConfig",
    "access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
    "access_loggers.stream.v3.StderrAccessLog",
    "access_loggers.stream.v3.StdoutAccessLog",
    "compression.brotli.compressor.v3.Brotli",
    "compression.brotli.decompressor.v3.Brotli",
    "compression.gzip.compressor.v3.Gzip",
    "compression.gzip.decompressor.v3.Gzip",
    "compression.zstd.compressor.v3.Zstd",
    "compression.zstd.decompressor.v3.Zstd",
    "filters.http.adaptive_concurrency.v3.AdaptiveConcurrency",
    "filters.http.admission_control.v3.AdmissionControl",
    "filters.http.aws_lambda.v3.Config",
    "filters.http.aws_request_signing.v3.AwsRequestSigning",
    "filters.http.bandwidth_limit.v3.BandwidthLimit",
    "filters.http.basic_auth.v3.BasicAuth",
    "filters.http.buffer.v3.Buffer",
    "filters.http.buffer.v3.BufferPerRoute",
    "filters.http.compressor.v3.Compressor",
    "filters.http.compressor.v3.CompressorPerRoute",
    "filters.http.cors.v3.Cors",
    "filters.http.cors.v3.CorsPolicy",
    "filters.http.csrf.v3.CsrfPolicy",
    "filters.http.decompressor.v3.Decompressor",
    "filters.http.dynamic_forward_proxy.v3.FilterConfig",
    "filters.http.ext_authz.v3.ExtAuthz",
    "filters.http.ext_authz.v3.ExtAuthzPerRoute",
    "filters.http.ext_proc.v3.ExtProcPerRoute",
    "filters.http.ext_proc.v3.ExternalProcessor",
    "filters.http.fault.v3.HTTPFault",
    "filters.http.grpc_http1_bridge.v3.Config",
    "filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
    "filters.http.grpc_stats.v3.FilterConfig",
    "filters.http.grpc_web.v3.GrpcWeb",
    "filters.http.header_to_metadata.v3.Config",
    "filters.http.health_check.v3.HealthCheck",
    "filters.http.jwt_authn.v3.JwtAuthentication",
    "filters.http.local_ratelimit.v3.LocalRateLimit",
    "filters.http.lua.v3.Lua",
    "filters.http.lua.v3.LuaPerRoute",
    "filters.http.oauth2.v3.OAuth2",
    "filters.http.ratelimit.v3.RateLimit",
    "filters.http.ratelimit.v3.RateLimitPerRoute",
    "filters.http.rbac.v3.RBAC",
    "filters.http.rbac.v3.RBACPerRoute",
    "filters.http.router.v3.Router",
    "filters.http.tap.v3.Tap",
    "filters.http.wasm.v3.Wasm",
    "filters.listener.http_inspector.v3.HttpInspector",
    "filters.listener.original_dst.v3.OriginalDst",
    "filters.listener.original_src.v3.OriginalSrc",
    "filters.listener.proxy_protocol.v3.ProxyProtocol",
    "filters.listener.tls_inspector.v3.TlsInspector",
    "filters.network.connection_limit.v3.ConnectionLimit",
    "filters.network.http_connection_manager.v3.HttpConnectionManager",
    "filters.network.local_ratelimit.v3.LocalRateLimit",
    "filters.network.ratelimit.v3.RateLimit",
    "filters.network.redis_proxy.v3.RedisProxy",
    "filters.network.tcp_proxy.v3.TcpProxy",
    "filters.network.wasm.v3.Wasm",
    "http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
    "transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
    "transport_sockets.raw_buffer.v3.RawBuffer",
    "transport_sockets.tls.v3.DownstreamTlsContext",
    "transport_sockets.tls.v3.UpstreamTlsContext",
    "upstreams.http.v3.HttpProtocolOptions",
];

const ROOT: &str = "envoy.extensions.";
/// Letters that may differ. Two of the known differ by no less where they are of one package.
const TOLERANCE: usize = 2;

/// The known type that a name was meant to be; `None` for a known one, and for one that may be of an extension that is not known here.
pub(super) fn near(name: &str) -> Option<String> {
    if let Some(package) = name.strip_prefix("envoy.config.filter.") {
        return of_v2(package).map(|known| format!("{ROOT}{known}"));
    }
    let path = name.strip_prefix(ROOT)?;
    if KNOWN.contains(&path) {
        return None;
    }
    // A package's messages are many: only one that differs in case, or in few letters of a long name, is a slip.
    let is_near = |known: &&&str| known.eq_ignore_ascii_case(path) || (path.len() > 24 && typos(known, path) <= TOLERANCE);
    KNOWN.iter().find(is_near).map(|known| format!("{ROOT}{known}"))
}

/// The type of the third API for a package of the second, such as `http.lua.v2.Lua`.
fn of_v2(package: &str) -> Option<&'static str> {
    let (package, version, message) = {
        let mut parts = package.rsplitn(3, '.');
        let (message, version) = (parts.next()?, parts.next()?);
        (parts.next()?, version, message)
    };
    let is_second = version.starts_with("v2");
    let matches = |known: &&&str| known.strip_prefix("filters.") == Some(format!("{package}.v3.{message}").as_str());
    KNOWN.iter().find(|known| is_second && matches(known)).copied()
}
