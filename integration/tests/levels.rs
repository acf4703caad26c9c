//! Failures below HTTP: only a logger at `tcp_proxy` or at the listener sees them.

use anyhow::{Result, ensure};
use meshwhy_integration::scenario::MUTUAL_TLS;
use meshwhy_integration::{Deployment, Scenario, Session, Setup};

const TCP: &str = "
summary: A TCP proxy in front of a closed port.
upstream: refuse
protocol: TCP
request: {raw: hello}
";

const TLS: &str = "
summary: Plaintext to a listener that wants mutual TLS.
upstream: http
direction: INBOUND
expect: {access_log: false}
";

fn leaves_a_record(slug: &str, yaml: &str, proof: &str) -> Result<()> {
    let scenario = Scenario::parse(slug, yaml)?;
    for deployment in [Deployment::Observe, Deployment::Native] {
        Session::start(std::slice::from_ref(&scenario), &Setup::new(deployment))?.check(|session| {
            let observation = session.send(&scenario.slug, &scenario.request)?;
            ensure!(
                observation.records.iter().any(|line| line.contains(proof)),
                "{deployment}: no record of {proof}: {observation:#?}"
            );
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_refused_tcp_connection_leaves_a_record() -> Result<()> {
    leaves_a_record("tcp-refused", TCP, "refused")
}

#[test]
fn a_failed_handshake_leaves_a_record() -> Result<()> {
    leaves_a_record("tls-plaintext", &format!("{TLS}{MUTUAL_TLS}"), "HTTP_REQUEST")
}
