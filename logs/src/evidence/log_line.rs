//! What a log line says of itself before its message: level and logger.

use super::seen::Seen;

/// How grave the writer says the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Level {
    /// The line does not say.
    #[default]
    Unknown,
    /// `trace` or `debug`.
    Debug,
    /// `info`.
    Info,
    /// `warn`, `error` and above.
    Problem,
}

impl Level {
    pub(super) fn parse(word: &str) -> Option<Self> {
        const WORDS: [(&str, Level); 12] = [
            ("trace", Level::Debug),
            ("debug", Level::Debug),
            ("info", Level::Info),
            ("notice", Level::Info),
            ("warn", Level::Problem),
            ("warning", Level::Problem),
            ("error", Level::Problem),
            ("err", Level::Problem),
            ("critical", Level::Problem),
            ("fatal", Level::Problem),
            ("severe", Level::Problem),
            ("panic", Level::Problem),
        ];
        WORDS.iter().find(|(text, _)| word.eq_ignore_ascii_case(text)).map(|(_, level)| *level)
    }
}

/// A log line; the head stays part of the message, since every writer prints it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LogLine<'a> {
    /// The level, where the line begins with one or has one behind the time.
    pub level: Level,
    /// Envoy's logger, such as `router`, or the scope of an agent or istiod.
    pub logger: &'a str,
    /// The line without what Envoy appends.
    pub message: &'a str,
    /// How often the event happened that the message is of, where fields beside it say so.
    pub event: Option<Seen>,
}

/// How far into the line its head may reach, in words.
const HEAD_WORDS: usize = 8;

impl<'a> LogLine<'a> {
    /// Reads `[TIME][THREAD][LEVEL][LOGGER] …` and `TIME LEVEL [envoy ]LOGGER …`; any other text has neither.
    pub(super) fn of(text: &'a str) -> Self {
        let message = without_thread(text);
        let split = |letter: char| letter.is_whitespace() || matches!(letter, '[' | ']');
        let mut words = message.split(split).filter(|word| !word.is_empty()).take(HEAD_WORDS);
        let Some(level) = words.find_map(Level::parse) else { return Self { message, ..Self::default() } };
        let logger = words.find(|word| *word != "envoy").unwrap_or_default();
        Self { level, logger, message, event: None }
    }

    /// How often it happened, where the line says so.
    pub(super) fn seen(&self) -> Option<Seen> {
        self.event.or_else(|| Seen::in_text(self.message))
    }
}

/// Cuts `thread=12`, which Istio has Envoy append to every line.
fn without_thread(text: &str) -> &str {
    let text = text.trim_end();
    let without = text.trim_end_matches(|letter: char| letter.is_ascii_digit()).strip_suffix("thread=");
    without.filter(|rest| rest.ends_with(char::is_whitespace)).map_or(text, str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_envoy_and_of_agents() {
        for (text, level, logger) in [
            ("[2019-08-29 00:01:02.600][29][debug][http2] [source/common/x.cc:620] [C3787] sent", Level::Debug, "http2"),
            ("2022-06-01T06:47:35.322415Z\tdebug\tenvoy router\t[C1][S2] upstream timeout", Level::Debug, "router"),
            ("2020-02-06T16:22:08.623721Z     warn    secretfetcher   failed load", Level::Problem, "secretfetcher"),
            ("[1][info][upstream] [source/x.cc:28] cds: add 2 cluster(s)", Level::Info, "upstream"),
            ("closing connection: no matching filter chain found", Level::Unknown, ""),
        ] {
            let line = LogLine::of(text);
            assert_eq!((line.level, line.logger), (level, logger), "{text}");
        }
    }

    #[test]
    fn the_thread_is_cut() {
        assert_eq!(LogLine::of("warning envoy config x: EOF\tthread=28").message, "warning envoy config x: EOF");
        assert_eq!(LogLine::of("singlethread=28").message, "singlethread=28");
    }
}
