//! What is compared: meshwhy's deployments, nothing at all, and what people use instead.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::bootstrap::{connection_manager, listener};
use super::traffic::{Failing, Traffic};
use crate::artifacts::workspace;
use crate::bootstrap::JSON;
use crate::deployment::{Deployment, Setup, Visibility, string_value};
use crate::merge::{overlay, walk};
use crate::scenario::Direction;

/// One way to configure Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// Nothing but the router.
    NoModule,
    /// The same once more, in a process of its own: how far two equal Envoys are apart.
    NoModuleAgain,
    /// meshwhy without a module.
    Native,
    /// meshwhy as access logger, without the optional trace check.
    Observe,
    /// The same as shipped, with the optional trace check.
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
    headers:add("proxy-status", '"shop-0.demo"; error=' .. (errors[status] or "proxy_internal_error") .. "; mw-side=inbound")
  end
end
"#;

const TRACE_CHECK: (&str, &str) = ("# ---- begin optional: trace check ----", "# ---- end optional: trace check ----");

impl Variant {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NoModule,
        Self::NoModuleAgain,
        Self::Native,
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

    /// The listener. `directory` is for a manifest that is made for the purpose.
    pub(super) fn listener(self, modules: &Modules, directory: &Path) -> Result<Value> {
        let mut listener = listener();
        match self {
            Self::NoModule | Self::NoModuleAgain => {}
            Self::Native | Self::Mappers => deploy(&Setup::new(Deployment::Native), modules, &mut listener)?,
            Self::Observe => {
                let manifests = without_trace_check(directory)?;
                deploy(&Setup { manifests, ..Setup::new(Deployment::Observe) }, modules, &mut listener)?;
            }
            Self::ObserveTraceCheck => deploy(&Setup::new(Deployment::Observe), modules, &mut listener)?,
            Self::Annotate => deploy(&annotate()?, modules, &mut listener)?,
            Self::EmptyFilter => add_filter(&mut listener, empty_filter(&modules.empty))?,
            Self::Lua => add_filter(&mut listener, lua())?,
            Self::JsonLog => overlay(connection_manager(&mut listener)?, &json!({"access_log": [json_log()]})),
        }
        if self == Self::Mappers {
            walk(&mut listener, &mut |value| {
                value.as_object_mut().map(|fields| fields.remove("access_log"));
            });
        }
        Ok(listener)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::NoModule => "no module",
            Self::NoModuleAgain => "no module, again",
            Self::Native => "native",
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

/// Applies a shipped manifest; what it would write to standard output goes where the JSON access log goes.
fn deploy(setup: &Setup, modules: &Modules, listener: &mut Value) -> Result<()> {
    setup.apply(&setup.documents()?, Direction::Inbound, listener, &modules.meshwhy, Path::new("/dev/null"))
}

/// As shipped, but visible to a client without TLS; the harness' own setting would also check every request for trace context.
fn annotate() -> Result<Setup> {
    let setup = Setup::new(Deployment::Annotate);
    let documents = setup.documents()?;
    let shipped = documents.iter().find_map(|document| document.pointer("/spec/pluginConfig")).context("no pluginConfig")?;
    let mut configuration = shipped.clone();
    overlay(&mut configuration, &json!({"visibility": "always"}));
    Ok(setup.visible(Visibility::Always).configured(string_value(&configuration.to_string())))
}

/// A folder of manifests with `observe.yaml` as it is after removing the optional block, as its comment invites to.
fn without_trace_check(directory: &Path) -> Result<PathBuf> {
    let shipped = fs::read_to_string(workspace().join("envoyfilter/sidecar/observe.yaml"))?;
    let (before, rest) = shipped.split_once(TRACE_CHECK.0).context("observe.yaml has no optional block")?;
    let (_, after) = rest.split_once(TRACE_CHECK.1).context("the optional block of observe.yaml has no end")?;
    let manifests = directory.join("manifests");
    fs::create_dir_all(manifests.join("sidecar"))?;
    fs::write(manifests.join("sidecar/observe.yaml"), format!("{before}{after}"))?;
    Ok(manifests)
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
