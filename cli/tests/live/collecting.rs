//! What is found, read and followed.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use jiff::SignedDuration;
use meshwhy_cluster::{Gap, GapReason, LogRequest, Namespaces, Next, Piece, ProxyKind, Selection, Session};
use meshwhy_integration::kubernetes::ApiServer;

use crate::{ALL_LOGS, LOGS, in_namespace, session};

/// The proxies that a selection finds, as text.
fn found(session: &Session, selection: &Selection) -> Vec<String> {
    let selected = session.select(selection);
    let gaps = selected.gaps.into_iter().chain(selected.gaps_around).map(|gap| format!("{}: {:?}", gap.what, gap.reason));
    selected.containers.iter().map(|it| format!("{} {it}", it.kind.as_str())).chain(gaps).collect()
}

pub(crate) fn proxies_are_found(server: &ApiServer) -> Result<()> {
    let session = session(server, "admin")?;
    let (pay, cart) = ("sidecar pay-1.shop/istio-proxy", "sidecar cart-1.shop/istio-proxy");
    let istiod = "istiod istiod-1.istio-system/discovery";
    let ztunnel = "ztunnel ztunnel-1.istio-system/istio-proxy";
    let waypoint = "waypoint waypoint-1.shop/istio-proxy";
    let gateway = "gateway gateway-1.istio-ingress/istio-proxy";
    let cases: [(&[&str], &[&str]); 5] = [
        (&["deploy/pay"], &[istiod, pay]),
        (&["svc/cart"], &[istiod, cart]),
        (&["pod/pay-1", "pod/cart-1"], &[istiod, cart, pay]),
        (&["gateway/waypoint"], &[istiod, waypoint]),
        (&["deploy/nobody"], &[istiod, "deployments nobody.shop: NotFound"]),
    ];
    for (subjects, expected) in cases {
        let found = found(&session, &in_namespace("shop", subjects));
        ensure!(found == expected, "{subjects:?}: {found:?}");
    }
    // The pods of ambient workloads bring the ztunnel of their node.
    let whole = found(&session, &in_namespace("shop", &[]));
    ensure!(whole == [istiod, ztunnel, cart, pay, waypoint], "{whole:?}");
    let all = found(&session, &Selection { namespaces: Namespaces::All, ..Selection::default() });
    ensure!(all == [gateway, istiod, ztunnel, cart, pay, waypoint], "{all:?}");
    let labelled = Selection { labels: Some("app in (pay)".to_owned()), ..in_namespace("shop", &[]) };
    ensure!(found(&session, &labelled) == [istiod, pay], "{:?}", found(&session, &labelled));
    let batch = session.select(&in_namespace("shop", &["deploy/batch"]));
    ensure!(batch.without == 1 && batch.statuses.is_empty(), "{batch:?}");
    Ok(())
}

/// What the logs of a selection are, by container, and what is missing.
pub(crate) fn read(session: &Session, selection: &Selection, request: LogRequest) -> (BTreeMap<String, String>, Vec<Gap>) {
    let containers = session.select(selection).containers;
    let (mut pieces, _) = session.logs(&containers, selection, request);
    let (mut logs, mut gaps) = (BTreeMap::<String, String>::new(), Vec::new());
    loop {
        match pieces.next_within(Duration::from_secs(30)) {
            Next::Piece(Piece { lines: Ok(lines), container, .. }) => {
                logs.entry(container.to_string()).or_default().push_str(&String::from_utf8_lossy(&lines));
            }
            Next::Piece(Piece { lines: Err(gap), .. }) => gaps.push(gap),
            Next::Nothing | Next::End => return (logs, gaps),
        }
    }
}

pub(crate) fn logs_are_read(server: &ApiServer) -> Result<()> {
    let session = session(server, "admin")?;
    let everything = Selection { namespaces: Namespaces::All, ..Selection::default() };
    let (logs, gaps) = read(&session, &everything, ALL_LOGS);
    for log in LOGS {
        let name = format!("{}.{}/{}", log.pod, log.namespace, log.container);
        ensure!(logs.get(&name).is_some_and(|lines| lines.starts_with(log.lines)), "{name}: {:?}", logs.get(&name));
    }
    ensure!(gaps.is_empty(), "{gaps:?}");
    let pay = in_namespace("shop", &["pod/pay-1"]);
    let (logs, _) = read(&session, &pay, LogRequest { previous: true, ..ALL_LOGS });
    ensure!(logs.get("pay-1.shop/istio-proxy").is_some_and(|lines| lines == "a life before\n"), "{logs:?}");
    // Fewer bytes than there are: what is missing is named.
    let (_, gaps) = read(&session, &pay, LogRequest { most: 4, ..ALL_LOGS });
    ensure!(gaps.iter().any(|gap| gap.reason == GapReason::TooMuch(4)), "{gaps:?}");
    let (logs, _) = read(&session, &pay, LogRequest { since: Some(SignedDuration::from_hours(1)), ..ALL_LOGS });
    ensure!(logs.contains_key("pay-1.shop/istio-proxy"), "{logs:?}");
    Ok(())
}

