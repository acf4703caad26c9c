//! `fault.delay.percent`, a whole number that was replaced by `percentage`.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::VirtualService;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC224",
    slug: "deprecated-fault-percent",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0002"],
    kinds: [VirtualService],
    each: VirtualService,
    message: "fault.{fault}.percent is deprecated; percentage with the value {percent} says the same",
    message_zh: "fault.{fault}.percent 已弃用，改用 percentage，value 写 {percent}",
    confirm: &[
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -n -A4 '\"percentage\"'"),
                Note("The numerator is the part of the requests.", "numerator 就是受影响请求的比例。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "percentage",
            applicability: Safe,
            steps: &[Patch(
                PatchKind::Fragment,
                "# VirtualService\nspec:\n  http:\n    - fault:\n        delay:\n          fixedDelay: 5s\n          percentage:\n            value: 0.5\n",
            )],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0002/",
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection-Delay",
    ],
}

fn check<'a>(_: &Mesh<'a>, service: VirtualService<'a>, findings: &mut Findings<'a>) {
    for route in service.routes() {
        for fault in ["delay", "abort"] {
            let Some((key, percent)) = route.node.at(&["fault", fault]).and_then(|fault| fault.entry("percent")) else {
                continue;
            };
            let value = percent.text().unwrap_or_default();
            let finding = Finding::new(&service.0, key).with("fault", fault).with("percent", value);
            findings.add(match percent.as_integer() {
                Some(_) => finding
                    .cured_by(Edit::replace(key, "percentage"))
                    .cured_by(Edit::replace(percent, format!("{{value: {value}}}"))),
                None => finding,
            });
        }
    }
}
