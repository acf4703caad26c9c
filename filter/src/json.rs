//! Reads the little JSON that a configuration is, with the place of every mistake. No tree, no floating-point numbers: both would
//! be a tenth of the module.

use std::fmt;

/// How deep an ignored value may nest.
const MAX_DEPTH: u32 = 32;

/// A reader at some place of a text.
#[derive(Debug)]
pub struct JsonReader<'t> {
    text: &'t str,
    at: usize,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    what: String,
    line: usize,
    column: usize,
}

/// What [`JsonReader::object`] calls for each field.
pub type Field<'f, 't> = dyn FnMut(&mut JsonReader<'t>, &str) -> Result<(), Mistake> + 'f;

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at line {} column {}", self.what, self.line, self.column)
    }
}

impl Mistake {
    /// The same place with another text.
    pub fn saying(self, what: String) -> Self {
        Self { what, ..self }
    }
}

impl<'t> JsonReader<'t> {
    /// Begins at the start.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    pub fn new(bytes: &'t [u8]) -> Result<Self, Mistake> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => {
                let valid =
                    bytes.get(..error.valid_up_to()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
                Err(Self { text: valid, at: valid.len() }.mistake("a byte that is not UTF-8"))
            }
        }
    }

    /// A mistake at this place.
    pub fn mistake(&self, what: &str) -> Mistake {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()).saturating_add(1);
        Mistake { what: what.to_owned(), line, column }
    }

    /// An object; `field` is called at the value of each and must read it.
    pub fn object(&mut self, field: &mut Field<'_, 't>) -> Result<(), Mistake> {
        self.expect(b'{', "expected an object")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            let key = self.string("expected a field's name")?;
            self.expect(b':', "expected `:`")?;
            self.space();
            field(self, &key)?;
            if !self.take(b',') {
                return self.expect(b'}', "expected `,` or `}`");
            }
        }
    }

    /// A string.
    pub fn string(&mut self, otherwise: &str) -> Result<String, Mistake> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.mistake(otherwise));
        }
        self.at = self.at.saturating_add(1);
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|letter: char| letter == '"' || letter == '\\' || letter.is_ascii_control());
            let Some((before, after)) = plain.and_then(|end| rest.split_at_checked(end)) else {
                self.at = self.text.len();
                return Err(self.mistake("a string without an end"));
            };
            text.push_str(before);
            self.at = self.at.saturating_add(before.len());
            match after.bytes().next() {
                Some(b'"') => {
                    self.at = self.at.saturating_add(1);
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.mistake("a control character in a string")),
            }
        }
    }

    /// A whole number that is not negative.
    pub fn number(&mut self) -> Result<u64, Mistake> {
        let rest = self.rest();
        let length = rest.find(|letter: char| !matches!(letter, '0'..='9' | '.' | 'e' | 'E' | '+' | '-')).unwrap_or(rest.len());
        let digits = rest.get(..length).unwrap_or_default();
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        let number = if whole { digits.parse().ok() } else { None };
        let number = number.ok_or_else(|| self.mistake("expected a whole number that is not negative"))?;
        self.at = self.at.saturating_add(length);
        Ok(number)
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Mistake> {
        match (self.word("true"), self.word("false")) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(self.mistake("expected `true` or `false`")),
        }
    }

    /// Whether `null` stands here; it is read if so.
    pub fn null(&mut self) -> bool {
        self.word("null")
    }

    /// Any value, which is ignored.
    pub fn ignore(&mut self) -> Result<(), Mistake> {
        self.ignore_nested(MAX_DEPTH)
    }

    /// Nothing more.
    pub fn end(&mut self) -> Result<(), Mistake> {
        self.space();
        if self.at < self.text.len() { Err(self.mistake("trailing characters")) } else { Ok(()) }
    }

    fn ignore_nested(&mut self, depth: u32) -> Result<(), Mistake> {
        let Some(depth) = depth.checked_sub(1) else { return Err(self.mistake("nested too deeply")) };
        match self.peek() {
            Some(b'{') => self.object(&mut |reader, _| reader.ignore_nested(depth)),
            Some(b'[') => {
                self.at = self.at.saturating_add(1);
                if self.take(b']') {
                    return Ok(());
                }
                loop {
                    self.space();
                    self.ignore_nested(depth)?;
                    if !self.take(b',') {
                        return self.expect(b']', "expected `,` or `]`");
                    }
                }
            }
            Some(b'"') => self.string("").map(drop),
            Some(b'-' | b'0'..=b'9') => {
                let rest = self.rest();
                let length = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '+' | '-'));
                self.at = self.at.saturating_add(length.unwrap_or(rest.len()));
                Ok(())
            }
            _ if self.word("null") || self.word("true") || self.word("false") => Ok(()),
            _ => Err(self.mistake("expected a value")),
        }
    }

    /// One escape sequence; the backslash stands here.
    fn escape(&mut self) -> Result<char, Mistake> {
        let letter = self.rest().chars().nth(1);
        let plain = match letter {
            Some(letter @ ('"' | '\\' | '/')) => letter,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.escaped_unit(),
            _ => return Err(self.mistake("an unknown escape sequence")),
        };
        self.at = self.at.saturating_add(2);
        Ok(plain)
    }

    fn escaped_unit(&mut self) -> Result<char, Mistake> {
        let unit = |rest: &str| {
            let digits =
                rest.strip_prefix("\\u")?.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            u16::from_str_radix(digits, 16).ok()
        };
        let rest = self.rest();
        let high = unit(rest);
        let low = rest.get(6..).and_then(unit);
        let one = char::decode_utf16(high).next().and_then(Result::ok);
        let pair = || char::decode_utf16(high.into_iter().chain(low)).next().and_then(Result::ok);
        let (letter, length) = match one {
            Some(letter) => (letter, 6),
            None => (pair().ok_or_else(|| self.mistake("an escape sequence that is no character"))?, 12),
        };
        self.at = self.at.saturating_add(length);
        Ok(letter)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at = self.at.saturating_add(word.len());
        }
        found
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    fn expect(&mut self, byte: u8, otherwise: &str) -> Result<(), Mistake> {
        if self.take(byte) { Ok(()) } else { Err(self.mistake(otherwise)) }
    }

    fn space(&mut self) {
        let rest = self.rest();
        let space = rest.len().saturating_sub(rest.trim_start_matches([' ', '\t', '\n', '\r']).len());
        self.at = self.at.saturating_add(space);
    }

    fn peek(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads any value and says what is wrong with it.
    fn mistake(text: &str) -> Option<String> {
        let mut reader = JsonReader::new(text.as_bytes()).unwrap();
        reader.space();
        let read = reader.ignore().and_then(|()| reader.end());
        read.err().map(|mistake| mistake.to_string())
    }

    #[test]
    fn strings_are_unescaped() {
        let read = |text: &str| JsonReader::new(text.as_bytes()).unwrap().string("");
        assert_eq!(read(r#""a\"\\\/\b\f\n\r\tä""#).as_deref(), Ok("a\"\\/\u{8}\u{c}\n\r\tä"));
        assert_eq!(read(r#""\u00e4\ud83d\ude00""#).as_deref(), Ok("ä😀"));
        for wrong in [r#""\ud83d""#, r#""\ude00\ud83d""#, r#""\u00g0""#, r#""\u+041""#, r#""\x""#, "\"a", "\"\u{1}\"", "a"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_whole() {
        let read = |text: &str| JsonReader::new(text.as_bytes()).unwrap().number();
        assert_eq!((read("0"), read("18446744073709551615")), (Ok(0), Ok(u64::MAX)));
        for wrong in ["", "-1", "1.5", "1e3", "01", "18446744073709551616", "x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mistakes_have_a_place() {
        assert_eq!(mistake("{\n  \"ä\": x}").as_deref(), Some("expected a value at line 2 column 8"));
        assert_eq!(mistake("{\"a\": 1,}").as_deref(), Some("expected a field's name at line 1 column 9"));
        assert_eq!(mistake("[1 2]").as_deref(), Some("expected `,` or `]` at line 1 column 4"));
        assert_eq!(mistake(" {\"a\": [1, -2.5e3, null, true, \"x\", {}, []]} "), None);
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(mistake(&"[".repeat(100_000)).is_some_and(|mistake| mistake.starts_with("nested too deeply")));
    }

    proptest::proptest! {
        #[test]
        fn what_serde_json_reads_is_read_and_what_is_no_json_is_not_for_a_string(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            proptest::prop_assert_eq!(JsonReader::new(json.as_bytes()).unwrap().string(""), Ok(text));
        }

        #[test]
        fn no_text_panics(text in "[\\[\\]{}:,\"\\\\u0-9a-f \n\\-.truefalsn]*") {
            let _ = mistake(&text);
        }
    }
}
