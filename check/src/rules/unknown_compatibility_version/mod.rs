//! The installation asks for the behaviour of a release that the chart has no profile for.

use crate::document::Node;
use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::ResourceKind;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC905",
    slug: "unknown-compatibility-version",
    since: "0.1.0",
    severity: Error,
    explains: [],
    equivalent: &["IST0168"],
    kinds: [],
    message: "Istio 1.{minor} has no profile for compatibilityVersion {version}: the installation fails",
    message_zh: "Istio 1.{minor} 没有 compatibilityVersion {version} 的 profile，安装会失败",
    confirm: &[
        Confirm {
            id: "template",
            steps: &[
                Command("helm template istiod istio/istiod -f values.yaml"),
                Note("It fails with: unknown compatibility version.", "失败信息：unknown compatibility version。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "version",
            applicability: Review,
            steps: &[Patch(PatchKind::Fragment, "# Helm values of istiod\ncompatibilityVersion: \"1.30\"\n")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &["https://istio.io/latest/docs/setup/additional-setup/compatibility-versions/"],
}

/// A chart has profiles for this many releases before its own.
const KEPT: u32 = 6;

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    let minor = mesh.settings.target_minor();
    let of_spec = |spec: Node<'a>| spec.get("compatibilityVersion").or_else(|| spec.at(&["values", "compatibilityVersion"]));
    let operators = mesh.of(ResourceKind::IstioOperator).filter_map(|operator| Some((Some(operator), of_spec(operator.spec())?)));
    let values = mesh.bare().iter().filter_map(|root| Some((None, root.get("compatibilityVersion")?)));
    for (resource, node) in operators.chain(values) {
        let Some(version) = node.text().filter(|version| !version.is_empty()) else { continue };
        let asked = version.strip_prefix("1.").and_then(|minor| minor.parse::<u32>().ok());
        if asked.is_none_or(|asked| asked + KEPT < minor || asked >= minor) {
            let finding = Finding::within(resource.as_ref(), node).with("minor", minor.to_string()).with("version", version);
            // What is installed may be another release than the one that is assumed.
            let is_said = mesh.settings.istio_minor.is_some() || mesh.settings.upgrade.is_some();
            findings.add(if is_said || asked.is_none() { finding } else { finding.likely() });
        }
    }
}
