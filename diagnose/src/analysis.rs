//! Lines in, groups of failures out. Memory is bounded: failures are joined in batches and kept only as groups.

use std::io::{self, Read};
use std::ops::AddAssign;

use encoding_rs_io::DecodeReaderBytesBuilder;
use meshwhy_logs::Formats;
use rayon::prelude::*;
use serde::Serialize;

use crate::blocks::{BlockReader, BlockReading, BlockReport, Blocks};
use crate::coverage::Coverage;
use crate::group::{Example, Group, Groups};
use crate::hops;
use crate::missing_plugins::MissingPlugins;
use crate::sighting::{Sighting, author};
use crate::window::Window;

/// How many failures are looked at together. Hops are joined within a batch.
const BATCH: usize = 20_000;

/// How many blocks are read side by side.
const BLOCKS_AT_ONCE: usize = 8;

/// Bytes of a block: few enough to stay in a core's cache between being copied and being read.
const BLOCK_SIZE: usize = 1 << 19;

/// How many lines that were not understood are kept.
pub(crate) const MAX_UNPARSED: usize = 3;

/// What was read, by what it tells: a line with several members of a header counts once for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Tally {
    /// All lines.
    pub read: u64,
    /// Requests and connections that did not fail.
    pub healthy: u64,
    /// Access-log lines and header members that tell of a failure.
    pub failed: u64,
    /// Records of either writer.
    pub records: u64,
    /// Lines that are none of ours.
    pub unreadable: u64,
    /// Failures that fit in no group any more, since there were too many different ones.
    #[serde(skip_serializing_if = "is_zero")]
    pub ungrouped: u64,
}

/// Every line, of one of four kinds: their numbers sum to that of all lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Totals {
    /// All lines.
    pub lines: u64,
    /// Of requests, connections and events that show no failure.
    pub healthy: u64,
    /// That tell of a failure, whoever else tells of it.
    pub failed: u64,
    /// Empty, or only a frame around others.
    pub ignored: u64,
    /// That are none of ours.
    pub unparsed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.healthy += other.healthy;
        self.failed += other.failed;
        self.records += other.records;
        self.unreadable += other.unreadable;
        self.ungrouped += other.ungrouped;
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.healthy += other.healthy;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.unparsed += other.unparsed;
    }
}

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
    /// The first lines that were not understood; at most three.
    pub unparsed: Vec<Example>,
}

/// Takes lines and sums them up.
#[derive(Debug)]
pub struct Collector {
    formats: Formats,
    block_size: usize,
    batch: Vec<Sighting>,
    coverage: Coverage,
    groups: Groups,
    missing_plugins: MissingPlugins,
    suspects: Option<Groups>,
    window: Window,
    outside: u64,
    unparsed: Vec<Example>,
    tally: Tally,
    totals: Totals,
    /// How many lines the sources before this one have.
    start: u64,
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
        Self {
            formats,
            block_size: BLOCK_SIZE,
            batch: Vec::new(),
            coverage: Coverage::default(),
            groups: Groups::default(),
            missing_plugins: MissingPlugins::default(),
            suspects: None,
            window: Window::default(),
            outside: 0,
            unparsed: Vec::new(),
            tally: Tally::default(),
            totals: Totals::default(),
            start: 0,
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
        Self { suspects: Some(Groups::default()), ..self }
    }

