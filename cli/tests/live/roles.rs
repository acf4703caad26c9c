//! What `install rbac` gives: enough, and no more.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use meshwhy_cluster::{Beyond, Extent, Gap, GapReason, Namespaces, RbacSubject, Selection, Session, TunnelFailure, rbac};
use meshwhy_integration::kubernetes::ApiServer;

use tokio::runtime::Runtime;

use crate::collecting::read;
use crate::{ALL_LOGS, in_namespace, session};

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
    let way = session.tunnel(Some("shop"), "pay-1", Some("pay")).ok();
    if let Some(way) = way {
        let opened = Runtime::new().map(|runtime| runtime.block_on(way.open("127.0.0.1", 1, Duration::from_secs(10))).map(drop));
        if let Ok(Err(TunnelFailure::Refused(reason))) = opened {
            let is_forbidden = reason.contains("forbidden");
            gaps.extend(is_forbidden.then(|| Gap { what: "exec".to_owned(), reason: GapReason::Forbidden }));
        }
    }
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

pub(crate) fn roles_are_sufficient_and_minimal(server: &ApiServer) -> Result<()> {
    let subject = RbacSubject::User("reader".to_owned());
    let session = session(server, "reader")?;
    for (extent, namespaces) in
        [(Extent::Cluster, Namespaces::All), (Extent::Namespace("shop".to_owned()), Namespaces::One("shop".to_owned()))]
    {
        let selection = Selection { namespaces, ..Selection::default() };
        let roles = rbac(&subject, &extent, "istio-system", Beyond { admin: true, probe: true });
        server.apply(&roles)?;
        // What lives outside of namespaces, or in others, no Role can give.
        let is_needed = |what: &String| {
            what.starts_with("logs") || what.starts_with("pods") || what.starts_with('/') || what.starts_with("exec")
        };
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
