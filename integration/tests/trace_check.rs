//! The check for trace context: Envoy's own filters (observe) and the module (annotate) recognise the same headers.

use anyhow::{Result, ensure};
use meshwhy_integration::scenario::ClientRequest;
use meshwhy_integration::{Deployment, Scenario, Session, Setup};

const HEALTHY: &str = "
summary: An upstream that answers 200.
upstream: http
expect: {status: 200}
";

/// Headers of a request, and whether they carry a trace context.
const REQUESTS: [(&[(&str, &str)], bool); 8] = [
    (&[], false),
    (&[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")], true),
    (&[("traceparent", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later")], true),
    (&[("traceparent", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")], false),
    (&[("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90")], true),
    (&[("b3", "-")], false),
    (&[("x-b3-traceid", "463ac35c9f6413ad"), ("x-b3-spanid", "a2fb4a1d1a96d312")], true),
    (&[("x-b3-sampled", "1")], true),
];

#[test]
fn both_checks_recognise_the_same_headers() -> Result<()> {
    for deployment in [Deployment::Observe, Deployment::Annotate] {
        let session = Session::start(&[Scenario::parse("healthy", HEALTHY)?], &Setup::new(deployment))?;
        session.check(|session| {
            for (headers, carries) in REQUESTS {
                let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
                let request = ClientRequest { headers, trace_context: false, ..ClientRequest::default() };
                let records = session.send("healthy", &request)?.records;
                let missing = records.iter().any(|line| line.contains("trace_context_missing"));
                ensure!(missing != carries, "{deployment}: {:?} gave {records:?}", request.headers);
            }
            Ok(())
        })?;
    }
    Ok(())
}
