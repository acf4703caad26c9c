//! What reaches waypoints, which take no EnvoyFilter: the module as WasmPlugin or TrafficExtension, or a Telemetry resource without one.

use crate::install::{Install, Mode, Rendering};
use crate::loggers::{self, LoggerScope};
use crate::module::{Module, ModuleSource};
use crate::names::Name;
use crate::resource::{Kind, Resource};
use crate::target::Target;
use crate::yaml::{element, folded, indented, scalar};

/// What `meshConfig.extensionProviders` has to name.
const PROVIDER: &str = "meshwhy";

/// The minor version of Istio 1.x from which on access logs know `%CEL(…)%`, whatever else the format has.
///
/// Source: Envoy 1.34 `changelogs/1.34.0.yaml`, in Istio 1.26.
const CEL_IN_LOGS: u32 = 26;

/// Adds what waypoints get.
pub fn add(install: &Install, rendering: &mut Rendering) {
    match install.mode {
        Mode::Native => {
            rendering.resources.push(telemetry(install));
            rendering.snippets.push(("mesh-config.yaml", mesh_config(install)));
        }
        Mode::Observe | Mode::Annotate => {
            let intent = "\
# The module as HTTP filter of waypoints: it marks the replies of the filters behind it and of the router, and records every failure.
# Istio's agent fetches it. When it cannot be had, the agent puts a filter that allows everything into its place.
";
            let targets = format!("targetRefs:\n{}", targets(install));
            rendering.resources.push(plugin(install, intent, "meshwhy-waypoint", &targets));
        }
    }
}

/// The module as HTTP filter of sidecars and gateways, pulled by Istio's agent.
pub fn plugin_of_pods(install: &Install) -> Resource {
    let intent = "\
# The module as HTTP filter of sidecars and gateways: it marks the replies of the filters behind it and of the router, and records every
# failure. Istio's agent pulls it. When it cannot be had, the agent puts a filter that allows everything into its place.
";
    let selector = match install.selector.yaml().as_str() {
        "" => String::new(),
        labels => format!("selector:\n  matchLabels:\n{}", indented(4, labels)),
    };
    plugin(install, intent, "meshwhy-annotate", &selector)
}

fn plugin(install: &Install, intent: &str, name: &str, attached: &str) -> Resource {
    // Both are the same to Istio from 1.30 on; before, and where nobody says, there is WasmPlugin alone.
    let is_extension = install.istio_minor.is_some_and(|minor| minor >= 30);
    let kind = if is_extension { Kind::TrafficExtension } else { Kind::WasmPlugin };
    let address = match install.module.as_ref().map(|Module(source)| source) {
        Some(ModuleSource::Server(server)) => {
            format!("url: {}\n# Only these bytes are run.\nsha256: \"{}\"\n", server.uri, server.sha256)
        }
        Some(ModuleSource::Image(image)) => format!("url: {image}\n"),
        // Refused before: without the file a proxy answers every request with 500.
        Some(ModuleSource::File(_)) | None => String::new(),
    };
    let configuration = install.filter_configuration("failures");
    let wasm = format!(
        "\
{address}# Without the module requests pass as if the filter were not there.
failStrategy: FAIL_OPEN
pluginName: meshwhy
# A mapping in the form of JSON.
pluginConfig: {configuration}
"
    );
    let wasm = if is_extension { format!("wasm:\n{}", indented(2, &wasm)) } else { wasm };
    let spec = format!(
        "\
{attached}# In front of JWT and RBAC, so that it sees them refuse, and before other plugins of this phase.
phase: AUTHN
priority: 1000
{wasm}"
    );
    resource(install, kind, intent, name, &spec)
}

