//! The gateway variants of the manifests: accepted by Envoy, and silent towards the internet.

use anyhow::{Result, ensure};
use meshwhy_integration::{Deployment, Placement, Scenario, Session, Setup, Visibility};

#[test]
fn a_gateway_records_and_tells_the_internet_nothing() -> Result<()> {
    let scenario = Scenario::parse("no-route", "summary: A virtual host without routes.\nroute: null\n")?;
    for deployment in Deployment::ALL {
        let setup = Setup::new(deployment).placed(Placement::Gateway).visible(Visibility::Mesh);
        Session::start(std::slice::from_ref(&scenario), &setup)?.check(|session| {
            let observation = session.send(&scenario.slug, &scenario.request)?;
            ensure!(observation.proxy_status().is_none(), "{deployment}: {observation:#?}");
            ensure!(!observation.records.is_empty(), "{deployment}: no record: {observation:#?}");
            Ok(())
        })?;
    }
    Ok(())
}
