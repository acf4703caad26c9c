//! A cause explained to whoever configures the proxy that spoke.

use super::Cause;
use crate::Lang;
use crate::catalogue::explanation::Explanation;
use crate::control_plane::ControlPlane;
use crate::facts::Facts;
use crate::facts::text;

/// Words of steps and advice that only help where Istio configures the proxy.
const OF_ISTIO: [&str; 16] = [
    "istio",
    "Istio",
    "VirtualService",
    "DestinationRule",
    "ServiceEntry",
    "PeerAuthentication",
    "AuthorizationPolicy",
    "RequestAuthentication",
    "EnvoyFilter",
    "Sidecar",
    "sidecar",
    "trafficPolicy",
    "virtualservice",
    "destinationrule",
    "pilot-agent",
    "PILOT_",
];

impl Cause {
    /// Explains the cause with what the facts offer for its steps. Where their cluster or route is named as another control plane names
    /// them, nothing is said that only Istio can do.
    #[must_use]
    pub fn explain(&'static self, lang: Lang, facts: &Facts<'_>) -> Explanation {
        let explanation = Explanation::new(self, lang, facts);
        let names = [text(facts.cluster.as_ref()), text(facts.route.as_ref())];
        match names.into_iter().flatten().find_map(ControlPlane::of) {
            Some(plane) => explanation.without(&OF_ISTIO, advice(plane, lang)),
            None => explanation,
        }
    }
}

macro_rules! advice {
    ($plane:literal) => {
        [
            concat!(
                $plane,
                " configures this proxy, not Istio, so its own resources are what to change. Look up the cluster, the route and the host named above in the proxy's admin interface (`/config_dump`, `/clusters`, `/stats`): whether they are there, whether an endpoint is healthy, and which limits, timeouts and TLS settings hold; then change the resource that they come from."
            ),
            concat!(
                "这个代理由 ",
                $plane,
                " 配置，而不是 Istio，要改的是它自己的资源。先在代理的管理接口（`/config_dump`、`/clusters`、`/stats`）里查上面的 cluster、route 和主机：是否存在，有没有健康的 endpoint，生效的限额、超时和 TLS 配置是什么；再去改生成它们的那个资源。"
            ),
        ]
    };
}

fn advice(plane: ControlPlane, lang: Lang) -> &'static str {
    let [en, zh] = match plane {
        ControlPlane::EnvoyGateway => advice!("Envoy Gateway"),
        ControlPlane::Contour => advice!("Contour"),
        ControlPlane::Consul => advice!("Consul"),
        ControlPlane::Cilium => advice!("Cilium"),
        ControlPlane::Gloo => advice!("Gloo"),
    };
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decisive;
    use crate::causes::REGISTRY;

    #[test]
    fn who_does_not_run_istio_gets_none_of_its_steps() {
        let facts = |cluster: &'static str| Facts::from(Decisive { cluster: Some(cluster.into()), ..Decisive::default() });
        for cause in REGISTRY.iter() {
            for lang in [Lang::En, Lang::Zh] {
                let explanation = cause.explain(lang, &facts("httproute/default/backend/rule/0"));
                let steps = format!("{:?}{:?}", explanation.confirm, explanation.fix);
                let without_advice = steps.replace(advice(ControlPlane::EnvoyGateway, lang), "");
                assert!(OF_ISTIO.iter().all(|word| !without_advice.contains(word)), "{}: {without_advice}", cause.slug);
                assert!(!explanation.fix.is_empty());
                let own = cause.explain(lang, &facts("outbound|80||web.shop.svc.cluster.local"));
                assert_eq!(own, Explanation::new(cause, lang, &facts("outbound|80||web.shop.svc.cluster.local")));
            }
        }
    }
}
