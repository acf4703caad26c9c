//! Against a real API server: what is found, read, followed and forbidden.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use jiff::SignedDuration;
use libtest_mimic::{Arguments, Failed, Trial};
use meshwhy_cluster::{
    Access, Extent, Gap, GapReason, LogRequest, Namespaces, Next, Piece, ProxyKind, RbacSubject, Selection, Session, Subject,
    rbac,
};
use meshwhy_integration::RunDirectory;
use meshwhy_integration::envoy::locate::locate;
use meshwhy_integration::envoy::process::Envoy;
use meshwhy_integration::kubernetes::{ApiServer, PodLog};
use meshwhy_integration::not_run::NotRun;
use serde_json::json;

/// The pods of a small mesh.
const PODS: &str = include_str!("data/mesh.yaml");

/// The log of each container, in the order in which the server knows them.
const LOGS: [PodLog<'static>; 6] = [
    log("shop", "pay-1", "pay one\npay two\n", Some("a life before\n")),
    log("shop", "cart-1", "cart one\n", None),
    log("shop", "waypoint-1", "waypoint one\n", None),
    log("istio-ingress", "gateway-1", "gateway one\n", None),
    log("istio-system", "ztunnel-1", "ztunnel one\n", None),
    PodLog { namespace: "istio-system", pod: "istiod-1", container: "discovery", lines: "istiod one\n", previous: None },
];

const fn log(namespace: &'static str, pod: &'static str, lines: &'static str, previous: Option<&'static str>) -> PodLog<'static> {
    PodLog { namespace, pod, container: "istio-proxy", lines, previous }
}

