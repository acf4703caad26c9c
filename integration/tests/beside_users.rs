//! Users have error pages, filters and access logs of their own, and theirs win: whether their EnvoyFilters come before ours or after.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use meshwhy_integration::client::{self, Response};
use meshwhy_integration::scenario::{ClientRequest, MUTUAL_TLS};
use meshwhy_integration::tail::wait_for;
use meshwhy_integration::{AnnotationVisibility, Deployment, Placement, RunDirectory, Scenario, Session, Setup, record_json};
use serde_json::Value;

/// How long a line of a log may take; Envoy flushes its files every 50 milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a user's EnvoyFilters stand. Ours have the priority 1000 and are in the root namespace.
#[derive(Clone, Copy, Debug)]
struct Order {
    priority: i32,
    namespace: &'static str,
}

const ORDERS: [Order; 4] = [
    Order { priority: 0, namespace: "istio-system" },
    Order { priority: 0, namespace: "demo" },
    Order { priority: 2000, namespace: "istio-system" },
    Order { priority: 2000, namespace: "demo" },
];

/// Error pages for 404, 503 and 301, a format for all others, a header that becomes metadata, and two access logs.
const USERS: &str = r#"
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: pages, namespace: {{namespace}}}
spec:
  priority: {{priority}}
  configPatches:
  - applyTo: NETWORK_FILTER
    match: {context: ANY, listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}}
    patch:
      operation: MERGE
      value:
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          local_reply_config:
            mappers:
            - filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 404}}}}
              body: {inline_string: nothing here}
              headers_to_add: [{header: {key: x-page, value: "404"}}]
            - filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 503}}}}
              body: {inline_string: come back later}
              headers_to_add: [{header: {key: x-page, value: "503 %RESPONSE_FLAGS%"}}]
            - filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 301}}}}
              headers_to_add: [{header: {key: x-page, value: "301"}}]
            body_format: {text_format_source: {inline_string: "[%RESPONSE_CODE%] %LOCAL_REPLY_BODY%"}}
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: "{{all}}"
              log_format: {json_format: &fields {user: "%DYNAMIC_METADATA(users:name)%", path: "%REQ(:PATH)%", status: "%RESPONSE_CODE%"}}
          - name: envoy.access_loggers.file
            filter:
              extension_filter:
                name: envoy.access_loggers.extension_filters.cel
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
                  expression: response.code >= 500
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: "{{errors}}"
              log_format: {json_format: *fields}
  - applyTo: HTTP_FILTER
    match: {context: ANY, listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}}
    patch:
      operation: INSERT_FIRST
      value:
        name: users
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config
          request_rules:
          - {header: x-user, on_header_present: {metadata_namespace: users, key: name}, remove: true}
"#;

/// What all listeners route.
const ROUTES: &str = "
summary: A listener of a user.
upstream: http
virtual_host:
  routes:
  - {name: moved, match: {path: /moved}, redirect: {path_redirect: /ok}}
  - {name: nobody, match: {path: /nobody}, route: {cluster: nobody}}
  - {name: ok, match: {path: /ok}, route: {cluster: '{{cluster}}'}}
";

/// A proxy that says why, behind this one.
const MEMBERS: &str = "
summary: An upstream with members of others.
upstream: proxy-status
";

/// A listener, what makes it this one, and whether its client is told by our mappers.
const SIDECAR: [(&str, &str, bool); 3] = [
    ("outbound", "", true),
    ("inbound", "direction: INBOUND\n", false),
    ("mutual", "direction: INBOUND\nrequest: {tls: mutual}\n", true),
];
const GATEWAY: [(&str, &str, bool); 1] = [("gateway", "", false)];

struct Users {
    all: PathBuf,
    errors: PathBuf,
    document: Value,
}

impl Users {
    fn new(directory: &Path, order: Order) -> Result<Self> {
        let [all, errors] = ["all.log", "errors.log"].map(|name| directory.join(name));
        let yaml = USERS
            .replace("{{namespace}}", order.namespace)
            .replace("{{priority}}", &order.priority.to_string())
            .replace("{{all}}", &all.display().to_string())
            .replace("{{errors}}", &errors.display().to_string());
        Ok(Self { all, errors, document: serde_saphyr::from_str(&yaml)? })
    }

    /// The lines of one of their logs, once there are so many.
    fn lines(log: &Path, expected: usize) -> Result<Vec<Value>> {
        let read = || fs::read_to_string(log).unwrap_or_default().lines().filter_map(record_json).collect::<Vec<_>>();
        wait_for(PATIENCE, || Some(read()).filter(|lines| lines.len() >= expected))
            .with_context(|| format!("{} lines of {expected} in {}", read().len(), log.display()))
    }
}

