//! The deployment manifests, rendered from the catalogue: three deployments, each for sidecars and for gateways.
//!
//! Rendered text is checked in beside this crate (`sidecar/`, `gateway/`) and compared by `cargo xtask gen --check`.

mod decision;
mod loggers;
mod mappers;
mod search;
mod usual;
mod yaml;

use yaml::Document;

/// How meshwhy is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployment {
    /// The module as access logger; Envoy writes the annotation.
    Observe,
    /// The module as HTTP filter.
    Annotate,
    /// No module.
    Native,
}

/// What kind of proxy a manifest is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// Sidecars: an inbound and an outbound side.
    Sidecar,
    /// Ingress and egress gateways.
    Gateway,
}

/// One place where an EnvoyFilter applies: Istio's context, and the side that it means.
#[derive(Debug, Clone, Copy)]
struct Context {
    istio: &'static str,
    side: &'static str,
}

impl Deployment {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Annotate, Self::Native];

    /// Name of the file without its suffix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Annotate => "annotate",
            Self::Native => "native",
        }
    }
}

impl Proxy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sidecar, Self::Gateway];

    /// Name of the folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::Gateway => "gateway",
        }
    }

    const fn contexts(self) -> &'static [Context] {
        match self {
            Self::Sidecar => {
                &[Context { istio: "SIDECAR_INBOUND", side: "inbound" }, Context { istio: "SIDECAR_OUTBOUND", side: "outbound" }]
            }
            Self::Gateway => &[Context { istio: "GATEWAY", side: "gateway" }],
        }
    }
}

/// Renders one manifest.
#[must_use]
pub fn render(deployment: Deployment, proxy: Proxy) -> String {
    let mut document = Document::default();
    document.comment(0, "Generated from the catalogue by `cargo xtask gen`; do not edit.");
    match deployment {
        Deployment::Observe => observe(&mut document, proxy),
        Deployment::Annotate => annotate(&mut document, proxy),
        Deployment::Native => native(&mut document, proxy),
    }
    document.finish()
}

fn observe(document: &mut Document, proxy: Proxy) {
    document.text(
        0,
        "\
# The module as access logger: it is entered for failures only, and cannot hurt a request even if it traps.
# Envoy itself writes the cause into `proxy-status`, from the mappers below; healthy requests never evaluate them.
# Mount the module at /var/lib/meshwhy/meshwhy.wasm in the proxy container, for example from a ConfigMap with the
# annotations sidecar.istio.io/userVolume and sidecar.istio.io/userVolumeMount.
# The proxy needs Envoy 1.35 or later (Istio 1.27), where status filters need no runtime_key.",
    );
    envoy_filter(document, proxy, "observe");
    for context in proxy.contexts() {
        connection_manager(document, context, |document| {
            mappers::render(document, 10, context.side);
            document.line(10, "access_log:");
            document.comment(10, "Failures: what the filter lets through is judged by the module.");
            loggers::wasm(document, 10, context.side, loggers::Report::Failures);
        });
        tcp_proxy(document, context, |document| loggers::wasm(document, 10, context.side, loggers::Report::TcpFailures));
        listener(document, context, |document| loggers::wasm(document, 8, context.side, loggers::Report::Handshakes));
    }
    loggers::trace_check(document, proxy.contexts());
}

fn native(document: &mut Document, proxy: Proxy) {
    document.text(
        0,
        "\
# No module at all: Envoy writes the cause into `proxy-status`, and a JSON access logger writes the facts of each failure to
# the proxy's standard output, where `meshwhy diagnose` reads them.
# The proxy needs Envoy 1.35 or later (Istio 1.27), where status filters need no runtime_key.",
    );
    envoy_filter(document, proxy, "native");
    for context in proxy.contexts() {
        connection_manager(document, context, |document| {
            mappers::render(document, 10, context.side);
            document.line(10, "access_log:");
            loggers::json(document, 10, context.side, loggers::Report::Failures);
        });
        native_loggers_of_connections(document, context);
    }
}

fn native_loggers_of_connections(document: &mut Document, context: &Context) {
    tcp_proxy(document, context, |document| loggers::json(document, 10, context.side, loggers::Report::TcpFailures));
    listener(document, context, |document| loggers::json(document, 8, context.side, loggers::Report::Handshakes));
}

