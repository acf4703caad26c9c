//! Envoy under a real func-e, as many people run it.

use anyhow::{Result, ensure};
use meshwhy_integration::envoy::func_e::func_e;
use meshwhy_integration::not_run::NotRun;
use meshwhy_integration::{Deployment, Scenario, Session, Setup};

#[test]
fn the_module_works_under_func_e() -> Result<()> {
    let Some(launcher) = func_e()? else {
        return NotRun::here().note(
            "func_e",
            "there is no `go` on the PATH to build func-e with, and none could be fetched",
            "install Go: https://go.dev/dl",
        );
    };
    let scenario = Scenario::parse("no-route", "summary: A virtual host without routes.\nroute: null\n")?;
    let session = Session::start_with(&launcher, std::slice::from_ref(&scenario), &Setup::new(Deployment::Observe))?;
    session.check(|session| {
        let observation = session.send(&scenario.slug, &scenario.request)?;
        ensure!(observation.proxy_status().is_some_and(|status| status.contains("mw-cause=")), "no annotation: {observation:#?}");
        ensure!(!observation.records.is_empty(), "no record: {observation:#?}");
        Ok(())
    })
}
