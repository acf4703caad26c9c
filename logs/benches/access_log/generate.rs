//! Lines as Istio 1.29 writes them, in both encodings, from a seed.

use fastrand::Rng;

use crate::pick::pick;

/// One request in both encodings.
pub struct RequestLines {
    pub json: String,
    pub text: String,
}

/// Which requests are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Healthy,
    Failing,
}

/// Status, flags, details and transport failure of the failures that meshes see most.
const FAILURES: [(u16, &str, &str, &str); 16] = [
    (
        503,
        "URX,UF",
        "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
        "delayed_connect_error:_Connection_refused",
    ),
    (503, "UC", "upstream_reset_before_response_started{connection_termination}", "-"),
    (503, "UH", "no_healthy_upstream", "-"),
    (503, "UO", "upstream_reset_before_response_started{overflow}", "-"),
    (503, "NC", "cluster_not_found", "-"),
    (404, "NR", "route_not_found", "-"),
    (504, "UT", "response_timeout", "-"),
    (503, "UF", "upstream_reset_before_response_started{connection_timeout}", "-"),
    (
        503,
        "UF",
        "upstream_reset_before_response_started{remote_connection_failure|TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end}",
        "TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
    ),
    (403, "-", "rbac_access_denied_matched_policy[ns[shop]-policy[deny-all]-rule[0]]", "-"),
    (401, "-", "jwt_authn_access_denied{Jwt_is_expired}", "-"),
    (429, "RL", "local_rate_limited", "-"),
    (403, "UAEX", "ext_authz_denied", "-"),
    (500, "-", "via_upstream", "-"),
    (502, "UPE", "upstream_reset_before_response_started{protocol_error}", "-"),
    (0, "DC", "downstream_remote_disconnect", "-"),
];

/// Makes lines; the same seed makes the same ones.
pub fn lines(seed: u64, count: usize, outcome: Outcome) -> Vec<RequestLines> {
    let mut random = Rng::with_seed(seed);
    (0..count).map(|_| line(&mut random, outcome)).collect()
}

fn line(random: &mut Rng, outcome: Outcome) -> RequestLines {
    let (status, flags, details, transport) = match outcome {
        Outcome::Healthy => (pick(random, &[200, 200, 200, 201, 204]), "-", "via_upstream", "-"),
        Outcome::Failing => pick(random, &FAILURES),
    };
    let service = pick(random, &["reviews", "pricing", "cart", "checkout-v2", "catalog", "identity", "inventory-service"]);
    let namespace = pick(random, &["default", "orders-prod", "shop", "bookstore"]);
    let port = pick(random, &[80, 8080, 9080, 8443]);
    let method = pick(random, &["GET", "GET", "GET", "POST", "PUT"]);
    let path = format!("/api/v{}/{service}/{}?page={}", random.u64(..3), random.u64(..1_000_000), random.u64(..50));
    let protocol = pick(random, &["HTTP/1.1", "HTTP/1.1", "HTTP/2"]);
    let agent = pick(
        random,
        &[
            "curl/8.9.1",
            "Go-http-client/1.1",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "Apache-HttpClient/4.5.14 (Java/17.0.2)",
            "okhttp/4.12.0",
        ],
    );
    let id = format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        random.u64(..1 << 32),
        random.u64(..1 << 16),
        random.u64(..1 << 12),
        random.u64(..1 << 12),
        random.u64(..1 << 48)
    );
    let time =
        format!("2026-11-21T{:02}:{:02}:{:02}.{:03}Z", random.u64(..24), random.u64(..60), random.u64(..60), random.u64(..1000));
    let cluster = if details == "route_not_found" || details == "cluster_not_found" {
        "-".to_owned()
    } else {
        format!("outbound|{port}||{service}.{namespace}.svc.cluster.local")
    };
    let answered = details == "via_upstream";
    let host = if answered || transport != "-" { address(random, 9080) } else { "-".to_owned() };
    let near = if answered { ephemeral(random) } else { "-".to_owned() };
    let (local, remote) = (address(random, port), ephemeral(random));
    let forwarded =
        if random.u64(..2) == 0 { "-".to_owned() } else { format!("10.0.{}.{}", random.u64(..255), random.u64(..255)) };
    let (received, sent, duration) = (random.u64(..2000), random.u64(..90_000), random.u64(..3000));
    let service_time = if answered { duration.to_string() } else { "-".to_owned() };
    let authority = format!("{service}.{namespace}:{port}");
    let sni = "-";
    let route = if cluster == "-" { "-" } else { "default" };

    let text = format!(
        r#"[{time}] "{method} {path} {protocol}" {status} {flags} {details} - "{transport}" {received} {sent} {duration} {service_time} "{forwarded}" "{agent}" "{id}" "{authority}" "{host}" {cluster} {near} {local} {remote} {sni} {route}"#
    );
    let quoted = |value: &str| if value == "-" { "null".to_owned() } else { format!("\"{value}\"") };
    let json = format!(
        r#"{{"authority":"{authority}","bytes_received":{received},"bytes_sent":{sent},"connection_termination_details":null,"downstream_local_address":"{local}","downstream_remote_address":"{remote}","duration":{duration},"method":"{method}","path":"{path}","protocol":"{protocol}","request_id":"{id}","requested_server_name":{},"response_code":{status},"response_code_details":"{details}","response_flags":"{flags}","route_name":{},"start_time":"{time}","upstream_cluster":{},"upstream_host":{},"upstream_local_address":{},"upstream_service_time":{},"upstream_transport_failure_reason":{},"user_agent":"{agent}","x_forwarded_for":{}}}"#,
        quoted(sni),
        quoted(route),
        quoted(&cluster),
        quoted(&host),
        quoted(&near),
        quoted(&service_time),
        quoted(transport),
        quoted(&forwarded),
    );
    RequestLines { json, text }
}

fn address(random: &mut Rng, port: u64) -> String {
    format!("10.{}.{}.{}:{port}", random.u64(..256), random.u64(..256), random.u64(..256))
}

fn ephemeral(random: &mut Rng) -> String {
    let port = 32_768 + random.u64(..28_000);
    address(random, port)
}
