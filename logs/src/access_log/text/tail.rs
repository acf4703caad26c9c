//! The end of a line: five quoted names and up to six words, read from the right.

/// What stands behind the upstream time.
#[derive(Debug, Default)]
pub(super) struct Tail<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) authority: Option<&'a str>,
    pub(super) request_id: Option<&'a str>,
    /// Cluster, upstream local address, downstream local and remote address, server name, route.
    pub(super) words: [Option<&'a str>; WORDS],
    pub(super) proxy_status: Option<&'a str>,
    pub(super) truncated: bool,
}

/// Words behind the upstream host: cluster, four addresses and names, route.
const WORDS: usize = 6;

/// Words behind the upstream host in the shortest of Istio's formats.
const FEWEST_WORDS: usize = 4;

/// Reads the tail; `istio` says that what stands before it is of one of Istio's formats with reasons.
pub(super) fn read(text: &str, istio: bool) -> Tail<'_> {
    let text = text.trim_end();
    let (rest, proxy_status) = split_proxy_status(text);
    let (quoted, words) = match rest.strip_suffix('"') {
        Some(quoted) => (quoted, ""),
        None => match behind_quotes(rest) {
            Some(parts) => parts,
            None => return Tail { truncated: true, ..Tail::default() },
        },
    };
    if !quoted.starts_with('"') {
        return Tail { truncated: true, ..Tail::default() };
    }
    let mut names = Names(quoted);
    let names = [names.next(), names.next(), names.next(), names.next(), names.next()];
    let [Some(host), Some(authority), Some(request_id), Some(_agent), Some(_forwarded)] = names else {
        return Tail { truncated: true, ..Tail::default() };
    };
    let words = Words::split(words);
    let complete = words.count >= FEWEST_WORDS || words.count == 0 && !istio;
    let mut found = [None; WORDS];
    for (at, (found, word)) in found.iter_mut().zip(words.texts).enumerate() {
        let whole = complete || at.saturating_add(1) < words.count;
        *found = Some(word).filter(|word| whole && *word != ":0");
    }
    Tail {
        host: Some(host),
        authority: Some(authority),
        request_id: Some(request_id).filter(|id| !is_elided(id)),
        words: found,
        proxy_status,
        truncated: !complete,
    }
}

/// The cluster alone, where the format has one.
pub(super) fn cluster(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let rest = if text.ends_with('"') { split_proxy_status(text).0 } else { text };
    let (_, words) = behind_quotes(rest)?;
    let words = Words::split(words);
    let [cluster, ..] = words.texts;
    (words.count >= FEWEST_WORDS).then_some(cluster)
}

/// The words behind the quoted names; the last one is a route and may hold spaces.
struct Words<'a> {
    texts: [&'a str; WORDS],
    count: usize,
}

impl<'a> Words<'a> {
    fn split(text: &'a str) -> Self {
        let mut words = Self { texts: [""; WORDS], count: 0 };
        let mut rest = text;
        for (at, word) in words.texts.iter_mut().enumerate() {
            if rest.is_empty() {
                break;
            }
            let last = at.saturating_add(1) == WORDS;
            let end = if last { None } else { memchr::memchr(b' ', rest.as_bytes()) };
            let (text, behind) =
                end.and_then(|end| Some((rest.get(..end)?, rest.get(end.saturating_add(1)..)?))).unwrap_or((rest, ""));
            *word = text;
            rest = behind;
            words.count = at.saturating_add(1);
        }
        words
    }
}

/// Splits at the last quote that has a space behind it.
fn behind_quotes(text: &str) -> Option<(&str, &str)> {
    let at = memchr::memrchr_iter(b'"', text.as_bytes()).find(|at| text.as_bytes().get(at.saturating_add(1)) == Some(&b' '))?;
    Some((text.get(..at)?, text.get(at.saturating_add(2)..)?))
}

/// Quoted names with a space between them, the last one first; the text ends before the last quote.
struct Names<'a>(&'a str);

impl<'a> Iterator for Names<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let begins = |at: &usize| *at == 0 || self.0.as_bytes().get(at.saturating_sub(2)..*at) == Some(b"\" ");
        let at = memchr::memrchr_iter(b'"', self.0.as_bytes()).find(begins)?;
        let name = self.0.get(at.saturating_add(1)..)?;
        self.0 = self.0.get(..at.saturating_sub(2)).unwrap_or_default();
        Some(name)
    }
}

/// Whether somebody shortened the name, so that it joins nothing.
fn is_elided(name: &str) -> bool {
    name.ends_with("...") || name.ends_with('…')
}

/// Splits a quoted field off the end: `%RESP(PROXY-STATUS)%`, whose value holds quotes of its own.
///
/// The rightmost quote behind the bare words begins it: what clients choose stands further left.
fn split_proxy_status(text: &str) -> (&str, Option<&str>) {
    let Some(inner) = text.strip_suffix('"') else { return (text, None) };
    let begins = |at: &usize| inner.get(..*at).is_some_and(ends_in_words);
    let start = memchr::memmem::rfind_iter(inner.as_bytes(), b" \"").find(begins);
    match start.and_then(|at| Some((inner.get(..at)?, inner.get(at.saturating_add(2)..)?))) {
        Some((rest, value)) => (rest, Some(value)),
        None => (text, None),
    }
}

/// Whether `text` ends with a quote and the bare words behind the upstream host.
fn ends_in_words(text: &str) -> bool {
    let quote = memchr::memrchr(b'"', text.as_bytes());
    let words = quote.and_then(|at| text.get(at.saturating_add(1)..)).and_then(|after| after.strip_prefix(' '));
    words.is_some_and(|words| {
        let count = words.split(' ').filter(|word| !word.is_empty()).take(WORDS.saturating_add(1)).count();
        (FEWEST_WORDS..=WORDS).contains(&count)
    })
}
