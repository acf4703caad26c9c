//! Patches that fixes of several causes share, some but for a few fields.

/// More memory for an injected proxy.
pub(crate) const PROXY_MEMORY: &str = "\
# Deployment: memory of the injected proxy
spec:
  template:
    metadata:
      annotations:
        sidecar.istio.io/proxyMemory: 256Mi
        sidecar.istio.io/proxyMemoryLimit: 1Gi
";

/// A Sidecar that lets the proxies of a namespace know its own services and the control plane's only.
pub(crate) const OWN_NAMESPACE_ONLY: &str = "\
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata:
  name: default
  namespace: {namespace}
spec:
  egress:
    - hosts:
        - ./*
        - istio-system/*
";

/// An EnvoyFilter that merges fields into the HTTP connection managers: those of all proxies of the namespace, or after `workload`
/// those of one workload.
macro_rules! http_connection_manager {
    (workload $name:literal, $($field:literal),+ $(,)?) => {
        http_connection_manager!(@ $name, "  workloadSelector:\n    labels:\n      app: {workload}\n  priority: 10\n", $($field),+)
    };
    (@ $name:literal, $selector:literal, $($field:literal),+) => {
        concat!(
            "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata:\n  name: ",
            $name,
            "\n  namespace: {namespace}\nspec:\n",
            $selector,
            "  configPatches:\n    - applyTo: NETWORK_FILTER\n      match:\n        listener:\n          filterChain:\n            filter:\n",
            "              name: envoy.filters.network.http_connection_manager\n      patch:\n        operation: MERGE\n        value:\n",
            "          typed_config:\n            '@type': type.googleapis.com/envoy.extensions.filters.network.",
            "http_connection_manager.v3.HttpConnectionManager\n",
            $("            ", $field, "\n"),+
        )
    };
    ($name:literal, $($field:literal),+ $(,)?) => {
        http_connection_manager!(@ $name, "", $($field),+)
    };
}
pub(crate) use http_connection_manager;

/// An EnvoyFilter that merges fields into an HTTP filter of one workload: its suffix, the lines of the match before the listener, the
/// filter as Envoy's extensions name it, its message, and the fields.
macro_rules! http_filter {
    ($suffix:literal, $context:literal, $filter:literal, $message:literal, $($field:literal),+ $(,)?) => {
        concat!(
            "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata:\n  name: {workload}-",
            $suffix,
            "\n  namespace: {namespace}\nspec:\n  workloadSelector:\n    labels:\n      app: {workload}\n  priority: 10\n  configPatches:\n",
            "    - applyTo: HTTP_FILTER\n      match:\n",
            $context,
            "        listener:\n          filterChain:\n            filter:\n",
            "              name: envoy.filters.network.http_connection_manager\n              subFilter:\n                name: envoy.filters.http.",
            $filter,
            "\n      patch:\n        operation: MERGE\n        value:\n          name: envoy.filters.http.",
            $filter,
            "\n          typed_config:\n            '@type': type.googleapis.com/envoy.extensions.filters.http.",
            $filter,
            ".v3.",
            $message,
            "\n",
            $("            ", $field, "\n"),+
        )
    };
}
pub(crate) use http_filter;

/// A ServiceEntry for a host outside the mesh that DNS resolves: its name, the host, and number, name and protocol of the port.
macro_rules! service_entry {
    ($name:literal, $host:literal, $port:literal, $port_name:literal, $protocol:literal) => {
        concat!(
            "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: ",
            $name,
            "\n  namespace: {namespace}\nspec:\n  hosts:\n    - ",
            $host,
            "\n  location: MESH_EXTERNAL\n  resolution: DNS\n  ports:\n    - number: ",
            $port,
            "\n      name: ",
            $port_name,
            "\n      protocol: ",
            $protocol,
            "\n"
        )
    };
}
pub(crate) use service_entry;