fn envoy_filter(document: &mut Document, proxy: Proxy, deployment: &str) {
    document.text(0, "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata:");
    document.line(2, &format!("name: meshwhy-{deployment}-{}", proxy.name()));
    document.comment(2, "In the root namespace it reaches every proxy; elsewhere, the proxies of its namespace.");
    document.text(2, "namespace: istio-system\nlabels:\n  app.kubernetes.io/name: meshwhy");
    document.text(0, "spec:\n  configPatches:");
}

fn connection_manager(document: &mut Document, context: &Context, value: impl FnOnce(&mut Document)) {
    document.comment(2, &format!("HTTP, {}.", context.side));
    network_filter(document, context, "envoy.filters.network.http_connection_manager");
    document.line(
        10,
        "\"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    );
    value(document);
}

fn tcp_proxy(document: &mut Document, context: &Context, loggers: impl FnOnce(&mut Document)) {
    document.comment(2, &format!("TCP, {}: connections that are not HTTP.", context.side));
    network_filter(document, context, "envoy.filters.network.tcp_proxy");
    document.line(10, "\"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy");
    document.line(10, "access_log:");
    loggers(document);
}

fn network_filter(document: &mut Document, context: &Context, name: &str) {
    document.text(2, "- applyTo: NETWORK_FILTER\n  match:");
    document.line(6, &format!("context: {}", context.istio));
    document.text(6, "listener:\n  filterChain:\n    filter:");
    document.line(12, &format!("name: {name}"));
    document.text(4, "patch:\n  operation: MERGE\n  value:\n    typed_config:");
}

fn listener(document: &mut Document, context: &Context, loggers: impl FnOnce(&mut Document)) {
    document
        .comment(2, &format!("Listener, {}: TLS handshakes that failed here; Istio itself logs nothing for them.", context.side));
    document.text(2, "- applyTo: LISTENER\n  match:");
    document.line(6, &format!("context: {}", context.istio));
    document.text(4, "patch:\n  operation: MERGE\n  value:\n    access_log:");
    loggers(document);
}

fn annotate(document: &mut Document, proxy: Proxy) {
    document.text(
        0,
        "\
# The module as HTTP filter: the one-line install. It marks every local reply of a filter or the router, and records it.
# What an HTTP filter does not see Envoy's own access logger records below: replies to requests that never reached the
# filters (426, 431, 400), which cannot be marked, responses that broke off, TCP connections, TLS handshakes.
# The proxy needs Envoy 1.35 or later (Istio 1.27), where status filters need no runtime_key.",
    );
    document.text(0, "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata:");
    document.line(2, &format!("name: meshwhy-{}", proxy.name()));
    document.text(2, "namespace: istio-system\nlabels:\n  app.kubernetes.io/name: meshwhy");
    document.line(0, "spec:");
    if proxy == Proxy::Gateway {
        document.comment(2, "Without a selector a WasmPlugin in the root namespace reaches sidecars, too.");
        document.text(2, "selector:\n  matchLabels:\n    istio: ingressgateway");
    }
    document.comment(2, "Path in the proxy container; an oci:// or https:// address works as well (then give its sha256).");
    document.line(2, "url: file:///var/lib/meshwhy/meshwhy.wasm");
    document.comment(2, "Early, so that replies of the filters behind are seen; after peer metadata exchange and ext_authz.");
    document.text(2, "phase: AUTHN\npriority: 1000");
    document.comment(2, "Never left at its default, which would turn a failed download or a trap into an outage.");
    document.line(2, "failStrategy: FAIL_OPEN");
    document.line(2, "pluginName: meshwhy");
    document.line(2, "pluginConfig:");
    document.comment(4, "mesh: only peers with mutual TLS see the member; always: everyone.");
    document.line(4, "visibility: mesh");
    if proxy == Proxy::Gateway {
        document.line(4, "side: gateway");
    }
    document.line(4, "level: standard");
    document.comment(4, "Alone, without the EnvoyFilter below: `failures`, which costs each healthy request one more host call.");
    document.text(4, "report: replies\nrecords_per_interval: 10\ninterval_ms: 10000");
    document.comment(4, "Of 10 000 requests, how many are checked for trace context.");
    document.text(4, "trace_check:\n  sample_per_10k: 100\n  annotate: true");
    document.line(0, "---");
    envoy_filter(document, proxy, "annotate");
    for context in proxy.contexts() {
        connection_manager(document, context, |document| {
            document.line(10, "access_log:");
            loggers::json(document, 10, context.side, loggers::Report::UnreportedFailures);
        });
        native_loggers_of_connections(document, context);
    }
}
