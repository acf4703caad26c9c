//! The EnvoyFilters of each deployment.

use meshwhy_core::Side;
use meshwhy_core::proxy_status::Level;

use crate::annotation::Annotation;
use crate::install::{Install, Mode, Visibility};
use crate::loggers::{self, LoggerScope};
use crate::module::{self, Module, ModuleSource};
use crate::names::Namespace;
use crate::patches::{
    GATEWAY, INBOUND, OUTBOUND, PatchContext, access_log, connection_manager, first_http_filter, listener, tcp_proxy,
};
use crate::resource::{Kind, Resource};
use crate::trace_check;
use crate::visibility;
use crate::yaml::{indented, scalar};

/// What a file of a deployment says first.
pub fn intent(install: &Install) -> &'static str {
    match install.mode {
        Mode::Observe if matches!(&install.module, Some(Module(ModuleSource::File(_)))) => {
            "\
# The module as access logger: Envoy enters it for failures only, and it cannot hurt a request even if it traps. Envoy itself marks
# its replies (`local_reply_config`). The module is a file, which the injector mounts (workload-patch.yaml).
# The proxy needs Envoy 1.35 or later (Istio 1.27), where status filters need no runtime_key.
"
        }
        Mode::Observe => {
            "\
# The module as access logger: Envoy enters it for failures only, and it cannot hurt a request even if it traps. Envoy itself marks
# its replies (`local_reply_config`). The proxies fetch the module from `meshwhy-module` (module/server.yaml); while it cannot be
# had, everything works but for the records.
# The proxy needs Envoy 1.35 or later (Istio 1.27), where status filters need no runtime_key.
"
        }
        Mode::Native => {
            "\
# No module at all: Envoy marks its replies (`local_reply_config`), and a JSON access logger writes the facts of each failure to the
# proxy's standard output, where `meshwhy diagnose` reads them.
# The proxy needs Envoy 1.35 or later (Istio 1.27), where status filters need no runtime_key.
"
        }
        Mode::Annotate => {
            "\
# The module as HTTP filter in every kind of proxy: it marks every reply of a filter or the router, and records it. What such a
# filter does not see Envoy's own loggers write: replies to requests that never reached the filters (426, 431, 400), which cannot be
# marked, responses that broke off, TCP connections, TLS handshakes. It stands first, so that it sees the replies of all others.
# The proxy needs Envoy 1.35 or later (Istio 1.27), where status filters need no runtime_key.
"
        }
    }
}

/// The module as access logger.
pub fn observe(install: &Install, proxy: &str, contexts: &[PatchContext]) -> Resource {
    let mut patches = Vec::new();
    for context in contexts {
        let logger = |scope| {
            install.module.as_ref().map_or_else(String::new, |module| loggers::wasm(scope, context.side.as_str(), module))
        };
        let request = access_log(&logger(LoggerScope::Request));
        patches.push(connection_manager(context, "", &format!("{}{request}", annotation(install, context))));
        patches.push(tcp_proxy(context, &logger(LoggerScope::Connection)));
        patches.extend(context.handshakes.then(|| listener(context, &logger(LoggerScope::Handshake))));
    }
    patches.extend(contexts.last().and_then(|context| cluster(install, context.istio, module::OBSERVE)));
    install.envoy_filter("", &format!("observe-{proxy}"), &patches)
}

/// No module.
pub fn native(install: &Install, proxy: &str, contexts: &[PatchContext]) -> Resource {
    let mut patches = Vec::new();
    for context in contexts {
        let logger = loggers::json(LoggerScope::Request, context.side.as_str());
        patches.push(connection_manager(context, "", &format!("{}{}", annotation(install, context), access_log(&logger))));
        patches.extend(native_loggers_of_connections(context));
    }
    install.envoy_filter("", &format!("native-{proxy}"), &patches)
}