pub(crate) fn followed_logs_grow(server: &ApiServer) -> Result<()> {
    let session = session(server, "admin")?;
    let cart = in_namespace("shop", &["pod/cart-1"]);
    let containers = session.select(&cart).containers;
    let (mut pieces, _) = session.logs(&containers, &cart, LogRequest { follow: true, ..ALL_LOGS });
    let mut lines = String::new();
    let mut is_appended = false;
    while !lines.contains("cart later") {
        match pieces.next_within(Duration::from_secs(30)) {
            Next::Piece(Piece { lines: Ok(piece), container, .. }) if container.kind == ProxyKind::Sidecar => {
                lines.push_str(&String::from_utf8_lossy(&piece));
            }
            Next::Piece(_) => {}
            Next::Nothing | Next::End => bail!("nothing came after {lines:?}"),
        }
        if lines.contains("cart one") && !is_appended {
            server.append(1, "cart later\n")?;
            is_appended = true;
        }
    }
    ensure!(lines == "cart one\ncart later\n", "{lines:?}");
    Ok(())
}

pub(crate) fn objects_are_listed(server: &ApiServer) -> Result<()> {
    let session = session(server, "admin")?;
    let objects = session.objects(&in_namespace("shop", &[]));
    let has = |name: &str| objects.objects.iter().any(|object| object.name == name);
    for name in [
        "VirtualService/shop/pay",
        "Gateway/shop/waypoint",
        "Service/shop/cart",
        "Deployment/shop/pay",
        "Pod/shop/pay-1",
        "Namespace/shop",
        "ConfigMap/istio-system/istio",
    ] {
        ensure!(has(name), "{name} is not among {:?}", objects.objects.iter().map(|it| &it.name).collect::<Vec<_>>());
    }
    // Pods of other namespaces are not asked for, and Secrets never.
    ensure!(!has("Pod/istio-ingress/gateway-1"));
    ensure!(objects.objects.iter().all(|object| !object.name.starts_with("Secret") && !object.yaml.contains("hunter2")));
    let route = objects.objects.iter().find(|object| object.name == "VirtualService/shop/pay").context("a VirtualService")?;
    ensure!(route.yaml.contains("networking.istio.io/v1") && !route.yaml.contains("managedFields"), "{}", route.yaml);
    // Of the control plane only what is not there is missing.
    let missing: Vec<&str> = objects.gaps.iter().map(|gap| gap.what.as_str()).collect();
    ensure!(missing == ["configmap istio-sidecar-injector.istio-system"], "{:?}", objects.gaps);
    Ok(())
}

pub(crate) fn events_are_lines(server: &ApiServer) -> Result<()> {
    let session = session(server, "admin")?;
    let events = session.events(&in_namespace("shop", &[])).map_err(|gap| anyhow!("{gap:?}"))?;
    ensure!(events.lines().count() == 1 && events.contains("Readiness probe failed"), "{events}");
    Ok(())
}

pub(crate) fn envoys_are_asked(server: &ApiServer) -> Result<()> {
    let session = session(server, "admin")?;
    let containers = session.select(&in_namespace("shop", &["pod/pay-1"])).containers;
    let mut answers = BTreeMap::new();
    session.admin(&containers, |at, of_one| {
        for (endpoint, answer) in of_one {
            let kind = containers.get(at).map_or("", |container| container.kind.as_str());
            answers.insert(format!("{kind} {}", endpoint.file), answer);
        }
    });
    let text = |name: &str| -> Result<String> {
        let answer = answers.get(name).with_context(|| format!("no {name}"))?;
        let bytes = answer.as_ref().map_err(|gap| anyhow!("{gap:?}"))?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    };
    ensure!(text("sidecar config_dump")?.contains("BootstrapConfigDump"));
    ensure!(text("sidecar stats")?.contains("server.live: 1"));
    ensure!(text("sidecar server_info")?.contains("\"state\": \"LIVE\""));
    // istiod is no Envoy.
    ensure!(answers.keys().all(|name| name.starts_with("sidecar")), "{:?}", answers.keys());
    Ok(())
}

pub(crate) fn forbidden_is_named(server: &ApiServer) -> Result<()> {
    let session = session(server, "nobody")?;
    let selection = in_namespace("shop", &[]);
    let nothing = found(&session, &selection);
    ensure!(nothing == ["pods of shop: Forbidden", "pods of istio-system (app=istiod): Forbidden"], "{nothing:?}");
    ensure!(session.events(&selection) == Err(Gap { what: "events".to_owned(), reason: GapReason::Forbidden }));
    let objects = session.objects(&selection);
    let is_named = objects.gaps.iter().any(|gap| gap.what == "virtualservices.networking.istio.io of shop");
    // Which kinds there are everybody may see.
    let are_kinds = objects.objects.iter().all(|object| object.name.starts_with("CustomResourceDefinition/"));
    ensure!(are_kinds && is_named, "{:?}", objects.gaps);
    Ok(())
}
