//! A manifest has a kind or version that nobody reads.

use foldhash::HashSet;

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::{Mesh, manifests};
use crate::model::ResourceKind;
use crate::rules::declare_rule;
use crate::schema;
use crate::spelling::nearest;

declare_rule! {
    code: "MWC105",
    slug: "unknown-kind",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0106"],
    kinds: [],
    message: "{kind} in {version} is no kind that Istio, Kubernetes or the Gateway API has; {meant}",
    message_zh: "{version} 里没有 {kind} 这个 kind；{meant}",
    confirm: &[
        Confirm {
            id: "resources",
            steps: &[
                Command("kubectl api-resources | grep -E 'istio.io|gateway.networking'"),
                Note("The kind is not in the list, or in another version.", "列表里没有这个 kind，或者版本不同。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "rewrite",
            applicability: Manual,
            steps: &[Note("Write the kind and version that the message names.", "改成提示里给出的 kind 和版本。")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/",
        "https://istio.io/latest/news/releases/1.6.x/announcing-1.6/change-notes/",
    ],
}

/// Groups of which every kind is known.
const GROUPS: [&str; 5] =
    ["networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io", "gateway.networking.k8s.io"];
/// Kinds of Istio that later versions do not read: what takes their place.
const REMOVED: [(&str, &str, &str); 8] = [
    ("authentication.istio.io", "Policy", "PeerAuthentication, RequestAuthentication (1.5)"),
    ("authentication.istio.io", "MeshPolicy", "PeerAuthentication (1.5)"),
    ("rbac.istio.io", "RbacConfig", "AuthorizationPolicy (1.4)"),
    ("rbac.istio.io", "ClusterRbacConfig", "AuthorizationPolicy (1.4)"),
    ("rbac.istio.io", "ServiceRole", "AuthorizationPolicy (1.4)"),
    ("rbac.istio.io", "ServiceRoleBinding", "AuthorizationPolicy (1.4)"),
    ("config.istio.io", "rule", "Telemetry (1.8)"),
    ("config.istio.io", "handler", "Telemetry (1.8)"),
];
/// Kinds of the Gateway API's experimental channel, whose schemas are not carried.
const EXPERIMENTAL: [&str; 4] = ["TCPRoute", "UDPRoute", "BackendLBPolicy", "XListenerSet"];

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let mut right = HashSet::default();
    for root in mesh.documents().flat_map(|document| manifests(document.root())) {
        let (Some(version), Some(kind)) = (root.get("apiVersion"), root.get("kind")) else { continue };
        let (Some(version_text), Some(kind_text)) = (version.text(), kind.text()) else { continue };
        if right.contains(&(version_text, kind_text)) {
            continue;
        }
        match mistake(version_text, kind_text, version, kind) {
            None => drop(right.insert((version_text, kind_text))),
            Some((node, meant)) => {
                let finding = Finding::at(node.place()).with("kind", kind_text).with("version", version_text);
                findings.add(finding.with("meant", meant));
            }
        }
    }
}

/// What to change, and what was meant.
fn mistake<'a>(version: &str, kind: &str, version_node: Node<'a>, kind_node: Node<'a>) -> Option<(Node<'a>, String)> {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if let Some((_, _, successor)) = REMOVED.iter().find(|(known, name, _)| *known == group && *name == kind) {
        return Some((kind_node, (*successor).to_owned()));
    }
    let is_list = kind.ends_with("List");
    match ResourceKind::of(version, kind) {
        Some(known) => {
            let versions = schema::versions(known);
            let is_known = versions.is_empty() || versions.iter().any(|one| one == version);
            let is_alpha = version.contains("alpha") && group == "gateway.networking.k8s.io";
            (!is_known && !is_alpha).then(|| (version_node, versions.join(", ")))
        }
        None if GROUPS.contains(&group) && !is_list && !EXPERIMENTAL.contains(&kind) && !kind.starts_with('X') => {
            let names = ResourceKind::ALL.iter().filter(|known| known.group() == group).map(|known| known.name());
            let elsewhere = ResourceKind::ALL.iter().find(|known| known.name() == kind).map(|known| known.group());
            let near = nearest(kind, names).map(str::to_owned);
            Some((kind_node, near.or(elsewhere.map(str::to_owned)).unwrap_or_else(|| "-".to_owned())))
        }
        None => {
            // The experimental kinds of the Gateway API have groups of their own, such as gateway.networking.x-k8s.io.
            let is_open = |near: &&str| *near != group && !group.is_empty() && !group.ends_with(".x-k8s.io");
            let near_group = nearest(group, GROUPS).filter(is_open);
            near_group.map(|near| (version_node, near.to_owned()))
        }
    }
}
