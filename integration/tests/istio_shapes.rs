//! Listeners as a real istiod sends them, and two or three proxies in a row, each with meshwhy as it is shipped: what clients get is what
//! they get without it, whoever may be told is told, nobody else is, and all lines of one request give one finding.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use meshwhy_diagnose::Analysis;
use meshwhy_integration::Deployment;
use meshwhy_integration::istio::{Chain, Entry, Exchange, Hop};
use meshwhy_integration::scenario::{ClientRequest, ClientTls, HttpVersion};
use serde_json::Value;

/// What is checked of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Status and body are those without meshwhy.
    Same,
    /// The member of the proxy that replied is there, or none is.
    Told,
    /// What others said in the header is still there, and gone behind a gateway.
    Others,
    /// The gateway's access log has what it took out.
    Kept,
    /// The proxy that replied has left a record.
    Recorded,
    /// All lines together give the one finding.
    Found,
}

/// What does not hold yet, and why. An entry that is no longer needed fails the test.
const GAPS: &[(Option<Deployment>, &str, Check, &str)] = &[
    (None, "DENY behind two proxies", Check::Found, "the gateway gives the request another id, and no member passes it"),
    (None, "the application's 500 behind two proxies", Check::Found, "the gateway gives the request another id"),
    (Some(Deployment::Native), "no host at the gateway", Check::Found, "Envoy's loggers cannot tell the virtual host"),
];

/// What a client does, and what should come of it.
struct Case {
    name: &'static str,
    entry: Entry,
    request: ClientRequest,
    status: u16,
    /// The proxy that made the reply or saw the connection fail, if one did.
    made_by: Option<Hop>,
    /// Whether the client gets to see that proxy's member.
    annotated: bool,
    /// Whether a member of the server's sidecar passes the gateway.
    relayed: bool,
    /// The one cause that all lines together should give; none for a healthy request.
    cause: Option<&'static str>,
    /// Causes that may be found beside it, as the timing has it.
    beside: &'static [&'static str],
}

impl Case {
    fn healthy(name: &'static str, entry: Entry, request: ClientRequest, status: u16) -> Self {
        Self { name, entry, request, status, made_by: None, annotated: false, relayed: false, cause: None, beside: &[] }
    }

    /// A reply that the client is told about.
    fn annotated(name: &'static str, by: Hop, request: ClientRequest, status: u16, cause: &'static str) -> Self {
        Self { annotated: true, ..Self::unannotated(name, Entry::Client, Some(by), request, status, cause) }
    }

    fn unannotated(
        name: &'static str,
        entry: Entry,
        made_by: Option<Hop>,
        request: ClientRequest,
        status: u16,
        cause: &'static str,
    ) -> Self {
        Self { name, entry, request, status, made_by, annotated: false, relayed: false, cause: Some(cause), beside: &[] }
    }

    /// A reply of the server's sidecar that the gateway passes on, its member taken out.
    fn relayed(name: &'static str, entry: Entry, request: ClientRequest, status: u16, cause: &'static str) -> Self {
        Self { relayed: true, ..Self::unannotated(name, entry, Some(Hop::Server), request, status, cause) }
    }
}

fn get(host: &str, path: &str) -> ClientRequest {
    ClientRequest { path: path.to_owned(), headers: [("host".to_owned(), host.to_owned())].into(), ..ClientRequest::default() }
}

fn over_tls(host: &str, path: &str) -> ClientRequest {
    ClientRequest { tls: ClientTls::Server, server_name: host.to_owned(), ..get(host, path) }
}

fn with(mut request: ClientRequest, headers: &[(&str, &str)]) -> ClientRequest {
    request.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    request
}

fn grpc(host: &str) -> ClientRequest {
    let call =
        ClientRequest { protocol: HttpVersion::Http2, method: "POST".to_owned(), body_bytes: 5, ..get(host, "/shop.Cart/Get") };
    with(call, &[("content-type", "application/grpc"), ("te", "trailers")])
}

