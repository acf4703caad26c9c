//! Whatever options are combined: what is rendered is found nothing wrong with, is always the same, and what is not rendered says why.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up must fail loudly")]

use meshwhy_check::mesh::Settings;
use meshwhy_check::report::{CheckRequest, check};
use meshwhy_check::source::Source;
use meshwhy_core::catalogue::texts::Lang;
use meshwhy_envoyfilter::{
    Install, LABEL_KEY, Level, Mode, Module, NO_MODULE, Name, Namespace, Proxies, Selector, Target, Visibility, helm, kustomize,
};
use proptest::prelude::*;
use serde_json::Value;

fn modules() -> [Option<Module>; 6] {
    let parse = |address: &str| Module::parse(address, None).unwrap();
    [
        None,
        Some(Module::served(&Namespace::istio_system(), NO_MODULE).unwrap()),
        Some(parse(&format!("http://files.example.com/meshwhy.wasm#sha256={NO_MODULE}"))),
        Some(parse(&format!("https://files.example.com:8443/a/meshwhy.wasm?v=1#sha256={NO_MODULE}"))),
        Some(parse(&format!("oci://registry.example.com/mesh/meshwhy@sha256:{NO_MODULE}"))),
        Some(parse("file:///var/local/meshwhy/meshwhy.wasm")),
    ]
}

