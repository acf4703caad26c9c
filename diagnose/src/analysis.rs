//! Lines in, groups of failures out. Memory is bounded: failures are joined in batches and kept only as groups.

use std::io::{self, BufRead};

use meshwhy_core::Facts;
use meshwhy_core::event::Event;
use meshwhy_logs::{Formats, Item, LineContent, LineReading, LogReader};
use serde::Serialize;

use crate::coverage::Coverage;
use crate::group::{Group, Groups};
use crate::hops;
use crate::missing_plugins::MissingPlugins;
use crate::sighting::{LinePlace, Sighting};

/// How many failures are looked at together. Hops are joined within a batch.
const BATCH: usize = 20_000;

/// What the lines were.
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

/// What was found.
#[derive(Debug)]
pub struct Analysis {
    /// Failures by cause, target and hop; the most telling first.
    pub groups: Vec<Group>,
    /// What looks healthy, and may be a failure that only the manifests show; empty unless asked for.
    pub suspects: Vec<Group>,
    /// What the lines were.
    pub tally: Tally,
}

/// Takes lines and sums them up.
#[derive(Debug, Default)]
pub struct Collector {
    formats: Formats,
    batch: Vec<Sighting>,
    coverage: Coverage,
    groups: Groups,
    missing_plugins: MissingPlugins,
    suspects: Option<Groups>,
    tally: Tally,
}

impl Collector {
    /// A collector that reads these formats beside those that everybody knows.
    #[must_use]
    pub fn reading(formats: Formats) -> Self {
        Self { formats, ..Self::default() }
    }

    /// Also keeps what may be a failure that only the manifests show.
    #[must_use]
    pub fn keeping_suspects(self) -> Self {
        Self { suspects: Some(Groups::default()), ..self }
    }

    /// Reads all lines of one source; what one proxy wrote should have one number.
    ///
    /// # Errors
    /// What the reader reports.
    pub fn read(&mut self, source: u32, reader: &mut dyn BufRead) -> io::Result<()> {
        let before = self.tally.read;
        let mut items = LogReader::new(reader, self.formats.clone());
        while let Some(Item { first, last, bytes, line }) = items.next_item()? {
            self.tally.read = before + last;
            self.item(source, before + first, bytes, line);
        }
        Ok(())
    }

    fn item(&mut self, source: u32, first: u64, bytes: &[u8], line: LineReading<'_>) {
        let LineReading { origin, content, truncated } = line;
        let origin = origin.as_ref();
        let place = LinePlace {
            line: first,
            last: self.tally.read,
            source,
            origin: origin.map(|origin| origin.text.as_ref()),
            pod: origin.and_then(|origin| origin.pod.as_deref()),
            bytes,
        };
        match content {
            LineContent::Healthy => self.tally.healthy += 1,
            LineContent::Facts(facts, _) => self.facts(&place, facts, truncated),
            LineContent::Events(events) => events.into_iter().for_each(|facts| self.facts(&place, facts, truncated)),
            LineContent::Header(members) => {
                for facts in members {
                    self.take(Sighting::from_facts(&place, facts, truncated));
                }
            }
            LineContent::Record(record, writer) => {
                self.tally.records += 1;
                self.push(Sighting::from_record(&place, record, writer));
            }
            LineContent::Blank => {}
            LineContent::Unreadable => self.tally.unreadable += 1,
        }
    }

    fn facts(&mut self, place: &LinePlace<'_>, facts: Facts<'_>, truncated: bool) {
        let event = facts.event;
        if let Some(suspects) = &mut self.suspects {
            suspects.add(Sighting::suspect(place, &facts).into_iter());
        }
        let sighting = Sighting::from_facts(place, facts, truncated);
        match (event, sighting) {
            (Some(Event::WasmPluginMissing), Some(sighting)) => {
                if let Some(unkept) = self.missing_plugins.keep(sighting) {
                    self.take(Some(unkept));
                }
            }
            (Some(Event::WasmLoadPending | Event::WasmLoadFailed), sighting) => {
                self.missing_plugins.explain(place.author());
                self.take(sighting);
            }
            (_, sighting) => self.take(sighting),
        }
    }

    fn take(&mut self, sighting: Option<Sighting>) {
        match sighting {
            Some(_) => self.tally.failed += 1,
            None => self.tally.healthy += 1,
        }
        self.push(sighting);
    }

    fn push(&mut self, sighting: Option<Sighting>) {
        self.batch.extend(sighting);
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
                Some(_) => self.tally.failed += reports.lines,
                None => self.tally.healthy += reports.lines,
            }
            self.push(reports.unexplained);
        }
        self.settle();
        let (groups, ungrouped) = self.groups.finish();
        let suspects = self.suspects.map(|suspects| suspects.finish().0).unwrap_or_default();
        Analysis { groups, suspects, tally: Tally { ungrouped, ..self.tally } }
    }
}

impl Analysis {
    /// Sums up one text; what `meshwhy explain` does with its argument.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let mut collector = Collector::default();
        // Reading memory cannot fail.
        let _ = collector.read(0, &mut &*text);
        collector.finish()
    }

    /// Makes a suspect a failure like others.
    pub fn convict(&mut self, suspect: Group) {
        self.tally.healthy = self.tally.healthy.saturating_sub(suspect.count);
        self.tally.failed = self.tally.failed.saturating_add(suspect.count);
        self.groups.push(suspect);
    }

    /// Whether any line was understood.
    #[must_use]
    pub const fn recognised(&self) -> bool {
        self.tally.healthy > 0 || self.tally.failed > 0 || self.tally.records > 0
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
