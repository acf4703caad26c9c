//! A match of proxy versions is longer than 1.31 reads.

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::EnvoyFilter;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC921",
    slug: "proxy-version-too-long",
    since: "0.1.0",
    severity: Error,
    upgrade: 31,
    explains: [],
    equivalent: &[],
    kinds: [EnvoyFilter],
    each: EnvoyFilter,
    message: "proxyVersion has {length} characters: from Istio 1.31 on the patch is for no proxy",
    message_zh: "proxyVersion 有 {length} 个字符：从 Istio 1.31 起这个 patch 对任何代理都不生效",
    confirm: &[
        Confirm {
            id: "warning",
            steps: &[Command("istioctl validate -f envoyfilter.yaml")],
        },
    ],
    fixes: &[
        Fix {
            id: "prefix",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# match of the patch\nproxy:\n  proxyVersion: ^1\\.31.*\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["Istio release note envoyfilter-proxyversion-length, 1.31"],
}

/// What istiod reads from 1.31 on.
const MOST: usize = 1024;

fn check<'a>(_: &Mesh<'a>, filter: EnvoyFilter<'a>, findings: &mut Findings<'a>) {
    for version in filter.patches().filter_map(|patch| patch.proxy_version()) {
        let length = version.text().map_or(0, str::len);
        if length > MOST {
            findings.add(Finding::new(&filter.0, version).with("length", length.to_string()));
        }
    }
}
