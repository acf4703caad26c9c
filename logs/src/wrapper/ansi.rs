//! Colours and other control sequences of terminals.

const ESCAPE: char = '\u{1b}';

/// The text without its control sequences; `None` when it holds none.
pub(crate) fn strip(text: &str) -> Option<String> {
    memchr::memchr(ESCAPE as u8, text.as_bytes())?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(ESCAPE) {
        out.push_str(before);
        rest = after(behind);
    }
    out.push_str(rest);
    Some(out)
}

/// What follows a sequence whose escape character has been read.
fn after(text: &str) -> &str {
    if let Some(parameters) = text.strip_prefix('[') {
        let end = parameters.find(|letter: char| ('@'..='~').contains(&letter));
        return end.and_then(|end| parameters.get(end + 1..)).unwrap_or_default();
    }
    if let Some(command) = text.strip_prefix(']') {
        // A title or a link ends with BEL or with another escape sequence; without an end it is no command.
        return match command.find(['\u{7}', ESCAPE]) {
            Some(end) => {
                let tail = command.get(end..).unwrap_or_default();
                tail.strip_prefix('\u{7}').or_else(|| tail.strip_prefix("\u{1b}\\")).unwrap_or(tail)
            }
            None => command,
        };
    }
    let mut letters = text.chars();
    letters.next();
    letters.as_str()
}
