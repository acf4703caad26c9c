//! `meshwhy probe` against a real Envoy: what it says of each request is what Envoy did with it.

#![allow(clippy::unwrap_used, reason = "a broken test must fail loudly")]

use std::process::Command;

use anyhow::{Context, Result, ensure};
use meshwhy_integration::artifacts::cli;
use meshwhy_integration::{Deployment, Scenario, Session, Setup};
use serde_json::Value;

const HEALTHY: &str = "summary: An upstream that answers 200.\nupstream: http\n";
const FAILING: &str = "summary: An application that answers 503 by itself.\nupstream: http-503\n";
const NO_ROUTE: &str = "summary: A virtual host without routes.\nroute: null\n";
const REFUSED: &str = "summary: An upstream whose port is closed.\nupstream: refuse\n";
const CUT: &str = "summary: A body that is shorter than announced.\nupstream: cut\n";
const GRPC: &str = "summary: A gRPC service that ends every call with INTERNAL.\nupstream: grpc-error\n";
const MEMBERS: &str = "summary: An upstream that says of itself why it failed.\nupstream: proxy-status\n";

/// A listener that takes TLS for one name; `%` is what its TLS context has besides.
const TLS: &str = "
summary: A listener that takes TLS for one name.
upstream: http
listener:
  listener_filters:
    - {name: envoy.filters.listener.tls_inspector, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}
