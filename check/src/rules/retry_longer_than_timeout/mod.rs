//! A route's timeout ends its retries before they are all made.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{VirtualService, duration};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC218",
    slug: "retry-longer-than-timeout",
    since: "0.1.0",
    severity: Warning,
    explains: [request_timeout],
    equivalent: &[],
    kinds: [VirtualService],
    each: VirtualService,
    message: "{attempts} retries of {per_try} each do not fit into the timeout of {timeout}",
    message_zh: "{attempts} 次重试、每次 {per_try}，超过了总超时 {timeout}",
    confirm: &[
        Confirm {
            id: "log",
            steps: &[
                Command("kubectl -n {namespace} logs {pod} -c istio-proxy"),
                Note("Slow requests end with 504 and the flag UT after the route's timeout.", "慢请求在路由的超时到点后以 504 结束，flag 是 UT。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "timeout",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService: the first try and two more, each of 2s\nspec:\n  http:\n    - timeout: 7s\n      retries:\n        attempts: 2\n        perTryTimeout: 2s\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry",
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for route in service.http() {
        let (Some(timeout), Some(retries)) = (route.get("timeout"), route.get("retries")) else { continue };
        let Some(per_try) = retries.get("perTryTimeout") else { continue };
        let attempts =
            retries.get("attempts").and_then(|attempts| attempts.as_integer()).and_then(|count| u32::try_from(count).ok());
        let (Some(total), Some(each)) = (timeout.text().and_then(duration), per_try.text().and_then(duration)) else {
            continue;
        };
        let Some(attempts) = attempts.filter(|attempts| *attempts > 0 && !total.is_zero()) else { continue };
        if each.saturating_mul(attempts) > total {
            let finding = Finding::new(&service.0, timeout).with("attempts", attempts.to_string()).beside(&service.0, per_try);
            let written = |node: crate::document::Node<'a>| node.text().unwrap_or_default();
            findings.add(finding.with("per_try", written(per_try)).with("timeout", written(timeout)));
        }
    }
}
