//! A patch's result depends on other patches, and no priority orders them.

use foldhash::HashSet;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::{ConfigPatch, EnvoyFilter, ResourceKind};
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC751",
    slug: "relative-without-priority",
    since: "0.1.0",
    severity: Info,
    persona: Pedantic,
    explains: [],
    equivalent: &["IST0151"],
    kinds: [EnvoyFilter],
    message: "{operation} without a priority: other EnvoyFilters decide by their age where this lands",
    message_zh: "{operation} 没有写 priority：和其他 EnvoyFilter 的先后只看创建时间",
    confirm: &[
        Confirm {
            id: "order",
            steps: &[
                Command("istioctl proxy-config listeners {pod}.{namespace} -o yaml"),
                Note("Compare the order of the filters on an old and on a new cluster.", "对比新旧集群里 filter 的顺序。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "priority",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# EnvoyFilter\nspec:\n  priority: 10\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/analysis/ist0151/",
        "https://istio.io/latest/docs/ops/common-problems/network-issues/#unchanged-envoy-filter-configuration-suddenly-stops-working",
    ],
}

/// The patches of EnvoyFilters without priority whose result depends on what is there before them, each with whether an earlier patch for
/// the same filter, of its namespace or of its own EnvoyFilter, is for single proxy versions.
pub(super) fn relative_patches<'a>(mesh: &Mesh<'a>) -> impl Iterator<Item = (EnvoyFilter<'a>, ConfigPatch<'a>, bool)> {
    let mut versioned = HashSet::default();
    let all =
        mesh.of(ResourceKind::EnvoyFilter).map(EnvoyFilter).flat_map(|filter| filter.patches().map(move |patch| (filter, patch)));
    let mut found = Vec::new();
    for (filter, patch) in all {
        let name = patch.value_name().or_else(|| patch.filter()?.get("name")?.text());
        let key = name.map(|name| (filter.0.namespace, name));
        if filter.priority() == 0 && patch.is_relative() {
            found.push((filter, patch, key.is_some_and(|key| versioned.contains(&key))));
        }
        if patch.proxy_version().is_some() {
            versioned.extend(key);
        }
    }
    found.into_iter()
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for (filter, patch, is_versioned) in relative_patches(mesh) {
        let Some(operation) = patch.operation() else { continue };
        if !is_versioned {
            findings.add(Finding::new(&filter.0, operation).with("operation", operation.text().unwrap_or_default()));
        }
    }
}
