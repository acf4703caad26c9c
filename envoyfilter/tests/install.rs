//! What is installed with defaults is what is checked in, and removal names what installing made.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

use std::collections::BTreeSet;

use meshwhy_envoyfilter::{Install, Mode, Module, NO_MODULE, Namespace, Proxies, manifests};

/// The text of a file that is checked in, without its first line.
fn checked_in(path: &str) -> String {
    let manifest = manifests(NO_MODULE).into_iter().find(|manifest| manifest.path == path).unwrap();
    manifest.text.split_once('\n').unwrap().1.to_owned()
}

fn install(mode: Mode, proxies: Proxies) -> Install {
    let module = Module::served(&Namespace::istio_system(), NO_MODULE).unwrap();
    Install { module: (mode != Mode::Native).then_some(module), ..Install::new(mode, proxies) }
}

#[test]
fn defaults_are_what_is_checked_in() {
    for (mode, proxies, path) in [
        (Mode::Observe, Proxies::SIDECARS, "sidecar/observe.yaml"),
        (Mode::Observe, Proxies::GATEWAYS, "gateway/observe.yaml"),
        (Mode::Native, Proxies::SIDECARS, "sidecar/native.yaml"),
        (Mode::Native, Proxies::GATEWAYS, "gateway/native.yaml"),
        (Mode::Annotate, Proxies::SIDECARS_AND_GATEWAYS, "annotate.yaml"),
    ] {
        assert_eq!(install(mode, proxies).render().unwrap().text(), checked_in(path), "{path}");
    }
    let everything = Install {
        server: true,
        trace_check: Some(100),
        fetch_once: true,
        ..install(Mode::Observe, Proxies::SIDECARS_AND_GATEWAYS)
    };
    let text = everything.render().unwrap().text();
    for path in ["module/server.yaml", "sidecar/observe.yaml", "trace-check.yaml", "fetch-once.yaml"] {
        assert!(text.contains(&checked_in(path)), "{path}");
    }
    let counted = Install { counters: true, ..install(Mode::Native, Proxies::SIDECARS_AND_GATEWAYS) };
    assert!(counted.render().unwrap().text().contains(&checked_in("counters.yaml")));
}

#[test]
fn removal_names_what_was_installed_and_nothing_else() {
    let everything = Install {
        server: true,
        trace_check: Some(100),
        fetch_once: true,
        proxies: Proxies { waypoints: true, ..Proxies::SIDECARS_AND_GATEWAYS },
        ..install(Mode::Observe, Proxies::SIDECARS)
    };
    let rendering = everything.render().unwrap();
    let names = |text: &str| -> Vec<String> {
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(text).unwrap();
        let name = |at: &serde_json::Value| {
            let text = |pointer| at.pointer(pointer).unwrap().as_str().unwrap().to_owned();
            format!("{} {}/{}/{}", text("/apiVersion"), text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
        };
        documents.iter().map(name).collect()
    };
    let (made, mut removed) = (names(&rendering.text()), names(&rendering.removal()));
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len(), "a name comes twice");
    assert_eq!(made.len(), rendering.resources.len());
    removed.reverse();
    assert_eq!(made, removed);
}
