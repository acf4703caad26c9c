//! Puts the web page into the program, where there is one: `cargo xtask` builds it and names its folder. Without it, `meshwhy web` says so.

use std::path::Path;
use std::{env, fs, io};

/// The files of the page: see `xtask/src/web.rs`.
const FILES: [&str; 3] = ["index.html.gz", "sw.js", "policy"];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MESHWHY_PAGE");
    let folder = env::var_os("MESHWHY_PAGE").filter(|folder| !folder.is_empty());
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    for file in FILES {
        let content = match &folder {
            Some(folder) => {
                let path = Path::new(folder).join(file);
                println!("cargo::rerun-if-changed={}", path.display());
                fs::read(path)?
            }
            None => Vec::new(),
        };
        fs::write(Path::new(&out).join(file), content)?;
    }
    Ok(())
}
