//! What RE2 refuses for certain. Not a parser: what it does not know passes.

/// Why RE2 refuses an expression, in its own words; `None` where nothing is wrong for certain.
#[must_use]
pub(super) fn refusal(expression: &str) -> Option<&'static str> {
    let mut reader = Reader { rest: expression.chars().peekable(), depth: 0, last: Last::Nothing };
    while let Some(letter) = reader.rest.next() {
        if let Some(refusal) = reader.read(letter) {
            return Some(refusal);
        }
    }
    (reader.depth > 0).then_some("missing closing )")
}

struct Reader<'e> {
    rest: std::iter::Peekable<std::str::Chars<'e>>,
    depth: u32,
    last: Last,
}

/// What stands before the letter at hand.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// The start, `(` or `|`.
    Nothing,
    /// What can be repeated.
    Atom,
    /// `*`, `+` or `?` with the `?` that may follow.
    Repetition,
}

/// What may stand after a backslash, digits apart.
const ESCAPES: &str = "afnrtvxpPdDsSwWbBAzCQE";

impl Reader<'_> {
    fn read(&mut self, letter: char) -> Option<&'static str> {
        match letter {
            '\\' => return self.escape(),
            '[' => return self.class(),
            '(' => {
                self.depth += 1;
                self.last = Last::Nothing;
                return self.group();
            }
            ')' => {
                let depth = self.depth.checked_sub(1);
                self.last = Last::Atom;
                match depth {
                    Some(depth) => self.depth = depth,
                    None => return Some("unexpected )"),
                }
            }
            '|' => self.last = Last::Nothing,
            '*' | '+' | '?' => return self.repetition(),
            _ => self.last = Last::Atom,
        }
        None
    }

    fn repetition(&mut self) -> Option<&'static str> {
        match self.last {
            Last::Nothing => return Some("missing argument to repetition operator"),
            Last::Repetition => return Some("invalid nested repetition operator"),
            Last::Atom => self.last = Last::Repetition,
        }
        self.rest.next_if_eq(&'?');
        None
    }

    /// What stands after a backslash.
    fn escape(&mut self) -> Option<&'static str> {
        self.last = Last::Atom;
        match self.rest.next() {
            None => Some("trailing backslash at end of expression"),
            // Between these, everything stands for itself.
            Some('Q') => {
                while let Some(letter) = self.rest.next() {
                    if letter == '\\' && self.rest.next_if_eq(&'E').is_some() {
                        break;
                    }
                }
                None
            }
            Some(digit @ '1'..='9') => {
                let is_octal = digit < '8' && self.rest.peek().is_some_and(|next| ('0'..='7').contains(next));
                (!is_octal).then_some("invalid escape sequence (a reference to a group)")
            }
            Some(letter) => (letter.is_ascii_alphabetic() && !ESCAPES.contains(letter)).then_some("invalid escape sequence"),
        }
    }

    /// What stands after an opening bracket, up to the closing one.
    fn class(&mut self) -> Option<&'static str> {
        self.last = Last::Atom;
        self.rest.next_if_eq(&'^');
        self.rest.next_if_eq(&']');
        while let Some(letter) = self.rest.next() {
            match letter {
                ']' => return None,
                '\\' => {
                    self.rest.next();
                }
                '[' if self.rest.next_if_eq(&':').is_some() => {
                    self.rest.find(|letter| *letter == ']');
                }
                _ => {}
            }
        }
        Some("missing closing ]")
    }

    /// What stands after an opening parenthesis where that is a question mark.
    fn group(&mut self) -> Option<&'static str> {
        self.rest.next_if_eq(&'?')?;
        match self.rest.next() {
            Some('=' | '!' | '>') => Some("invalid or unsupported Perl syntax"),
            Some('<') if self.rest.peek().is_some_and(|next| matches!(next, '=' | '!')) => {
                Some("invalid or unsupported Perl syntax")
            }
            Some(':') | None => None,
            // Flags, and names of groups.
            Some(letter) => {
                let mut letter = Some(letter);
                while let Some(flag) = letter {
                    match flag {
                        ':' | '>' => return None,
                        ')' => {
                            self.depth = self.depth.saturating_sub(1);
                            return None;
                        }
                        _ => letter = self.rest.next(),
                    }
                }
                None
            }
        }
    }
}

/// What was meant, where a shell's pattern with one `*` before a host name was written for an expression.
#[must_use]
pub(super) fn of_wildcard(expression: &str) -> Option<String> {
    let suffix = expression.strip_prefix('*')?;
    let is_host = suffix.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-'));
    is_host.then(|| format!(".*{}", suffix.replace('.', "\\.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_re2_refuses_is_refused() {
        for expression in [
            "*.example.com",
            "+a",
            "a|*b",
            "(*a)",
            "a**",
            "a+*",
            "a*??",
            "(a",
            "a)",
            "[a",
            "[]",
            "a\\",
            "(?=a)",
            "(?!a)",
            "(?<=a)b",
            "(?<!a)b",
            "(?>a)",
            "(a)\\1",
            "\\Z",
            "\\u0041",
            "\\h",
        ] {
            assert!(refusal(expression).is_some(), "{expression}");
        }
    }

    #[test]
    fn what_re2_takes_passes() {
        for expression in [
            "",
            ".*",
            ".*\\.example\\.com",
            "a*?",
            "a+?b??",
            "(?i)a*",
            "(?i:a)*",
            "(?P<name>a)+",
            "(?<name>a)",
            "[]a]",
            "[^]]*",
            "[[:alpha:]]+",
            "[*+?()]*",
            "a{2,3}",
            "{",
            "\\d+\\.\\*",
            "\\Q*(\\E",
            "\\pN\\p{Greek}",
            "\\x{10FFFF}",
            "\\_\\/\\-",
            "^/v1/[^/]+$",
            "(|a)",
            "\\012",
            "(?:a|b)?",
            "^$",
            "a|b|",
        ] {
            assert_eq!(refusal(expression), None, "{expression}");
        }
    }

    #[test]
    fn a_wildcard_becomes_an_expression() {
        assert_eq!(of_wildcard("*.example.com").as_deref(), Some(".*\\.example\\.com"));
        assert_eq!(of_wildcard("*").as_deref(), Some(".*"));
        assert_eq!(of_wildcard("*/v1/*"), None);
    }
}