const ALL_LOGS: LogRequest = LogRequest { since: None, follow: false, previous: false, at_once: 4, most: 1 << 20 };

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    if arguments.list {
        return Ok(libtest_mimic::run(&arguments, trials(None)).exit_code());
    }
    let directory = RunDirectory::new("cluster")?;
    let bootstrap = json!({"admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}});
    let envoy = Envoy::start(&locate()?, &bootstrap, directory.path())?;
    let server = match ApiServer::start(&LOGS, Some(envoy.admin_address().port()))? {
        Ok(server) => Arc::new(server),
        Err(missing) => {
            NotRun::here().note("cluster_real", &missing, "install Go, and etcd where there is no apt-get")?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    server.define_kinds()?;
    server.apply(PODS)?;
    for log in &LOGS {
        server.wait_for_pod(log.namespace, log.pod)?;
    }
    Ok(libtest_mimic::run(&arguments, trials(Some(&server))).exit_code())
}

/// A test.
type Test = fn(&ApiServer) -> Result<()>;

fn trials(server: Option<&Arc<ApiServer>>) -> Vec<Trial> {
    let tests: [(&str, Test); 8] = [
        ("the_proxies_of_what_was_named_are_found", proxies_are_found),
        ("the_logs_of_all_of_them_are_read", logs_are_read),
        ("what_is_written_while_it_is_followed_arrives", followed_logs_grow),
        ("what_is_configured_is_listed_and_no_secret", objects_are_listed),
        ("events_are_lines", events_are_lines),
        ("an_envoy_is_asked_through_the_api_server", envoys_are_asked),
        ("what_is_forbidden_is_named", forbidden_is_named),
        ("the_roles_suffice_and_every_rule_is_needed", roles_are_sufficient_and_minimal),
    ];
    let trial = |(name, test): (&'static str, Test)| {
        let server = server.cloned();
        Trial::test(name, move || {
            let server = server.context("no server")?;
            test(&server).map_err(|error| Failed::from(format!("{error:?}")))
        })
    };
    tests.into_iter().map(trial).collect()
}

fn session(server: &ApiServer, user: &str) -> Result<Session> {
    Ok(Session::connect(&Access { kubeconfig: Some(server.kubeconfig(user)), context: None }, "istio-system")?)
}

fn in_namespace(namespace: &str, subjects: &[&str]) -> Selection {
    Selection {
        subjects: subjects.iter().filter_map(|text| Subject::parse(text)).collect(),
        namespaces: Namespaces::One(namespace.to_owned()),
        labels: None,
    }
}

/// The proxies that a selection finds, as text.
fn found(session: &Session, selection: &Selection) -> Vec<String> {
    let selected = session.select(selection);
    let gaps = selected.gaps.into_iter().chain(selected.gaps_around).map(|gap| format!("{}: {:?}", gap.what, gap.reason));
    selected.containers.iter().map(|it| format!("{} {it}", it.kind.as_str())).chain(gaps).collect()
}

fn proxies_are_found(server: &ApiServer) -> Result<()> {
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
    ensure!(session.select(&in_namespace("shop", &["deploy/batch"])).without == 1);
    Ok(())
}

/// What the logs of a selection are, by container, and what is missing.
fn read(session: &Session, selection: &Selection, request: LogRequest) -> (BTreeMap<String, String>, Vec<Gap>) {
    let containers = session.select(selection).containers;
    let (mut pieces, _) = session.logs(&containers, request);
    let (mut logs, mut gaps) = (BTreeMap::<String, String>::new(), Vec::new());
    loop {
        match pieces.next_within(Duration::from_secs(30)) {
            Next::Piece(Piece { source, lines: Ok(lines) }) => {
                let name = containers.get(source).map(ToString::to_string).unwrap_or_default();
                logs.entry(name).or_default().push_str(&String::from_utf8_lossy(&lines));
            }
            Next::Piece(Piece { lines: Err(gap), .. }) => gaps.push(gap),
            Next::Nothing | Next::End => return (logs, gaps),
        }
    }
}

fn logs_are_read(server: &ApiServer) -> Result<()> {
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

fn followed_logs_grow(server: &ApiServer) -> Result<()> {
    let session = session(server, "admin")?;
    let containers = session.select(&in_namespace("shop", &["pod/cart-1"])).containers;
    let (mut pieces, _) = session.logs(&containers, LogRequest { follow: true, ..ALL_LOGS });
    let mut lines = String::new();
    let mut is_appended = false;
    while !lines.contains("cart later") {
        match pieces.next_within(Duration::from_secs(30)) {
            Next::Piece(Piece { lines: Ok(piece), source })
                if containers.get(source).is_some_and(|it| it.kind == ProxyKind::Sidecar) =>
            {
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

fn objects_are_listed(server: &ApiServer) -> Result<()> {
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

fn events_are_lines(server: &ApiServer) -> Result<()> {
    let session = session(server, "admin")?;
    let events = session.events(&in_namespace("shop", &[])).map_err(|gap| anyhow!("{gap:?}"))?;
    ensure!(events.lines().count() == 1 && events.contains("Readiness probe failed"), "{events}");
    Ok(())
}

fn envoys_are_asked(server: &ApiServer) -> Result<()> {
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

fn forbidden_is_named(server: &ApiServer) -> Result<()> {
    let session = session(server, "nobody")?;
    let selection = in_namespace("shop", &[]);
    let nothing = found(&session, &selection);
    ensure!(nothing == ["pods of shop: Forbidden", "pods of istio-system (app=istiod): Forbidden"], "{nothing:?}");
    ensure!(session.events(&selection) == Err(Gap { what: "events".to_owned(), reason: GapReason::Forbidden }));
    let objects = session.objects(&selection);
    let is_named = objects.gaps.iter().any(|gap| gap.what == "virtualservices.networking.istio.io of shop");
    ensure!(objects.objects.is_empty() && is_named, "{:?}", objects.gaps);
    Ok(())
}

/// What of all that a user may want to see is forbidden.
fn forbidden(session: &Session, selection: &Selection) -> Vec<String> {
    let selected = session.select(selection);
    let mut gaps: Vec<Gap> = selected.gaps.into_iter().chain(selected.gaps_around).collect();
    for subject in ["deploy/pay", "sts/ledger", "ds/agent", "rs/old", "job/once", "svc/cart", "gateway/waypoint", "pod/pay-1"] {
        gaps.extend(session.select(&in_namespace("shop", &[subject])).gaps);
    }
    gaps.extend(session.objects(selection).gaps);
    gaps.extend(session.events(selection).err());
    let (_, missing) = read(session, selection, ALL_LOGS);
    gaps.extend(missing);
    let containers: Vec<_> = selected.containers.into_iter().filter(|it| it.pod == "pay-1").collect();
    session.admin(&containers, |_, answers| gaps.extend(answers.into_iter().filter_map(|(_, answer)| answer.err())));
    gaps.retain(|gap| matches!(gap.reason, GapReason::Forbidden | GapReason::OnlyIn(_)));
    gaps.into_iter().map(|gap| format!("{}: {:?}", gap.what, gap.reason)).collect()
}

/// The same roles with one resource of one rule less.
fn without_one(roles: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = roles.lines().collect();
    let mut fewer = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(resources) = line.strip_prefix("  resources: [").and_then(|rest| rest.strip_suffix(']')) else { continue };
        for resource in resources.split(", ") {
            let left: Vec<&str> = resources.split(", ").filter(|it| *it != resource).collect();
            let rule = format!("  resources: [{}]", if left.is_empty() { "nothing".to_owned() } else { left.join(", ") });
            let changed = |(number, line): (usize, &&str)| if number == at { rule.clone() } else { (*line).to_owned() };
            let changed: Vec<String> = lines.iter().enumerate().map(changed).collect();
            fewer.push((format!("{resource} in line {}", at + 1), changed.join("\n")));
        }
    }
    fewer
}

fn roles_are_sufficient_and_minimal(server: &ApiServer) -> Result<()> {
    let subject = RbacSubject::User("reader".to_owned());
    let session = session(server, "reader")?;
    for (extent, namespaces) in
        [(Extent::Cluster, Namespaces::All), (Extent::Namespace("shop".to_owned()), Namespaces::One("shop".to_owned()))]
    {
        let selection = Selection { namespaces, ..Selection::default() };
        let roles = rbac(&subject, &extent, "istio-system", true);
        server.apply(&roles)?;
        // What lives outside of namespaces, or in others, no Role can give.
        let is_needed = |what: &String| what.starts_with("logs") || what.starts_with("pods") || what.starts_with('/');
        let suffices = |gaps: &Vec<String>| match extent {
            Extent::Cluster => gaps.is_empty(),
            Extent::Namespace(_) => !gaps.iter().any(is_needed),
        };
        let known =
            settled(|| forbidden(&session, &selection), suffices).with_context(|| format!("{extent:?} does not suffice"))?;
        let fewer = without_one(&roles);
        ensure!(fewer.len() > 30, "only {} rules", fewer.len());
        for (removed, fewer) in fewer {
            server.apply(&fewer)?;
            settled(|| forbidden(&session, &selection), |gaps| *gaps != known)
                .with_context(|| format!("{extent:?} gives {removed}, and nothing needs it"))?;
        }
        server.delete(&roles)?;
    }
    Ok(())
}

/// RBAC takes a moment to know what was applied.
fn settled<T: std::fmt::Debug>(mut look: impl FnMut() -> T, is_right: impl Fn(&T) -> bool) -> Result<T> {
    let mut seen = look();
    for _ in 0..10 {
        if is_right(&seen) {
            return Ok(seen);
        }
        std::thread::sleep(Duration::from_millis(100));
        seen = look();
    }
    bail!("{seen:?}")
}
