//! What a page that reads other people's logs must not do.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use crate::inputs::{LINE, MANIFESTS};
use crate::served::{Setup, explained, file, settled};

pub(crate) fn nothing_leaves(setup: &Setup) -> Result<()> {
    let mut tab = setup.page("en-US")?;
    tab.wait("navigator.serviceWorker.controller !== null")?;
    explained(&mut tab, LINE)?;
    explained(&mut tab, MANIFESTS)?;
    tab.value("document.getElementById('language').click()")?;
    settled(&mut tab)?;
    tab.value("document.getElementById('theme').click()")?;
    let address = setup.server.address.clone();
    let own = [address.clone(), format!("{address}sw.js")];
    for request in tab.requests()? {
        // What a page makes of its own bytes leaves nothing; the browser's own first page is none of ours.
        let is_own = own.contains(request) || ["blob:", "data:", "chrome:"].iter().any(|scheme| request.starts_with(scheme));
        ensure!(is_own, "a request for {request}");
    }
    // The policy is in force: what is not the page's own is refused, and says so.
    ensure!(tab.complaints()?.is_empty(), "{:?}", tab.complaints()?);
    let sent = tab.value("fetch('/').then(() => 'sent', () => 'refused')")?;
    ensure!(sent == "refused", "the page may fetch");
    ensure!(!tab.complaints()?.is_empty(), "no violation is noticed, so none can be ruled out");
    Ok(())
}

/// What runs a script where text is taken for markup.
const HOSTILE: [&str; 6] = [
    "<script>globalThis.ran = 1</script>",
    "<img src=x onerror=\"globalThis.ran = 1\">",
    "\"><svg onload=globalThis.ran=1>",
    "'-globalThis.ran=1-'",
    "</textarea></script><iframe srcdoc=\"<script>parent.ran=1</script>\">",
    "javascript:globalThis.ran=1",
];

pub(crate) fn hostile(setup: &Setup) -> Result<()> {
    let mut tab = setup.page("en-US")?;
    let mut files = Vec::new();
    for (number, text) in HOSTILE.iter().enumerate() {
        let mut inputs = String::new();
        let json = serde_json::json!({"response_code": 503, "response_flags": "UF", "path": text, "authority": text, "upstream_cluster": text,
            "response_code_details": format!("upstream_reset_before_response_started{{{text}}}"), "user_agent": text, "pod": text});
        writeln!(inputs, "{json}\n{}", LINE.replace("reviews.default", text).replace("curl/8.5.0", text))?;
        writeln!(inputs, "proxy-status: \"{text}\"; error=connection_refused; details=\"{text}\"\n{text}")?;
        explained(&mut tab, &inputs)?;
        explained(&mut tab, text)?;
        explained(
            &mut tab,
            &MANIFESTS.replace("subset: v2", &format!("subset: {text:?}")).replace("name: reviews", &format!("name: {text:?}")),
        )?;
        files.push(file(setup, &format!("{number}<img src=x onerror=globalThis.ran=1>.log"), inputs.as_bytes())?);
    }
    tab.value("document.getElementById('clear').click()")?;
    tab.choose("#files", &files.iter().map(String::as_str).collect::<Vec<_>>())?;
    settled(&mut tab)?;
    ensure!(tab.value("globalThis.ran ?? 0")? == 0, "a script of the input ran");
    let strangers = "document.querySelectorAll('#answer script, #answer img, #answer iframe, #answer [onload], #answer [onerror], #answer [style]').length";
    ensure!(tab.value(strangers)? == 0, "the input became markup");
    ensure!(tab.complaints()?.is_empty(), "{:?}", tab.complaints()?);
    Ok(())
}

pub(crate) fn hostile_links(setup: &Setup) -> Result<()> {
    let mut tab = setup.page("en-US")?;
    // A mebibyte and more of zeros in a few hundred letters.
    let bomb = "(async () => { const packed = new Blob([new Uint8Array(8e6)]).stream().pipeThrough(new CompressionStream('deflate-raw')); \
                const bytes = new Uint8Array(await new Response(packed).arrayBuffer()); \
                return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''); })()";
    let bomb = tab.value(bomb)?.as_str().unwrap_or_default().to_owned();
    ensure!(!bomb.is_empty());
    for fragment in ["!!!", "AAAA", "", "%3Cscript%3E", &"A".repeat(20_000), &bomb] {
        tab.value(&format!(
            "location.hash = '#'; document.getElementById('status').textContent = ''; location.hash = '#1.{fragment}'"
        ))?;
        tab.wait("document.getElementById('status').textContent.includes('This link holds nothing')")?;
        ensure!(tab.value("document.getElementById('text').value")? == "");
    }
    Ok(())
}
