//! h2load of nghttp2: a load generator for HTTP/1.1 and HTTP/2.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::generator::Seen;
use super::traffic::{CONCURRENCY, Protocol, Traffic};
use crate::artifacts::target;
use crate::envoy::locate::on_path;

/// The Debian package that it is in.
const PACKAGE: &str = "nghttp2-client";

/// A way to start it.
#[derive(Clone, Debug)]
pub struct H2load {
    program: PathBuf,
    /// Where its libraries are, when it was unpacked and not installed.
    libraries: Vec<PathBuf>,
}

impl H2load {
    /// Finds it on the path or under `target/tools`, where it is unpacked from Debian's package if apt is there.
    ///
    /// # Errors
    /// There is none and none can be had.
    pub fn find() -> Result<Self> {
        if let Some(program) = on_path("h2load") {
            return Ok(Self { program, libraries: Vec::new() });
        }
        let home = target().join("tools/h2load");
        let program = home.join("usr/bin/h2load");
        if !program.is_file() {
            unpack(&home)?;
        }
        let libraries = fs::read_dir(home.join("usr/lib")).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        let found = Self { program, libraries };
        let version = found.command().arg("--version").output().context("starting h2load")?;
        ensure!(version.status.success(), "h2load does not start: {}", String::from_utf8_lossy(&version.stderr).trim());
        Ok(found)
    }

    /// Sends the requests. Its files are in `directory`.
    ///
    /// # Errors
    /// It fails, or a request got no answer.
    pub fn run(
        &self,
        directory: &Path,
        proxy: SocketAddr,
        traffic: &Traffic,
        requests: u64,
        header: (&str, &str),
    ) -> Result<Seen> {
        let (addresses, log) = (directory.join("addresses"), directory.join("requests.log"));
        fs::write(&addresses, traffic.addresses(proxy))?;
        let _ = fs::remove_file(&log);
        let mut command = self.command();
        command.args(["--requests", &requests.to_string(), "--header", &format!("{}: {}", header.0, header.1)]);
        let clients = match traffic.protocol {
            Protocol::Http1 => {
                command.arg("--h1");
                CONCURRENCY
            }
            Protocol::Http2 => CONCURRENCY / 4,
        };
        let streams = CONCURRENCY / clients;
        command.args(["--clients", &clients.to_string(), "--max-concurrent-streams", &streams.to_string()]);
        command.arg("--input-file").arg(&addresses).arg("--log-file").arg(&log);
        let output = command.output().context("starting h2load")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "h2load ended with {}: {said}", output.status);
        let seen = seen(&said, &fs::read_to_string(&log)?).with_context(|| format!("h2load said: {said}"))?;
        ensure!(seen.latencies.len() as u64 == requests, "{requests} requests, {} answers: {said}", seen.latencies.len());
        Ok(seen)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Ok(path) = std::env::join_paths(&self.libraries)
            && !self.libraries.is_empty()
        {
            command.env("LD_LIBRARY_PATH", path);
        }
        command
    }
}

/// Reads what it printed, and its log: start, status and duration of each request in tab-separated columns.
fn seen(said: &str, log: &str) -> Result<Seen> {
    let elapsed = said.lines().find_map(|line| line.strip_prefix("finished in ")?.split(',').next());
    let elapsed = elapsed.and_then(duration).context("it says not how long it took")?;
    let mut seen = Seen { elapsed, ..Seen::default() };
    for line in log.lines() {
        let mut columns = line.split('\t').skip(1).map(str::parse::<i64>);
        let (Some(Ok(status)), Some(Ok(micros))) = (columns.next(), columns.next()) else {
            anyhow::bail!("not a line of its log: {line:?}");
        };
        ensure!(status >= 100, "a request got no answer");
        seen.failures += u64::from(status >= 400);
        seen.latencies.push(u32::try_from(micros)?);
    }
    seen.latencies.sort_unstable();
    Ok(seen)
}

/// `1.23s`, `350.00ms`, `17us`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)? {
        "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        _ => return None,
    };
    Duration::try_from_secs_f64(digits.parse::<f64>().ok()? * unit).ok()
}

/// Unpacks the package and those of its dependencies that are not installed, without installing anything.
fn unpack(home: &Path) -> Result<()> {
    let apt = on_path("apt-get").with_context(|| format!("no h2load (Debian package {PACKAGE}) and no apt-get to fetch it"))?;
    eprintln!("fetching h2load (Debian package {PACKAGE})");
    fs::create_dir_all(home)?;
    let depends = output(Command::new("apt-cache").args(["depends", PACKAGE]))?;
    let depends = depends.lines().filter_map(|line| line.trim().trim_start_matches('|').strip_prefix("Depends: "));
    let missing = depends.filter(|package| !package.starts_with('<') && !installed(package));
    let packages: Vec<&str> = missing.chain([PACKAGE]).collect();
    output(Command::new(apt).arg("download").args(&packages).current_dir(home))?;
    for entry in fs::read_dir(home)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            output(Command::new("dpkg").arg("-x").arg(&path).arg(home))?;
        }
    }
    Ok(())
}

fn installed(package: &str) -> bool {
    let status = output(Command::new("dpkg-query").args(["--show", "--showformat", "${db:Status-Status}", package]));
    status.is_ok_and(|status| status == "installed")
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_output_is_read() {
        let said = "starting benchmark...\n\nfinished in 350.00ms, 5.7 req/s, 1KB/s\nrequests: 2 total\n";
        let seen = seen(said, "1700000000000000\t404\t900\n1700000000000001\t200\t120\n").unwrap();
        assert_eq!(seen, Seen { elapsed: Duration::from_millis(350), failures: 1, latencies: vec![120, 900] });
    }

    #[test]
    fn a_request_without_an_answer_is_an_error() {
        assert!(seen("finished in 1.00s, 1 req/s\n", "1\t-1\t5\n").is_err());
        assert!(seen("nothing\n", "").is_err());
    }
}
