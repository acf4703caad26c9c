//! Several VirtualServices have rules for one host in sidecars.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings, Severity};
use crate::mesh::{Mesh, full_host};
use crate::model::VirtualService;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC205",
    slug: "conflicting-mesh-hosts",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0109", "KIA1106"],
    kinds: [VirtualService],
    message: "sidecars take the rules for {host} from one VirtualService only, and {other} has some, too",
    message_zh: "对 {host}，sidecar 只采用一个 VirtualService 的规则，而 {other} 里也有",
    confirm: &[
        Confirm {
            id: "age",
            steps: &[
                Command("kubectl get virtualservices --all-namespaces --sort-by=.metadata.creationTimestamp"),
                Note("The first in this list that has the host wins.", "列表里最先出现、又含有这个 host 的那个生效。"),
            ],
        },
        Confirm {
            id: "routes",
            steps: &[
                Command("istioctl proxy-config routes {pod}.{namespace} -o json"),
                Note("The rules of the others are not under the host's domains.", "这个 host 的 domains 下面没有其余几个的规则。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "merge",
            applicability: Review,
            steps: &[Patch(
                PatchKind::Fragment,
                "# The only VirtualService of the host; parts that others own are delegates\nspec:\n  hosts: [{host}]\n  http:\n    - match:\n        - uri:\n            prefix: /reviews\n      delegate:\n        name: reviews-routes\n        namespace: {service_namespace}\n",
            )],
            verify: CHECK_AGAIN,
        },
        Fix {
            id: "scope",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# VirtualService for one namespace's clients only\nspec:\n  exportTo: [\".\"]\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0109/",
        "https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services",
    ],
}

/// A VirtualService that sidecars get, with one of its hosts.
#[derive(Clone, Copy)]
struct Claim<'a> {
    service: VirtualService<'a>,
    host: Node<'a>,
}

/// Who claims which host.
#[derive(Default)]
struct Claims<'a> {
    /// In every namespace, by the host spelt backwards, so that what a wildcard covers stands together.
    everywhere: BTreeMap<String, Vec<Claim<'a>>>,
    /// In one namespace only.
    within: BTreeMap<(&'a str, String), Vec<Claim<'a>>>,
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let claims = Claims::of(mesh);
    let mut reported = HashSet::default();
    let mut report = |all: &[Claim<'a>], host: &str, severity: Severity| {
        for claim in all {
            let other = all.iter().find(|other| other.service.0.id() != claim.service.0.id());
            if let Some(other) = other.filter(|_| reported.insert(claim.host.place())) {
                let finding = Finding::new(&claim.service.0, claim.host).with("host", host.to_owned());
                let finding = finding.with("other", other.service.0.id().to_string()).beside(&other.service.0, other.host);
                findings.add(mesh.weighed(finding.of_severity(severity)));
            }
        }
    };
    for (host, all) in &claims.everywhere {
        report(all, &backwards(host), Severity::Error);
    }
    for ((_, host), own) in &claims.within {
        report(own, host, Severity::Error);
        let others = claims.everywhere.get(&backwards(host)).map(Vec::as_slice).unwrap_or_default();
        report(&[own.as_slice(), others].concat(), host, Severity::Warning);
        report(&[own.as_slice(), &claims.overlapping(host)].concat(), host, Severity::Info);
    }
}

impl<'a> Claims<'a> {
    fn of(mesh: &Mesh<'a>) -> Self {
        let mut claims = Self::default();
        for service in mesh.virtual_services().filter(VirtualService::is_on_mesh) {
            let scopes: BTreeSet<_> = service.0.export_to().collect();
            for host in service.hosts() {
                let Some(name) = host.text() else { continue };
                let full = full_host(name, service.0.namespace);
                let claim = Claim { service, host };
                if scopes.is_empty() || scopes.contains("*") {
                    claims.everywhere.entry(backwards(&full)).or_default().push(claim);
                    continue;
                }
                for scope in &scopes {
                    claims.within.entry((*scope, full.clone())).or_default().push(claim);
                }
            }
        }
        claims
    }

    /// The other wildcards of all namespaces that cover this one or are covered by it.
    fn overlapping(&self, host: &str) -> Vec<Claim<'a>> {
        let Some(suffix) = host.strip_prefix('*') else { return Vec::new() };
        let start = backwards(suffix);
        let narrower = self.everywhere.range(start.clone()..).take_while(|(other, _)| other.starts_with(&start));
        let narrower = narrower.filter(|(other, _)| other.ends_with('*')).map(|(_, claims)| claims);
        let domains = suffix.match_indices('.').filter_map(|(at, _)| suffix.get(at..));
        let wider = domains.filter_map(|domain| self.everywhere.get(&backwards(&format!("*{domain}"))));
        narrower.chain(wider).flatten().copied().collect()
    }
}

fn backwards(host: &str) -> String {
    host.chars().rev().collect()
}
