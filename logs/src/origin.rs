//! The prefixes that tools put before a line to say which container wrote it.

/// Splits `[pod/NAME/CONTAINER] ` (`kubectl logs --prefix`) or `NAME | ` (compose) from the line.
pub(crate) fn split(text: &str) -> (Option<&str>, &str) {
    let found = kubectl(text).or_else(|| compose(text));
    found.map_or((None, text), |(origin, rest)| (Some(origin), rest.trim_start()))
}

/// The pod that an origin names.
pub(crate) fn pod(origin: &str) -> Option<&str> {
    origin.strip_prefix("pod/")?.split('/').next().filter(|name| !name.is_empty())
}

fn kubectl(text: &str) -> Option<(&str, &str)> {
    let (origin, rest) = text.strip_prefix('[')?.split_once(']')?;
    let named = origin.starts_with("pod/") && origin.len() <= 512 && !origin.contains(char::is_whitespace);
    named.then_some((origin, rest))
}

fn compose(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_' | '.'))?;
    let (name, rest) = text.split_at_checked(end)?;
    let rest = rest.trim_start_matches(' ').strip_prefix("| ")?;
    (1..=128).contains(&name.len()).then_some((name, rest))
}
