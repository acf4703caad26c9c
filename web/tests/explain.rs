//! What the page says of whatever is pasted or dropped.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use meshwhy_core::Lang;
use meshwhy_web::{Input, explain};

const LINE: &str = r#"{"start_time":"2026-11-21T06:36:37.876Z","response_code":503,"response_flags":"UF","response_code_details":"upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}","upstream_cluster":"outbound|9080||reviews.default.svc.cluster.local","upstream_transport_failure_reason":"delayed_connect_error:_111"}"#;
const MANIFESTS: &str = "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviews, subset: v2}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec:
  host: reviews
  subsets: [{name: v1, labels: {version: v1}}]
";
const DUMP: &str = include_str!("../../cli/tests/data/config_dump.json");

fn of(inputs: &[(&str, &[u8])], lang: Lang) -> String {
    let input = |(name, bytes): &(&str, &[u8])| Input { name: (*name).to_owned(), bytes: Box::new(Cursor::new(bytes.to_vec())) };
    explain(inputs.iter().map(input).collect(), lang, Timestamp::UNIX_EPOCH)
}

fn pasted(text: &str) -> String {
    of(&[("pasted", text.as_bytes())], Lang::En)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    gzip(&archive.into_inner().unwrap())
}

#[test]
fn a_line_is_explained_with_what_its_verdict_rests_on() {
    let page = pasted(LINE);
    assert!(page.contains("upstream-connection-refused") && page.contains("Evidence"), "{page}");
    let chinese = of(&[("pasted", LINE.as_bytes())], Lang::Zh);
    assert!(chinese.contains("upstream-connection-refused") && chinese.contains("依据"), "{chinese}");
}

#[test]
fn many_lines_are_summed_up() {
    let page = of(&[("a.log.gz", &gzip(format!("{LINE}\n").repeat(40).as_bytes()))], Lang::En);
    assert!(page.contains("40×") && !page.contains("Evidence"), "{page}");
}

#[test]
fn manifests_are_checked() {
    let page = pasted(MANIFESTS);
    assert!(page.contains("MWC") && page.contains("pasted:8:"), "{page}");
}

#[test]
fn a_dump_is_examined() {
    let page = pasted(DUMP);
    assert!(page.contains("class=\"examined\""), "{page}");
}

#[test]
fn logs_and_manifests_are_explained_together() {
    let line = LINE.replace("|9080||", "|9080|v2|").replace("\"UF\"", "\"NC\"");
    let line = line
        .replace("upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}", "cluster_not_found");
    let members = [("bug-report/proxies/default/app-1/app.log", line.as_str()), ("bug-report/cluster/crs", MANIFESTS)];
    for inputs in
        [vec![("r.tar.gz", archive(&members))], vec![("l.log", line.clone().into_bytes()), ("m.yaml", MANIFESTS.into())]]
    {
        let inputs: Vec<(&str, &[u8])> = inputs.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let page = of(&inputs, Lang::En);
        assert!(page.contains("Configuration") && page.contains("VirtualService"), "{page}");
    }
}

#[test]
fn what_nobody_understands_is_no_all_clear() {
    for text in ["", "lorem ipsum", "kind: nothing\napiVersion: of/mine\n"] {
        let page = pasted(text);
        assert!(page.contains("no all-clear") && !page.contains("nothing found"), "{text:?}: {page}");
    }
    let broken = of(&[("broken.gz", &gzip(LINE.as_bytes())[..20])], Lang::En);
    assert!(broken.contains("Not read, or not whole"), "{broken}");
}

#[test]
fn an_archive_in_an_archive_is_said_to_be_unread() {
    let inner = archive(&[("a.log", LINE)]);
    let mut outer = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(inner.len() as u64);
    outer.append_data(&mut header, "inner.gz", inner.as_slice()).unwrap();
    let page = of(&[("outer.tar", &outer.into_inner().unwrap())], Lang::En);
    assert!(page.contains("an archive in an archive"), "{page}");
}

#[test]
fn what_comes_from_the_input_is_text() {
    let hostile = "<img src=x onerror=alert(1)>";
    let line = LINE.replace("reviews.default", hostile);
    let manifests = MANIFESTS.replace("v2", &format!("{hostile:?}")).replace("name: reviews", &format!("name: {hostile:?}"));
    for (name, text) in [(hostile, line.as_str()), (hostile, hostile), (hostile, &manifests), (hostile, "\u{1f}\u{8b}")] {
        let page = of(&[(name, text.as_bytes())], Lang::En);
        assert!(!page.contains("<img"), "{page}");
    }
}
