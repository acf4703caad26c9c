//! The places in commands and YAML that the facts at hand fill, and what may be put there.

use crate::cluster_name::ClusterName;

macro_rules! slots {
    ($($variant:ident = $name:literal, $example:literal, $doc:literal;)*) => {
        /// A place in a template that facts fill. Written `{name}`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Slot { $(#[doc = $doc] $variant,)* }

        impl Slot {
            /// All slots.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name between the braces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// A value that passes validation.
            #[must_use]
            pub const fn example(self) -> &'static str {
                match self { $(Self::$variant => $example,)* }
            }
        }
    };
}

slots! {
    Namespace = "namespace", "shop", "Namespace of the proxy that speaks.";
    Pod = "pod", "cart-6d5f-x2x", "Pod of the proxy that speaks.";
    Workload = "workload", "cart", "Workload of the proxy that speaks.";
    UpstreamAddress = "upstream_address", "10.0.0.7:9080", "Address of the upstream host.";
    Cluster = "cluster", "outbound|9080||reviews.books.svc.cluster.local", "Envoy cluster.";
    Host = "host", "reviews.books.svc.cluster.local", "Host name that was asked for.";
    Port = "port", "9080", "Port that was asked for.";
    Service = "service", "reviews", "Service that was asked for (first label of its host name).";
    ServiceNamespace = "service_namespace", "books", "Namespace of that service.";
    PolicyNamespace = "policy_namespace", "shop", "Namespace of that policy.";
    Policy = "policy", "deny-all", "Name of an AuthorizationPolicy.";
}

impl Slot {
    /// Finds a slot by its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|slot| slot.name() == name)
    }

    /// Whether `value` may be put into a shell command or YAML.
    ///
    /// # Shape
    /// Kubernetes names and host names (RFC 1123, at most 253 bytes), ports 1–65535, `address:port`, and for clusters the
    /// four parts of Istio's name. Nothing that a shell or YAML could read otherwise, except `|` in clusters: templates
    /// put those in single quotes.
    #[must_use]
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::Namespace | Self::Service | Self::ServiceNamespace | Self::PolicyNamespace => is_label(value),
            Self::Pod | Self::Workload | Self::Policy | Self::Host => is_dns_name(value),
            Self::Port => is_port(value),
            Self::UpstreamAddress => is_address(value),
            Self::Cluster => is_cluster(value),
        }
    }
}

fn is_label(value: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&value.len()) && value.bytes().all(inner) && !value.starts_with('-') && !value.ends_with('-')
}

fn is_dns_name(value: &str) -> bool {
    value.len() <= 253 && value.split('.').all(is_label)
}

fn is_port(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_address(value: &str) -> bool {
    value.parse::<std::net::SocketAddr>().is_ok()
}

fn is_cluster(value: &str) -> bool {
    let is_name = |part: &str| part.is_empty() || is_dns_name(part);
    match ClusterName::parse(value) {
        ClusterName::Service { port, subset, host, .. } => is_port(port) && is_name(subset) && host.is_some_and(is_name),
        ClusterName::Special(_) | ClusterName::InboundPassthrough => true,
        ClusterName::Other => false,
    }
}

/// What a reader's own values are, such as the facts of a failure.
pub trait Fill {
    /// The value for a slot, not yet validated; `None` when it is not known.
    fn value(&self, slot: Slot) -> Option<&str>;
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Text as it stands.
    Text(&'t str),
    /// A place to fill.
    Slot(Slot),
}

/// Splits a template into text and slots.
///
/// # Errors
/// The name of the first `{word}` that is no slot, where `word` is lower-case letters and `_`; other braces are text.
pub fn pieces(template: &str) -> Result<Vec<Piece<'_>>, &str> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, name, after)) = next_slot(rest) {
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Slot(Slot::parse(name).ok_or(name)?));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn next_slot(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('{')?;
        let inner = text.get(open + 1..)?;
        let close = inner.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_')?;
        if close > 0 && inner.get(close..)?.starts_with('}') {
            return Some((text.get(..open)?, inner.get(..close)?, inner.get(close + 1..)?));
        }
        from = open + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_accepted() {
        for slot in Slot::ALL {
            assert!(slot.accepts(slot.example()), "{slot:?}");
        }
    }

    #[test]
    fn shell_and_yaml_metacharacters_are_refused_everywhere() {
        for slot in Slot::ALL {
            for value in ["", "a;b", "$(id)", "`id`", "a b", "a\nb", "a'b", "a\"b", "../x", "-n", "a|b", "a: b", "\u{1b}[31m"] {
                assert!(!slot.accepts(value), "{slot:?} takes {value:?}");
            }
        }
    }

    #[test]
    fn templates_split_into_text_and_slots() {
        assert_eq!(
            pieces("kubectl -n {namespace} get -o jsonpath='{.status}'"),
            Ok(vec![Piece::Text("kubectl -n "), Piece::Slot(Slot::Namespace), Piece::Text(" get -o jsonpath='{.status}'")])
        );
        assert_eq!(pieces("{nonsense}"), Err("nonsense"));
    }
}