prop_compose! {
    fn installs()(
        mode in prop::sample::select(&[Mode::Observe, Mode::Annotate, Mode::Native][..]),
        (sidecars, gateways, waypoints) in any::<(bool, bool, bool)>(),
        root in prop::sample::select(&["istio-system", "mesh"][..]),
        namespace in prop::sample::select(&["istio-system", "mesh", "shop", "123", "true"][..]),
        selector in prop::sample::select(&["", "app=cart", "app=true,meshwhy.io/x=1", "istio=ingressgateway"][..]),
        targets in prop::sample::subsequence(vec!["waypoint", "GatewayClass/istio-waypoint", "Service/cart", "Gateway/123"], 0..3),
        (always, level) in (any::<bool>(), prop::sample::select(&[Level::Minimal, Level::Standard, Level::Full][..])),
        trace_check in prop::option::of(prop::sample::select(&[0, 1, 100, 10_000, 10_001][..])),
        (counters, fetch_once, server) in (prop::bool::weighted(0.3), prop::bool::weighted(0.3), any::<bool>()),
        module in 0_usize..6,
        istio_minor in prop::option::of(25_u32..32),
    ) -> Install {
        let module = modules()[if mode == Mode::Native { 0 } else { module }].clone();
        let of_waypoints = |text: &&str| if waypoints { Target::parse(text).ok() } else { None };
        Install {
            root_namespace: Namespace::parse(root).unwrap(),
            namespace: Namespace::parse(namespace).unwrap(),
            selector: if selector.is_empty() || waypoints { Selector::default() } else { Selector::parse(selector).unwrap() },
            targets: targets.iter().filter_map(of_waypoints).collect(),
            visibility: if always { Visibility::Always } else { Visibility::Mesh },
            level,
            trace_check: trace_check.filter(|_| mode != Mode::Native),
            counters: counters && mode == Mode::Native,
            fetch_once: fetch_once && mode == Mode::Observe,
            server,
            kept_providers: vec![Name::parse("envoy").unwrap()],
            module,
            istio_minor,
            ..Install::new(mode, Proxies { sidecars, gateways, waypoints })
        }
    }
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

/// What Kubernetes keeps, and what cannot be written into one document twice.
fn name(document: &Value) -> [String; 3] {
    ["/kind", "/metadata/namespace", "/metadata/name"]
        .map(|pointer| document.pointer(pointer).unwrap().as_str().unwrap().to_owned())
}

fn configurations(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            if let Some(text) = fields.get("configuration").and_then(|it| it.pointer("/value")).and_then(Value::as_str) {
                found.push(serde_json::from_str(text).unwrap());
            }
            found.extend(fields.get("pluginConfig").cloned());
            fields.values().for_each(|value| configurations(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| configurations(value, found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nothing_is_wrong_with_what_is_rendered(install in installs()) {
        let Ok(rendering) = install.render() else { return Ok(()) };
        let text = rendering.text();
        prop_assert_eq!(&text, &install.render().unwrap().text());
        let settings = Settings { istio_minor: install.istio_minor, ..Settings::default() };
        let mesh_config = rendering.snippets.iter().find(|(name, _)| *name == "mesh-config.yaml");
        let mesh_config = mesh_config.map(|(name, text)| Source { name: (*name).to_owned(), text: text.clone() });
        let files: Vec<Source> = [Source { name: "install.yaml".to_owned(), text: text.clone() }].into_iter().chain(mesh_config).collect();
        let report = check(&files, &CheckRequest { settings, ..CheckRequest::default() }, Lang::En);
        let found: Vec<String> = report.findings.iter().map(|finding| format!("{} {} {}", finding.code, finding.at, finding.message)).collect();
        prop_assert!(found.is_empty(), "{:?}\n{}", found, text);
        // A resource that the checker does not know would pass unchecked; it does not know budgets.
        let budgets = usize::from(install.server);
        prop_assert_eq!(report.resources + budgets, rendering.resources.len());

        let parsed = documents(&text);
        let named: Vec<_> = rendering.resources.iter()
            .map(|resource| [resource.kind.as_str().to_owned(), resource.namespace.as_str().to_owned(), resource.name.clone()]).collect();
        prop_assert_eq!(&parsed.iter().map(name).collect::<Vec<_>>(), &named);
        let mut removed: Vec<_> = documents(&rendering.removal()).iter().map(name).collect();
        removed.reverse();
        prop_assert_eq!(&removed, &named);

        let mut found = Vec::new();
        parsed.iter().for_each(|document| configurations(document, &mut found));
        for configuration in found {
            let read = meshwhy_filter::config::parse(configuration.to_string().as_bytes());
            prop_assert!(read.config.is_some() && read.problems.is_empty(), "{}: {:?}", configuration, read.problems);
        }
    }

    #[test]
    fn no_proxy_gets_a_file_without_the_label_of_its_mount(install in installs()) {
        let Ok(rendering) = install.render() else { return Ok(()) };
        for document in documents(&rendering.text()) {
            let text = document.to_string();
            prop_assert!(!text.contains("file://"), "{}", text);
            if text.contains("\"local\":{\"filename\"") {
                let labels = document.pointer("/spec/workloadSelector/labels").and_then(Value::as_object);
                prop_assert!(labels.is_some_and(|labels| labels.contains_key(LABEL_KEY)), "{}", text);
            }
        }
    }

    #[test]
    fn folders_hold_the_same_resources(install in installs()) {
        let Ok(rendering) = install.render() else { return Ok(()) };
        let folder = kustomize(&rendering);
        let index: Value = serde_saphyr::from_str(&folder[0].text).unwrap();
        let listed: Vec<&str> = index["resources"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let listed: String = listed.iter().map(|path| folder.iter().find(|file| file.path == *path).unwrap().text.as_str())
            .collect::<Vec<_>>().join("---\n");
        prop_assert_eq!(listed, rendering.text());

        // As Helm fills it, whose templates have no other command than these.
        let chart = helm(&install, "0.1.0").unwrap();
        let value = |text: &str| format!("\"{text}\"");
        let (root, namespace) = (install.root_namespace.as_str(), install.namespace.as_str());
        let templates = chart.iter().filter(|file| file.path.starts_with("templates/")).map(|file| {
            file.text
                .replace("{{ .Values.rootNamespace | quote }}", &value(root))
                .replace("{{ .Values.namespace | quote }}", &value(namespace))
                .replace("{{ .Values.rootNamespace }}", root)
                .replace("{{ .Values.namespace }}", namespace)
                .replace("{{ .Values.module.sha256 }}", NO_MODULE)
                .replace("{{ \"{{\" }}", "{{")
        });
        let filled = templates.collect::<Vec<_>>().join("---\n");
        if install.module != modules()[1] || install.root_namespace == Namespace::istio_system() {
            prop_assert_eq!(documents(&filled), documents(&rendering.text()));
        }
    }
}
