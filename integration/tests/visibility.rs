//! The annotation as shipped: only a peer with mutual TLS gets to see it.

use anyhow::{Result, ensure};
use meshwhy_integration::scenario::MUTUAL_TLS;
use meshwhy_integration::{Deployment, Scenario, Session, Setup, Visibility};

const PLAINTEXT: &str = "
summary: A virtual host without routes.
route: null
";

const MUTUAL: &str = "
summary: The same, behind mutual TLS.
route: null
request: {tls: mutual}
";

#[test]
fn only_a_mutually_authenticated_peer_sees_the_annotation() -> Result<()> {
    let scenarios = [Scenario::parse("plaintext", PLAINTEXT)?, Scenario::parse("mutual", &format!("{MUTUAL}{MUTUAL_TLS}"))?];
    for deployment in Deployment::ALL {
        Session::start(&scenarios, &Setup::new(deployment).visible(Visibility::Mesh))?.check(|session| {
            for scenario in &scenarios {
                let observation = session.send(&scenario.slug, &scenario.request)?;
                let annotated = observation.proxy_status().is_some_and(|status| status.contains("mw-cause="));
                ensure!(annotated == (scenario.slug == "mutual"), "{deployment}: {observation:#?}");
            }
            Ok(())
        })?;
    }
    Ok(())
}
