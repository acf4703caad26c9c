//! A DestinationRule names a Service with its namespace, but without the end of the name.

use crate::edit::Edit;
use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh};
use crate::model::{DestinationRule, Service};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC305",
    slug: "rule-host-without-domain",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0174", "KIA0202"],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "{host} is taken as it stands and is not {full}, so this DestinationRule changes nothing",
    message_zh: "{host} 会原样使用，不等于 {full}，这条 DestinationRule 不起任何作用",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note("The DESTINATION RULE column does not name this rule.", "DESTINATION RULE 一列没有这条规则。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "full-name",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# DestinationRule\nspec:\n  host: {service}.{service_namespace}.svc.cluster.local\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule",
        "https://istio.io/latest/docs/reference/config/analysis/ist0174/",
        "Istio pilot/pkg/model/virtualservice.go ResolveShortnameToFQDN, 1.30",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    let Some(host) = rule.host() else { return };
    let Some(name) = host.text() else { return };
    let Some(service) = half_named(mesh, name) else { return };
    if matches!(mesh.host(name, rule.0.namespace), Lookup::Found(_)) {
        return;
    }
    let full = service.host();
    let finding = Finding::new(&rule.0, host).with("host", name).with("full", full.clone());
    findings.add(finding.beside(&service.0, service.0.name_node()).cured_by(Edit::replace(host, full)));
}

/// The Service that `reviews.books` or `reviews.books.svc` means. Istio completes only names without a dot.
pub(crate) fn half_named<'a>(mesh: &Mesh<'a>, host: &str) -> Option<Service<'a>> {
    let (name, namespace) = host.strip_suffix(".svc").unwrap_or(host).split_once('.')?;
    mesh.service(namespace, name)
}
