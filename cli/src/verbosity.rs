//! What `-v`, `-vv` and `RUST_LOG` have said on standard error: what is read, what is left out, and why.

use std::io::Write;

use log::LevelFilter;

use crate::escape;

/// The crates of ours, by how their names begin.
const OURS: &str = "meshwhy";

/// Starts to say so: at `-v` what is read, at `-vv` also what is left out and what is not understood; where `RUST_LOG` is set, what that asks for.
pub(crate) fn start(times: u8) {
    let level = match times {
        0 => LevelFilter::Off,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    let mut logger = env_logger::Builder::from_default_env();
    if std::env::var_os(env_logger::DEFAULT_FILTER_ENV).is_none() {
        logger.filter_module(OURS, level);
    }
    // Names of files and lines of logs are untrusted.
    logger.format(|out, record| writeln!(out, "meshwhy: {}", escape::line(&record.args().to_string())));
    // A second command line in one process keeps the first one's.
    drop(logger.try_init());
}