filter_chain:
  filter_chain_match: {server_names: [shop.demo]}
  transport_socket:
    name: envoy.transport_sockets.tls
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
      require_client_certificate: %
      common_tls_context:
        alpn_protocols: [h2, http/1.1]
        tls_certificates: [{certificate_chain: {filename: \"{{server_cert}}\"}, private_key: {filename: \"{{server_key}}\"}}]
        validation_context: {trusted_ca: {filename: \"{{ca}}\"}}
";

fn session(deployment: Deployment) -> Result<Session> {
    let scenarios = [
        ("healthy", HEALTHY),
        ("failing", FAILING),
        ("no-route", NO_ROUTE),
        ("refused", REFUSED),
        ("cut", CUT),
        ("grpc", GRPC),
        ("members", MEMBERS),
        ("tls", &TLS.replace('%', "false")),
        ("mutual", &TLS.replace('%', "true")),
    ];
    let scenarios = scenarios.iter().map(|(name, text)| Scenario::parse(name, text)).collect::<Result<Vec<_>>>()?;
    Session::start(&scenarios, &Setup::new(deployment))
}

/// Runs `meshwhy probe` on a scenario's listener; `{}` in the URL is its address, in an argument the folder of the certificates.
fn probe(session: &Session, id: &str, url: &str, arguments: &[&str]) -> Result<(Value, i32)> {
    let url = url.replace("{}", &session.address(id)?.to_string());
    let folder = session.file("").display().to_string();
    let mut command = Command::new(cli()?);
    command.args(["probe", &url, "--format", "json", "--lang", "en", "--timeout", "5"]);
    command.args(arguments.iter().map(|argument| argument.replace("{}", &folder)));
    if url.contains("shop.demo") {
        command.args(["--connect-to", &session.address(id)?.to_string()]);
    }
    let output = command.output()?;
    let text = String::from_utf8(output.stdout)?;
    let json = serde_json::from_str(&text).with_context(|| format!("{text}{}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((json, output.status.code().unwrap_or(-1)))
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Scenario, URL, arguments; status, code of the cause, confidence, who answered, exit code.
type Expected = (&'static str, &'static str, &'static [&'static str], u64, &'static str, &'static str, &'static str, i32);

/// Whether the answer of this upstream comes before the end of the request is chance, and Envoy says less then.
const ANY: &str = "*";

const PLAIN: &str = "http://{}/";
const SHOP: &str = "https://shop.demo/";
const CA: [&str; 2] = ["--cacert", "{}ca.pem"];

const EXPECTED: &[Expected] = &[
    ("healthy", PLAIN, &[], 200, "", "", "upstream", 0),
    ("healthy", PLAIN, &["--http1.0"], 426, "MW1001", "certain", "proxy", 1),
    ("healthy", PLAIN, &["--header-size", "70000"], 431, "MW1002", "certain", "proxy", 1),
    ("healthy", PLAIN, &["--header-size", "70000", "--http2"], 0, "MW1002", "likely", "", 1),
    ("failing", PLAIN, &[], 503, "MW5004", "certain", "upstream", 1),
    ("no-route", PLAIN, &[], 404, "MW2001", "certain", "proxy", 1),
    ("refused", PLAIN, &[], 503, "MW3002", "certain", "proxy", 1),
    ("members", PLAIN, &[], 503, "MW3001", "certain", "proxy", 1),
    ("cut", PLAIN, &[], 200, "MW5001", "likely", "upstream", 1),
    ("grpc", "http://{}/shop.Cart/Get", &["--grpc"], 200, "MW5010", ANY, ANY, 1),
    ("healthy", "https://{}/", &["--insecure"], 0, "MW4001", "likely", "", 1),
    ("tls", PLAIN, &[], 0, "MW5001", "likely", "", 1),
    ("tls", SHOP, &CA, 200, "", "", "upstream", 0),
    ("tls", SHOP, &[], 0, "MW4003", "likely", "", 1),
    ("tls", "https://shop.demo/", &["--insecure"], 200, "", "", "upstream", 0),
    ("tls", "https://shop.demo/", &["--cacert", "{}ca.pem", "--sni", "store.demo"], 0, "MW4007", "likely", "", 1),
    ("mutual", SHOP, &CA, 0, "MW4007", "likely", "", 1),
    ("mutual", SHOP, &["--cacert", "{}ca.pem", "--cert", "{}client.pem", "--key", "{}client.key"], 200, "", "", "upstream", 0),
];

#[test]
fn every_request_is_explained() -> Result<()> {
    for deployment in [Deployment::Native, Deployment::Observe] {
        session(deployment)?.check(|session| {
            let mut wrong = Vec::new();
            for (id, url, arguments, status, code, confidence, author, exit) in EXPECTED {
                let (answer, exited) = probe(session, id, url, arguments)?;
                let got = (
                    answer.pointer("/response/status").and_then(Value::as_u64).unwrap_or_default(),
                    text(&answer, "/verdicts/0/code"),
                    text(&answer, "/verdicts/0/confidence"),
                    text(&answer, "/answered_by/author"),
                    exited,
                );
                let is = |expected: &str, got: &str| expected == ANY || expected == got;
                let same = (got.0, got.1, got.4) == (*status, *code, *exit) && is(confidence, got.2) && is(author, got.3);
                if !same {
                    let answer = ["/response", "/failure", "/answered_by", "/trail"].map(|part| answer.pointer(part).cloned());
                    wrong.push(format!("{deployment}, {id} {arguments:?}: {got:?}\n{answer:?}"));
                }
            }
            ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn the_matrix_compares_variants_with_the_plain_request() -> Result<()> {
    session(Deployment::Native)?.check(|session| {
        let rows = |answer: &Value| -> Vec<(String, u64, String, bool)> {
            let rows = answer["variants"].as_array().unwrap().iter();
            rows.map(|row| {
                let status = row.pointer("/response/status").and_then(Value::as_u64).unwrap_or_default();
                let fails = row["fails_as_control"].as_bool().unwrap();
                (text(row, "/variant").to_owned(), status, text(row, "/causes/0/code").to_owned(), fails)
            })
            .collect()
        };
        let row = |name: &str, status, code: &str, as_control| (name.to_owned(), status, code.to_owned(), as_control);

        let (answer, exit) = probe(session, "healthy", PLAIN, &["--matrix"])?;
        let expected = [
            row("plain", 200, "", false),
            row("http1.0", 426, "MW1001", false),
            row("http2", 200, "", false),
            row("large-headers", 431, "MW1002", false),
            row("no-host", 400, "MW1004", false),
            row("no-trace-context", 200, "", false),
        ];
        ensure!(rows(&answer) == expected && exit == 1, "{exit}: {:#?}", rows(&answer));

        let (answer, _) = probe(session, "no-route", PLAIN, &["--matrix", "--no-trace-context"])?;
        let expected = [
            row("plain", 404, "MW2001", false),
            row("http1.0", 426, "MW1001", false),
            row("http2", 404, "MW2001", true),
            row("large-headers", 431, "MW1002", false),
            row("no-host", 400, "MW1004", false),
        ];
        ensure!(rows(&answer) == expected, "{:#?}", rows(&answer));

        let (answer, _) = probe(session, "tls", SHOP, &["--matrix", CA[0], CA[1]])?;
        let names = rows(&answer);
        ensure!(names.iter().any(|row| row.0 == "http1.1" && row.1 == 200), "{names:#?}");
        ensure!(names.iter().any(|row| row.0 == "wrong-sni" && row.1 == 0), "{names:#?}");
        Ok(())
    })
}

#[test]
fn a_secret_is_never_printed() -> Result<()> {
    session(Deployment::Native)?.check(|session| {
        for arguments in [&["--matrix"] as &[&str], &[]] {
            let secret = ["-H", "authorization: Bearer s3cr3t-token"];
            let (answer, _) = probe(session, "no-route", "http://{}/?token=s3cr3t-token", &[arguments, &secret].concat())?;
            ensure!(!answer.to_string().contains("s3cr3t"), "{answer:#}");
        }
        Ok(())
    })
}
