//! What is explained: all that the command line explains, with the same causes.

use std::io::Write as _;

use anyhow::{Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::served::{Setup, explained, file, said, settled};

/// A line of the default format of Istio.
pub(crate) const LINE: &str = "[2026-11-21T06:36:37.876Z] \"GET /reviews/1 HTTP/1.1\" 503 UF upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111} - \"delayed_connect_error:_111\" 0 91 2 - \"-\" \"curl/8.5.0\" \"6f2e1a4c-0b53-4c6a-9d0e-5f1a2b3c4d5e\" \"reviews:9080\" \"10.244.0.17:9080\" outbound|9080||reviews.default.svc.cluster.local - 10.96.12.7:9080 10.244.0.9:51234 - default";
const HEADER: &str = "proxy-status: \"productpage-v1.default\"; error=destination_not_found; mw-cause=MW2001; mw-side=outbound; \
                      mw-flags=\"NR\"; details=\"route_not_found\"";
/// A subset that no DestinationRule defines.
pub(crate) const MANIFESTS: &str = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews, namespace: default}\nspec:\n  hosts: [reviews]\n  http:\n  - route:\n    - destination: {host: reviews, subset: v2}\n---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: reviews, namespace: default}\nspec:\n  host: reviews\n  subsets:\n  - name: v1\n    labels: {version: v1}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: reviews, namespace: default}\nspec:\n  selector: {app: reviews}\n  ports:\n  - {name: http, port: 9080}\n";
const DUMP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config_dump.json");

pub(crate) fn every_kind(setup: &Setup) -> Result<()> {
    for (language, lang) in [("en-US", "en"), ("zh-CN", "zh")] {
        let mut tab = setup.page(language)?;
        ensure!(tab.value("document.documentElement.lang")? == lang);
        for text in [LINE, HEADER] {
            let wanted: Value = serde_json::from_str(&said(&["explain", "--format", "json", "--lang", lang, text])?)?;
            let shown = explained(&mut tab, text)?;
            for key in ["code", "slug", "headline"] {
                let wanted = wanted["verdicts"][0][key].as_str().unwrap_or_default();
                ensure!(!wanted.is_empty() && shown.contains(wanted), "{lang}: no {wanted} in: {shown}");
            }
        }
        let path = file(setup, "manifests.yaml", MANIFESTS.as_bytes())?;
        let wanted: Value = serde_json::from_str(&said(&["check", "--format", "json", "--lang", lang, &path])?)?;
        let shown = explained(&mut tab, MANIFESTS)?;
        for finding in wanted["findings"].as_array().into_iter().flatten() {
            for key in ["code", "message"] {
                let wanted = finding[key].as_str().unwrap_or_default();
                ensure!(!wanted.is_empty() && shown.contains(wanted), "{lang}: no {wanted} in: {shown}");
            }
        }
        tab.value("document.getElementById('clear').click()")?;
        tab.choose("#files", &[DUMP])?;
        let shown = settled(&mut tab)?;
        let wanted: Value = serde_json::from_str(&said(&["doctor", "--dump", DUMP, "--format", "json", "--lang", lang])?)?;
        let examined = wanted["proxies"][0]["examined"].as_array().cloned().unwrap_or_default();
        ensure!(!examined.is_empty());
        for one in examined {
            // What is in backticks is shown as code.
            let what = one["what"].as_str().unwrap_or_default().replace('`', "");
            ensure!(shown.contains(&what), "{lang}: no {what} in: {shown}");
        }
        let nothing = explained(&mut tab, "lorem ipsum dolor sit amet")?;
        ensure!(nothing.contains(if lang == "en" { "no all-clear" } else { "不代表没有问题" }), "{nothing}");
    }
    Ok(())
}

pub(crate) fn files(setup: &Setup) -> Result<()> {
    let packed = |bytes: &[u8]| -> Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes)?;
        Ok(encoder.finish()?)
    };
    let line = LINE
        .replace("upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}", "cluster_not_found");
    let line = line.replace("503 UF", "503 NC").replace("|9080||", "|9080|v2|");
    let mut archive = tar::Builder::new(Vec::new());
    let members = [("bug-report/proxies/default/app-1/app-1.log", line.as_str()), ("bug-report/cluster/crs", MANIFESTS)];
    for (path, text) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes())?;
    }
    let archive = file(setup, "bug-report.tar.gz", &packed(&archive.into_inner()?)?)?;
    let (log, manifests) =
        (file(setup, "app.log.gz", &packed(line.as_bytes())?)?, file(setup, "crs.yaml", MANIFESTS.as_bytes())?);
    let mut tab = setup.page("en-US")?;
    for files in [vec![archive.as_str()], vec![log.as_str(), manifests.as_str()]] {
        tab.value("document.getElementById('clear').click()")?;
        tab.choose("#files", &files)?;
        let shown = settled(&mut tab)?;
        // The cause, and the line of the manifest that explains it.
        ensure!(
            shown.contains("MW2") && shown.contains("Configuration") && shown.contains("VirtualService"),
            "{files:?}: {shown}"
        );
    }
    Ok(())
}

pub(crate) fn link(setup: &Setup) -> Result<()> {
    let mut tab = setup.page("en-US")?;
    explained(&mut tab, LINE)?;
    tab.value("document.getElementById('share').click()")?;
    tab.wait("location.hash.length > 20")?;
    let address = tab.value("location.href")?.as_str().unwrap_or_default().to_owned();
    // What is too much for a link is not cut.
    tab.value(
        "document.getElementById('text').value = Array.from(crypto.getRandomValues(new Uint8Array(60000))).join(); \
         document.getElementById('share').click()",
    )?;
    tab.wait("document.getElementById('status').textContent.includes('Too large')")?;
    drop(tab);
    // A link works in another language, too.
    let mut other = setup.page("zh-CN")?;
    other.go("about:blank?")?;
    other.go(&address)?;
    settled(&mut other)?;
    ensure!(other.value("document.getElementById('text').value")? == LINE);
    // Only the page itself is asked for, without what is behind the `#`.
    let fragment = address.split_once('#').map_or("", |(_, fragment)| fragment).to_owned();
    let requests = other.requests()?;
    ensure!(!fragment.is_empty() && requests.iter().all(|request| !request.contains(&fragment)), "{requests:?}");
    Ok(())
}

pub(crate) fn large(setup: &Setup) -> Result<()> {
    let healthy = LINE.replace("503 UF", "200 -").replace(
        "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111} - \"delayed_connect_error:_111\"",
        "via_upstream - \"-\"",
    );
    let block = format!("{}{LINE}\n", format!("{healthy}\n").repeat(49));
    let log = file(setup, "large.log", block.repeat(100_000_000 / block.len() + 1).as_bytes())?;
    let mut tab = setup.page("en-US")?;
    tab.value("new MutationObserver(() => { globalThis.seen = Math.max(globalThis.seen ?? 0, document.getElementById('progress').value); }).observe(document.getElementById('progress'), {attributes: true})")?;
    tab.choose("#files", &[&log])?;
    let shown = settled(&mut tab)?;
    let failures = 100_000_000 / block.len() + 1;
    ensure!(shown.contains(&format!("{failures}×")), "{shown}");
    let state = tab.value("document.getElementById('status').textContent")?;
    eprintln!("100 MB: {state}");
    let seen = tab.value("globalThis.seen ?? 0")?.as_f64().unwrap_or_default();
    ensure!(seen > 0.0, "no progress was shown");
    Ok(())
}
