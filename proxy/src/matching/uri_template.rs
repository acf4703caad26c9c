//! Path templates such as `/shop/{item}/**`.
//!
//! Source: Envoy `source/extensions/path/uri_template_lib`, 1.40.

use super::Truth;
use super::pattern::matches_in_full;

/// What a segment may hold beside letters and digits.
const SEGMENT: &str = r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]";

/// Whether a path without its query matches a template; unknown where the template is of a form that is not understood.
pub(crate) fn matches(template: &str, path: &str) -> Truth {
    pattern(template).map_or(Truth::Unknown, |pattern| matches_in_full(&pattern, path))
}

fn pattern(template: &str) -> Option<String> {
    let mut pattern = String::new();
    let mut rest = template;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix('{') {
            let (variable, after) = after.split_once('}')?;
            let inner = variable.split_once('=').map_or("*", |(_, inner)| inner);
            if inner.contains('{') {
                return None;
            }
            pattern.push_str(&self::pattern(inner)?);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("**") {
            pattern.push_str(&format!("(?:{SEGMENT}|/)*"));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('*') {
            pattern.push_str(&format!("{SEGMENT}+"));
            rest = after;
        } else {
            pattern.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
            rest = rest.get(letter.len_utf8()..)?;
        }
    }
    Some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_segments() {
        assert_eq!(matches("/shop/{item}/**", "/shop/1/a/b"), Truth::Yes);
        assert_eq!(matches("/shop/*/x", "/shop/a/b/x"), Truth::No);
        assert_eq!(matches("/{a=v1/*}.json", "/v1/b.json"), Truth::Yes);
        assert_eq!(matches("/{a", "/b"), Truth::Unknown);
    }
}
