//! What to check and what to change, as data: the two languages cannot disagree on a command.

use crate::words;

words! {
    /// How freely a fix may be applied.
    pub enum Applicability {
        /// Read-only or trivially reversible.
        Safe = "safe",
        /// Changes behaviour: read it first.
        Review = "review",
        /// Cannot be expressed as steps alone.
        Manual = "manual",
    }
}

/// What a patch is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// A complete Kubernetes or Istio resource for `kubectl apply -f -`.
    Resource,
    /// A fragment of a manifest that the reader owns.
    Fragment,
    /// A fragment of an Envoy configuration.
    Envoy,
}

/// One step of a confirmation or a fix. Texts may hold slots: see [`Slot`](super::slot::Slot).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A shell command; slots are filled only with validated values.
    Command(&'static str),
    /// YAML to apply or to merge.
    Patch(PatchKind, &'static str),
    /// A sentence for people, in English and Chinese.
    Note(&'static str, &'static str),
}

/// A way to check that it really is this cause. Read-only.
#[derive(Debug)]
pub struct Confirm {
    /// The anchor `{confirm: ID}` in both texts.
    pub id: &'static str,
    /// What to run and look at.
    pub steps: &'static [Step],
}

/// A way out.
#[derive(Debug)]
pub struct Fix {
    /// The anchor `{fix: ID}` in both texts.
    pub id: &'static str,
    /// How freely it may be applied.
    pub applicability: Applicability,
    /// What to do.
    pub steps: &'static [Step],
    /// How to see that it worked; never empty.
    pub verify: &'static [Step],
}
