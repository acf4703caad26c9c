//! Who sees the annotation as shipped: the workload itself, peers with mutual TLS, and nobody outside.

use anyhow::{Result, ensure};
use meshwhy_integration::scenario::MUTUAL_TLS;
use meshwhy_integration::{AnnotationVisibility, Deployment, Placement, Scenario, Session, Setup};

const NO_ROUTE: &str = "summary: A virtual host without routes.\nroute: null\n";

/// Name, what makes it this case, and whether the client is told.
const SIDECARS: [(&str, &str, bool); 3] = [
    ("outbound", "", true),
    ("inbound-plaintext", "direction: INBOUND\n", false),
    ("inbound-mutual", "direction: INBOUND\nrequest: {tls: mutual}\n", true),
];

/// An upstream that says of itself why it failed.
const MEMBERS: &str = "
summary: Another proxy behind this one, and one that is none of ours.
upstream: proxy-status
";

#[test]
fn a_sidecar_tells_its_workload_and_peers_with_mutual_tls() -> Result<()> {
    let scenario = |(name, fields, _): &(&str, &str, bool)| {
        let tls = if fields.contains("mutual") { MUTUAL_TLS } else { "" };
        Scenario::parse(name, &format!("{NO_ROUTE}{fields}{tls}"))
    };
    let scenarios = SIDECARS.iter().map(scenario).collect::<Result<Vec<_>>>()?;
    for deployment in Deployment::ALL {
        Session::start(&scenarios, &Setup::new(deployment).visible(AnnotationVisibility::Mesh))?.check(|session| {
            for (scenario, (name, _, visible)) in scenarios.iter().zip(SIDECARS) {
                let observation = session.send(&scenario.slug, &scenario.request)?;
                let annotated = observation.proxy_status().is_some_and(|status| status.contains("mw-cause="));
                ensure!(annotated == visible, "{deployment}, {name}: {observation:#?}");
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_gateway_tells_nobody_and_records_all_the_same() -> Result<()> {
    let scenarios = [Scenario::parse("no-route", NO_ROUTE)?, Scenario::parse("members", MEMBERS)?];
    for deployment in Deployment::ALL {
        let setup = Setup::new(deployment).placed(Placement::Gateway).visible(AnnotationVisibility::Mesh);
        Session::start(&scenarios, &setup)?.check(|session| {
            let refused = session.send("no-route", &scenarios[0].request)?;
            ensure!(refused.proxy_status().is_none(), "{deployment}: {refused:#?}");
            ensure!(!refused.records.is_empty(), "{deployment}: no record: {refused:#?}");
            let relayed = session.send("members", &scenarios[1].request)?;
            let status = relayed.proxy_status();
            // Envoy alone takes the whole header out, the module only what is ours.
            let others = (deployment == Deployment::Annotate).then(|| "cdn; error=dns_error".to_owned());
            ensure!(status == others, "{deployment}: {relayed:#?}");
            ensure!(relayed.records.iter().any(|record| record.contains("cart-1.shop")), "{deployment}: {relayed:#?}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_gateway_that_is_open_tells_everyone() -> Result<()> {
    let scenario = Scenario::parse("no-route", NO_ROUTE)?;
    for deployment in Deployment::ALL {
        let setup = Setup::new(deployment).placed(Placement::Gateway);
        Session::start(std::slice::from_ref(&scenario), &setup)?.check(|session| {
            let observation = session.send(&scenario.slug, &scenario.request)?;
            let visible = observation.proxy_status().is_some_and(|status| status.contains("mw-side=gateway"));
            ensure!(visible, "{deployment}: {observation:#?}");
            Ok(())
        })?;
    }
    Ok(())
}