fn work_as_without_us(deployment: Deployment, placement: Placement) -> Result<()> {
    let listeners = if placement == Placement::Gateway { GATEWAY.as_slice() } else { SIDECAR.as_slice() };
    let scenario = |(name, fields, _): &(&str, &str, bool)| {
        let tls = if fields.contains("mutual") { MUTUAL_TLS } else { "" };
        Scenario::parse(name, &format!("{ROUTES}{fields}{tls}"))
    };
    let mut scenarios = listeners.iter().map(scenario).collect::<Result<Vec<_>>>()?;
    scenarios.push(Scenario::parse("members", MEMBERS)?);
    for order in ORDERS {
        let directory = RunDirectory::new("users")?;
        let users = Users::new(directory.path(), order)?;
        let setup = Setup::new(deployment).placed(placement).visible(AnnotationVisibility::Mesh).without_trace_check();
        Session::start(&scenarios, &setup.beside(vec![users.document.clone()]))?.check(|session| {
            for (scenario, (name, _, visible)) in scenarios.iter().zip(listeners) {
                // A mapper of ours that comes first marks what it matches, and nothing else.
                let ours_first = order.priority > 1000 && *visible && deployment != Deployment::Annotate;
                pages(session, scenario, ours_first, deployment).with_context(|| format!("{deployment}, {name}, {order:?}"))?;
            }
            let sent = listeners.len() * PATHS.len();
            logs(&users, sent, listeners.len()).with_context(|| format!("{deployment}, {placement:?}, {order:?}"))?;
            members(session, deployment, placement).with_context(|| format!("{deployment}, {placement:?}, {order:?}"))
        })?;
    }
    Ok(())
}

const PATHS: [&str; 4] = ["/ok", "/nowhere", "/nobody", "/moved"];

fn pages(session: &Session, scenario: &Scenario, ours_first: bool, deployment: Deployment) -> Result<()> {
    let mut got = Vec::new();
    for path in PATHS {
        let headers = [("x-user".to_owned(), "alice".to_owned())].into();
        let request = ClientRequest { path: path.to_owned(), headers, ..scenario.request.clone() };
        let observation = session.send(&scenario.slug, &request)?;
        let failed = ["/nowhere", "/nobody"].contains(&path);
        ensure!(observation.records.is_empty() != failed, "{path}: records {:?}", observation.records);
        got.push(observation.response().cloned().context("no response")?);
    }
    let seen: Vec<_> = got.iter().map(|response| (response.status, text(response), response.header("x-page"))).collect();
    let page = |status: u16, body: &str, header: &str| (status, format!("[{status}] {body}"), Some(header.to_owned()));
    let ours = |status: u16| (status, format!("[{status}] "), None);
    let expected = [
        (200, "hello\n".to_owned(), None),
        if ours_first { ours(404) } else { page(404, "nothing here", "404") },
        if ours_first { ours(503) } else { page(503, "come back later", "503 NC") },
        page(301, "", "301"),
    ];
    ensure!(seen == expected, "{seen:#?}\nexpected {expected:#?}");
    let marked: Vec<_> = got.iter().map(|response| response.header("proxy-status").is_some()).collect();
    if deployment != Deployment::Annotate {
        ensure!(marked == [false, ours_first, ours_first, false], "marked {marked:?}");
    }
    Ok(())
}

fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

/// Every request has its line with the user in it, and the filter of the second log works.
fn logs(users: &Users, sent: usize, listeners: usize) -> Result<()> {
    let all = Users::lines(&users.all, sent)?;
    let named = all.iter().filter(|line| line.get("user").and_then(Value::as_str) == Some("alice")).count();
    ensure!((all.len(), named) == (sent, sent), "{named} of {} lines with the user, {sent} sent", all.len());
    let errors = Users::lines(&users.errors, listeners)?;
    let only = errors.iter().all(|line| line.get("path").and_then(Value::as_str) == Some("/nobody"));
    ensure!(only && errors.len() == listeners, "{errors:?}");
    Ok(())
}

/// Sidecars change nothing that others say in the header.
fn members(session: &Session, deployment: Deployment, placement: Placement) -> Result<()> {
    let address = session.address("members")?;
    let response = client::send(address, &ClientRequest::default(), None)?.context("no response")?;
    let status = response.header("proxy-status");
    if placement == Placement::Sidecar {
        let kept =
            status.as_deref().is_some_and(|status| status.contains("cdn; error=dns_error") && status.contains("cart-1.shop"));
        ensure!(kept, "{deployment}: {status:?}");
    }
    Ok(())
}

#[test]
fn beside_observe() -> Result<()> {
    work_as_without_us(Deployment::Observe, Placement::Sidecar)
}

#[test]
fn beside_native() -> Result<()> {
    work_as_without_us(Deployment::Native, Placement::Sidecar)
}

#[test]
fn beside_annotate() -> Result<()> {
    work_as_without_us(Deployment::Annotate, Placement::Sidecar)
}

#[test]
fn beside_every_deployment_at_a_gateway() -> Result<()> {
    Deployment::ALL.into_iter().try_for_each(|deployment| work_as_without_us(deployment, Placement::Gateway))
}
