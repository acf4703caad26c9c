//! Whether the fields of a manifest are in a configuration.

use meshwhy_check::document::Node;
use serde_json::Value;

use crate::matching::Truth;

/// Deepest mapping that is looked into.
const DEEPEST: usize = 32;

/// Whether the scalars of a mapping are all there; lists, and values that are written in another way, are not decided.
pub(super) fn merged(wanted: Node<'_>, config: &Value) -> Truth {
    merged_at(wanted, config, 0)
}

fn merged_at(wanted: Node<'_>, config: &Value, depth: usize) -> Truth {
    if depth > DEEPEST {
        return Truth::Unknown;
    }
    let fields = wanted.entries().filter_map(|(key, value)| Some((key.text().filter(|key| *key != "@type")?, value)));
    let mut fields = fields.peekable();
    if fields.peek().is_none() {
        return Truth::Unknown;
    }
    Truth::all(fields.map(|(key, value)| {
        let found = config.get(snake_case(key)).or_else(|| config.get(key));
        match (value.text(), found) {
            // A default changes nothing when it is merged, and is not printed.
            (Some("" | "0" | "0s" | "false"), None) => Truth::Yes,
            (Some(_), None) => Truth::No,
            (Some(text), Some(found)) => {
                if is_same(text, found) {
                    Truth::Yes
                } else {
                    Truth::Unknown
                }
            }
            (None, None) if value.is_mapping() && !value.is_empty() => merged_at(value, &Value::Null, depth + 1),
            (None, Some(found)) if value.is_mapping() => merged_at(value, found, depth + 1),
            (None, _) => Truth::Unknown,
        }
    }))
}

fn is_same(wanted: &str, found: &Value) -> bool {
    match found {
        Value::String(found) => wanted == found || seconds(wanted).is_some_and(|wanted| seconds(found) == Some(wanted)),
        Value::Bool(found) => wanted == found.to_string(),
        Value::Number(found) => wanted == found.to_string() || wanted.parse::<f64>().ok() == found.as_f64(),
        _ => false,
    }
}

/// A duration as protobuf writes it.
fn seconds(text: &str) -> Option<f64> {
    text.strip_suffix('s')?.parse().ok()
}

/// `typedConfig` as Envoy prints it.
fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
