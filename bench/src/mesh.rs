//! What meshwhy adds to a sidecar that has a listener for each port of the mesh: bytes of configuration, memory, time until it is ready.
//!
//! An Envoy with one outbound port is held against one with many, so that only what each port adds counts.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use meshwhy_integration::envoy::{Envoy, Launcher, locate};
use meshwhy_integration::mesh::{ListenerKind, listener, sidecar};
use meshwhy_integration::{Deployment, RunDirectory};
use serde_json::Value;

use crate::system::memory;

/// How often each Envoy is started; the least of each number counts.
const STARTS: usize = 3;
/// How long an Envoy may take to come to rest after it is ready.
const REST: Duration = Duration::from_secs(3);
/// Outbound ports beyond the first.
const PORTS: usize = 50;

/// The weight of one deployment.
#[derive(Clone, Debug)]
struct Weight {
    /// None for an Envoy without meshwhy.
    pub deployment: Option<Deployment>,
    /// Bytes of JSON that it adds to each outbound HTTP listener.
    pub json: i64,
    /// Bytes of heap that it adds for each outbound HTTP port.
    pub heap: i64,
    /// With all ports: bytes of all listeners.
    pub listeners: usize,
    /// The same: resident bytes.
    pub resident: u64,
    /// The same: allocated bytes.
    pub allocated: u64,
    /// The same: how long until Envoy is ready.
    pub ready: Duration,
}

struct Started {
    resident: u64,
    allocated: u64,
    ready: Duration,
}

fn start(launcher: &Launcher, bootstrap: &Value) -> Result<Started> {
    let mut least: Option<Started> = None;
    for _ in 0..STARTS {
        let directory = RunDirectory::new("mesh")?;
        let began = Instant::now();
        let envoy = Envoy::start(launcher, bootstrap, directory.path())?;
        let ready = began.elapsed();
        std::thread::sleep(REST);
        let allocator: Value = serde_json::from_str(&envoy.admin("/memory")?)?;
        let allocated = allocator.get("allocated").and_then(Value::as_str).and_then(|bytes| bytes.parse().ok());
        let [resident, _] = memory(envoy.id())?;
        let now = Started { resident: resident * 1024, allocated: allocated.context("no allocated bytes")?, ready };
        least = Some(match least {
            None => now,
            Some(least) => Started {
                resident: least.resident.min(now.resident),
                allocated: least.allocated.min(now.allocated),
                ready: least.ready.min(now.ready),
            },
        });
    }
    least.context("no start")
}

/// Measures, and prints the table that `docs/performance.md` shows.
///
/// # Errors
/// An Envoy does not start, or this is not Linux.
pub fn run() -> Result<()> {
    print!("{}", table(PORTS, &weigh(PORTS)?));
    Ok(())
}

/// Measures an Envoy without meshwhy and every deployment as it is shipped, with one outbound port and with so many more.
///
/// # Errors
/// An Envoy does not start, or this is not Linux.
fn weigh(ports: usize) -> Result<Vec<Weight>> {
    let launcher = Launcher::binary(locate::binary()?);
    let mut weights: Vec<Weight> = Vec::new();
    let bare = listener(ListenerKind::OutboundHttp, None)?.to_string().len();
    let mut heap_without = 0;
    for deployment in std::iter::once(None).chain(Deployment::ALL.map(Some)) {
        let (one, _) = sidecar(1, deployment)?;
        let (many, listeners) = sidecar(ports.saturating_add(1), deployment)?;
        let (one, many) = (start(&launcher, &one)?, start(&launcher, &many)?);
        let each = i64::try_from(many.allocated.saturating_sub(one.allocated))? / i64::try_from(ports)?;
        if deployment.is_none() {
            heap_without = each;
        }
        weights.push(Weight {
            deployment,
            json: i64::try_from(listener(ListenerKind::OutboundHttp, deployment)?.to_string().len())? - i64::try_from(bare)?,
            heap: each - heap_without,
            listeners,
            resident: many.resident,
            allocated: many.allocated,
            ready: many.ready,
        });
    }
    Ok(weights)
}

impl fmt::Display for Weight {
    #[expect(clippy::cast_precision_loss, reason = "sizes for people")]
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.deployment.map_or("without", Deployment::name);
        let megabytes = |bytes: u64| bytes as f64 / 1_048_576.0;
        write!(
            formatter,
            "| {name} | {:.1} | {:.1} | {:.2} | {:.0} | {:.0} | {:.2} |",
            self.json as f64 / 1024.0,
            self.heap as f64 / 1024.0,
            megabytes(self.listeners as u64),
            megabytes(self.resident),
            megabytes(self.allocated),
            self.ready.as_secs_f64()
        )
    }
}

/// Writes the table, one row a deployment.
fn table(ports: usize, weights: &[Weight]) -> String {
    let head = format!(
        "| {} outbound HTTP ports | JSON KB per manager | heap KB per manager | listeners MB | resident MB | allocated MB | ready s |\n| --- |{}\n",
        ports.saturating_add(1),
        " ---: |".repeat(6)
    );
    weights.iter().fold(head, |table, weight| format!("{table}{weight}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_every_number() {
        let weight = Weight {
            deployment: None,
            json: 1024,
            heap: 2048,
            listeners: 1_048_576,
            resident: 2 << 20,
            allocated: 3 << 20,
            ready: Duration::from_millis(1500),
        };
        assert_eq!(weight.to_string(), "| without | 1.0 | 2.0 | 1.00 | 2 | 3 | 1.50 |");
        assert!(table(50, &[weight]).starts_with("| 51 outbound"));
    }
}
