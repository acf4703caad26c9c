//! SARIF 2.1.0 (OASIS): what `check` and `diagnose` find, for code scanning and its viewers.

use std::io::{self, Write};

use meshwhy_core::Lang;
use meshwhy_core::catalogue::address;
use meshwhy_core::catalogue::explanation::Explanation;
use serde_json::{Value, json};

use super::json::object;

/// Writes a log of one run.
pub(super) fn write(out: &mut dyn Write, rules: &[Value], results: &[Value]) -> io::Result<()> {
    object(
        out,
        &json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "meshwhy",
                    "version": env!("CARGO_PKG_VERSION"),
                    "informationUri": env!("CARGO_PKG_REPOSITORY"),
                    "rules": rules,
                }},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        }),
    )
}

/// An entry of the catalogue.
pub(super) fn rule(code: &str, slug: &str, headline: &str, explanation: &Explanation, lang: Lang) -> Value {
    json!({
        "id": code,
        "name": slug,
        "shortDescription": {"text": headline},
        "fullDescription": {"text": explanation.why.join("\n\n")},
        "helpUri": address(code, lang),
    })
}

/// A place in a file.
pub(super) fn location(file: &str, region: Value) -> Value {
    let uri: String = file.split('/').map(encoded).collect::<Vec<_>>().join("/");
    json!({"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}})
}

/// A segment of a URI's path.
fn encoded(segment: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// An object without the keys that have no value.
pub(super) fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}
