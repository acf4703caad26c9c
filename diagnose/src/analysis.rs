//! Lines in, groups of failures out. Memory is bounded: each failure is kept as a few numbers until all lines are read.

use std::io::{self, Read};

#[cfg(feature = "utf-16")]
use encoding_rs_io::DecodeReaderBytesBuilder;
use foldhash::quality::RandomState;
use jiff::Timestamp;
use meshwhy_core::{Cause, Facts};
use meshwhy_logs::Formats;
use rayon::prelude::*;

use crate::blocks::Blocks;
use crate::course;
use crate::coverage;
use crate::group::{Example, Group, Groups};
use crate::hops;
use crate::kind::Surplus;
use crate::summary::{BlockReader, Summary};
use crate::totals::{Tally, Totals};
use crate::window::Window;

/// How many failures are looked at together, of 88 bytes each. Those of one request are together in far less.
const MAX_FAILURES: usize = 600_000;

/// How many blocks are read side by side.
const BLOCKS_AT_ONCE: usize = 8;

/// Bytes of a block: few enough to stay in a core's cache between being copied and being read.
const BLOCK_SIZE: usize = 1 << 19;

/// The pod whose proxy wrote a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its namespace, where that is known.
    pub namespace: Option<String>,
}

/// What was found.
#[derive(Debug)]
pub struct Analysis {
    /// Failures by cause, target and hop; the most telling first.
    pub groups: Vec<Group>,
    /// What looks healthy, and may be a failure that only the manifests show; empty unless asked for.
    pub suspects: Vec<Group>,
    /// What was read, by what it is.
    pub tally: Tally,
    /// What each line was.
    pub totals: Totals,
    /// Failures outside of the window that was asked for.
    pub outside: u64,
    /// When the first request of the lines began, and the last.
    pub observed: Option<(Timestamp, Timestamp)>,
    /// The first lines that were not understood; at most three.
    pub unparsed: Vec<Example>,
}

/// Takes lines and sums them up.
#[derive(Debug, Clone)]
pub struct Collector {
    formats: Formats,
    block_size: usize,
    keeps_suspects: bool,
    window: Window,
    hasher: RandomState,
    /// What was read, and is not in the groups yet.
    summary: Summary,
    groups: Groups,
    suspects: Groups,
}

impl Default for Collector {
    fn default() -> Self {
        Self::reading(Formats::default())
    }
}

impl Collector {
    /// A collector that reads these formats beside those that everybody knows.
    #[must_use]
    pub fn reading(formats: Formats) -> Self {
        let hasher = RandomState::default();
        Self {
            formats,
            block_size: BLOCK_SIZE,
            keeps_suspects: false,
            window: Window::default(),
            summary: Summary::new(hasher.clone()),
            hasher,
            groups: Groups::default(),
            suspects: Groups::default(),
        }
    }

    /// Reads about so many bytes on one core at a time; what is found does not depend on it.
    #[must_use]
    pub fn in_blocks_of(self, bytes: usize) -> Self {
        Self { block_size: bytes, ..self }
    }

    /// Counts only failures of this time.
    #[must_use]
    pub fn within(self, window: Window) -> Self {
        Self { window, ..self }
    }

    /// Also keeps what may be a failure that only the manifests show.
    #[must_use]
    pub fn keeping_suspects(self) -> Self {
        Self { keeps_suspects: true, ..self }
    }

    /// Reads all lines of one source, in UTF-8 or (with the feature `utf-16`) UTF-16, on all cores; what one proxy wrote should have one number. `pod` is whose log
    /// it is, where the lines do not say.
    ///
    /// # Errors
    /// What the reader reports; what was read before it counts.
    pub fn read(&mut self, source: u32, pod: Option<&Pod>, reader: &mut (dyn Read + Send)) -> io::Result<()> {
        let mut blocks = Blocks::new(in_utf_8(reader)?, self.block_size);
        let (formats, hasher) = (self.formats.clone(), self.hasher.clone());
        let mut surplus = Surplus::default();
        let (mut due, mut read, mut overrun) = (Vec::new(), Vec::new(), 0);
        loop {
            let count = blocks.fill(&mut due, BLOCKS_AT_ONCE);
            if let Some(changed) = self.summary.failures.kinds.surplus(&surplus) {
                surplus = changed;
            }
            let block_reader = BlockReader {
                source,
                pod,
                window: self.window,
                formats: &formats,
                keeps_suspects: self.keeps_suspects,
                hasher: &hasher,
                surplus: &surplus,
            };
            let read_one = |at: usize, skipped: u64| {
                let (block, beyond) = due.get(at..).and_then(<[_]>::split_first)?;
                Some(block_reader.read(block, beyond, skipped))
            };
            let mut behind = Vec::new();
            let side_by_side: Vec<_> = match count {
                // What fits in one wakes no other core.
                1 => vec![read_one(0, 0)],
                _ => {
                    let meanwhile = || {
                        read.drain(..).for_each(|summary| self.take(summary));
                        behind = blocks.read_ahead(BLOCKS_AT_ONCE);
                    };
                    rayon::join(|| (0..count).into_par_iter().map(|at| read_one(at, 0)).collect(), meanwhile).0
                }
            };
            for (at, reading) in side_by_side.into_iter().enumerate() {
                // Its first lines may belong to the item before it, which is known only now.
                let reading = if overrun == 0 { reading } else { read_one(at, overrun) };
                let Some((summary, behind)) = reading else { continue };
                overrun = behind;
                read.push(summary);
            }
            blocks.reuse(due.drain(..count));
            due.append(&mut behind);
            if due.is_empty() {
                read.into_iter().for_each(|summary| self.take(summary));
                return blocks.failure();
            }
        }
    }

