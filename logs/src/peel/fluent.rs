//! What Fluent Bit prints on standard output: `[0] tag: [1700000000.1, {"log"=>"line", …}]`.

use super::{Peeled, container};
use crate::unescape::{end_of_string, unescaped};

/// Takes the line out of the record.
pub(super) fn peel(text: &str) -> Option<Peeled<'_>> {
    let (number, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let (tag, record) = rest.split_once(": [")?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) || tag.contains(' ') {
        return None;
    }
    let value = ["\"log\"=>\"", "\"message\"=>\""].iter().find_map(|key| Some(record.split_once(key)?.1))?;
    let line = value.get(..end_of_string(value)?.0)?;
    Some(Peeled::owned(unescaped(line).into_owned()).from(container::origin(tag)))
}
