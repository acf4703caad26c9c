//! `/stats` as text: counters and gauges.

/// The statistics of a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats(Vec<(String, u64)>);

impl Stats {
    /// Reads them; lines of other forms, histograms above all, are left out.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().filter_map(|line| line.rsplit_once(": "));
        Self(lines.filter_map(|(name, value)| Some((name.to_owned(), value.trim().parse().ok()?))).collect())
    }

    /// The value of a statistic.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// Those with a name that begins and ends so, and what stands between.
    pub fn between<'s>(&'s self, prefix: &'s str, suffix: &'s str) -> impl Iterator<Item = (&'s str, u64)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?.strip_suffix(suffix)?, *value)))
    }
}
