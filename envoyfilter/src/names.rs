//! Names as Kubernetes takes them. Whatever comes from a command line is read strictly here, so that it cannot leave its place in the YAML.

use crate::refusal::Refusal;
use crate::yaml::scalar;

/// A namespace: an RFC 1123 label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(String);

impl Namespace {
    /// Where Istio and its root configuration live unless somebody decided otherwise.
    #[must_use]
    pub fn istio_system() -> Self {
        Self("istio-system".to_owned())
    }

    /// Reads a namespace.
    ///
    /// # Errors
    /// It is no RFC 1123 label of at most 63 characters.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if is_label(text) { Ok(Self(text.to_owned())) } else { Err(Refusal::Namespace) }
    }

    /// What stands for a namespace in a template; no namespace has upper case.
    pub(crate) fn placeholder(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a resource or a provider: an RFC 1123 subdomain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// It is no RFC 1123 subdomain of at most 253 characters.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if is_subdomain(text) { Ok(Self(text.to_owned())) } else { Err(Refusal::Name) }
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Labels that a pod must have, all of them; none selects every pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector(Vec<(String, String)>);

impl Selector {
    /// Reads `key=value,key=value`.
    ///
    /// # Errors
    /// A part is no label as Kubernetes takes them, or a key comes twice.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut labels: Vec<(String, String)> = Vec::new();
        for label in text.split(',') {
            let (key, value) = label.split_once('=').ok_or(Refusal::Selector)?;
            let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
            let is_sound = prefix.is_none_or(is_subdomain) && is_qualified(name) && (value.is_empty() || is_qualified(value));
            if !is_sound || labels.iter().any(|(known, _)| known == key) {
                return Err(Refusal::Selector);
            }
            labels.push((key.to_owned(), value.to_owned()));
        }
        labels.sort();
        Ok(Self(labels))
    }

    /// Whether it selects every pod.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its labels by key.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The same with another label.
    pub(crate) fn and(&self, key: &str, value: &str) -> Self {
        let others = self.0.iter().filter(|(known, _)| known != key).cloned();
        let mut labels: Vec<_> = others.chain([(key.to_owned(), value.to_owned())]).collect();
        labels.sort();
        Self(labels)
    }

    /// A mapping in YAML, one label per line.
    pub(crate) fn yaml(&self) -> String {
        self.labels().map(|(key, value)| format!("{}: {}\n", scalar(key), scalar(value))).collect()
    }
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| inner(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a text is a host name or a name of a resource.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// The name of a label's key, or its value.
fn is_qualified(text: &str) -> bool {
    let outer = |letter: char| letter.is_ascii_alphanumeric();
    (1..=63).contains(&text.len())
        && text.chars().all(|letter| outer(letter) || matches!(letter, '-' | '_' | '.'))
        && text.starts_with(outer)
        && text.ends_with(outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_kubernetes_takes_is_a_name() {
        for good in ["shop", "123", "a-b", "true"] {
            assert!(Namespace::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Shop", "a.b", "-a", "a-", "a b", "a\nb", "a: b", "{{x}}", "a'", &"a".repeat(64)] {
            assert_eq!(Namespace::parse(bad), Err(Refusal::Namespace), "{bad}");
        }
        for good in ["app=cart", "app.kubernetes.io/name=cart,tier=", "A_b=1.0"] {
            assert!(Selector::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "app", "app=a b", "app=a\nb: c", "app={{x}}", "=a", "a/b/c=d", "app=a,app=b", "app==a", "app!=a", "/a=b"]
        {
            assert_eq!(Selector::parse(bad), Err(Refusal::Selector), "{bad}");
        }
    }

    #[test]
    fn a_selector_is_the_same_in_any_order_and_stays_text() {
        let selector = Selector::parse("tier=1,app=true").unwrap();
        assert_eq!(selector, Selector::parse("app=true,tier=1").unwrap());
        assert_eq!(selector.yaml(), "app: 'true'\ntier: '1'\n");
    }
}
