//! Two proxies, one request: what the client's and the server's sidecar write about a failed handshake is one failure.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use meshwhy_diagnose::Analysis;
use meshwhy_integration::scenario::MUTUAL_TLS;
use meshwhy_integration::{Deployment, Scenario, ScenarioObservation, Session, Setup};

/// How the client's proxy tries to get in, and what the server's proxy makes of it.
struct RefusedHandshake {
    name: &'static str,
    /// The client's `transport_socket`, none for plaintext.
    client: Option<&'static str>,
    /// The cause that both lines together lead to.
    cause: &'static str,
}

const REFUSALS: [RefusedHandshake; 4] = [
    RefusedHandshake { name: "plaintext", client: None, cause: "plaintext-to-tls-port" },
    RefusedHandshake { name: "no-certificate", client: Some(""), cause: "tls-handshake-failed" },
    RefusedHandshake { name: "untrusted-certificate", client: Some("untrusted"), cause: "certificate-verify-failed" },
    RefusedHandshake { name: "expired-certificate", client: Some("expired"), cause: "certificate-expired" },
];

const SERVER: &str = "
summary: A listener that requires mutual TLS.
upstream: http
direction: INBOUND
expect: {access_log: false}
";

/// The client's proxy, in front of the server's.
fn client(refused: &RefusedHandshake, server: SocketAddr) -> Result<Scenario> {
    let (ip, port) = (server.ip(), server.port());
    let mut yaml = format!(
        "summary: A caller of the listener.\ncluster:\n  load_assignment:\n    endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: {ip}, port_value: {port}}}}}}}}}]}}]\n"
    );
    if let Some(certificate) = refused.client {
        yaml.push_str(
            "  transport_socket:\n    name: envoy.transport_sockets.tls\n    typed_config:\n      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n      sni: shop.demo\n      common_tls_context:\n        tls_params: {tls_maximum_protocol_version: TLSv1_3}\n",
        );
        if !certificate.is_empty() {
            yaml.push_str(&format!(
                "        tls_certificates: [{{certificate_chain: {{filename: \"{{{{{certificate}_cert}}}}\"}}, private_key: {{filename: \"{{{{{certificate}_key}}}}\"}}}}]\n"
            ));
        }
    }
    Scenario::parse(refused.name, &yaml)
}

#[test]
fn both_ends_of_a_refused_handshake_are_one_failure() -> Result<()> {
    let server = Scenario::parse("server", &format!("{SERVER}{MUTUAL_TLS}"))?;
    let mut wrong = Vec::new();
    for deployment in [Deployment::Observe, Deployment::Native] {
        let setup = Setup::new(deployment);
        let servers = Session::start(std::slice::from_ref(&server), &setup)?;
        let address = servers.address("server")?;
        let clients = REFUSALS.iter().map(|refused| client(refused, address)).collect::<Result<Vec<_>>>()?;
        let clients = servers.beside(&clients, &setup)?;
        for refused in &REFUSALS {
            let (ours, theirs) = servers.watch("server", || clients.send(refused.name, &Default::default()))?;
            let checked = check(refused, &ours, &theirs);
            wrong.extend(
                checked
                    .err()
                    .map(|error| format!("{deployment}, {}: {error:#}\nclient {ours:#?}\nserver {theirs:#?}", refused.name)),
            );
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

fn check(refused: &RefusedHandshake, client: &ScenarioObservation, server: &ScenarioObservation) -> Result<()> {
    let slugs = |lines: &str| -> Vec<(&'static str, Vec<u64>)> {
        Analysis::of(lines.as_bytes()).groups.into_iter().map(|group| (group.verdict.cause.slug, group.lines)).collect()
    };
    let caller = client.json.first().context("the client's proxy wrote no line")?;
    ensure!(caller.contains("\"UC\""), "the client's proxy did not see the connection end: {caller}");
    ensure!(!server.records.is_empty(), "the server's proxy left no record");

    let alone = slugs(&format!("{caller}\n"));
    ensure!(
        alone.len() == 1 && alone.iter().all(|(slug, _)| *slug == "upstream-closed-connection"),
        "the client's line alone: {alone:?}"
    );

    let record = server.records.first().context("no record")?;
    for lines in [format!("{caller}\n{record}\n"), format!("{record}\n{caller}\n")] {
        let together = slugs(&lines);
        ensure!(together == [(refused.cause, vec![1, 2])], "both lines: {together:?}");
    }
    Ok(())
}
