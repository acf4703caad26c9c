//! The manifest by which krew installs `kubectl meshwhy`.
//!
//! Source: krew "Plugin manifest" and "Naming guide", v0.4: the version begins with `v`, the archive holds the licence, the short
//! description is one line that does not name kubectl.

use super::target::Platform;

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

const HEAD: &str = r#"apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: meshwhy
spec:
  version: "v{version}"
  homepage: "{repository}"
  shortDescription: "Say why a request failed in Envoy or Istio"
  description: |
    This request failed: who answered, why, and what do I change? Reads the
    logs of sidecars, gateways, waypoints, ztunnel and istiod, events and
    manifests, names the cause and the proxy that acted, and prints how to
    confirm and how to fix it, in English or Chinese.
  caveats: |
    Completion behind `kubectl meshwhy` needs the file
    kubectl_complete-meshwhy of the archive in a folder of PATH.
  platforms:
"#;

const PLATFORM: &str = r#"  - selector:
      matchLabels:
        os: {os}
        arch: {arch}
    uri: "{repository}/releases/download/v{version}/{archive}"
    sha256: "{sha256}"
    bin: "{program}"
    files:
    - from: "meshwhy-{version}-{triple}/*"
      to: "."
"#;

/// The manifest for these archives, each with its hash.
pub fn manifest(version: &str, released: &[(&Platform, String)]) -> String {
    let common = |text: &str| text.replace("{version}", version).replace("{repository}", REPOSITORY);
    let mut manifest = common(HEAD);
    let mut selected = Vec::new();
    for (platform, sha256) in released {
        if selected.contains(&platform.selector) {
            continue;
        }
        selected.push(platform.selector);
        let (os, arch) = platform.selector;
        let own = [
            ("{os}", os),
            ("{arch}", arch),
            ("{archive}", &platform.archive(version)),
            ("{sha256}", sha256),
            ("{program}", platform.program()),
            ("{triple}", platform.triple),
        ];
        manifest.push_str(&own.iter().fold(common(PLATFORM), |text, (slot, value)| text.replace(slot, value)));
    }
    manifest
}
