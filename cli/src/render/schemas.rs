//! The JSON Schemas of what is printed under `--format json`, and of the module's configuration, from their types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::causes::{Catalogue, Shown};
use super::check::Checked;
use super::doctor::Examination;
use super::json::{Findings, SCHEMA, Verdicts};
use super::plan::Planned;
use super::probe::{Matrix, Probed};
use super::route::Routed;
use super::rules::{Rules, ShownRule};
use super::search::Found;
use super::survey::Surveyed;

/// The name and the schema of each.
#[must_use]
pub fn schemas() -> [(&'static str, Value); 15] {
    [
        ("explain", schema::<Verdicts<'_>>("meshwhy explain")),
        ("diagnose", schema::<Findings<'_>>("meshwhy diagnose")),
        ("diagnose-prometheus", schema::<Surveyed<'_>>("meshwhy diagnose --prometheus")),
        ("causes", schema::<Catalogue>("meshwhy causes")),
        ("check", schema::<Checked<'_>>("meshwhy check")),
        ("doctor", schema::<Examination<'_>>("meshwhy doctor")),
        ("plan", schema::<Planned<'_>>("meshwhy plan")),
        ("probe", schema::<Probed<'_>>("meshwhy probe")),
        ("probe-matrix", schema::<Matrix<'_>>("meshwhy probe --matrix")),
        ("route", schema::<Routed<'_>>("meshwhy route")),
        ("rules", schema::<Rules>("meshwhy rules")),
        ("rule", schema::<ShownRule>("meshwhy rules NAME")),
        ("search", schema::<Found>("meshwhy search")),
        ("cause", schema::<Shown>("meshwhy causes NAME")),
        ("configuration", configuration()),
    ]
}

/// What `meshwhy config check` takes, and the module.
fn configuration() -> Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<meshwhy_filter::config::Config>();
    schema.to_value()
}

fn schema<T: JsonSchema>(command: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), format!("{command} --format json").into());
    if let Some(version) = schema.pointer_mut("/properties/schema").and_then(Value::as_object_mut) {
        version.insert("const".to_owned(), SCHEMA.into());
    }
    schema.to_value()
}
