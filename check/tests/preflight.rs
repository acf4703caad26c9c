//! What `install --check` says of a cluster: one place at which everything is well, and each way in which it is not.

use meshwhy_check::mesh::Settings;
use meshwhy_check::preflight::{Attachment, Standing, preflight, sizes};
use meshwhy_check::report::with_mesh;
use meshwhy_check::source::Source;
use meshwhy_core::catalogue::texts::Lang;

const OURS: &str = "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: meshwhy-observe-sidecar, namespace: shop, labels: {app.kubernetes.io/name: meshwhy}}
spec:
  priority: 1000
  workloadSelector: {labels: {app: cart, meshwhy.io/module: mounted}}
  configPatches:
  - applyTo: NETWORK_FILTER
    match:
      context: SIDECAR_OUTBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}
    patch:
      operation: MERGE
      value:
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          local_reply_config: {mappers: [{filter: {response_flag_filter: {}}}]}
          access_log:
          - name: envoy.access_loggers.wasm
            typed_config:
              config:
                name: meshwhy
                vm_config: {vm_id: meshwhy, code: {local: {filename: /var/local/meshwhy/meshwhy.wasm}}}
  - applyTo: CLUSTER
    match: {context: ANY}
    patch: {operation: ADD, value: {name: meshwhy-module, type: STATIC}}
";

const CLUSTER: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: envoyfilters.networking.istio.io}
spec: {versions: [{name: v1alpha3, served: true}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system}
spec: {template: {metadata: {labels: {app: istiod}}, spec: {containers: [{name: discovery, image: docker.io/istio/pilot:1.30.1}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  template:
    metadata:
      labels: {app: cart, meshwhy.io/module: mounted}
      annotations: {sidecar.istio.io/userVolumeMount: '[{"name":"meshwhy-module","mountPath":"/var/local/meshwhy"}]'}
    spec: {containers: [{name: app, image: cart}, {name: istio-proxy, image: 'docker.io/istio/proxyv2:1.30.1'}]}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: error-page, namespace: istio-system}
spec:
  configPatches:
  - applyTo: NETWORK_FILTER
    patch:
      operation: MERGE
      value: {typed_config: {local_reply_config: {mappers: [{filter: {status_code_filter: {}}}]}}}
"#;

/// All remarks on this cluster, each with its standing.
fn remarks(cluster: &str) -> Vec<(Standing, String)> {
    let settings = Settings::default();
    let source = |text: &str| [Source { name: "x.yaml".to_owned(), text: text.to_owned() }];
    let (given, ours) = (source(cluster), source(OURS));
    with_mesh(&given, None, &settings, |given, _| {
        with_mesh(&ours, None, &settings, |ours, _| {
            let remarks = preflight(given, ours, "istio-system");
            for remark in &remarks {
                for lang in [Lang::En, Lang::Zh] {
                    assert!(!remark.text(lang).contains(['{', '}']), "{}", remark.text(lang));
                }
            }
            remarks.iter().map(|remark| (remark.standing, remark.text(Lang::En))).collect()
        })
    })
}

fn expect(cluster: &str, standing: Standing, words: &str) {
    let remarks = remarks(cluster);
    assert!(remarks.iter().any(|(found, text)| *found == standing && text.contains(words)), "{words}: {remarks:#?}");
}

#[test]
fn a_cluster_that_fits_passes() {
    let remarks = remarks(CLUSTER);
    assert!(remarks.iter().all(|(standing, _)| *standing == Standing::Passed), "{remarks:#?}");
    assert_eq!(remarks.len(), 7, "{remarks:#?}");
}

#[test]
fn what_was_not_given_is_unknown() {
    let remarks = remarks("{}");
    assert!(remarks.iter().all(|(standing, _)| *standing == Standing::Unknown), "{remarks:#?}");
    assert_eq!(remarks.len(), 3, "{remarks:#?}");
}

#[test]
fn each_obstacle_is_named() {
    let change = |from: &str, to: &str| {
        assert!(CLUSTER.contains(from), "{from}");
        CLUSTER.replace(from, to)
    };
    let add = |text: &str| format!("{CLUSTER}---\n{text}");
    let filter = |metadata: &str, spec: &str| {
        add(&format!("apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {metadata}\nspec: {spec}\n"))
    };
    let shop = "{name: own, namespace: shop}";
    for (cluster, standing, words) in [
        (
            change("envoyfilters.networking", "sidecars.networking"),
            Standing::Failed,
            "no CustomResourceDefinition has the kind EnvoyFilter",
        ),
        (change("served: true", "served: false"), Standing::Failed, "no CustomResourceDefinition has the kind EnvoyFilter"),
        (change("pilot:1.30.1", "pilot:1.26.8"), Standing::Failed, "istiod is of Istio 1.26; 1.27 is needed"),
        (change("proxyv2:1.30.1", "proxyv2:1.26.8"), Standing::Failed, "the proxy is of Istio 1.26"),
        (change("meshwhy.io/module: mounted", "tier: front"), Standing::Failed, "selects nothing"),
        (change("/var/local/meshwhy\"", "/var/local/mesh\""), Standing::Failed, "does not mount"),
        (
            change("spec:\n  configPatches", "spec:\n  priority: 1000\n  configPatches"),
            Standing::Failed,
            "replies that ours mark no longer",
        ),
        (filter(shop, "{priority: 2000}"), Standing::Warning, "priority 2000 and comes after ours (1000)"),
        (
            filter(
                shop,
                "{priority: 2000, configPatches: [{applyTo: CLUSTER, patch: {operation: ADD, value: {name: meshwhy-module}}}]}",
            ),
            Standing::Failed,
            "adds the cluster meshwhy-module as well",
        ),
        (
            filter(
                shop,
                "{configPatches: [{applyTo: HTTP_FILTER, patch: {operation: INSERT_FIRST, value: {a: {vm_config: {vm_id: meshwhy}}}}}]}",
            ),
            Standing::Failed,
            "runs a Wasm module with the vm_id",
        ),
        (
            filter("{name: meshwhy-native-sidecar, namespace: istio-system, labels: {app.kubernetes.io/name: meshwhy}}", "{}"),
            Standing::Warning,
            "is meshwhy as well and stays",
        ),
    ] {
        expect(&cluster, standing, words);
    }
}

#[test]
fn a_filter_of_other_proxies_is_left_alone() {
    for (namespace, labels) in [("books", "{}"), ("shop", "{app: pay}")] {
        let other = format!(
            "{CLUSTER}---\napiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {{name: own, namespace: {namespace}}}\n\
             spec: {{priority: 2000, workloadSelector: {{labels: {labels}}}}}\n"
        );
        assert_eq!(remarks(&other), remarks(CLUSTER), "{namespace}");
    }
}

#[test]
fn sizes_are_those_of_what_is_merged() {
    let settings = Settings::default();
    let ours = [Source { name: "x.yaml".to_owned(), text: OURS.to_owned() }];
    let sizes = with_mesh(&ours, None, &settings, |ours, _| sizes(ours));
    let reply = r#"{"local_reply_config":{"mappers":[{"filter":{"response_flag_filter":{}}}]},"#.len();
    let manager = sizes[&("SIDECAR_OUTBOUND", Attachment::ConnectionManager)];
    assert!(manager.json > reply && manager.heap > manager.json * 6, "{manager:?}");
    let cluster = sizes[&("GATEWAY", Attachment::Proxy)];
    assert_eq!(cluster.json, r#"{"name":"meshwhy-module","type":"STATIC"}"#.len());
    assert_eq!(sizes.len(), 3, "{sizes:?}");
}
