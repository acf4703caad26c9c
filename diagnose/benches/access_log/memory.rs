//! How much memory a diagnosis takes at most.

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use meshwhy_diagnose::Collector;

/// What the process that measures is called with, before the log.
pub const ARGUMENT: &str = "--memory";
/// How often the log is read.
const TIMES: u32 = 10;
/// Failures of which no two have anything in common.
const DIFFERENT: u64 = 1_000_000;
/// Kilobytes.
const LIMIT: u64 = 200_000;

/// Reads ten times as much, and what is hardest to keep.
///
/// # Errors
/// Something takes more memory than it may, or is counted wrongly.
pub fn measure(log: &Path) -> io::Result<()> {
    let mut collector = Collector::default();
    for source in 0..TIMES {
        collector.read(source, None, &mut File::open(log)?)?;
    }
    let lines = collector.finish().totals.lines;
    within_limit(&format!("{lines} lines"))?;
    let mut collector = Collector::default();
    collector.read(0, None, &mut Different::default())?;
    let analysis = collector.finish();
    let counted = analysis.groups.iter().map(|group| group.count).sum::<u64>() + analysis.tally.ungrouped;
    if counted != DIFFERENT {
        return Err(io::Error::other(format!("{counted} failures found, {DIFFERENT} made")));
    }
    within_limit(&format!("{DIFFERENT} failures that have nothing in common"))
}

fn within_limit(what: &str) -> io::Result<()> {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        eprintln!("memory is not measured, since this machine does not say");
        return Ok(());
    };
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    let peak: u64 = peak.ok_or_else(|| io::Error::other("no VmHWM"))?;
    println!("{what}: {} MB at most", peak / 1000);
    if peak > LIMIT { Err(io::Error::other(format!("more than {} MB", LIMIT / 1000))) } else { Ok(()) }
}

/// Failing lines that nobody keeps.
#[derive(Default)]
struct Different {
    written: u64,
    lines: Cursor<Vec<u8>>,
}

impl Read for Different {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.lines.position() == self.lines.get_ref().len() as u64 && self.written < DIFFERENT {
            self.lines.set_position(0);
            self.lines.get_mut().clear();
            for at in self.written..self.written + 1_000 {
                let (high, low) = (at >> 8 & 255, at & 255);
                writeln!(
                    self.lines.get_mut(),
                    "[2026-11-21T06:36:37.876Z] \"GET /path/{at} HTTP/1.1\" 503 UC upstream_reset_before_response_started{{connection_termination}} - \"-\" 0 95 3 - \"-\" \"curl/8\" \"{at:08x}-0000-4000-8000-000000000000\" \"host-{at}.example\" \"10.1.{high}.{low}:8080\" outbound|80||service-{at}.default.svc.cluster.local 10.2.{high}.{low}:41000 10.96.0.1:80 10.3.{high}.{low}:52000 - default"
                )?;
            }
            self.written += 1_000;
        }
        self.lines.read(space)
    }
}
