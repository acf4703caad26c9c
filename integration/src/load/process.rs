//! What the kernel says of a process.

use std::fs::{self, DirEntry};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How long processes may go on with what is under way.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often in a row no thread may run, so long apart: a request passes from one process to the other in between.
const CALM: (u32, Duration) = (3, Duration::from_micros(100));

/// The CPU time that all threads of a process have used. Exact when none of them runs.
///
/// # Errors
/// There is no such process, this is not Linux, or its kernel keeps no scheduler statistics.
pub fn cpu_time(id: u32) -> Result<Duration> {
    let mut total = 0;
    for task in tasks(id)? {
        let statistics = read(&task, "schedstat")?;
        let first = statistics.split_whitespace().next().and_then(|first| first.parse::<u64>().ok());
        total += first.with_context(|| format!("no CPU time in {statistics:?}"))?;
    }
    ensure!(total > 0, "the kernel keeps no scheduler statistics");
    Ok(Duration::from_nanos(total))
}

/// Waits until none of these processes has anything to do.
///
/// # Errors
/// As [`cpu_time`], or they go on for too long.
pub fn settle(ids: &[u32]) -> Result<()> {
    let started = Instant::now();
    let (times, apart) = CALM;
    let mut calm = 0;
    while calm < times {
        ensure!(started.elapsed() < PATIENCE, "a proxy is busy without requests");
        sleep(apart);
        let mut busy = false;
        for id in ids {
            busy = busy || runs(*id)?;
        }
        calm = if busy { 0 } else { calm + 1 };
    }
    Ok(())
}

/// The memory that is resident, in bytes.
///
/// # Errors
/// There is no such process, or this is not Linux.
pub fn resident(id: u32) -> Result<u64> {
    let path = format!("/proc/{id}/status");
    let status = fs::read_to_string(&path).with_context(|| needs(&path))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).context("no VmRSS")?;
    Ok(kilobytes * 1024)
}

/// Whether any thread of a process runs or could.
fn runs(id: u32) -> Result<bool> {
    for task in tasks(id)? {
        // The second field is the name in parentheses, which may hold anything; the third is the state.
        let stat = read(&task, "stat")?;
        if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R')) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn tasks(id: u32) -> Result<Vec<DirEntry>> {
    let path = format!("/proc/{id}/task");
    let tasks = fs::read_dir(&path).with_context(|| needs(&path))?;
    Ok(tasks.collect::<Result<_, _>>()?)
}

fn read(task: &DirEntry, file: &str) -> Result<String> {
    let path = task.path().join(file);
    fs::read_to_string(&path).with_context(|| needs(&path.to_string_lossy()))
}

fn needs(path: &str) -> String {
    format!("reading {path} (the benchmark needs Linux)")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_is_accounted() {
        let id = std::process::id();
        let (before, started) = (cpu_time(id).unwrap(), Instant::now());
        let mut sum = 0_u64;
        while started.elapsed() < Duration::from_millis(100) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_time(id).unwrap() > before + Duration::from_millis(5));
        assert!(runs(id).unwrap(), "this thread runs");
        assert!(resident(id).unwrap() > 1024);
    }
}