    /// Reads all lines of one source, in UTF-8 or UTF-16, on all cores; what one proxy wrote should have one number. `pod` is whose log
    /// it is, where the lines do not say.
    ///
    /// # Errors
    /// What the reader reports; what was read before it counts.
    pub fn read(&mut self, source: u32, pod: Option<&Pod>, reader: &mut (dyn Read + Send)) -> io::Result<()> {
        self.start = self.totals.lines;
        let mut blocks = Blocks::new(in_utf_8(reader)?, self.block_size);
        let formats = self.formats.clone();
        let block_reader =
            BlockReader { source, pod, window: self.window, formats: &formats, keeps_suspects: self.suspects.is_some() };
        let (mut due, mut read, mut overrun) = (Vec::new(), Vec::new(), 0);
        loop {
            let count = blocks.fill(&mut due, BLOCKS_AT_ONCE);
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
                        read.drain(..).for_each(|reading| self.take(reading));
                        behind = blocks.read_ahead(BLOCKS_AT_ONCE);
                    };
                    rayon::join(|| (0..count).into_par_iter().map(|at| read_one(at, 0)).collect(), meanwhile).0
                }
            };
            for (at, reading) in side_by_side.into_iter().enumerate() {
                // Its first lines may belong to the item before it, which is known only now.
                let reading = if overrun == 0 { reading } else { read_one(at, overrun) };
                overrun = reading.as_ref().map_or(0, |reading| reading.overrun);
                read.extend(reading);
            }
            blocks.reuse(due.drain(..count));
            due.append(&mut behind);
            if due.is_empty() {
                read.into_iter().for_each(|reading| self.take(reading));
                return blocks.failure();
            }
        }
    }

    /// Takes what a block says.
    fn take(&mut self, reading: BlockReading) {
        let BlockReading { overrun: _, tally, totals, outside, unparsed, reports, suspects } = reading;
        let (before, of_source) = (self.totals.lines, self.totals.lines - self.start);
        self.totals += totals;
        self.tally += Tally { read: totals.lines, ..tally };
        self.outside += outside;
        let left = MAX_UNPARSED.saturating_sub(self.unparsed.len());
        self.unparsed.extend(unparsed.into_iter().take(left).map(|line| Example { line: line.line + of_source, ..line }));
        if let Some(kept) = &mut self.suspects {
            kept.add(suspects.into_iter().map(|suspect| suspect.behind(before, of_source)));
        }
        for report in reports {
            match report {
                BlockReport::Failure(sighting) => self.push(sighting.behind(before, of_source)),
                BlockReport::WithoutModule(sighting) => {
                    if let Some(unkept) = self.missing_plugins.keep(sighting.behind(before, of_source)) {
                        self.tally.failed += 1;
                        self.totals.failed += unkept.line_count();
                        self.push(unkept);
                    }
                }
                BlockReport::Reason(source, origin) => self.missing_plugins.explain(author(source, origin.as_deref())),
            }
        }
    }

    fn push(&mut self, sighting: Sighting) {
        self.batch.push(sighting);
        if self.batch.len() >= BATCH {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.coverage.settle(&mut self.batch);
        hops::join(&mut self.batch);
        self.groups.add(self.batch.drain(..));
    }

    /// Ends the reading.
    #[must_use]
    pub fn finish(mut self) -> Analysis {
        for reports in std::mem::take(&mut self.missing_plugins).finish() {
            match reports.unexplained {
                Some(sighting) => {
                    self.tally.failed += reports.lines;
                    self.totals.failed += reports.lines;
                    self.push(sighting);
                }
                None => {
                    self.tally.healthy += reports.lines;
                    self.totals.healthy += reports.lines;
                }
            }
        }
        self.settle();
        let (groups, ungrouped) = self.groups.finish();
        let suspects = self.suspects.map(|suspects| suspects.finish().0).unwrap_or_default();
        Analysis {
            groups,
            suspects,
            tally: Tally { ungrouped, ..self.tally },
            totals: self.totals,
            outside: self.outside,
            unparsed: self.unparsed,
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

    /// Whether any line was understood.
    #[must_use]
    pub const fn recognised(&self) -> bool {
        self.tally.healthy > 0 || self.tally.failed > 0 || self.tally.records > 0 || self.outside > 0
    }
}

/// What PowerShell writes in UTF-16 as UTF-8, anything else as it is.
fn in_utf_8<'r>(reader: &'r mut (dyn Read + Send)) -> io::Result<Box<dyn Read + Send + 'r>> {
    let mut begin = Vec::new();
    reader.take(2).read_to_end(&mut begin)?;
    let is_utf_16 = matches!(begin.as_slice(), [0xff, 0xfe] | [0xfe, 0xff]);
    let whole = io::Cursor::new(begin).chain(reader);
    Ok(if is_utf_16 { Box::new(DecodeReaderBytesBuilder::new().strip_bom(true).build(whole)) } else { Box::new(whole) })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
