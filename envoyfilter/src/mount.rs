//! The module as a file in the proxy's container. The label that selects, the volume and the mount stand in one patch of the pod template,
//! so that no pod gets the configuration without the file.

use crate::refusal::Refusal;

/// Key of the label that says of a pod that its proxy has the file.
pub const LABEL_KEY: &str = "meshwhy.io/module";
/// Its value.
pub const LABEL_VALUE: &str = "mounted";

/// Volume and ConfigMap.
const VOLUME: &str = "meshwhy-module";

/// Folders of the proxy, or of the system, that a volume would hide.
const OCCUPIED: [&str; 13] =
    ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/lib/istio", "/var/run"];

/// A file in a folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountedFile {
    folder: String,
    name: String,
}

impl MountedFile {
    /// Reads an absolute path.
    ///
    /// # Errors
    /// It is not absolute, has other characters than letters, digits, `-`, `_` and `.`, or its folder is one of the system's.
    pub(crate) fn parse(path: &str) -> Result<Self, Refusal> {
        let (folder, name) = path.rsplit_once('/').ok_or(Refusal::Address)?;
        let is_part = |part: &str| {
            let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            !part.is_empty() && part.bytes().all(is_sound) && !part.bytes().all(|byte| byte == b'.')
        };
        let mut parts = path.strip_prefix('/').ok_or(Refusal::Address)?.split('/');
        if path.len() > 256 || !parts.all(is_part) {
            return Err(Refusal::Address);
        }
        let is_below = |parent: &str| folder.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // A folder at the top, such as `/var` or `/opt`, is nobody's own.
        if folder.matches('/').count() < 2 || OCCUPIED.iter().any(|parent| is_below(parent)) {
            return Err(Refusal::Folder);
        }
        Ok(Self { folder: folder.to_owned(), name: name.to_owned() })
    }

    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }

    /// The strategic merge patch for workloads.
    ///
    /// Source: Istio `sidecar.istio.io/userVolume` and `userVolumeMount`, which the injector's template reads as JSON.
    pub(crate) fn patch(&self) -> String {
        format!(
            "\
# For the pod template of each workload whose proxy is to load the module, where --selector selects it:
#   kubectl -n NAMESPACE create configmap {VOLUME} --from-file={name}=meshwhy.wasm
#   kubectl -n NAMESPACE patch deployment NAME --patch-file workload-patch.yaml
# The label that has the proxy configured and the volume with the module come together: no pod has one without the other.
spec:
  template:
    metadata:
      labels:
        {LABEL_KEY}: {LABEL_VALUE}
      annotations:
        sidecar.istio.io/userVolume: '[{{\"name\":\"{VOLUME}\",\"configMap\":{{\"name\":\"{VOLUME}\"}}}}]'
        sidecar.istio.io/userVolumeMount: '[{{\"name\":\"{VOLUME}\",\"mountPath\":\"{folder}\",\"readOnly\":true}}]'
",
            name = self.name,
            folder = self.folder,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_folder_of_its_own() {
        assert_eq!(MountedFile::parse("/var/local/meshwhy/meshwhy.wasm").unwrap().path(), "/var/local/meshwhy/meshwhy.wasm");
        for bad in ["", "meshwhy.wasm", "/a/../b/c", "/a/b/", "/a//b", "/a/b'c/d", "/a/b c/d", "/a/{{b}}/c", "/a\n/b/c"] {
            assert_eq!(MountedFile::parse(bad), Err(Refusal::Address), "{bad}");
        }
        for occupied in
            ["/meshwhy.wasm", "/var/meshwhy.wasm", "/etc/istio/proxy/m.wasm", "/usr/local/bin/m.wasm", "/var/run/secrets/m.wasm"]
        {
            assert_eq!(MountedFile::parse(occupied), Err(Refusal::Folder), "{occupied}");
        }
    }
}
