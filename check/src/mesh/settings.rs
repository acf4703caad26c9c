//! What the caller says about the mesh.

/// The newest minor release of Istio that is known.
pub const NEWEST_MINOR: u32 = 31;

/// What the caller says about the mesh.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespace of manifests that name none.
    pub namespace: String,
    /// The version of Istio, as minor release (30 for 1.30); the newest that is known where it is `None`.
    pub istio_minor: Option<u32>,
    /// An upgrade that is planned, as minor releases from and to.
    pub upgrade: Option<(u32, u32)>,
    /// Seconds since 1970 at which certificates have to be valid; validity is not looked at where it is `None`.
    pub now: Option<i64>,
}

impl Settings {
    /// Whether the planned upgrade brings this minor release, or passes it.
    #[must_use]
    pub fn crosses(&self, minor: u32) -> bool {
        self.upgrade.is_some_and(|(from, to)| from < minor && minor <= to)
    }

    /// The minor release that is to run the manifests: what an upgrade leads to, else what is said to run, else the newest.
    #[must_use]
    pub fn target_minor(&self) -> u32 {
        self.upgrade.map(|(_, to)| to).or(self.istio_minor).unwrap_or(NEWEST_MINOR)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { namespace: crate::model::DEFAULT_NAMESPACE.to_owned(), istio_minor: None, upgrade: None, now: None }
    }
}
