//! What the kernel says of a process.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// What `/proc/PID/stat` counts in, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// The CPU time that all threads of a process have used.
///
/// # Units
/// Nanoseconds where the kernel keeps scheduler statistics, else ticks of 10 ms.
///
/// # Errors
/// There is no such process, or this is not Linux.
pub fn cpu_time(id: u32) -> Result<Duration> {
    scheduled(id).map_or_else(|| ticks(id), Ok)
}

/// The memory that is resident, in bytes.
///
/// # Errors
/// As [`cpu_time`].
pub fn resident(id: u32) -> Result<u64> {
    let status = read(id, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).context("no VmRSS")?;
    Ok(kilobytes * 1024)
}

fn scheduled(id: u32) -> Option<Duration> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{id}/task")).ok()? {
        let statistics = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        total += statistics.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(total)).filter(|time| !time.is_zero())
}

fn ticks(id: u32) -> Result<Duration> {
    let stat = read(id, "stat")?;
    // The second field is the name in parentheses, which may hold anything; user and system time are the 14th and 15th.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().skip(11).take(2));
    let ticks: Vec<u32> = fields.into_iter().flatten().filter_map(|field| field.parse().ok()).collect();
    match ticks.as_slice() {
        [user, system] => Ok(TICK * (user + system)),
        _ => anyhow::bail!("/proc/{id}/stat is not as expected: {stat}"),
    }
}

fn read(id: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{id}/{file}");
    fs::read_to_string(&path).with_context(|| format!("{path} (the benchmark needs Linux)"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_accounting_grow_with_work() {
        let id = std::process::id();
        let (before, ticks_before) = (cpu_time(id).unwrap(), ticks(id).unwrap());
        let mut sum = 0_u64;
        while ticks(id).unwrap() < ticks_before + 3 * TICK {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_time(id).unwrap() > before + TICK);
        assert!(resident(id).unwrap() > 1024);
    }
}
