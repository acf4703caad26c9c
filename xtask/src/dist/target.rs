//! The platforms of a release.

use std::process::Command;

use anyhow::{Context, Result};

/// One of them.
pub struct Platform {
    /// Rust's name.
    pub triple: &'static str,
    /// Go's names of system and processor, which krew chooses by.
    pub selector: (&'static str, &'static str),
}

/// All of them; where krew could take several, it takes the first.
pub const PLATFORMS: &[Platform] = &[
    Platform { triple: "x86_64-unknown-linux-musl", selector: ("linux", "amd64") },
    Platform { triple: "aarch64-unknown-linux-musl", selector: ("linux", "arm64") },
    Platform { triple: "x86_64-unknown-linux-gnu", selector: ("linux", "amd64") },
    Platform { triple: "aarch64-unknown-linux-gnu", selector: ("linux", "arm64") },
    Platform { triple: "x86_64-apple-darwin", selector: ("darwin", "amd64") },
    Platform { triple: "aarch64-apple-darwin", selector: ("darwin", "arm64") },
    Platform { triple: "x86_64-pc-windows-gnu", selector: ("windows", "amd64") },
];

/// Their names.
pub const TRIPLES: [&str; 7] = [
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-gnu",
];

impl Platform {
    /// Whether it is Windows.
    pub fn is_windows(&self) -> bool {
        self.selector.0 == "windows"
    }

    /// The file of the program.
    pub fn program(&self) -> &'static str {
        if self.is_windows() { "meshwhy.exe" } else { "meshwhy" }
    }

    /// The file of the archive.
    pub fn archive(&self, version: &str) -> String {
        format!("meshwhy-{version}-{}.{}", self.triple, if self.is_windows() { "zip" } else { "tar.gz" })
    }
}

/// This machine's.
///
/// # Errors
/// There is no `rustc`, or no release for its host.
pub fn host() -> Result<&'static Platform> {
    let output = Command::new("rustc").arg("-vV").output().context("asking rustc for its host")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let triple = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let known = PLATFORMS.iter().find(|platform| platform.triple == triple);
    known.with_context(|| format!("there is no release for {triple}: name a platform with --target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_can_be_named() {
        assert_eq!(PLATFORMS.iter().map(|platform| platform.triple).collect::<Vec<_>>(), TRIPLES);
    }
}
