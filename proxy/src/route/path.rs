//! What a connection manager makes of a path before it looks for a route.
//!
//! Source: Envoy `source/common/http/path_utility.cc` and `conn_manager_utility.cc`, 1.40.

use crate::config::HttpConnectionManager;

/// What came of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normalized {
    /// It goes on, perhaps as another one.
    Path(String),
    /// Envoy answers 400: it holds an escaped slash, or what no path may hold. A client of gRPC follows no redirection.
    Refused,
    /// Envoy answers 307: it holds an escaped slash.
    Redirected(String),
}

/// The path that routes are compared with.
#[must_use]
pub fn normalized(path: &str, is_grpc: bool, manager: &HttpConnectionManager<'_>) -> Normalized {
    let (mut alone, query) = match path.split_once('?') {
        Some((alone, query)) => (alone.to_owned(), format!("?{query}")),
        None => (path.to_owned(), String::new()),
    };
    let mut is_redirected = false;
    if let Some(unescaped) = unescaped_slashes(&alone) {
        match &*manager.path_with_escaped_slashes_action {
            "REJECT_REQUEST" => return Normalized::Refused,
            "UNESCAPE_AND_REDIRECT" if is_grpc => return Normalized::Refused,
            "UNESCAPE_AND_REDIRECT" => (alone, is_redirected) = (unescaped, true),
            "UNESCAPE_AND_FORWARD" => alone = unescaped,
            _ => {}
        }
    }
    if manager.normalize_path {
        match canonical(&alone) {
            Some(canonical) => alone = canonical,
            None => return Normalized::Refused,
        }
    }
    if manager.merge_slashes {
        alone = merged_slashes(&alone);
    }
    let path = alone + &query;
    if is_redirected { Normalized::Redirected(path) } else { Normalized::Path(path) }
}

/// The path with `%2F` and `%5C` as what they stand for; `None` where it has none.
fn unescaped_slashes(path: &str) -> Option<String> {
    let mut unescaped = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(letter) = rest.chars().next() {
        let (taken, length) = match rest.get(..3) {
            Some(escape) if escape.eq_ignore_ascii_case("%2f") => ('/', 3),
            Some(escape) if escape.eq_ignore_ascii_case("%5c") => ('\\', 3),
            _ => (letter, letter.len_utf8()),
        };
        unescaped.push(taken);
        rest = rest.get(length..)?;
    }
    (unescaped != path).then_some(unescaped)
}

/// Resolves `.` and `..`, makes `\` a slash, unescapes what needs no escape and escapes what does; `None` where it cannot.
fn canonical(path: &str) -> Option<String> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Some(path.to_owned());
    }
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let dot = dot_length(bytes, at);
        if dot > 0 {
            let after = at + dot;
            if out.last() == Some(&b'/') {
                let second = dot_length(bytes, after);
                if let Some(next) = end_of_segment(bytes, after) {
                    at = next;
                    continue;
                }
                if second > 0
                    && let Some(next) = end_of_segment(bytes, after + second)
                {
                    back_to_slash(&mut out);
                    at = next;
                    continue;
                }
            }
            out.push(b'.');
            at = after;
            continue;
        }
        match byte {
            b'\\' => out.push(b'/'),
            b'%' => match escaped(bytes, at) {
                Some(0) => return None,
                Some(value) if value.is_ascii_alphanumeric() || b"-_~".contains(&value) => {
                    out.push(value);
                    at += 2;
                }
                Some(_) => {
                    out.extend_from_slice(bytes.get(at..at + 3).unwrap_or_default());
                    at += 2;
                }
                None => out.push(b'%'),
            },
            b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'#' | b'|' | b'^' => {
                out.extend_from_slice(format!("%{byte:02X}").as_bytes())
            }
            0..=0x20 | 0x7f.. => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

/// The length of a dot at this place, escaped or not; 0 where there is none.
fn dot_length(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'.') => 1,
        Some(b'%') if escaped(bytes, at) == Some(b'.') => 3,
        _ => 0,
    }
}

/// Where the next segment begins, if one ends here.
fn end_of_segment(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at) {
        None => Some(at),
        Some(b'/' | b'\\') => Some(at + 1),
        Some(_) => None,
    }
}

fn back_to_slash(out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.pop();
        while out.last().is_some_and(|last| *last != b'/') {
            out.pop();
        }
    }
}

fn escaped(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = bytes.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn merged_slashes(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !merged.ends_with('/') {
            merged.push(letter);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_escapes_are_resolved() {
        for (path, expected) in [
            ("/a/./b/../c", "/a/c"),
            ("/../a", "/a"),
            ("/a/%2e%2E/b", "/b"),
            ("/a\\b", "/a/b"),
            ("/%41%2f%7E", "/A%2f~"),
            ("/a..b/.c", "/a..b/.c"),
            ("/a/..", "/"),
            ("/a%zz", "/a%zz"),
        ] {
            assert_eq!(canonical(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn slashes_in_escapes_are_as_the_manager_says() {
        let manager = |action: &'static str| HttpConnectionManager {
            path_with_escaped_slashes_action: crate::proto_json::Text(action.into()),
            merge_slashes: true,
            ..HttpConnectionManager::default()
        };
        assert_eq!(normalized("/a%2Fb?c=//", false, &manager("UNESCAPE_AND_FORWARD")), Normalized::Path("/a/b?c=//".into()));
        assert_eq!(normalized("/a%2Fb", false, &manager("KEEP_UNCHANGED")), Normalized::Path("/a%2Fb".into()));
        assert_eq!(normalized("/a%2Fb", false, &manager("REJECT_REQUEST")), Normalized::Refused);
        assert_eq!(normalized("/a//b", false, &manager("REJECT_REQUEST")), Normalized::Path("/a/b".into()));
    }
}
