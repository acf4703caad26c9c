//! What a file is, by how it begins: the command line is told by its command, a page has to see it.

/// Bytes that are looked at.
pub(crate) const HEAD: usize = 64 * 1024;

/// What a file seems to be. Whoever reads it finds out whether it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Lines of logs, headers, or anything else that people paste.
    Lines,
    /// Manifests, in YAML or JSON.
    Manifests,
    /// What Envoy answers to `/config_dump`.
    Dump,
}

impl Kind {
    /// What begins like this.
    pub(crate) fn of(head: &[u8]) -> Self {
        const FIELDS: usize = 4096;
        let head = String::from_utf8_lossy(head);
        let head = head.trim_start_matches('\u{feff}').trim_start();
        if head.starts_with(['{', '[']) {
            let fields: String = head.chars().take(FIELDS).collect();
            let names = |field: &str| fields.contains(field);
            return match () {
                () if names("\"configs\"") && names("type.googleapis.com/envoy.admin") => Self::Dump,
                () if names("\"apiVersion\"") && (names("\"kind\"") || names("\"items\"")) => Self::Manifests,
                () => Self::Lines,
            };
        }
        let has_version = |line: &str| line.trim_start_matches("- ").starts_with("apiVersion:");
        if head.lines().any(has_version) { Self::Manifests } else { Self::Lines }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_shows_what_it_is() {
        let of = |text: &str| Kind::of(text.as_bytes());
        assert_eq!(of("# mine\n---\napiVersion: v1\nkind: Service\n"), Kind::Manifests);
        assert_eq!(of("- apiVersion: v1\n  kind: Service\n"), Kind::Manifests);
        assert_eq!(of("{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}"), Kind::Manifests);
        assert_eq!(
            of("{\n \"configs\": [\n  {\n   \"@type\": \"type.googleapis.com/envoy.admin.v3.BootstrapConfigDump\""),
            Kind::Dump
        );
        assert_eq!(of("{\"response_code\": 503, \"response_flags\": \"UF\"}"), Kind::Lines);
        assert_eq!(of("proxy-status: \"envoy\"; error=connection_refused"), Kind::Lines);
        assert_eq!(of("the field apiVersion: is missing"), Kind::Lines);
        assert_eq!(of(""), Kind::Lines);
    }
}
