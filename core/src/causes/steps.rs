//! Patches that fixes of several causes share but for a few fields.

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
