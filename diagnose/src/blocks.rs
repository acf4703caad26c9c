//! A stream in pieces that end with a line, and what one of them says.

use std::io::{self, Read};

use meshwhy_core::Facts;
use meshwhy_core::event::Event;
use meshwhy_logs::{Formats, Item, Items, LOOK_AHEAD, LineContent, LineReading, MAX_LINE};

use crate::analysis::{MAX_UNPARSED, Pod, Tally, Totals};
use crate::group::Example;
use crate::sighting::{LinePlace, Sighting, SightingSource};
use crate::window::Window;

/// The pieces of a stream.
pub(crate) struct Blocks<R> {
    reader: R,
    /// What was read behind the last line end.
    rest: Vec<u8>,
    spare: Vec<Vec<u8>>,
    size: usize,
    is_at_end: bool,
    failed: Option<io::Error>,
}

impl<R: Read> Blocks<R> {
    /// Pieces of about so many bytes.
    pub(crate) const fn new(reader: R, size: usize) -> Self {
        Self { reader, rest: Vec::new(), spare: Vec::new(), size, is_at_end: false, failed: None }
    }

    /// Adds pieces until so many of them have all behind them that their last items may go on in. Gives how many have; all at the end of
    /// the stream, and where it fails.
    pub(crate) fn fill(&mut self, blocks: &mut Vec<Vec<u8>>, wanted: usize) -> usize {
        let mut behind: usize = blocks.iter().skip(wanted).map(Vec::len).sum();
        while !self.is_at_end && behind < LOOK_AHEAD {
            let block = self.next();
            behind += if blocks.len() < wanted { 0 } else { block.len() };
            blocks.extend(Some(block).filter(|block| !block.is_empty()));
        }
        if self.is_at_end { blocks.len() } else { wanted }
    }

    /// At most so many more pieces.
    pub(crate) fn read_ahead(&mut self, most: usize) -> Vec<Vec<u8>> {
        let mut blocks = Vec::new();
        while !self.is_at_end && blocks.len() < most {
            blocks.extend(Some(self.next()).filter(|block| !block.is_empty()));
        }
        blocks
    }

    /// What ended the stream before its end.
    pub(crate) fn failure(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Gives pieces back, whose memory is used again.
    pub(crate) fn reuse(&mut self, blocks: impl Iterator<Item = Vec<u8>>) {
        self.spare.extend(blocks);
    }

    fn next(&mut self) -> Vec<u8> {
        let mut block = self.spare.pop().unwrap_or_default();
        block.clear();
        block.append(&mut self.rest);
        loop {
            let read = (&mut self.reader).take(self.size as u64).read_to_end(&mut block);
            self.is_at_end = !matches!(read, Ok(read) if read == self.size);
            if self.is_at_end {
                self.failed = read.err();
                return block;
            }
            if let Some(end) = memchr::memrchr(b'\n', &block) {
                self.rest.extend_from_slice(block.get(end + 1..).unwrap_or_default());
                block.truncate(end + 1);
                return block;
            }
            // Nobody reads so long a line: that it is one is all that is kept.
            block.truncate(MAX_LINE + 1);
        }
    }
}

/// What one line reports, or several that belong together.
pub(crate) enum BlockReport {
    /// A failure.
    Failure(Sighting),
    /// A plugin without its module, and no reason.
    WithoutModule(Sighting),
    /// The reason why plugins of its writer have no module.
    Reason(u32, Option<String>),
}

/// What a piece says, by itself.
#[derive(Default)]
pub(crate) struct BlockReading {
    /// How many lines behind it belong to its last item.
    pub(crate) overrun: u64,
    pub(crate) tally: Tally,
    /// All its lines, and what they are: those that belong to an item before it are counted there, those that others may explain in the end.
    pub(crate) totals: Totals,
    /// Failures of another time than that asked for.
    pub(crate) outside: u64,
    /// The first lines that are none of ours.
    pub(crate) unparsed: Vec<Example>,
    pub(crate) reports: Vec<BlockReport>,
    pub(crate) suspects: Vec<Sighting>,
}

/// How pieces are read.
pub(crate) struct BlockReader<'r> {
    pub(crate) source: u32,
    pub(crate) pod: Option<&'r Pod>,
    pub(crate) window: Window,
    pub(crate) formats: &'r Formats,
    pub(crate) keeps_suspects: bool,
}