    /// Takes what was seen of one request without a line; `text` shows it as an example.
    pub fn observe(&mut self, source: u32, facts: Facts<'_>, text: &str) {
        let surplus = Surplus::default();
        let reader = BlockReader {
            source,
            pod: None,
            window: self.window,
            formats: &self.formats,
            keeps_suspects: self.keeps_suspects,
            hasher: &self.hasher,
            surplus: &surplus,
        };
        let summary = reader.one(facts, text);
        self.take(summary);
    }

    /// Takes what the next lines say.
    fn take(&mut self, summary: Summary) {
        self.summary.merge(summary);
        if self.summary.failures.all.len() >= MAX_FAILURES || self.summary.suspects.all.len() >= MAX_FAILURES {
            self.settle();
        }
    }

    /// Puts failures into groups.
    fn settle(&mut self) {
        let Summary { sources, tally, totals, failures, suspects, explained, .. } = &mut self.summary;
        let (excused, lines) = hops::settle_missing_plugins(failures, explained);
        tally.failed -= excused;
        tally.healthy += excused;
        totals.failed -= lines;
        totals.healthy += lines;
        coverage::settle(failures);
        hops::join(failures);
        self.groups.add(failures, sources);
        self.suspects.add(suspects, sources);
        failures.clear();
        suspects.clear();
    }

    /// Ends the reading.
    #[must_use]
    pub fn finish(mut self) -> Analysis {
        self.settle();
        let Self { summary, groups, suspects, .. } = self;
        let Summary { sources, tally, totals, outside, unparsed, failures, traffic, propagation, observed, ruled_out, .. } =
            summary;
        let (mut groups, observed) = (groups.finish(&traffic), observed.range());
        groups.extend(propagation.gaps());
        course::describe(&mut groups, observed);
        let found: Vec<&Cause> = groups.iter().map(|group| group.verdict.cause).collect();
        for group in &mut groups {
            group.ruled_out =
                group.source().map(|source| ruled_out.causes(source, group.facts.cluster.as_deref())).unwrap_or_default();
            group.ruled_out.retain(|cause| !found.contains(cause));
        }
        Analysis {
            groups,
            suspects: suspects.finish(&traffic),
            tally: Tally { ungrouped: failures.ungrouped, ..tally },
            totals,
            outside,
            observed,
            unparsed: unparsed.iter().map(|line| Example::of(line, &sources)).collect(),
        }
    }
}

impl Analysis {
    /// Sums up one text; what `meshwhy explain` does with its argument.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let mut collector = Collector::default();
        // Reading memory cannot fail.
        let _ = collector.read(0, None, &mut &*text);
        collector.finish()
    }

    /// Makes a suspect a failure like others.
    pub fn convict(&mut self, suspect: Group) {
        self.tally.healthy = self.tally.healthy.saturating_sub(suspect.count);
        self.tally.failed = self.tally.failed.saturating_add(suspect.count);
        self.totals.healthy = self.totals.healthy.saturating_sub(suspect.count);
        self.totals.failed = self.totals.failed.saturating_add(suspect.count);
        self.groups.push(suspect);
    }

    /// Whether everything that was understood is outside of the window that was asked for, and none of it failed: nothing can be said.
    #[must_use]
    pub const fn is_of_another_time(&self) -> bool {
        let Totals { healthy, failed, .. } = self.totals;
        self.tally.healthy > 0 && healthy == 0 && failed == 0 && self.outside == 0
    }

    /// Whether any line was understood.
    #[must_use]
    pub const fn recognised(&self) -> bool {
        self.tally.healthy > 0 || self.tally.failed > 0 || self.tally.records > 0 || self.outside > 0
    }
}

/// What PowerShell writes in UTF-16 as UTF-8, anything else as it is.
#[cfg(feature = "utf-16")]
fn in_utf_8<'r>(reader: &'r mut (dyn Read + Send)) -> io::Result<Box<dyn Read + Send + 'r>> {
    let mut begin = Vec::new();
    reader.take(2).read_to_end(&mut begin)?;
    let is_utf_16 = matches!(begin.as_slice(), [0xff, 0xfe] | [0xfe, 0xff]);
    let whole = io::Cursor::new(begin).chain(reader);
    Ok(if is_utf_16 { Box::new(DecodeReaderBytesBuilder::new().strip_bom(true).build(whole)) } else { Box::new(whole) })
}

/// Whoever calls has done it.
#[cfg(not(feature = "utf-16"))]
fn in_utf_8<'r>(reader: &'r mut (dyn Read + Send)) -> io::Result<Box<dyn Read + Send + 'r>> {
    Ok(Box::new(reader))
}
