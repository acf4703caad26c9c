//! What only Linux does for us: keeping a process on a CPU, stopping it for a while, and saying what it used.

use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use procfs::process::{Process, Task};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// How long processes may go on with what is under way.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often in a row no thread may run, so long apart: a request passes from one process to the other in between.
const CALM: (u32, Duration) = (3, Duration::from_micros(100));

/// The CPUs of this thread: the last is for everything that is measured, the others, if any, are for the harness.
#[derive(Debug)]
pub struct Cpus {
    all: CpuSet,
    measured: CpuSet,
    harness: CpuSet,
}

impl Cpus {
    /// Divides them, and keeps this thread on those of the harness until this is dropped.
    ///
    /// # Errors
    /// The kernel refuses, or this is not Linux.
    pub fn divide() -> Result<Self> {
        let all = sched_getaffinity(None).context("asking for the CPUs")?;
        let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| all.is_set(*cpu)).context("no CPU to run on")?;
        let (mut measured, mut harness) = (CpuSet::new(), all);
        measured.set(last);
        if all.count() > 1 {
            harness.unset(last);
        }
        pin(&harness)?;
        Ok(Self { all, measured, harness })
    }

    /// Starts something on the CPU for what is measured: processes and threads inherit it from the thread that starts them.
    ///
    /// # Errors
    /// It does not start, or the kernel refuses.
    pub fn measured<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        pin(&self.measured)?;
        let started = start();
        pin(&self.harness)?;
        started
    }
}

impl Drop for Cpus {
    fn drop(&mut self) {
        let _ = pin(&self.all);
    }
}

/// Stops a process until it is resumed.
///
/// # Errors
/// The kernel refuses. That it has ended by itself is none.
pub fn pause(child: &Child) -> Result<()> {
    kill_process(Pid::from_child(child), Signal::STOP).context("stopping a process")
}

/// Lets a stopped process go on.
///
/// # Errors
/// As [`pause`].
pub fn resume(child: &Child) -> Result<()> {
    kill_process(Pid::from_child(child), Signal::CONT).context("letting a process go on")
}

/// The CPU time that all threads of a process have used. Exact when none of them runs.
///
/// # Errors
/// There is no such process, or the kernel keeps no scheduler statistics.
pub fn cpu_time(id: u32) -> Result<Duration> {
    let times = tasks(id)?.iter().map(|task| Ok(task.schedstat()?.sum_exec_runtime)).sum::<Result<u64>>()?;
    ensure!(times > 0, "the kernel keeps no scheduler statistics");
    Ok(Duration::from_nanos(times))
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

/// The memory of a process that is resident, and the part of it that is its own and not pages of a program, in KiB.
///
/// # Errors
/// There is no such process.
pub fn memory(id: u32) -> Result<[u64; 2]> {
    let status = process(id)?.status()?;
    Ok([status.vmrss.context("no VmRSS")?, status.rssanon.context("no RssAnon")?])
}

/// Whether any thread of a process runs or could.
fn runs(id: u32) -> Result<bool> {
    for task in tasks(id)? {
        if task.stat()?.state == 'R' {
            return Ok(true);
        }
    }
    Ok(false)
}

fn tasks(id: u32) -> Result<Vec<Task>> {
    Ok(process(id)?.tasks()?.collect::<Result<_, _>>()?)
}

fn process(id: u32) -> Result<Process> {
    Process::new(id.cast_signed()).with_context(|| format!("process {id}"))
}

fn pin(cpus: &CpuSet) -> Result<()> {
    sched_setaffinity(None, cpus).context("keeping to a CPU")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_has_one_cpu_of_its_own() {
        let before = sched_getaffinity(None).unwrap();
        let cpus = Cpus::divide().unwrap();
        let measured = cpus.measured(|| Ok(sched_getaffinity(None)?)).unwrap();
        let harness = sched_getaffinity(None).unwrap();
        assert_eq!((measured.count(), harness.count()), (1, before.count().max(2) - 1));
        drop(cpus);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }

    #[test]
    fn a_process_that_runs_has_used_something() {
        let id = std::process::id();
        let before = cpu_time(id).unwrap();
        assert!(cpu_time(id).unwrap() >= before);
        assert!(runs(id).unwrap(), "this thread runs");
        let [resident, own] = memory(id).unwrap();
        assert!(resident > own && own > 0);
    }
}