impl BlockReader<'_> {
    /// Reads a piece, of which the first lines may belong to an item before it. Line numbers count from the piece's beginning.
    pub(crate) fn read(&self, block: &[u8], beyond: &[Vec<u8>], skipped: u64) -> BlockReading {
        let (mut piece, mut lines) = (block, 0);
        while lines < skipped && !piece.is_empty() {
            piece = memchr::memchr(b'\n', piece).and_then(|end| piece.get(end + 1..)).unwrap_or_default();
            lines += 1;
        }
        let mut reading = BlockReading::default();
        let mut items = Items::over(piece, beyond, self.formats);
        while let Some(item) = items.next_item() {
            self.item(item, lines, &mut reading);
        }
        let extent = items.extent();
        reading.totals.lines = lines + extent.lines;
        reading.overrun = extent.overrun + (skipped - lines);
        reading
    }

    fn item(&self, item: Item<'_>, skipped: u64, reading: &mut BlockReading) {
        let Item { first, last, bytes, line: LineReading { origin, content, truncated } } = item;
        let origin = origin.as_ref();
        let named = origin.and_then(|origin| Some((origin.pod.as_deref()?, origin.namespace.as_deref())));
        let place = LinePlace {
            line: skipped + first,
            last: skipped + last,
            source: self.source,
            origin: origin.map(|origin| origin.text.as_ref()),
            pod: named.or_else(|| self.pod.map(|pod| (pod.name.as_str(), pod.namespace.as_deref()))),
            bytes,
        };
        let (lines, reports) = (last - first + 1, reading.reports.len());
        match content {
            LineContent::Blank => return reading.totals.ignored += lines,
            LineContent::Unreadable => {
                reading.tally.unreadable += 1;
                if reading.unparsed.len() < MAX_UNPARSED {
                    reading.unparsed.push(Example::unparsed(&place));
                }
                return reading.totals.unparsed += lines;
            }
            LineContent::Healthy => reading.tally.healthy += 1,
            LineContent::Facts(facts, _) => self.facts(&place, facts, truncated, reading),
            LineContent::Events(events) => events.into_iter().for_each(|facts| self.facts(&place, facts, truncated, reading)),
            LineContent::Header(members) => {
                members.into_iter().for_each(|facts| reading.take(Sighting::from_facts(&place, facts, truncated)));
            }
            LineContent::Record(record, writer) => {
                reading.tally.records += 1;
                reading.reports.extend(Sighting::from_record(&place, record, writer).map(BlockReport::Failure));
            }
        }
        let outside = if self.window.is_open() { 0 } else { reading.leave_out(reports, self.window) };
        let new = reading.reports.get(reports..).unwrap_or_default();
        match () {
            () if new.iter().any(|report| matches!(report, BlockReport::Failure(_))) => reading.totals.failed += lines,
            () if new.iter().any(|report| matches!(report, BlockReport::WithoutModule(_))) => {}
            () if outside > 0 => reading.totals.ignored += lines,
            () => reading.totals.healthy += lines,
        }
    }

    fn facts(&self, place: &LinePlace<'_>, facts: Facts<'_>, truncated: bool, reading: &mut BlockReading) {
        let event = facts.event;
        if self.keeps_suspects && !self.window.excludes(facts.context.start_time.as_deref()) {
            reading.suspects.extend(Sighting::suspect(place, &facts));
        }
        let sighting = Sighting::from_facts(place, facts, truncated);
        match (event, sighting) {
            (Some(Event::WasmPluginMissing), Some(sighting)) => reading.reports.push(BlockReport::WithoutModule(sighting)),
            (Some(Event::WasmLoadPending | Event::WasmLoadFailed), sighting) => {
                reading.reports.push(BlockReport::Reason(self.source, place.origin.map(str::to_owned)));
                reading.take(sighting);
            }
            (_, sighting) => reading.take(sighting),
        }
    }
}

impl BlockReading {
    /// Takes out the failures behind so many reports that are of another time, and gives their number.
    fn leave_out(&mut self, reports: usize, window: Window) -> u64 {
        let before = self.outside;
        let new = self.reports.split_off(reports);
        for report in new {
            match report {
                BlockReport::Failure(sighting) if window.excludes(sighting.facts.context.start_time.as_deref()) => {
                    self.outside += sighting.count;
                    self.tally.failed -= u64::from(sighting.witness == SightingSource::Log);
                }
                report => self.reports.push(report),
            }
        }
        self.outside - before
    }

    fn take(&mut self, sighting: Option<Sighting>) {
        match sighting {
            Some(_) => self.tally.failed += 1,
            None => self.tally.healthy += 1,
        }
        self.reports.extend(sighting.map(BlockReport::Failure));
    }
}
