//! Manifests against what the proxy holds: whether they have arrived.

mod arrival;
mod envoy_filter;
mod field;
mod held;
mod place;
mod routes;
mod selection;

use meshwhy_check::mesh::Mesh;
use meshwhy_core::Lang;

use super::{Area, Examined};
use crate::ConfigDump;
use crate::words::say;

const AREA: Area = Area::Manifests;
/// Most lines of one kind.
const MOST: usize = 20;

/// Compares manifests with what a proxy holds. A dump that is older than a manifest does not have it yet.
#[must_use]
pub fn compare(dump: &ConfigDump<'_>, mesh: &Mesh<'_>, lang: Lang) -> Vec<Examined> {
    if dump.id().is_none() {
        let what = say!(lang, "whose proxy this is, the dump does not say", "转储没有说明这是谁的代理");
        let action = say!(
            lang,
            "Manifests are compared by the node of the section `BootstrapConfigDump`: take the whole dump.",
            "清单比对依赖 `BootstrapConfigDump` 部分的 node：请导出完整的转储。"
        );
        return vec![Examined::open(AREA, what, action)];
    }
    let mut examined = envoy_filter::examine(dump, mesh, lang);
    examined.extend(arrival::examine(dump, mesh, lang));
    examined
}

/// What makes a manifest late in any proxy.
fn where_to_look(lang: Lang) -> String {
    say!(
        lang,
        "Is the dump older than the manifest, or was the update refused? `istioctl proxy-status` shows whether this proxy is in sync.",
        "转储是否早于清单，或更新是否被拒绝？`istioctl proxy-status` 可查看此代理是否同步。"
    )
}
