//! What may call back for a context that the module does not know: the SDK's dispatcher panics there, and a panic of an HTTP filter is a
//! 503. External processors and authorizers before the plugin and behind it answer in every phase, requests are mirrored, redirected and
//! tried again, streams are reset in every phase, and all the while the plugin is replaced.
//!
//! Issues 70, 255, 304 and 310 of the SDK.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshwhy_integration::artifacts::module;
use meshwhy_integration::client::frames::{self, frame};
use meshwhy_integration::client::{Connection, Step, parse};
use meshwhy_integration::hostile::{listeners, setup};
use meshwhy_integration::merge::overlay;
use meshwhy_integration::tail::wait_for;
use meshwhy_integration::{Deployment, Scenario, Session, Setup};
use serde_json::{Value, json};

const UPDATES: &str = "listener_manager.listener_modified";
/// How often the plugin is replaced.
const SWAPS: u64 = 6;
/// Each client plays every exchange at least so often.
const ROUNDS: u64 = 2;
const RST_STREAM: u8 = 3;

/// What a route does with a request, or its upstream.
const PATHS: [&str; 16] = [
    "/ok",
    "/refused",
    "/no-endpoint",
    "/no-cluster",
    "/flaky",
    "/retried",
    "/redirect",
    "/redirect-loop",
    "/mirrored",
    "/direct",
    "/reset",
    "/half-head",
    "/reset-in-body",
    "/close-in-chunk",
    "/trailers",
    "/deny-first",
];

/// What a processor does with it.
const WISHES: [&str; 10] = [
    "none:",
    "first:request",
    "second:request",
    "first:response",
    "second:response",
    "first:response-body",
    "second:response-body",
    "first:fail-request",
    "second:fail-response",
    "second:hang-response",
];

fn processor(name: &str) -> Value {
    json!({
        "name": format!("processor-{name}"),
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor",
            "grpc_service": {
                "envoy_grpc": {"cluster_name": "{{processor}}"},
                "timeout": "2s",
                "initial_metadata": [{"key": "processor", "value": name}],
            },
            "message_timeout": "1s",
            "processing_mode": {"request_body_mode": "STREAMED", "response_body_mode": "STREAMED"},
        },
    })
}

fn authorizer(name: &str) -> Value {
    json!({
        "name": format!("authorizer-{name}"),
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "http_service": {"server_uri": {"uri": "http://authorizer.demo", "cluster": "{{authorizer}}", "timeout": "1s"}},
        },
    })
}

/// The listener that takes much, with two processors and two authorizers.
fn plan() -> Result<[Scenario; 1]> {
    let [mut generous, ..] = listeners()?;
    let per_route = |settings: Value| {
        let kind = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
        let mut value = json!({"@type": kind});
        overlay(&mut value, &settings);
        value
    };
    let off = per_route(json!({"disabled": true}));
    let on = per_route(json!({"check_settings": {}}));
    let denied = |name: &str| {
        json!({
            "name": name,
            "match": {"path": format!("/deny-{name}")},
            "route": {"cluster": "{{cluster}}"},
            "typed_per_filter_config": {format!("authorizer-{name}"): on.clone()},
        })
    };
    let routes = generous.virtual_host.get_mut("routes").and_then(Value::as_array_mut).context("no routes")?;
    routes.splice(0..0, ["first", "second"].map(denied));
    overlay(
        &mut generous.virtual_host,
        &json!({"typed_per_filter_config": {"authorizer-first": off.clone(), "authorizer-second": off}}),
    );
    generous.http_filters = vec![processor("first"), authorizer("first"), processor("second"), authorizer("second")];
    let more = Scenario::parse(
        "more",
        "summary: x\nservers: {processor: processor, authorizer: http-403}\nclusters: {processor: {typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {\"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}}}\n",
    )?;
    generous.servers.extend(more.servers);
    generous.clusters.extend(more.clusters);
    Ok([generous])
}

/// Puts meshwhy's filter between the first pair and the second.
fn into_the_middle(value: &mut Value) {
    let Some(filters) = value.get_mut("http_filters").and_then(Value::as_array_mut) else { return };
    let is_ours = |filter: &Value| filter["name"].as_str().is_some_and(|name| name.contains("meshwhy"));
    let behind = filters.iter().position(|filter| filter["name"] == "processor-second");
    if let (Some(ours), Some(behind)) = (filters.iter().position(is_ours), behind) {
        let ours = filters.remove(ours);
        filters.insert(behind.saturating_sub(1), ours);
    }
}

