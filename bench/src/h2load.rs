//! h2load of nghttp2: a load generator for HTTP/1.1 and HTTP/2.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use meshwhy_integration::artifacts::target;
use meshwhy_integration::children::Owned;
use meshwhy_integration::envoy::locate::on_path;

use crate::system;
use crate::traffic::{CONCURRENCY, Protocol, Traffic};

/// The Debian package that it is in.
const PACKAGE: &str = "nghttp2-client";
/// Names of its files.
const ADDRESSES: &str = "addresses";
const LOG: &str = "requests.log";
const OUTPUT: &str = "output";
/// How soon its end is noticed.
const LOOK: Duration = Duration::from_millis(1);

/// A way to start it.
#[derive(Clone, Debug)]
pub struct H2load {
    program: PathBuf,
    /// Where its libraries are, when it was unpacked and not installed.
    libraries: Vec<PathBuf>,
}

/// One of it that was started, most of the time stopped; it is killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Owned,
    directory: PathBuf,
}

/// One line of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// When it was sent, in microseconds since 1970.
    pub sent: u64,
    /// The status of the response.
    pub status: u16,
    /// How long the response took, in microseconds.
    pub micros: u32,
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

    /// Starts it, stopped before it sends anything. Its files are in `directory`.
    ///
    /// # Errors
    /// It cannot be started or stopped.
    pub fn start(
        &self,
        directory: &Path,
        addresses: &str,
        traffic: &Traffic,
        requests: u64,
        header: (&str, &str),
    ) -> Result<Running> {
        fs::create_dir_all(directory)?;
        let list = directory.join(ADDRESSES);
        fs::write(&list, addresses)?;
        let _ = fs::remove_file(directory.join(LOG));
        let mut command = self.command();
        if traffic.protocol == Protocol::Http1 {
            command.arg("--h1");
        }
        command.args(["--requests", &requests.to_string(), "--header", &format!("{}: {}", header.0, header.1)]);
        let (clients, streams) = (traffic.connections(), CONCURRENCY / traffic.connections());
        command.args(["--clients", &clients.to_string(), "--max-concurrent-streams", &streams.to_string()]);
        command.arg("--input-file").arg(&list).arg("--log-file").arg(directory.join(LOG));
        let output = fs::File::create(directory.join(OUTPUT))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = Owned::new(command.spawn().context("starting h2load")?);
        let running = Running { child, directory: directory.to_owned() };
        running.pause()?;
        Ok(running)
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

impl Running {
    /// Stops it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn pause(&self) -> Result<()> {
        system::pause(&self.child.get())
    }

    /// Lets it go on for so long, or until it ends; says whether it has ended.
    ///
    /// # Errors
    /// It failed; the message has what it said.
    pub fn go_on(&self, time: Duration) -> Result<bool> {
        let started = Instant::now();
        system::resume(&self.child.get())?;
        while let Some(left) = time.checked_sub(started.elapsed()) {
            sleep(left.min(LOOK));
            if let Some(status) = self.child.get().try_wait()? {
                let said = || fs::read_to_string(self.directory.join(OUTPUT)).unwrap_or_default();
                ensure!(status.success(), "h2load ended with {status}: {}", said());
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What it logged, when it has ended.
    ///
    /// # Errors
    /// A request got no answer.
    pub fn requests(&self) -> Result<Vec<LoggedRequest>> {
        let log = self.directory.join(LOG);
        fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?.lines().map(request).collect()
    }
}

/// Reads a line of its log: start, status and duration in tab-separated columns.
fn request(line: &str) -> Result<LoggedRequest> {
    let mut columns = line.split('\t');
    let (sent, status, micros) = (columns.next(), columns.next(), columns.next());
    ensure!(status != Some("-1"), "a request got no answer");
    let read = || {
        let (sent, status, micros) = (sent?.parse().ok()?, status?.parse().ok()?, micros?.parse().ok()?);
        Some(LoggedRequest { sent, status, micros })
    };
    read().with_context(|| format!("not a line of its log: {line:?}"))
}

/// Unpacks the package and those of its dependencies that are not installed, without installing anything.
fn unpack(home: &Path) -> Result<()> {
    let apt = on_path("apt-get").with_context(|| format!("no h2load: install it (Debian and Ubuntu: {PACKAGE})"))?;
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
    fn its_log_is_read() {
        let read = request("1700000000000000\t404\t900").unwrap();
        assert_eq!(read, LoggedRequest { sent: 1_700_000_000_000_000, status: 404, micros: 900 });
    }

    #[test]
    fn a_request_without_an_answer_is_an_error() {
        assert!(request("1700000000000000\t-1\t5").unwrap_err().to_string().contains("no answer"));
        assert!(request("1700000000000000\t200").is_err());
        assert!(request("").is_err());
    }
}
