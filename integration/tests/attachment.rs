//! The module in both attachments: bad configurations and hostile bytes change nothing for the traffic.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use meshwhy_integration::scenario::ClientRequest;
use meshwhy_integration::{Deployment, Scenario, Session, Setup, string_value};
use serde_json::{Value, json};

const ATTACHMENTS: [Deployment; 2] = [Deployment::Observe, Deployment::Annotate];

const HEALTHY: &str = "
summary: An upstream that answers 200, behind a listener that takes large headers.
upstream: http
http: {max_request_headers_kb: 96}
expect: {status: 200}
";
const FAILING: &str = "
summary: A virtual host without routes.
route: null
expect: {status: 404, local_reply: true}
";

fn scenarios() -> Result<[Scenario; 2]> {
    Ok([Scenario::parse("healthy", HEALTHY)?, Scenario::parse("failing", FAILING)?])
}

/// Starts Envoy with this configuration of the module, sees that traffic flows, returns the distinct errors that the module reports.
fn complaints(deployment: Deployment, configuration: &Value) -> Result<BTreeSet<String>> {
    let session = Session::start(&scenarios()?, &Setup::new(deployment).configured(configuration.clone()))?;
    session.check(|session| {
        let response = session.send("healthy", &ClientRequest::default())?;
        ensure!(response.response().map(|response| response.status) == Some(200), "{deployment}: traffic does not flow");
        // Every thread has a VM of its own, and each says the same.
        let log = session.log();
        let errors = log.lines().filter(|line| line.contains("\terror\t"));
        Ok(errors.filter_map(|line| Some(line.split_once(": meshwhy: ")?.1.split('\t').next()?.to_owned())).collect())
    })
}

#[test]
fn a_field_that_does_not_exist_gives_one_clear_line() -> Result<()> {
    for deployment in ATTACHMENTS {
        let complaints = complaints(deployment, &string_value(r#"{"levels": 3}"#))?;
        ensure!(complaints.len() == 1 && complaints.iter().all(|line| line.contains("levels")), "{deployment}: {complaints:?}");
    }
    Ok(())
}

#[test]
fn random_bytes_give_one_clear_line() -> Result<()> {
    for deployment in ATTACHMENTS {
        let bytes = json!({"@type": "type.googleapis.com/google.protobuf.BytesValue", "value": "gP8AAaGx/n8ie1t9"});
        let complaints = complaints(deployment, &bytes)?;
        ensure!(complaints.len() == 1, "{deployment}: {complaints:?}");
    }
    Ok(())
}

#[test]
fn nothing_means_the_defaults() -> Result<()> {
    for deployment in ATTACHMENTS {
        let complaints = complaints(deployment, &string_value(""))?;
        ensure!(complaints.len() <= 1, "{deployment}: {complaints:?}");
    }
    Ok(())
}

#[test]
fn hostile_headers_leave_traffic_and_module_alone() -> Result<()> {
    let hostile = [
        (
            "bytes A1 B1",
            ClientRequest::raw(
                "GET / HTTP/1.1\r\nhost: shop.demo\r\nx-bytes: \u{a1}\u{b1}\r\nb3: \u{a1}\u{b1}\r\ntraceparent: \u{a1}\u{b1}\r\n\r\n",
            ),
        ),
        (
            "an empty value",
            ClientRequest::raw("GET / HTTP/1.1\r\nhost: shop.demo\r\nx-empty:\r\nb3:\r\ntraceparent:\r\nuser-agent:\r\n\r\n"),
        ),
        (
            "50 KB",
            ClientRequest {
                header_bytes: [("x-large".to_owned(), 50_000), ("traceparent".to_owned(), 20_000)].into(),
                trace_context: false,
                ..ClientRequest::default()
            },
        ),
    ];
    for deployment in ATTACHMENTS {
        Session::start(&scenarios()?, &Setup::new(deployment))?.check(|session| {
            for (name, request) in &hostile {
                let healthy = session.send("healthy", request)?;
                ensure!(healthy.response().map(|response| response.status) == Some(200), "{deployment}, {name}: {healthy:#?}");
                // The healthy listener takes large headers, the failing one does not: a refusal is a failure as well.
                let failing = session.send("failing", request)?;
                ensure!(failing.response().is_some_and(|response| response.status >= 400), "{deployment}, {name}: {failing:#?}");
            }
            ensure!(!session.log().contains("RuntimeError"), "{deployment}: the module trapped");
            let late = ClientRequest { path: "/after".to_owned(), ..ClientRequest::default() };
            let failing = session.send("failing", &late)?;
            ensure!(failing.response().map(|response| response.status) == Some(404), "{deployment}: {failing:#?}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn the_module_still_works_after_hostile_headers() -> Result<()> {
    for deployment in ATTACHMENTS {
        Session::start(&scenarios()?, &Setup::new(deployment))?.check(|session| {
            let hostile = ClientRequest::raw("GET / HTTP/1.1\r\nhost: shop.demo\r\nx-bytes: \u{a1}\u{b1}\r\nx-empty:\r\n\r\n");
            session.send("healthy", &hostile)?;
            let failing = session.send("failing", &ClientRequest::default())?;
            ensure!(!failing.records.is_empty(), "{deployment}: no record: {failing:#?}");
            Ok(())
        })?;
    }
    Ok(())
}
