//! Every patch that a fix prints is accepted by the schema of what it is or is part of.
//!
//! `MESHWHY_VERBOSE=1 cargo test -p meshwhy-core --test patches -- --nocapture` lists the kinds that each fragment fits.

#![expect(clippy::unwrap_used, reason = "a broken schema or template must fail loudly")]

mod schemas;

use meshwhy_core::Cause;
use meshwhy_core::catalogue::fix::{PatchKind, Step};
use meshwhy_core::catalogue::slot::{Piece, pieces};
use meshwhy_core::causes::REGISTRY;
use schemas::Schemas;

/// A patch with example values in its slots.
struct Patch {
    place: String,
    kind: PatchKind,
    yaml: String,
}

fn patches() -> impl Iterator<Item = Patch> {
    REGISTRY.iter().flat_map(|cause| {
        let confirms = cause.confirm.iter().map(|confirm| (confirm.id, confirm.steps));
        let fixes = cause.fixes.iter().flat_map(|fix| [(fix.id, fix.steps), (fix.id, fix.verify)]);
        confirms.chain(fixes).flat_map(move |(id, steps)| steps.iter().filter_map(move |step| patch(cause, id, step)))
    })
}

fn patch(cause: &Cause, id: &str, step: &Step) -> Option<Patch> {
    let Step::Patch(kind, template) = step else { return None };
    Some(Patch { place: format!("{} {id}", cause.slug), kind: *kind, yaml: filled(template) })
}

fn filled(template: &str) -> String {
    let piece = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Slot(slot) => slot.example(),
    };
    pieces(template).unwrap().into_iter().map(piece).collect()
}

/// The documents of a patch.
fn documents(yaml: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = yaml.lines().collect();
    let documents: Vec<String> = lines.split(|line| line.trim_end() == "---").map(|lines| lines.join("\n")).collect();
    documents.into_iter().filter(|document| !document.trim().is_empty())
}

#[test]
fn every_patch_is_accepted_by_its_schema() {
    let (schemas, verbose) = (Schemas::get(), std::env::var_os("MESHWHY_VERBOSE").is_some());
    let (mut checked, mut failures) = (0, Vec::new());
    for patch in patches() {
        for document in documents(&patch.yaml) {
            let judged = match patch.kind {
                PatchKind::Resource => schemas.resource(&document),
                PatchKind::Fragment => schemas.fragment(&document).map(|kinds| {
                    if verbose {
                        eprintln!("{}: {}", patch.place, kinds.join(", "));
                    }
                }),
                // Envoy itself judges these: see `integration/tests/patches.rs`.
                PatchKind::Envoy => continue,
            };
            checked += 1;
            failures.extend(judged.err().map(|reason| format!("{}: {reason}\n{document}", patch.place)));
        }
    }
    assert!(checked >= REGISTRY.len(), "only {checked} patches of {} causes", REGISTRY.len());
    assert!(failures.is_empty(), "{} of {checked} patches are refused\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn a_resource_must_be_known_named_and_without_a_slip() {
    let schemas = Schemas::get();
    let resource = |version: &str, name: &str, spec: &str| {
        schemas.resource(&format!("apiVersion: {version}\nkind: PeerAuthentication\nmetadata:\n  {name}\nspec:\n  {spec}\n"))
    };
    assert_eq!(resource("security.istio.io/v1", "name: a", "mtls:\n    mode: STRICT"), Ok(()));
    for (version, name, spec, reason) in [
        ("security.istio.io/v2", "name: a", "mtls: {}", "no known kind"),
        ("security.istio.io/v1", "labels: {}", "mtls: {}", "without a name"),
        ("security.istio.io/v1", "name: a", "mtls:\n    mode: STRICKT", "STRICKT"),
        ("security.istio.io/v1", "name: a", "mTLS: {}", "mTLS"),
        ("security.istio.io/v1", "name: a", "portLevelMtls: {} # {\n  - ", "no YAML"),
    ] {
        let refused = resource(version, name, spec).expect_err(spec);
        assert!(refused.contains(reason), "{spec}: {refused}");
    }
}

#[test]
fn a_fragment_is_judged_by_the_kind_that_it_names() {
    let schemas = Schemas::get();
    let ports = "spec:\n  ports:\n    - port: 80\n      appProtocol: http\n";
    assert!(schemas.fragment(ports).is_ok_and(|kinds| kinds == ["Service"]));
    assert!(schemas.fragment(&format!("# the Service of the Deployment\n{ports}")).is_ok());
    assert!(schemas.fragment(&format!("# Deployment of the Service\n{ports}")).is_err());
    assert!(schemas.fragment(&format!("kind: ServiceEntry\n{ports}")).is_err());
}

#[test]
fn a_fragment_may_lack_fields_but_entries_of_lists_are_complete() {
    let schemas = Schemas::get();
    for accepted in [
        "# Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          tty: true\n",
        "# DestinationRule\nspec:\n  trafficPolicy:\n    connectionPool:\n      http:\n        idleTimeout: 3s\n",
        "# MeshConfig\noutboundTrafficPolicy:\n  mode: ALLOW_ANY\n",
        "meshConfig:\n  defaultConfig:\n    holdApplicationUntilProxyStarts: true\n",
        "# ConfigMap\ndata:\n  mesh: |\n    accessLogFile: /dev/stdout\n",
    ] {
        assert!(schemas.fragment(accepted).is_ok(), "{accepted}: {:?}", schemas.fragment(accepted));
    }
    for refused in [
        "# Deployment: without the key by which lists are merged\nspec:\n  template:\n    spec:\n      containers:\n        - tty: true\n",
        "# VirtualService: a destination without a host\nspec:\n  http:\n    - route:\n        - destination:\n            port:\n              number: 80\n",
        "# DestinationRule: a duration without a unit\nspec:\n  trafficPolicy:\n    connectionPool:\n      http:\n        idleTimeout: \"3\"\n",
        "# DestinationRule: a duration that the API server refuses\nspec:\n  trafficPolicy:\n    connectionPool:\n      http:\n        idleTimeout: 0s\n",
        "# VirtualService: two ways to match\nspec:\n  http:\n    - match:\n        - uri:\n            exact: /a\n            prefix: /b\n",
        "# MeshConfig\noutboundTrafficPolicy:\n  mode: ALLOW\n",
        "# ConfigMap\ndata:\n  mesh: |\n    accessLog: /dev/stdout\n",
        "# Deployment\nmetadata:\n  annotations:\n    proxy.istio.io/config: |\n      drainDurations: 5s\n",
        "spec:\n  trafficPolicys: {}\n",
        "http:\n  - route: []\n",
        "just text\n",
        "",
    ] {
        assert!(schemas.fragment(refused).is_err(), "{refused}: {:?}", schemas.fragment(refused));
    }
}