/// The module as HTTP filter.
pub fn annotate(install: &Install) -> Resource {
    let configuration = install.filter_configuration("replies");
    let without = match &install.module {
        Some(Module(ModuleSource::File(_))) => "",
        _ => "    # Without the module requests pass as if the filter were not there.\n",
    };
    let filter = install.module.as_ref().map(|module| module::http_filter(without, &configuration, module::ANNOTATE, module));
    let contexts = install.contexts();
    let names: Vec<&str> = match contexts.as_slice() {
        [_, _, _] => vec!["ANY"],
        some => some.iter().map(|context| context.istio).collect(),
    };
    let mut patches: Vec<String> =
        names.iter().flat_map(|name| filter.as_ref().map(|filter| first_http_filter(name, filter))).collect();
    patches.extend(names.last().and_then(|name| cluster(install, name, module::ANNOTATE)));
    for context in &contexts {
        let logger = loggers::json(LoggerScope::Unreported, context.side.as_str());
        patches.push(connection_manager(context, "", &access_log(&logger)));
        patches.extend(native_loggers_of_connections(context));
    }
    install.envoy_filter("", "annotate", &patches)
}

/// A resource of its own: an istiod that does not know the logger refuses the whole resource, whichever proxies it is for.
///
/// Source: Istio `ValidateEnvoyFilter`, which resolves every type; the type is in go-control-plane from 1.37 on (Istio 1.29).
pub fn counters(install: &Install) -> Resource {
    let patches: Vec<String> = install
        .contexts()
        .iter()
        .map(|context| {
            let counters = access_log(&loggers::stats(context.side.as_str()));
            connection_manager(context, r"^1\.([3-9]\d|\d{3,})\.|^[2-9]", &counters)
        })
        .collect();
    let intent = "\
# Optional, beside native: counters, istio_meshwhy_failed_requests by response_code, flags and side. istiod before 1.29 does not know this
# logger and refuses the resource. Proxies before Istio 1.30 do not have it and are left out.
";
    install.envoy_filter(intent, "counters", &patches)
}

/// The native trace check.
pub fn trace_check(install: &Install, sample: u16) -> Resource {
    let mut patches = Vec::new();
    for context in install.contexts() {
        patches.push(first_http_filter(context.istio, &trace_check::filter()));
        let logger = install.module.as_ref().map(|module| trace_check::logger(module, sample)).unwrap_or_default();
        patches.push(connection_manager(&context, "", &access_log(&logger)));
    }
    let intent = "\
# Beside observe: notes requests that arrive without trace context and reports a sample of them. It costs healthy requests about as
# much as any filter. The runtime key meshwhy.trace_check sets the sample (of 10 000 requests).
";
    install.envoy_filter(intent, "trace-check", &patches)
}

/// The module in Envoy's cache before the listeners come.
pub fn fetch_once(install: &Install) -> Resource {
    let intent = "\
# Beside observe, where thousands of proxies start at once: a new proxy fetches the module once, and not for each of its listeners, and
# Envoy has nothing to complain of. Apply it when the module is known to load: with bytes that are no module, published with their
# right hash, new proxies would not listen, where without this they would merely refuse later changes.
";
    let after_observe = "  # After observe, which adds the cluster that this one fetches from: Envoy takes clusters one by one.\n  priority: 1001\n";
    let patches: Vec<String> = install.module.as_ref().map(module::fetched_once).into_iter().collect();
    resource(install, &install.namespace, true, (intent, "fetch-once", after_observe), &patches)
}

/// What has gateways mark their replies for everyone.
pub fn always(install: &Install) -> Resource {
    let shown = Annotation { side: Side::Gateway, visibility: Visibility::Always, level: install.level };
    let marked = connection_manager(&GATEWAY, "", &shown.local_reply_config());
    let intent = "\
# Beside observe or native: gateways tell everyone, strangers included, why they refuse a request. Delete the EnvoyFilter
# meshwhy-visibility as well, which keeps them silent.
";
    install.envoy_filter(intent, "always-gateway", &[marked, visibility::shown()])
}