fn healthy() -> Vec<Case> {
    let case = |name, entry, request| Case::healthy(name, entry, request, 200);
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    vec![
        case("plaintext to PERMISSIVE", Entry::Client, get("permissive.demo", "/ok")),
        case("mutual TLS to STRICT", Entry::Client, get("strict.demo", "/ok")),
        case("plaintext to DISABLE", Entry::Client, get("disabled.demo", "/ok")),
        case("a stranger's plaintext to PERMISSIVE", Entry::Server("10.245.90.20_8080"), get("permissive.demo", "/ok")),
        case("a delay that was injected", Entry::Client, get("delayed.demo", "/ok")),
        // One of the two finds the refusing endpoint first.
        case("a retry that succeeds", Entry::Client, get("retried.demo", "/ok")),
        case("a retry that succeeds, again", Entry::Client, get("retried.demo", "/ok")),
        case("to a port that no listener has", Entry::Client, get("passthrough.demo", "/ok")),
        case("to a host that nobody knows", Entry::Permissive, get("elsewhere.example", "/ok")),
        case("through the gateway", Entry::Gateway, get("shop.demo", "/ok")),
        case("through the gateway, over TLS", Entry::GatewayTls, over_tls("shop.demo", "/ok")),
        case("from a sidecar through the gateway", Entry::Client, get("via-gateway.demo", "/ok")),
        Case::healthy("the gateway's own redirect", Entry::Gateway, get("secure.demo", "/ok"), 301),
        case("TCP", Entry::Bytes("10.96.4.25_5432"), get("database.demo", "/ok")),
        case("TCP that is passed on", Entry::Bytes("passthrough"), get("database.demo", "/ok")),
        case("gRPC", Entry::Client, grpc("grpc.demo")),
        Case::healthy("a finished websocket", Entry::Client, with(get("strict.demo", "/websocket"), &upgrade), 101),
    ]
}

fn failing() -> Vec<Case> {
    let nonsense = [("authorization", "Bearer nonsense")];
    vec![
        Case::annotated("no route at the client", Hop::Client, get("routeless.demo", "/nowhere"), 404, "no-route"),
        Case::annotated("REGISTRY_ONLY", Hop::Client, get("elsewhere.example", "/ok"), 502, "passthrough-blackhole"),
        Case::annotated("a service that is gone", Hop::Client, get("gone.demo", "/ok"), 503, "upstream-connection-refused"),
        Case::annotated("plaintext to STRICT", Hop::Client, get("plaintext-to-strict.demo", "/ok"), 503, "plaintext-to-tls-port"),
        Case::annotated("TLS to plaintext", Hop::Client, get("tls-to-plaintext.demo", "/ok"), 503, "tls-to-plaintext-port"),
        Case::annotated("DENY", Hop::Server, get("strict.demo", "/admin/x"), 403, "rbac-denied"),
        Case::annotated("CUSTOM", Hop::Server, get("strict.demo", "/custom/x"), 403, "ext-authz-denied"),
        Case::annotated("JWT", Hop::Server, with(get("strict.demo", "/ok"), &nonsense), 401, "jwt-rejected"),
        Case::annotated("the workload refuses", Hop::Server, get("refusing.demo", "/ok"), 503, "upstream-connection-refused"),
        Case::annotated("the workload resets", Hop::Server, get("strict.demo", "/reset"), 503, "upstream-closed-connection"),
        Case::unannotated(
            "DENY over plaintext",
            Entry::Client,
            Some(Hop::Server),
            get("permissive.demo", "/admin/x"),
            403,
            "rbac-denied",
        ),
        Case::unannotated(
            "DENY for a stranger",
            Entry::Server("10.245.90.20_8080"),
            Some(Hop::Server),
            get("permissive.demo", "/admin/x"),
            403,
            "rbac-denied",
        ),
        Case::unannotated(
            "a stranger's plaintext to STRICT",
            Entry::Server("10.245.90.20_8081"),
            Some(Hop::Server),
            get("strict.demo", "/ok"),
            0,
            "plaintext-to-tls-port",
        ),
        Case::unannotated(
            "a stranger that expects a public certificate",
            Entry::Server("10.245.90.20_8081"),
            Some(Hop::Server),
            over_tls("shop.demo", "/ok"),
            0,
            "certificate-verify-failed",
        ),
        Case::annotated("gRPC without a route", Hop::Client, grpc("routeless.demo"), 200, "no-route"),
        Case::annotated(
            "gRPC to a workload that refuses",
            Hop::Server,
            grpc("refusing.demo"),
            200,
            "upstream-connection-refused",
        ),
        Case::annotated(
            "gRPC that is denied",
            Hop::Server,
            ClientRequest { path: "/admin/x".to_owned(), ..grpc("strict.demo") },
            200,
            "rbac-denied",
        ),
        Case::unannotated("the application's 500", Entry::Client, None, get("strict.demo", "/http-500"), 500, "app-error"),
        Case::unannotated(
            "the application's members",
            Entry::Client,
            None,
            get("strict.demo", "/proxy-status"),
            502,
            "app-error",
        ),
        Case::unannotated(
            "no route at the gateway",
            Entry::Gateway,
            Some(Hop::Gateway),
            get("narrow.demo", "/nowhere"),
            404,
            "no-route",
        ),
        Case::unannotated(
            "no host at the gateway",
            Entry::Gateway,
            Some(Hop::Gateway),
            get("unknown.demo", "/"),
            404,
            "no-virtual-host",
        ),
        Case::unannotated(
            "a service that is gone for the gateway",
            Entry::Gateway,
            Some(Hop::Gateway),
            get("gone.demo", "/ok"),
            503,
            "upstream-connection-refused",
        ),
        Case::unannotated(
            "no server at the gateway",
            Entry::GatewayTls,
            Some(Hop::Gateway),
            over_tls("nobody.demo", "/"),
            0,
            "no-filter-chain",
        ),
        Case::relayed("DENY behind the gateway", Entry::Gateway, get("shop.demo", "/admin/x"), 403, "rbac-denied"),
        Case::relayed(
            "DENY behind the gateway, over TLS",
            Entry::GatewayTls,
            over_tls("shop.demo", "/admin/y"),
            403,
            "rbac-denied",
        ),
        Case::relayed("CUSTOM behind the gateway", Entry::Gateway, get("shop.demo", "/custom/x"), 403, "ext-authz-denied"),
        Case::relayed(
            "the workload behind the gateway refuses",
            Entry::Gateway,
            get("refusing.demo", "/ok"),
            503,
            "upstream-connection-refused",
        ),
        Case::unannotated(
            "the application's members behind the gateway",
            Entry::Gateway,
            None,
            get("shop.demo", "/proxy-status"),
            502,
            "app-error",
        ),
        Case::relayed("DENY behind two proxies", Entry::Client, get("via-gateway.demo", "/admin/x"), 403, "rbac-denied"),
        Case::unannotated(
            "the application's 500 behind two proxies",
            Entry::Client,
            None,
            get("via-gateway.demo", "/http-500"),
            500,
            "app-error",
        ),
        Case::unannotated(
            "TCP to a service that is gone",
            Entry::Bytes("10.96.4.25_5434"),
            Some(Hop::Client),
            get("database.demo", "/ok"),
            0,
            "upstream-connection-refused",
        ),
        Case {
            // Whether the client's bytes were there before the server closed.
            beside: &["upstream-stream-reset"],
            ..Case::unannotated(
                "TCP to a workload that refuses",
                Entry::Bytes("10.96.4.25_5433"),
                Some(Hop::Server),
                get("database.demo", "/ok"),
                0,
                "upstream-connection-refused",
            )
        },
        Case::unannotated(
            "TCP that is denied",
            Entry::Bytes("10.96.4.25_5435"),
            Some(Hop::Server),
            get("database.demo", "/ok"),
            0,
            "rbac-denied",
        ),
        Case::unannotated(
            "TCP to nobody",
            Entry::Bytes("virtualOutbound"),
            Some(Hop::Client),
            get("database.demo", "/ok"),
            0,
            "passthrough-blackhole",
        ),
    ]
}

