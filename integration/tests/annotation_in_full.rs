//! Level `full`: the record travels in the header, and who passes an error on says what it received.

use anyhow::{Context, Result, ensure};
use meshwhy_core::proxy_status;
use meshwhy_integration::scenario::ClientRequest;
use meshwhy_integration::{Deployment, Scenario, Session, Setup};
use serde_json::json;

const REFUSED: &str = "
summary: A closed port.
upstream: refuse
expect: {status: 503, local_reply: true}
";

const PASSED_ON: &str = "
summary: An upstream that answers 503.
upstream: http-503
expect: {status: 503}
";

#[test]
fn the_record_comes_with_the_reply_and_a_received_status_with_what_is_passed_on() -> Result<()> {
    let scenarios = [Scenario::parse("refused", REFUSED)?, Scenario::parse("passed-on", PASSED_ON)?];
    let setup = Setup { wishes: json!({"level": "full"}), ..Setup::new(Deployment::Annotate) };
    Session::start(&scenarios, &setup)?.check(|session| {
        let header = |slug: &str| -> Result<String> {
            session.send(slug, &ClientRequest::default())?.proxy_status().with_context(|| format!("{slug} is not marked"))
        };
        let refused = header("refused")?;
        let members = proxy_status::read(&refused);
        let record = members.iter().find_map(|member| member.record.as_ref()).with_context(|| refused.clone())?;
        ensure!(record.facts.upstream_host.is_some() && record.facts.context.pod.as_deref() == Some("shop-0"), "{record:?}");
        ensure!(refused.len() < 512 + 2 * 1024, "{} bytes", refused.len());
        let passed = proxy_status::read(&header("passed-on")?);
        let trail = passed.iter().find(|member| member.received_status == Some(503)).with_context(|| format!("{passed:?}"))?;
        ensure!(trail.next_hop.is_some() && !trail.gives_reason() && trail.record.is_none(), "{trail:?}");
        Ok(())
    })
}
