//! Names in front of a line: `kubectl logs --prefix`, stern, compose, k9s, logcli, grep.

use meshwhy_core::record;

use super::{Peeled, clock, container, start, syslog};
use crate::origin::Origin;

const MAX_NAME: usize = 512;

/// `[pod/NAME/CONTAINER] ` (kubectl) or `[Envoy (Epoch 0)] ` (old agents).
pub(super) fn bracketed(text: &str) -> Option<Peeled<'_>> {
    let (name, rest) = text.strip_prefix('[')?.split_once(']')?;
    if name.starts_with("Envoy (") && name.ends_with(')') {
        return Some(Peeled::rest(rest.trim_start()));
    }
    let named = name.starts_with("pod/") && name.len() <= MAX_NAME && !name.contains(char::is_whitespace);
    named.then(|| Peeled::rest(rest.trim_start()).from(container::origin(name)))
}

/// A name that a separator or the shape of what follows tells from the line.
pub(super) fn named(text: &str) -> Option<Peeled<'_>> {
    compose(text).or_else(|| words(text)).or_else(|| grep(text))
}

/// `NAME | `.
fn compose(text: &str) -> Option<Peeled<'_>> {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_' | '.'))?;
    let (name, rest) =
        text.split_at_checked(end).filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_alphanumeric()))?;
    let rest = rest.trim_start_matches(' ').strip_prefix('|')?;
    let separated = rest.is_empty() || rest.starts_with(' ');
    (separated && name.len() <= 128).then(|| Peeled::rest(rest.trim_start()).from(Origin::named(name)))
}

/// `POD CONTAINER line` (stern), `NAMESPACE POD CONTAINER line` (stern for all namespaces), `NAME line` (k9s, CloudWatch,
/// Fluentd's tag with a colon). What follows must begin as a line does: any sentence begins with words.
pub(super) fn words(text: &str) -> Option<Peeled<'_>> {
    let mut rest = text;
    let mut names = [""; 3];
    for count in 0..names.len() {
        let (name, behind) = rest.split_once([' ', '\t'])?;
        // A record is our own line: what an application writes in front of one makes it a quotation.
        if !is_name(name) || start::is_level(name) || name == record::PREFIX.trim_end() || clock::timestamp(name).is_some() {
            return None;
        }
        // Only one name alone may be a file, a stream or a tag.
        if count > 0 && ![names.first().copied().unwrap_or_default(), name].into_iter().all(is_label) {
            return None;
        }
        *names.get_mut(count)? = name;
        rest = behind.trim_start();
        if begins(rest) {
            let all = text.get(..text.len() - rest.len())?.trim_end();
            return Some(Peeled::rest(rest).from(origin(all, names, count + 1)));
        }
    }
    None
}

fn origin<'a>(all: &'a str, [first, second, third]: [&'a str; 3], count: usize) -> Origin<'a> {
    match count {
        1 => container::origin(first.trim_end_matches(':')),
        2 => Origin::of_pod(all, first, Some(second)),
        _ => Origin { namespace: Some(first.into()), ..Origin::of_pod(all, second, Some(third)) },
    }
}

fn is_name(word: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/' | b':' | b'@' | b'#');
    word.len() <= MAX_NAME && word.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) && word.bytes().all(is_name_byte)
}

/// A name that Kubernetes accepts.
fn is_label(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

/// `FILE:`, `FILE:LINE:` or `LINE:`, with no space before the line.
fn grep(text: &str) -> Option<Peeled<'_>> {
    let colons = text.match_indices(':').take(3).filter_map(|(at, _)| text.split_at_checked(at + 1));
    let (name, rest) = colons.take_while(|(name, _)| is_name(name)).find(|(_, rest)| begins(rest))?;
    let file = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == ':');
    let peeled = Peeled::rest(rest);
    Some(if file.is_empty() { peeled } else { peeled.from(container::origin(file)) })
}

/// Whether a text begins as a line or as a carrier's own layer does.
fn begins(text: &str) -> bool {
    let carried = || syslog::with_priority(text).or_else(|| syslog::peel(text)).or_else(|| clock::kibana(text)).is_some();
    start::begins_line(text) || (text.starts_with('{') && labels(text).is_some()) || carried() || compose(text).is_some()
}

/// `{pod="NAME", …} line` (logcli).
pub(super) fn labels(text: &str) -> Option<Peeled<'_>> {
    let mut rest = text.strip_prefix('{').filter(|inner| !inner.starts_with('}'))?;
    let (mut pod, mut namespace, mut container) = (None, None, None);
    while !rest.starts_with('}') {
        let (name, behind) = rest.split_once("=\"")?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let (value, behind) = behind.split_once('"')?;
        match name {
            "pod" | "pod_name" | "instance_pod" => pod = Some(value),
            "namespace" | "namespace_name" => namespace = Some(value),
            "container" | "container_name" => container = Some(value),
            _ => {}
        }
        rest = behind.trim_start_matches([',', ' ']);
    }
    let all = text.get(..text.len() - rest.len() + 1)?;
    let origin = Origin {
        pod: pod.map(Into::into),
        namespace: namespace.map(Into::into),
        container: container.map(Into::into),
        text: pod.unwrap_or(all).into(),
    };
    Some(Peeled::rest(rest.strip_prefix('}')?.trim_start()).from(origin))
}