/// Status and body by the name of the case.
type Answers = BTreeMap<&'static str, (u16, Vec<u8>)>;

/// What every case gives without meshwhy.
fn without() -> Result<&'static Answers> {
    static WITHOUT: OnceLock<Result<Answers, String>> = OnceLock::new();
    let run = || {
        Chain::start(None)?.check(|chain| {
            let cases = healthy().into_iter().chain(failing());
            let answered = cases.map(|case| {
                let answered = answered(&chain.send(case.entry, &case.request)?);
                ensure!(answered.0 == case.status, "{}: {} and not {}", case.name, answered.0, case.status);
                Ok((case.name, answered))
            });
            let answered = answered.collect::<Result<_>>()?;
            ensure!(chain.statistic(Hop::Client, "retried.demo;.upstream_rq_retry_success")? > 0, "no retry has succeeded");
            Ok(answered)
        })
    };
    let without = WITHOUT.get_or_init(|| run().map_err(|error| format!("without meshwhy: {error:#}")));
    without.as_ref().map_err(|error| anyhow!(error.clone()))
}

fn answered(exchange: &Exchange) -> (u16, Vec<u8>) {
    exchange.response.as_ref().map_or_else(Default::default, |response| (response.status, response.body.clone()))
}

fn in_a_row(deployment: Deployment) -> Result<()> {
    let without = without()?;
    Chain::start(Some(deployment))?.check(|chain| {
        let (mut wrong, mut annotated) = (Vec::new(), BTreeMap::<String, [usize; 2]>::new());
        for case in healthy().into_iter().chain(failing()) {
            let exchange = chain.send(case.entry, &case.request)?;
            if let Some(hop) = case.made_by.filter(|_| case.status > 0) {
                let [members, replies] = annotated.entry(format!("{hop:?}")).or_default();
                *members += usize::from(exchange.proxy_status().is_some_and(|status| status.contains("mw-side=")));
                *replies += 1;
            }
            for (check, outcome) in checks(deployment, &case, &exchange, without) {
                let gap = GAPS
                    .iter()
                    .find(|(of, name, gap, _)| of.is_none_or(|of| of == deployment) && (*name, *gap) == (case.name, check));
                match (outcome, gap) {
                    (Ok(()), Some(_)) => wrong.push(format!("{}, {check:?}: works now, take it out of GAPS", case.name)),
                    (Err(error), None) => {
                        wrong.push(format!("{}, {check:?}: {error:#}\n{}", case.name, exchange.collected()));
                    }
                    _ => {}
                }
            }
        }
        eprintln!("{deployment}: local replies with a member, as shipped, by the proxy that made them: {annotated:?}");
        ensure!(wrong.is_empty(), "{} wrong with {deployment}:\n{}", wrong.len(), wrong.join("\n"));
        Ok(())
    })
}