fn telemetry(install: &Install) -> Resource {
    let intent = "\
# For waypoints, without a module: their access log gets a line of facts for each failure, which `meshwhy diagnose` reads. The provider
# `meshwhy` has to stand in the mesh configuration first (mesh-config.yaml).
";
    let kept = |provider: &Name| element(&format!("providers:\n- name: {}\n", scalar(provider.as_str())));
    let kept: String = install.kept_providers.iter().map(kept).collect();
    let comment = if kept.is_empty() {
        ""
    } else {
        "# For a waypoint this list takes the place of the mesh's own, so it names what is to go on.\n"
    };
    // A gRPC failure has status 200, and of a plain 200 the attribute of the gRPC status says 2.
    let failed = "response.code >= 400 || response.code == 0 || response.flags != 0 || \
                  (request.headers['content-type'].startsWith('application/grpc') && response.grpc_status != 0)";
    let ours = element(&format!("providers:\n- name: {PROVIDER}\nfilter:\n{}", indented(2, &folded("expression", failed))));
    let metrics = if install.counters { counters() } else { String::new() };
    let spec = format!("targetRefs:\n{}accessLogging:\n{comment}{kept}{ours}{metrics}", targets(install));
    resource(install, Kind::Telemetry, intent, "meshwhy-waypoint", &spec)
}

/// A tag whose values are few: words of details that Envoy itself makes up, never names of policies or texts of TLS.
fn counters() -> String {
    let guarded = "response.code_details.matches('^[a-z0-9_.]{1,48}$') ? response.code_details : 'other'";
    let overrides = element(&format!(
        "match: {{metric: REQUEST_COUNT, mode: CLIENT_AND_SERVER}}\ntagOverrides:\n  response_code_details:\n    operation: UPSERT\n{}",
        indented(4, &folded("value", guarded))
    ));
    let metrics = element(&format!("providers:\n- name: prometheus\noverrides:\n{overrides}"));
    format!("# istio_requests_total by what Envoy did.\nmetrics:\n{metrics}")
}

fn mesh_config(install: &Install) -> String {
    // No header says anything there: nobody writes members into it.
    let fields = loggers::fields(LoggerScope::Request, "gateway");
    let fields = fields.lines().filter(|line| !line.starts_with("meshwhy.proxy_status"));
    let mut labels: String = fields.map(|line| format!("{line}\n")).collect();
    // Before, Envoy refuses a listener whose format has an operator that it does not know.
    if install.istio_minor.is_some_and(|minor| minor >= CEL_IN_LOGS) {
        labels.push_str(&loggers::attributes());
    }
    let provider = element(&format!(
        "name: {PROVIDER}\nenvoyFileAccessLog:\n  path: /dev/stdout\n  logFormat:\n    labels:\n{}",
        indented(6, &labels)
    ));
    format!(
        "\
# Values of the chart `istiod`, or what stands under meshConfig elsewhere. Helm replaces lists: put your own providers beside this one.
#   helm upgrade istiod istio/istiod -n istio-system --reuse-values -f mesh-config.yaml
meshConfig:
  extensionProviders:
{}",
        indented(2, &provider)
    )
}

fn targets(install: &Install) -> String {
    let is_root = install.namespace == install.root_namespace;
    if install.targets.is_empty() {
        let (group, kind, name) = if is_root {
            ("gateway.networking.k8s.io", "GatewayClass", "istio-waypoint")
        } else {
            ("gateway.networking.k8s.io", "Gateway", "waypoint")
        };
        return element(&format!("group: {group}\nkind: {kind}\nname: {name}\n"));
    }
    install.targets.iter().map(Target::yaml).collect()
}

fn resource(install: &Install, kind: Kind, intent: &str, name: &str, spec: &str) -> Resource {
    let text = format!(
        "\
{intent}apiVersion: {}
kind: {}
metadata:
  name: {name}
  namespace: {}
  labels:
    app.kubernetes.io/name: meshwhy
spec:
{}",
        kind.api_version(),
        kind.as_str(),
        scalar(install.namespace.as_str()),
        indented(2, spec)
    );
    Resource { kind, namespace: install.namespace.clone(), name: name.to_owned(), text }
}
