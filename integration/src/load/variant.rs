//! What is compared: meshwhy's deployments, nothing at all, and what people use instead.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::bootstrap::{connection_manager, listener};
use super::traffic::{Failing, Traffic};
use crate::bootstrap::JSON;
use crate::deployment::{Deployment, Setup, Visibility};
use crate::merge::{overlay, walk};

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

    /// The listener.
    pub(super) fn listener(self, modules: &Modules) -> Result<Value> {
        let mut listener = listener();
        match self {
            Self::EmptyFilter => add_filter(&mut listener, empty_filter(&modules.empty))?,
            Self::Lua => add_filter(&mut listener, lua())?,
            Self::JsonLog => overlay(connection_manager(&mut listener)?, &json!({"access_log": [json_log()]})),
            _ => {}
        }
        if let Some(setup) = self.setup() {
            // What would go to standard output goes where the JSON access log goes.
            let (module, log) = (&modules.meshwhy, Path::new("/dev/null"));
            let setup = Setup { module: Some(module.clone()), ..setup };
            setup.apply(&setup.documents()?, &mut listener, log)?;
        }
        if self == Self::Mappers {
            walk(&mut listener, &mut |value| {
                value.as_object_mut().map(|fields| fields.remove("access_log"));
            });
        }
        Ok(listener)
    }

    /// The clusters that it adds.
    pub(super) fn clusters(self) -> Result<Vec<Value>> {
        self.setup().map_or_else(|| Ok(Vec::new()), |setup| setup.clusters(&setup.documents()?))
    }

    /// The deployment as it is shipped: on the outbound side the workload itself is told.
    fn setup(self) -> Option<Setup> {
        let deployment = match self {
            Self::Native | Self::NativeCounters | Self::Mappers => Deployment::Native,
            Self::Observe | Self::ObserveTraceCheck => Deployment::Observe,
            Self::Annotate => Deployment::Annotate,
            Self::NoModule | Self::NoModuleAgain | Self::EmptyFilter | Self::Lua | Self::JsonLog => return None,
        };
        let setup = Setup::new(deployment).visible(Visibility::Mesh);
        Some(match self {
            Self::ObserveTraceCheck | Self::NativeCounters => setup,
            _ => setup.without_trace_check().without_counters(),
        })
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

fn add_filter(listener: &mut Value, filter: Value) -> Result<()> {
    let filters = connection_manager(listener)?.get_mut("http_filters").and_then(Value::as_array_mut);
    filters.context("no http_filters")?.insert(0, filter);
    Ok(())
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

fn json_log() -> Value {
    let fields: serde_json::Map<_, _> = JSON.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": "/dev/null",
            "log_format": {"json_format": fields},
        },
    })
}