/// Goes round.
fn nth(words: &[&'static str], number: usize) -> &'static str {
    words.get(number % words.len()).copied().unwrap_or_default()
}

/// Sends requests of HTTP/1.1, each combination in turn.
fn http1(address: SocketAddr, client: usize, done: &dyn Fn() -> bool, sent: &AtomicU64) -> Result<()> {
    let mut number = client;
    while !done() || number < PATHS.len() * WISHES.len() {
        let (path, wish) = (nth(&PATHS, number), nth(&WISHES, number / PATHS.len()));
        number += 2;
        let mut connection = Connection::open(address, None)?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: shop.demo\r\nx-process: {wish}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"
        );
        connection.take(&Step::Send(head.into_bytes()))?;
        if number.is_multiple_of(7) {
            connection.take(&Step::Rest(Duration::from_millis(u64::try_from(number % 30)?)))?;
            connection.take(&Step::Reset)?;
        } else {
            connection.take(&Step::AwaitEnd)?;
            let response = parse(&connection.received);
            // What answered is not always HTTP to its end; an answer of a trapped filter is, and has no cause.
            if let Some(response) = response {
                ensure!(
                    response.status != 500 || wish.contains("fail") || wish.contains("hang"),
                    "{path} {wish}: {}",
                    response.status
                );
            }
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Opens streams of HTTP/2 and resets each of them a little later than the one before.
fn http2(address: SocketAddr, done: &dyn Fn() -> bool, sent: &AtomicU64) -> Result<()> {
    let mut round = 0_u64;
    while !done() || round < ROUNDS * 10 {
        let mut connection = Connection::open(address, None)?;
        connection.take(&Step::Send(frames::hello()))?;
        for (index, path) in PATHS.iter().enumerate() {
            let stream = u32::try_from(2 * index + 1)?;
            let wish = nth(&WISHES, index + usize::try_from(round)?);
            let headers: [(&[u8], &[u8]); 5] = [
                (b":method", b"GET"),
                (b":scheme", b"http"),
                (b":authority", b"shop.demo"),
                (b":path", path.as_bytes()),
                (b"x-process", wish.as_bytes()),
            ];
            connection.take(&Step::Send(frames::request(stream, index % 3 != 0, &headers)))?;
            connection.take(&Step::Rest(Duration::from_millis((round + u64::from(stream)) % 9)))?;
            connection.take(&Step::Send(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])))?;
            sent.fetch_add(1, Ordering::Relaxed);
        }
        connection.take(&if round.is_multiple_of(2) { Step::Reset } else { Step::HalfClose })?;
        round += 1;
    }
    Ok(())
}

fn no_context_is_unknown(deployment: Deployment) -> Result<()> {
    let adjusted = Setup { dynamic: true, adjust: Some(into_the_middle), ..setup(Some(deployment)) };
    Session::start(&plan()?, &adjusted)?.check(|stage| {
        let address = stage.address("generous")?;
        let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
        let done = || stop.load(Ordering::Relaxed);
        thread::scope(|scope| {
            let clients = [
                scope.spawn(|| http1(address, 0, &done, &sent)),
                scope.spawn(|| http1(address, 1, &done, &sent)),
                scope.spawn(|| http2(address, &done, &sent)),
            ];
            let swaps = (1..=SWAPS).try_for_each(|number| {
                sleep(Duration::from_millis(300));
                let before = stage.envoy().statistic(UPDATES)?;
                stage.swap(&module()?, &json!({"records_per_interval": 1000 - number}))?;
                let taken =
                    wait_for(Duration::from_secs(10), || stage.envoy().statistic(UPDATES).ok().filter(|after| *after > before));
                taken.map(drop).with_context(|| format!("Envoy did not take update {number}"))
            });
            stop.store(true, Ordering::Relaxed);
            for client in clients {
                client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
            }
            swaps
        })?;
        let (reloads, active) =
            (stage.envoy().statistic("vm_reload")?, stage.envoy().statistic("wasm.envoy.wasm.runtime.v8.active")?);
        let log = stage.log();
        let traps: Vec<&str> =
            log.lines().filter(|line| line.contains("panicked") || line.contains("Function: proxy_")).collect();
        eprintln!("{deployment}: {} requests, {reloads} reloads, {active} VMs", sent.load(Ordering::Relaxed));
        ensure!(traps.is_empty() && reloads == 0 && active > 0, "{reloads} reloads, {active} VMs, {traps:#?}");
        let [calls, immediate] = ["ext_proc.streams_started", "ext_proc.immediate_responses_sent"];
        let [calls, immediate] = [stage.envoy().statistic(calls)?, stage.envoy().statistic(immediate)?];
        ensure!(calls > 100 && immediate > 10, "{calls} calls of processors, {immediate} answers of theirs");
        Ok(())
    })
}

#[test]
fn of_the_access_logger() -> Result<()> {
    no_context_is_unknown(Deployment::Observe)
}

#[test]
fn of_the_http_filter() -> Result<()> {
    no_context_is_unknown(Deployment::Annotate)
}
