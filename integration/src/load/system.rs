//! What only Linux does for us: keeping a process on a CPU, and stopping it for a while.

use std::process::Child;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

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
}