/// Stands beside the manifests of sidecars, too: what these say must not leave the mesh.
pub fn silent_gateways(install: &Install) -> Resource {
    let intent = "\
# What proxies say of their failures stays in the mesh: gateways take the whole header `proxy-status` out of what they send, members
# of others included. Leave this document in the root namespace when you try the other one in a single namespace.
";
    resource(install, &install.root_namespace, false, (intent, "visibility", AFTER_USERS), &[visibility::withheld()])
}

impl Install {
    /// The places that the chosen proxies have.
    pub(crate) fn contexts(&self) -> Vec<PatchContext> {
        let sidecars = self.proxies.sidecars.then_some([INBOUND, OUTBOUND]).into_iter().flatten();
        sidecars.chain(self.proxies.gateways.then_some(GATEWAY)).collect()
    }

    /// The module's configuration as HTTP filter: a JSON object.
    pub(crate) fn filter_configuration(&self, report: &str) -> String {
        let mut fields = vec![
            format!(r#""report": "{report}""#),
            r#""records_per_interval": 10"#.to_owned(),
            r#""interval_ms": 10000"#.to_owned(),
        ];
        if self.visibility == Visibility::Always {
            fields.push(r#""visibility": "always""#.to_owned());
        }
        let level = match self.level {
            Level::Minimal => Some("minimal"),
            Level::Standard => None,
            Level::Full => Some("full"),
        };
        fields.extend(level.map(|level| format!(r#""level": "{level}""#)));
        fields.push(format!(r#""trace_check": {{"sample_per_10k": {}}}"#, self.sample()));
        format!("{{{}}}", fields.join(", "))
    }

    /// It comes after the user's own, whose mappers then win.
    fn envoy_filter(&self, intent: &str, name: &str, patches: &[String]) -> Resource {
        resource(self, &self.namespace, true, (intent, name, AFTER_USERS), patches)
    }
}

const AFTER_USERS: &str = "  # After your own: where the first that matches wins, it is yours.\n  priority: 1000\n";

fn resource(
    install: &Install,
    namespace: &Namespace,
    is_selected: bool,
    (intent, name, priority): (&str, &str, &str),
    patches: &[String],
) -> Resource {
    let labels = if is_selected { install.pod_selector().yaml() } else { String::new() };
    let selector = match labels.as_str() {
        "" => String::new(),
        labels => format!("  workloadSelector:\n    labels:\n{}", indented(6, labels)),
    };
    let text = format!(
        "\
{intent}apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: meshwhy-{name}
  # In the root namespace it reaches every proxy; elsewhere, the proxies of its namespace.
  namespace: {}
  labels:
    app.kubernetes.io/name: meshwhy
spec:
{priority}{selector}  configPatches:
{}",
        scalar(namespace.as_str()),
        indented(2, &patches.concat())
    );
    Resource { kind: Kind::EnvoyFilter, namespace: namespace.clone(), name: format!("meshwhy-{name}"), text }
}

/// A gateway keeps its members for its own access log.
fn annotation(install: &Install, context: &PatchContext) -> String {
    match context.side {
        Side::Gateway => String::new(),
        side => Annotation { side, visibility: install.visibility, level: install.level }.local_reply_config(),
    }
}

fn cluster(install: &Install, context: &str, name: &str) -> Option<String> {
    match &install.module {
        Some(Module(ModuleSource::Server(server))) => Some(module::cluster(context, name, server)),
        _ => None,
    }
}

fn native_loggers_of_connections(context: &PatchContext) -> Vec<String> {
    let side = context.side.as_str();
    let handshakes = context.handshakes.then(|| listener(context, &loggers::json(LoggerScope::Handshake, side)));
    [tcp_proxy(context, &loggers::json(LoggerScope::Connection, side))].into_iter().chain(handshakes).collect()
}
