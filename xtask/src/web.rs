//! Builds the page: one HTML file that has the module in it, the service worker that keeps it, and the policy that it works under.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use meshwhy_integration::artifacts::target;
use meshwhy_report::html::{SCRIPT, STYLE};
use sha2::{Digest as _, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::build::without_paths;
use crate::shell::{WEB_TARGET, cargo_program, ensure_target, run, workspace};

/// Names the folder with the page that the command line is built with.
pub const EMBEDDED: &str = "MESHWHY_PAGE";
/// Most bytes of the page on its way through a network: the module and its texts in two languages are most of it.
const MOST: usize = 2_200_000;

/// Builds the page into `target/web`, and gives the folder: `index.html`, the same compressed, `sw.js` and `policy`.
///
/// # Errors
/// Something does not compile, or the page is too large.
pub fn build() -> Result<PathBuf> {
    let (glue, module) = module()?;
    let read = |name: &str| {
        let path = workspace().join("web/page").join(name);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let script = in_element(&[&read("words.js")?, SCRIPT, &read("page.js")?].join("\n"), "script")?;
    let style = in_element(&format!("{STYLE}{}", read("page.css")?), "style")?;
    let policy = policy(&script, &style);
    let mut page = read("index.html")?;
    let worker = in_element(&format!("{glue}\n{}", read("worker.js")?), "script")?;
    let packed = BASE64_STANDARD.encode(gzip(&module)?);
    for (mark, part) in [
        ("{{policy}}", &policy),
        ("{{style}}", &style),
        ("{{module}}", &packed),
        ("{{worker}}", &worker),
        ("{{script}}", &script),
    ] {
        ensure!(page.matches(mark).count() == 1, "web/page/index.html has no single {mark}");
        page = page.replace(mark, part);
    }
    let sent = gzip(page.as_bytes())?;
    let folder = target().join("web");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).with_context(|| format!("writing {name}"));
    put("index.html", page.as_bytes())?;
    put("index.html.gz", &sent)?;
    put("sw.js", read("sw.js")?.as_bytes())?;
    put("policy", policy.as_bytes())?;
    eprintln!("page: {}, {} kB compressed", folder.join("index.html").display(), sent.len() / 1000);
    ensure!(sent.len() <= MOST, "the page has {} bytes compressed, and at most {MOST} are allowed", sent.len());
    Ok(folder)
}

/// The module for the browser, and the JavaScript that loads it.
fn module() -> Result<(String, Vec<u8>)> {
    ensure_target(WEB_TARGET)?;
    let flags = format!("{} -Ctarget-feature=+simd128", without_paths());
    run(Command::new(cargo_program())
        .args(["build", "--quiet", "--package", "meshwhy-web", "--lib", "--target", WEB_TARGET, "--profile", "page"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags))?;
    let built = target().join(WEB_TARGET).join("page/meshwhy_web.wasm");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&built).no_modules(true)?.typescript(false).remove_name_section(true).remove_producers_section(true);
    let mut output = bindgen.generate_output().context("wasm-bindgen")?;
    let glue = output.js().to_owned();
    Ok((glue, output.wasm_mut().emit_wasm()))
}

/// What the page may do: its own script and style, its own module, and workers of its own.
fn policy(script: &str, style: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; script-src {} 'wasm-unsafe-eval'; style-src {}; worker-src 'self' blob:; img-src data:; base-uri 'none'; \
         form-action 'none'",
        hash(script),
        hash(style)
    )
}

/// Text that may stand in such an element: nothing in it ends the element, or begins what would hide its end.
fn in_element(text: &str, element: &str) -> Result<String> {
    let lower = text.to_lowercase();
    ensure!(!lower.contains(&format!("</{element}")) && !lower.contains("<!--"), "the {element} would end early");
    Ok(text.replace("\r\n", "\n"))
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
