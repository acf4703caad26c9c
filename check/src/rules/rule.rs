//! What a rule is, and how it is declared.

use meshwhy_core::catalogue::{Entry, Registry, texts::Lang};
use meshwhy_core::{Cause, reads_like_its_entry, words};

use super::REGISTRY;
use crate::finding::{Findings, Severity};
use crate::mesh::Mesh;
use crate::model::{Metadata, Resource, ResourceKind};

words! {
    /// Whom a rule is for.
    pub enum Persona {
        /// Everybody: what fails or does not do what it seems to.
        Regular = "regular",
        /// Those who care for style: hints.
        Pedantic = "pedantic",
        /// Those who care for security: what works and lets too much through.
        Security = "security",
    }
}

words! {
    /// What a rule is about; the hundreds of its code.
    pub enum Topic {
        /// `MWC1xx`: documents and their schemas.
        Document = "document",
        /// `MWC2xx`: routes.
        Routing = "routing",
        /// `MWC3xx`: Services, hosts and what DestinationRules say of them.
        Destination = "destination",
        /// `MWC4xx`: TLS and mutual TLS.
        Tls = "tls",
        /// `MWC5xx`: gateways.
        Gateway = "gateway",
        /// `MWC6xx`: policies.
        Policy = "policy",
        /// `MWC7xx`: proxies, pods and extensions.
        Proxy = "proxy",
        /// `MWC8xx`: telemetry.
        Telemetry = "telemetry",
        /// `MWC9xx`: the mesh, its versions and life cycle.
        Mesh = "mesh",
    }
}

impl Topic {
    /// The topic of a code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let hundreds = code.strip_prefix("MWC")?.bytes().next()?.checked_sub(b'1')?;
        Self::ALL.get(usize::from(hundreds)).copied()
    }

    /// The code before its first.
    #[must_use]
    pub const fn first_code(self) -> u16 {
        (self as u16 + 1) * 100
    }
}

/// A check on manifests. It reads like its entry.
#[derive(Debug)]
pub struct Rule {
    /// Its names, texts and steps.
    pub entry: Entry,
    /// How bad it is when it is right.
    pub severity: Severity,
    /// Whom it is for.
    pub persona: Persona,
    /// What requests fail of where this mistake is made.
    pub explains: &'static [&'static Cause],
    /// Codes of other tools that report the same: `ISTnnnn` of `istioctl analyze`, `KIAnnnn` of Kiali.
    pub equivalent: &'static [&'static str],
    /// The kinds without which there is nothing to check; none for a rule on all of them. A rule on each [`Resource`] looks at these.
    pub kinds: &'static [ResourceKind],
    /// The minor release of Istio that changes what it looks for: it runs when an upgrade crosses this. `None` for what is wrong anyway.
    pub upgrade: Option<u32>,
    /// What one finding says, with `{words}` that it fills.
    pub message: Message,
    /// Looks for the mistake.
    pub check: Check,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// All manifests together.
    Mesh(for<'a> fn(&Mesh<'a>, &mut Findings<'a>)),
    /// One manifest of these kinds – of the rule's own where there are none – and whatever else of the mesh it asks for. All such rules
    /// look at a manifest before the next one comes, so that it is fetched from memory once.
    Each(&'static [ResourceKind], for<'a> fn(&Mesh<'a>, Resource<'a>, &mut Findings<'a>)),
    /// Each `metadata` of one manifest.
    Metadata(for<'a> fn(&Mesh<'a>, Metadata<'a>, &mut Findings<'a>)),
}

/// The [`Check`] of a function that takes one of something.
macro_rules! check_each {
    (Metadata, $check:ident) => {
        Check::Metadata($check)
    };
    ($subject:ident, $check:ident) => {
        Check::Each(<$crate::model::$subject<'static> as Subject<'static>>::KINDS, |mesh, resource, findings| {
            if let Some(subject) = <$crate::model::$subject<'_> as Subject<'_>>::of(resource) {
                $check(mesh, subject, findings);
            }
        })
    };
}
pub(crate) use check_each;

/// A sentence with `{words}` to fill, in two languages.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
}

