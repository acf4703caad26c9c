//! A DestinationRule is for a host that nothing stands for.

use crate::finding::{Finding, Findings};
use crate::mesh::{Lookup, Mesh, ROOT_NAMESPACE, full_host, is_system_namespace, kubernetes_name};
use crate::model::DestinationRule;
use crate::rules::{declare_rule, rule_host_without_domain};

declare_rule! {
    code: "MWC301",
    slug: "unknown-rule-host",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &["IST0174", "KIA0202"],
    kinds: [DestinationRule],
    each: DestinationRule,
    message: "nothing is called {host}, so this DestinationRule changes nothing",
    message_zh: "没有叫 {host} 的服务，这条 DestinationRule 不起任何作用",
    confirm: &[
        Confirm {
            id: "clusters",
            steps: &[
                Command("istioctl proxy-config clusters {pod}.{namespace} --fqdn {host}"),
                Note(
                    "The DESTINATION RULE column does not name this rule, or there is no row at all.",
                    "DESTINATION RULE 一列没有这条规则，或者一行都没有。",
                ),
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
        "https://istio.io/latest/docs/reference/config/analysis/ist0174/",
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, rule: DestinationRule<'a>, findings: &mut Findings<'a>) {
    let Some(host) = rule.host() else { return };
    let Some(name) = host.text().filter(|name| !name.is_empty() && !name.starts_with('*')) else { return };
    let namespace = rule.0.namespace;
    let lookup = mesh.host(name, namespace);
    if matches!(lookup, Lookup::Found(_)) {
        return;
    }
    let full = full_host(name, namespace);
    if is_cut_short(mesh, name) {
        return;
    }
    let is_expected = kubernetes_name(&full).is_some_and(|(_, namespace)| mesh.expects_services(&rule.0, namespace));
    if matches!(lookup, Lookup::Missing) && is_expected && !is_installed_apart(&full) {
        findings.add(Finding::new(&rule.0, host).with("host", full).likely());
    } else {
        findings.unknown(&rule.0, host, format!("Service or ServiceEntry {full}"));
    }
}

/// Whether it is a Service's name without its end, such as `reviews.books`: that is another mistake.
fn is_cut_short(mesh: &Mesh<'_>, host: &str) -> bool {
    rule_host_without_domain::half_named(mesh, host).is_some()
}

/// Whether it is usually installed from other files than those of applications.
fn is_installed_apart(host: &str) -> bool {
    kubernetes_name(host).is_some_and(|(name, namespace)| {
        namespace == ROOT_NAMESPACE || is_system_namespace(namespace) || name.starts_with("istio") || name == "kubernetes"
    })
}
