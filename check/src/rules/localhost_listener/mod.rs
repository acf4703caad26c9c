//! An application behind a Service listens on the loopback address only.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, is_system_namespace};
use crate::model::{Container, PROXY_CONTAINER, Resource, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC318",
    slug: "localhost-listener",
    since: "0.1.0",
    severity: Error,
    explains: [upstream_connection_refused],
    equivalent: &["IST0143"],
    kinds: [Service],
    message: "{workload} is told to listen on {address} only, and {service} sends to the address of its pods",
    message_zh: "{workload} 只监听 {address}，而 {service} 是按 Pod 地址转发的",
    confirm: &[
        Confirm {
            id: "sockets",
            steps: &[
                Command("kubectl -n {namespace} exec {pod} -- cat /proc/net/tcp /proc/net/tcp6"),
                Note(
                    "In the rows with the state 0A the local address of the port is 0100007F (127.0.0.1) instead of 00000000.",
                    "状态为 0A 的行里，这个端口的本地地址是 0100007F（127.0.0.1），而不是 00000000。",
                ),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "all-addresses",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# Deployment: all addresses of the pod\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          args: [\"--host\", \"0.0.0.0\"]\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/ops/deployment/application-requirements/#application-bindings",
        "https://istio.io/latest/docs/reference/config/analysis/ist0143/",
        "https://istio.io/latest/news/releases/1.10.x/announcing-1.10/upgrade-notes/",
    ],
}

/// Options and variables that say where a server listens, in lower case and with dashes.
const OPTIONS: [&str; 14] = [
    "host",
    "bind",
    "bind-address",
    "bind-addr",
    "listen",
    "listen-address",
    "listen-addr",
    "address",
    "addr",
    "ip",
    "server-address",
    "server-host",
    "http-host",
    "h",
];

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let is_local = mesh.mesh_config.and_then(|config| config.at(&["inboundTrafficPolicy", "mode"])).and_then(Node::text);
    if is_local == Some("LOCALHOST") {
        return;
    }
    let has_ingress = |sidecar: &Resource<'_>| sidecar.spec().get("ingress").is_some_and(|ingress| !ingress.is_empty());
    // Their Sidecars say where requests go that come in.
    let of_sidecars: HashSet<_> = mesh.of(ResourceKind::Sidecar).filter(has_ingress).map(|sidecar| sidecar.namespace).collect();
    for (workload, services) in mesh.services_by_workload() {
        let namespace = workload.resource.namespace;
        if is_system_namespace(namespace) || of_sidecars.contains(namespace) {
            continue;
        }
        let [container] = workload.containers().filter(|container| !is_proxy(*container)).collect::<Vec<_>>()[..] else {
            continue;
        };
        if let (Some((node, address)), Some(service)) = (listener(container), services.first()) {
            let resource = workload.resource;
            let finding = Finding::new(&resource, node).with("workload", resource.name).with("address", address);
            let finding = finding.with("service", service.0.name);
            findings.add(finding.beside(&service.0, service.selector().unwrap_or(service.0.root)).likely());
        }
    }
}

/// With a container beside the application, that one may pass requests on to the loopback address.
fn is_proxy(container: Container<'_>) -> bool {
    container.name() == Some(PROXY_CONTAINER)
}

/// The node that keeps a server on the loopback address, and that address.
fn listener<'a>(container: Container<'a>) -> Option<(Node<'a>, &'a str)> {
    let words: Vec<_> = container.words().collect();
    let joined = words.iter().find_map(|word| {
        let (option, value) = word.text()?.split_once('=')?;
        Some((*word, loopback(value)?)).filter(|_| option.starts_with('-') && is_option(option))
    });
    let apart = || {
        words.windows(2).find_map(|pair| match pair {
            [option, value] => {
                let is_named = option.text().is_some_and(|option| option.starts_with('-') && is_option(option));
                Some((*value, loopback(value.text()?)?)).filter(|_| is_named)
            }
            _ => None,
        })
    };
    let variable = || {
        container.0.list("env").find_map(|variable| {
            let value = variable.get("value")?;
            let is_named = matches!(
                variable.str_at(&["name"])?,
                "HOST" | "BIND" | "BIND_ADDRESS" | "LISTEN_ADDRESS" | "SERVER_ADDRESS" | "ASPNETCORE_URLS"
            );
            Some((value, loopback(value.text()?)?)).filter(|_| is_named)
        })
    };
    joined.or_else(apart).or_else(variable)
}

fn is_option(word: &str) -> bool {
    let word = word.trim_start_matches('-').to_ascii_lowercase().replace(['.', '_'], "-");
    OPTIONS.contains(&word.as_str())
}

/// The loopback address at the start of a value, with or without scheme and port.
fn loopback(value: &str) -> Option<&str> {
    let value = value.split_once("://").map_or(value, |(_, rest)| rest);
    let names = ["127.0.0.1", "localhost", "[::1]", "::1"];
    let name = names.into_iter().find(|name| value.starts_with(name))?;
    let rest = value.get(name.len()..)?;
    (rest.is_empty() || rest.starts_with(':')).then_some(name)
}