impl Message {
    /// The sentence with its words filled.
    #[must_use]
    pub fn filled<T: AsRef<str>>(&self, lang: Lang, values: &[(&'static str, T)]) -> String {
        let mut rest = match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        };
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => filled.push_str(value.as_ref()),
                None => filled.extend(["{", name, "}"]),
            }
            rest = after;
        }
        filled + rest
    }

    /// The words between braces, in the order of the English sentence.
    pub fn words(text: &'static str) -> impl Iterator<Item = &'static str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
    }
}

impl Rule {
    /// Finds a rule: see [`Registry::find`].
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        REGISTRY.find(name)
    }

    /// The rules that stand for a code of another tool, such as `IST0101` or `KIA1106`; capital letters or small ones.
    pub fn equivalent_to(code: &str) -> impl Iterator<Item = &'static Self> {
        REGISTRY.iter().copied().filter(move |rule| rule.equivalent.iter().any(|known| known.eq_ignore_ascii_case(code)))
    }

    /// All rules.
    #[must_use]
    pub fn all() -> &'static Registry<Self> {
        &REGISTRY
    }
}

reads_like_its_entry!(Rule);

/// Declares the rule of the folder that the calling `mod.rs` is in, and whose `check` it has. `persona` is `Regular` unless given,
/// and with `upgrade` it is about a change that comes with that minor release. With `each`, `check` takes one [`Subject`] or one
/// [`Metadata`] beside the mesh.
///
/// [`Subject`]: crate::model::Subject
macro_rules! declare_rule {
    (
        code: $code:literal,
        slug: $slug:literal,
        since: $since:literal,
        $(former_slugs: $former_slugs:expr,)?
        $(status: $status:ident { $($detail:tt)* },)?
        severity: $severity:ident,
        $(persona: $persona:ident,)?
        $(upgrade: $upgrade:literal,)?
        explains: [$($explained:ident),* $(,)?],
        equivalent: $equivalent:expr,
        kinds: [$($kind:ident),* $(,)?],
        $(each: $subject:ident,)?
        message: $message:literal,
        message_zh: $message_zh:literal,
        confirm: $confirm:expr,
        fixes: $fixes:expr,
        sources: $sources:expr $(,)?
    ) => {
        /// The declaration of this folder's rule.
        pub static RULE: $crate::rules::Rule = {
            use $crate::rules::vocabulary::*;
            Rule {
                entry: meshwhy_core::entry! {
                    code: $code,
                    slug: $slug,
                    since: $since,
                    $(former_slugs: $former_slugs,)?
                    $(status: $status { $($detail)* },)?
                    confirm: $confirm,
                    fixes: $fixes,
                    sources: $sources
                },
                severity: Severity::$severity,
                persona: meshwhy_core::first!($(Persona::$persona,)? Persona::Regular),
                explains: &[$(&meshwhy_core::causes::$explained::CAUSE),*],
                equivalent: $equivalent,
                kinds: &[$($crate::model::ResourceKind::$kind),*],
                upgrade: meshwhy_core::first!($(Some($upgrade),)? None),
                message: Message { en: $message, zh: $message_zh },
                check: meshwhy_core::first!($(check_each!($subject, check),)? Check::Mesh(check)),
            }
        };
    };
}
pub(crate) use declare_rule;

/// The words of a declaration.
pub(crate) mod vocabulary {
    pub(crate) use super::{Check, Message, Persona, Rule, check_each};
    pub(crate) use crate::finding::Severity;
    pub(crate) use crate::model::Subject;
    pub(crate) use crate::rules::steps::*;
    pub(crate) use meshwhy_core::catalogue::fix::{Applicability::*, Confirm, Fix, PatchKind, Step::*};
}
