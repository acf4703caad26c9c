//! A cause explained to whoever runs the proxy that spoke.

mod idle_timeout;
mod setting;
mod slots;

use setting::Setting;

use crate::catalogue::explanation::{Explanation, ExplanationPart};
use crate::causes::keepalive_race;
use crate::facts::Facts;
use crate::{Cause, Lang};

impl Cause {
    /// Explains the cause with what the facts offer for its steps. Where they show a proxy that is no sidecar or gateway of Istio, nothing is
    /// said that does not help there.
    #[must_use]
    pub fn explain(&'static self, lang: Lang, facts: &Facts<'_>) -> Explanation {
        let mut explanation = Explanation::new(self, lang, facts);
        if let Some(setting) = Setting::of(self, facts) {
            explanation = explanation.without(setting.foreign_words());
            let confirm = Some(setting.confirm()).filter(|steps| !steps.is_empty());
            let confirm = confirm.map(|steps| ExplanationPart::steps("here", steps, lang, facts));
            explanation.confirm.splice(0..0, confirm);
            explanation.fix.insert(0, ExplanationPart::Prose { text: setting.advice(lang) });
        }
        if self == &keepalive_race::CAUSE
            && let Some(known) = facts.upstream_connection_age_us.and_then(idle_timeout::of_age)
        {
            explanation.confirm.insert(0, ExplanationPart::Prose { text: known.text(lang) });
        }
        explanation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decisive;
    use crate::catalogue::texts::Lang::{En, Zh};
    use crate::causes::REGISTRY;

    fn at(cluster: &'static str, host: &'static str) -> Facts<'static> {
        Facts::from(Decisive { cluster: Some(cluster.into()), upstream_host: Some(host.into()), ..Decisive::default() })
    }

    #[test]
    fn who_runs_something_else_gets_none_of_the_steps_of_sidecars() {
        let ztunnel = || {
            let mut facts = at("", "10.0.0.7:8080");
            facts.context.proxy = Some("ztunnel".into());
            facts
        };
        let elsewhere =
            [at("httproute/default/backend/rule/0", ""), at("my_service", ""), at("connect_originate", ""), ztunnel()];
        for (cause, facts) in REGISTRY.iter().flat_map(|cause| elsewhere.iter().map(move |facts| (cause, facts))) {
            let Some(setting) = Setting::of(cause, facts) else { continue };
            for lang in [En, Zh] {
                let left = Explanation::new(cause, lang, facts).without(setting.foreign_words());
                let steps = format!("{:?}{:?}", left.confirm, left.fix);
                assert!(setting.foreign_words().iter().all(|word| !steps.contains(word)), "{}: {steps}", cause.slug);
                assert!(!cause.explain(lang, facts).fix.is_empty());
            }
        }
    }

    #[test]
    fn whoever_runs_istio_gets_all() {
        for (cause, lang) in REGISTRY.iter().flat_map(|cause| [(cause, En), (cause, Zh)]) {
            let facts = at("outbound|80||web.shop.svc.cluster.local", "10.0.0.7:8080");
            assert_eq!(cause.explain(lang, &facts), Explanation::new(cause, lang, &facts));
        }
    }

    #[test]
    fn the_age_of_a_connection_names_servers_that_close_then() {
        let mut facts = at("outbound|80||web.shop.svc.cluster.local", "");
        facts.upstream_connection_age_us = Some(5_003_120);
        let explanation = format!("{:?}", keepalive_race::CAUSE.explain(En, &facts).confirm);
        assert!(explanation.contains("Node.js"), "{explanation}");
        facts.upstream_connection_age_us = Some(8_000_000);
        assert_eq!(keepalive_race::CAUSE.explain(En, &facts), Explanation::new(&keepalive_race::CAUSE, En, &facts));
    }
}
