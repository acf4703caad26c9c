//! How a proxy gets the module: Envoy fetches it itself, from a cluster of our own.
//!
//! Of all ways only this one is safe when the module is not there: server down, wrong bytes, cluster unknown – requests, later changes of
//! the configuration and new proxies are as without it, and only records are missing. A file that is missing has Envoy refuse every
//! update of a listener; an ECDS resource that is refused has it answer 500. Decision 12 has the measurements.

use crate::yaml::{element, indented};

/// Cluster of the observe deployment.
pub const OBSERVE: &str = "meshwhy-module";
/// Cluster of the annotate deployment: both may be installed at once, and names of clusters are unique.
pub const ANNOTATE: &str = "meshwhy-module-annotate";

/// The Service in `module/server.yaml`.
const HOST: &str = "meshwhy-module.istio-system.svc.cluster.local";
const PORT: u16 = 8080;

/// The fields of Envoy's `PluginConfig`, without its failure policy.
pub fn plugin(configuration: &str, cluster: &str, sha256: &str) -> String {
    format!(
        "\
name: meshwhy
root_id: meshwhy
configuration:
  \"@type\": type.googleapis.com/google.protobuf.StringValue
  value: '{configuration}'
vm_config:
  vm_id: meshwhy
  runtime: envoy.wasm.runtime.v8
  nack_on_code_cache_miss: false
  code:
    remote:
      # Only these bytes are run.
      sha256: \"{sha256}\"
      http_uri: {{uri: \"http://{HOST}:{PORT}/meshwhy.wasm\", cluster: {cluster}, timeout: 1s}}
      # A server that hangs delays a new proxy, or an update of its listener, by the timeout.
      retry_policy: {{num_retries: 0}}
"
    )
}

/// The module as HTTP filter; without it requests pass, and a comment may say so.
pub fn http_filter(comment: &str, configuration: &str, cluster: &str, sha256: &str) -> String {
    format!(
        "\
name: meshwhy
typed_config:
  \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
  config:
{comment}    failure_policy: FAIL_OPEN
{}",
        indented(4, &plugin(configuration, cluster, sha256))
    )
}

/// A patch that adds the cluster: one of the mesh would be hidden from proxies with a Sidecar resource.
pub fn cluster(context: &str, name: &str) -> String {
    element(&format!(
        "\
applyTo: CLUSTER
match: {{context: {context}}}
patch:
  operation: ADD
  value:
    name: {name}
    type: STRICT_DNS
    connect_timeout: 1s
    # Every connection manager fetches when a proxy starts, all at once: a limit would let the last ones wait in vain.
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: {{idle_timeout: 2s}}
        explicit_http_config: {{http_protocol_options: {{}}}}
    load_assignment:
      cluster_name: {name}
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: {HOST}, port_value: {PORT}}}}}}}
"
    ))
}

/// A patch that adds a cluster to which nothing is sent. It is there before the listeners, and its filter has the module fetched once for
/// all of them.
pub fn fetched_once(sha256: &str) -> String {
    element(&format!(
        "\
applyTo: CLUSTER
match: {{context: ANY}}
patch:
  operation: ADD
  value:
    name: meshwhy-fetch-once
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http_protocol_options: {{}}}}
        http_filters:
{}        - name: envoy.filters.http.upstream_codec
          typed_config:
            \"@type\": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec
",
        indented(8, &element(&http_filter("", "{}", OBSERVE, sha256)))
    ))
}

/// What serves the module: a Deployment of a static file server, and its Service.
pub const SERVER: &str = "\
# Serves the module to the proxies, which fetch it when they start and when their listeners change: 0.2 MB, a few times each.
# The module comes from a ConfigMap, which is too large for the annotation that `kubectl apply` keeps; so make it first:
#   kubectl -n istio-system create configmap meshwhy-module --from-file=meshwhy.wasm
# Any other HTTP server will do as well: then change host and port of the clusters in the manifests. When it is down, proxies work as
# without meshwhy and write no records.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: meshwhy-module
  namespace: istio-system
  labels:
    app.kubernetes.io/name: meshwhy-module
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: meshwhy-module
  template:
    metadata:
      labels:
        app.kubernetes.io/name: meshwhy-module
        # Plain HTTP, so that a proxy needs no certificate for it; the hash in the manifests protects the bytes.
        sidecar.istio.io/inject: \"false\"
    spec:
      automountServiceAccountToken: false
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
        labelSelector:
          matchLabels:
            app.kubernetes.io/name: meshwhy-module
      containers:
      - name: files
        image: nginxinc/nginx-unprivileged:1.29-alpine
        ports:
        - containerPort: 8080
        readinessProbe:
          httpGet: {path: /meshwhy.wasm, port: 8080}
        resources:
          requests: {cpu: 50m, memory: 32Mi}
          limits: {memory: 128Mi}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          readOnlyRootFilesystem: true
          runAsNonRoot: true
          seccompProfile: {type: RuntimeDefault}
        volumeMounts:
        - {name: module, mountPath: /usr/share/nginx/html, readOnly: true}
        - {name: tmp, mountPath: /tmp}
      volumes:
      - name: module
        configMap: {name: meshwhy-module}
      - name: tmp
        emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: meshwhy-module
  namespace: istio-system
  labels:
    app.kubernetes.io/name: meshwhy-module
spec:
  selector:
    app.kubernetes.io/name: meshwhy-module
  ports:
  - name: http
    port: 8080
    targetPort: 8080
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: meshwhy-module
  namespace: istio-system
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: meshwhy-module
";
