//! What is compared: meshwhy's deployments, nothing at all, and what people use instead.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use meshwhy_integration::bootstrap::{endpoint, json_log};
use meshwhy_integration::merge::overlay;
use meshwhy_integration::{AnnotationVisibility, Deployment, Scenario, Setup};
use serde_json::{Value, json};

use crate::traffic::{Failing, Traffic};

/// One way to configure Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// Nothing but the router.
    NoModule,
    /// The same once more, in a process of its own: how far two equal Envoys are apart.
    NoModuleAgain,
    /// meshwhy without a module.
    Native,
    /// The same with its counters.
    NativeCounters,
    /// meshwhy as access logger.
    Observe,
    /// The same with the trace check.
    ObserveTraceCheck,
    /// meshwhy as HTTP filter.
    Annotate,
    /// A proxy-wasm HTTP filter in Rust that does nothing.
    EmptyFilter,
    /// A Lua filter that marks local replies.
    Lua,
    /// Istio's JSON access log, written to `/dev/null`.
    JsonLog,
    /// The annotation of [`Variant::Native`] and [`Variant::Observe`] alone: `local_reply_config` without a logger.
    Mappers,
}

/// Modules under test.
#[derive(Clone, Debug)]
pub struct Modules {
    /// meshwhy's.
    pub meshwhy: PathBuf,
    /// The empty one.
    pub empty: PathBuf,
}

/// Marks what the upstream did not answer, as far as Lua can tell: it sees neither code details nor response flags.
const LUA: &str = r#"
local errors = {["404"] = "destination_not_found", ["503"] = "destination_unavailable", ["504"] = "connection_timeout"}
function envoy_on_response(response)
  local headers = response:headers()
  local status = headers:get(":status")
  if status >= "400" and headers:get("x-envoy-upstream-service-time") == nil then
    headers:add("proxy-status", '"shop-0.demo"; error=' .. (errors[status] or "proxy_internal_error") .. "; mw-side=outbound")
  end
end
"#;

impl Variant {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NoModule,
        Self::NoModuleAgain,
        Self::Native,
        Self::NativeCounters,
        Self::Observe,
        Self::ObserveTraceCheck,
        Self::Annotate,
        Self::EmptyFilter,
        Self::Lua,
        Self::JsonLog,
        Self::Mappers,
    ];

    /// Whether it is worth a measurement: mappers alone do nothing for a request that does not fail.
    pub fn concerns(self, traffic: &Traffic) -> bool {
        self != Self::Mappers || traffic.failing == Failing::Always
    }

    /// The listener and its clusters, without meshwhy.
    pub fn scenario(self, modules: &Modules, upstream: SocketAddr) -> Result<Scenario> {
        let mut scenario = Scenario::parse("shop", include_str!("proxy.yaml"))?;
        let assignment = json!({"load_assignment": {"endpoints": [{"lb_endpoints": [endpoint(upstream)]}]}});
        overlay(scenario.cluster.get_or_insert_default(), &assignment);
        match self {
            Self::EmptyFilter => scenario.http_filters.push(empty_filter(&modules.empty)),
            Self::Lua => scenario.http_filters.push(lua()),
            Self::JsonLog => overlay(&mut scenario.http, &json!({"access_log": [json_log(Path::new("/dev/null"))]})),
            _ => {}
        }
        Ok(scenario)
    }

    /// The deployment as it is shipped: on the outbound side the workload itself is told.
    pub fn setup(self, modules: &Modules) -> Setup {
        let deployment = match self {
            Self::Native | Self::NativeCounters | Self::Mappers => Some(Deployment::Native),
            Self::Observe | Self::ObserveTraceCheck => Some(Deployment::Observe),
            Self::Annotate => Some(Deployment::Annotate),
            Self::NoModule | Self::NoModuleAgain | Self::EmptyFilter | Self::Lua | Self::JsonLog => None,
        };
        let adjust = Some(if self == Self::Mappers { without_loggers } else { discard_log });
        let setup =
            Setup { module: Some(modules.meshwhy.clone()), adjust, ..Setup::new(deployment).visible(AnnotationVisibility::Mesh) };
        match self {
            Self::ObserveTraceCheck | Self::NativeCounters => setup,
            _ => setup.without_trace_check().without_counters(),
        }
    }
}

fn without_loggers(value: &mut Value) {
    value.as_object_mut().map(|fields| fields.remove("access_log"));
}

/// What would go to standard output goes where the JSON access log goes.
fn discard_log(value: &mut Value) {
    let log = |path: &&mut Value| path.as_str().is_some_and(|path| path.ends_with(".native.log"));
    if let Some(path) = value.get_mut("path").filter(log) {
        *path = "/dev/null".into();
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::NoModule => "no module",
            Self::NoModuleAgain => "no module, again",
            Self::Native => "native",
            Self::NativeCounters => "native, counters",
            Self::Observe => "observe",
            Self::ObserveTraceCheck => "observe, trace check",
            Self::Annotate => "annotate",
            Self::EmptyFilter => "empty Wasm filter",
            Self::Lua => "Lua filter",
            Self::JsonLog => "JSON access log",
            Self::Mappers => "mappers alone",
        })
    }
}

fn empty_filter(module: &Path) -> Value {
    json!({
        "name": "empty",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "empty",
                "root_id": "empty",
                "failure_policy": "FAIL_OPEN",
                "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}},
            },
        },
    })
}

fn lua() -> Value {
    json!({
        "name": "lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": LUA},
        },
    })
}