fn checks(deployment: Deployment, case: &Case, exchange: &Exchange, without: &Answers) -> Vec<(Check, Result<()>)> {
    vec![
        (Check::Same, is_same(case, exchange, without)),
        (Check::Told, is_annotated(case, exchange)),
        (Check::Others, keeps_others(deployment, case, exchange)),
        (Check::Kept, is_kept(case, exchange)),
        (Check::Recorded, is_recorded(case, exchange)),
        (Check::Found, is_found(case, exchange)),
    ]
}

fn is_same(case: &Case, exchange: &Exchange, without: &Answers) -> Result<()> {
    let (with, without) = (answered(exchange), without.get(case.name).context("not sent without meshwhy")?);
    ensure!(with == *without, "with meshwhy {with:?}, without {without:?}");
    Ok(())
}

fn is_annotated(case: &Case, exchange: &Exchange) -> Result<()> {
    let status = exchange.proxy_status().unwrap_or_default();
    for hop in [Hop::Client, Hop::Gateway, Hop::Server] {
        let expected = case.annotated && case.made_by == Some(hop);
        let members = status.matches(&format!("\"{}.demo\"", hop.pod())).count();
        ensure!(members == usize::from(expected), "{members} members of {hop:?}: {status}");
    }
    if case.annotated {
        let side = if case.made_by == Some(Hop::Client) { "outbound" } else { "inbound" };
        ensure!(status.contains(&format!("mw-side={side}")), "another side: {status}");
    }
    Ok(())
}

fn keeps_others(deployment: Deployment, case: &Case, exchange: &Exchange) -> Result<()> {
    let said = case.request.path == "/proxy-status";
    let status = exchange.proxy_status();
    match case.entry {
        // Envoy alone takes the whole header out, the module what looks like ours.
        Entry::Gateway | Entry::GatewayTls if said && deployment != Deployment::Annotate => {
            ensure!(status.is_none(), "the gateway lets pass: {status:?}");
        }
        Entry::Client if said => {
            let expected = "other; error=dns_error; mw-cause=MW4001,\"unclosed, ;;=";
            ensure!(status.as_deref() == Some(expected), "changed: {status:?}");
        }
        _ => {}
    }
    Ok(())
}

fn is_kept(case: &Case, exchange: &Exchange) -> Result<()> {
    if case.relayed {
        let lines = exchange.access_log(Hop::Gateway);
        let kept =
            |line: &Value| line.get("proxy_status").and_then(Value::as_str).is_some_and(|text| text.contains("\"shop-0.demo\""));
        ensure!(lines.iter().any(kept), "the gateway logs {lines:?}");
    }
    Ok(())
}

fn is_recorded(case: &Case, exchange: &Exchange) -> Result<()> {
    if case.cause.is_none() {
        let records: Vec<_> =
            [Hop::Client, Hop::Gateway, Hop::Server].into_iter().flat_map(|hop| exchange.records(hop)).collect();
        ensure!(records.is_empty(), "records of a healthy request: {records:?}");
    }
    if let Some(hop) = case.made_by {
        ensure!(!exchange.records(hop).is_empty(), "no record of {hop:?}");
    }
    Ok(())
}

fn is_found(case: &Case, exchange: &Exchange) -> Result<()> {
    let groups = Analysis::of(exchange.collected().as_bytes()).groups;
    let found: Vec<_> = groups.iter().map(|group| (group.verdict.cause.slug, group.count)).collect();
    let expected: Vec<_> = case.cause.map(|cause| (cause, 1)).into_iter().collect();
    let annotated: Vec<_> = found.iter().copied().filter(|(slug, _)| !case.beside.contains(slug)).collect();
    ensure!(annotated == expected, "found {found:?}, expected {expected:?}");
    Ok(())
}

#[test]
fn observe_in_a_row() -> Result<()> {
    in_a_row(Deployment::Observe)
}

#[test]
fn native_in_a_row() -> Result<()> {
    in_a_row(Deployment::Native)
}

#[test]
fn annotate_in_a_row() -> Result<()> {
    in_a_row(Deployment::Annotate)
}
