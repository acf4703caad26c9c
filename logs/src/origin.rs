//! Who wrote a line, as the tools that carried it say.

use std::borrow::Cow;

use crate::peel;

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The pod, where the tool names one.
    pub pod: Option<Cow<'a, str>>,
    /// The namespace of the pod.
    pub namespace: Option<Cow<'a, str>>,
    /// The container.
    pub container: Option<Cow<'a, str>>,
    /// What the tool prints, such as `pod/cart-1/istio-proxy` or `envoy-1`.
    pub text: Cow<'a, str>,
}

impl<'a> Origin<'a> {
    /// The container whose log a file is, by its path; `None` where the path names no pod.
    #[must_use]
    pub fn of_file(path: &'a str) -> Option<Self> {
        peel::origin_of_file(path)
    }

    /// An origin of which only the tool's own text is known.
    pub(crate) fn named(text: &'a str) -> Self {
        Self { pod: None, namespace: None, container: None, text: text.into() }
    }

    /// An origin that is a container of a pod.
    pub(crate) fn of_pod(text: &'a str, pod: &'a str, container: Option<&'a str>) -> Self {
        Self { pod: Some(pod.into()), container: container.map(Into::into), ..Self::named(text) }
    }

    /// Fills in what only an outer wrapping says; the inner one stands nearer to the proxy.
    pub(crate) fn within(self, outer: Option<Self>) -> Self {
        let Some(outer) = outer else { return self };
        if self.pod.is_none() && outer.pod.is_some() {
            return Self { container: outer.container.or(self.container), ..outer };
        }
        Self { namespace: self.namespace.or(outer.namespace), container: self.container.or(outer.container), ..self }
    }

    /// Copies every borrowed text.
    pub(crate) fn into_owned(self) -> Origin<'static> {
        let own = |text: Option<Cow<'a, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Origin {
            pod: own(self.pod),
            namespace: own(self.namespace),
            container: own(self.container),
            text: Cow::Owned(self.text.into_owned()),
        }
    }
}
