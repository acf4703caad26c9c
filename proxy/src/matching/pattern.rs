//! Regular expressions of RE2, in so far as the `regex` crate gives them the same meaning.

use regex::RegexBuilder;

use super::Truth;

/// Largest pattern that is tried, in bytes, and largest program of one.
const LONGEST: usize = 16 * 1024;
const LARGEST: usize = 4 * 1024 * 1024;

/// Whether the whole of a value matches a pattern. Unknown where the two dialects may differ: in patterns that this one reads otherwise,
/// and in values that are not ASCII, where classes such as `\w` are wider here.
pub(crate) fn matches_in_full(pattern: &str, value: &str) -> Truth {
    if pattern.len() > LONGEST || !value.is_ascii() || is_read_otherwise(pattern) {
        return Truth::Unknown;
    }
    let whole = format!(r"\A(?:{pattern})\z");
    match RegexBuilder::new(&whole).size_limit(LARGEST).build() {
        Ok(regex) => regex.is_match(value).into(),
        Err(_) => Truth::Unknown,
    }
}

/// Whether a pattern holds what RE2 takes literally and the `regex` crate does not: set operations and classes in classes, `{,n}`, `\<`, `\>`
/// and `\b{…}`. `(?x)` would hide the end of the group that is put around.
fn is_read_otherwise(pattern: &str) -> bool {
    let mut letters = pattern.chars().peekable();
    let mut class: Option<usize> = None;
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        match (letter, class) {
            ('\\', None) => {
                let escaped = letters.next();
                if matches!(escaped, Some('<' | '>')) || (matches!(escaped, Some('b' | 'B')) && letters.peek() == Some(&'{')) {
                    return true;
                }
            }
            ('\\', Some(_)) => {
                letters.next();
                class = class.map(|length| length + 1);
            }
            ('[', None) => {
                class = Some(0);
                if next == Some('^') {
                    letters.next();
                }
            }
            ('[', Some(_)) if next != Some(':') => return true,
            ('[', Some(length)) => {
                // `[:alpha:]`, to its end.
                for letter in letters.by_ref() {
                    if letter == ']' {
                        break;
                    }
                }
                class = Some(length + 1);
            }
            (']', Some(length)) if length > 0 => class = None,
            ('&' | '~' | '-', Some(_)) if next == Some(letter) => return true,
            (_, Some(length)) => class = Some(length + 1),
            ('{', None) if next == Some(',') => return true,
            ('?', None) if before == '(' && inline_flags(letters.clone()).contains('x') => return true,
            _ => {}
        }
        before = letter;
    }
    false
}

fn inline_flags(letters: impl Iterator<Item = char>) -> String {
    letters.take_while(|letter| letter.is_ascii_alphabetic() || *letter == '-').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_value_counts() {
        assert_eq!(matches_in_full("/old/.*", "/old/x"), Truth::Yes);
        assert_eq!(matches_in_full("/old", "/old/x"), Truth::No);
        assert_eq!(matches_in_full("a|ab", "ab"), Truth::Yes);
        assert_eq!(matches_in_full(r"[]a]+\d{2,3}", "]a12"), Truth::Yes);
        assert_eq!(matches_in_full("[[:alpha:]-]+", "a-b"), Truth::Yes);
    }

    #[test]
    fn where_the_dialects_differ_nothing_is_claimed() {
        for pattern in ["[a&&b]", "[a--b]", "[a[b]", r"\<a", r"a\b{start}", "a{,3}", r"\Qa\E", r"\C", "(?x)a #"] {
            assert_eq!(matches_in_full(pattern, "a"), Truth::Unknown, "{pattern}");
        }
        assert_eq!(matches_in_full(r"\w+", "é"), Truth::Unknown);
        assert_eq!(matches_in_full("(((a{1000}){1000}){1000})", "a"), Truth::Unknown);
    }
}
