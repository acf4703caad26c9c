//! Proxies for which the steps of a cause, written for sidecars and gateways of Istio, do not all hold.

use crate::catalogue::fix::Step;
use crate::catalogue::fix::Step::{Command, Note};
use crate::causes::{ErrorType, tunnel_refused};
use crate::cluster_name::ClusterName;
use crate::control_plane::ControlPlane;
use crate::facts::{Facts, text};
use crate::{Cause, Lang, Side, Stage};

/// What is special about the proxy that spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// Another control plane configures it.
    Foreign(ControlPlane),
    /// Its cluster has a name that no control plane gives.
    OwnCluster,
    /// The connection that failed is a tunnel of ambient mode, to port 15008.
    Hbone,
    /// It is ztunnel.
    Ztunnel,
    /// It is agentgateway.
    Agentgateway,
}

/// Words of steps and advice that only help where Istio configures the proxy.
const OF_ISTIO: &[&str] = &[
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

/// Words of what there is beside a workload's own proxy only.
const OF_SIDECARS: &[&str] = &["sidecar", "Sidecar", "-c istio-proxy", "targetPort", "readinessProbe", "idleTimeout", "0.0.0.0"];

/// Words of what Envoy alone has.
const OF_ENVOY: &[&str] = &[
    "sidecar",
    "Sidecar",
    "-c istio-proxy",
    "proxy-config",
    "DestinationRule",
    "destinationrule",
    "VirtualService",
    "virtualservice",
    "EnvoyFilter",
    "trafficPolicy",
    "pilot-agent",
    "PILOT_",
];

/// Clusters that a proxy of Istio has beside those of services.
///
/// Source: Istio `tools/packaging/common/envoy_bootstrap.json`, `pilot/pkg/networking/core/waypoint.go`, 1.30.
const OF_ISTIOS_BOOTSTRAP: [&str; 8] =
    ["xds-grpc", "sds-grpc", "prometheus_stats", "agent", "zipkin", "encap", "main_internal", "connect_originate"];

impl Setting {
    /// What the facts show, for a failure of this cause.
    pub(super) fn of(cause: &Cause, facts: &Facts<'_>) -> Option<Self> {
        let names = [text(facts.cluster.as_ref()), text(facts.route.as_ref())];
        if let Some(plane) = names.into_iter().flatten().find_map(ControlPlane::of) {
            return Some(Self::Foreign(plane));
        }
        let proxy = text(facts.context.proxy.as_ref());
        if proxy == Some("agentgateway") {
            return Some(Self::Agentgateway);
        }
        let is_ztunnel = proxy == Some("ztunnel");
        let is_tunnel = is_ztunnel && facts.side == Some(Side::Outbound) || is_hbone(facts);
        if is_tunnel && is_of_connections(cause) {
            return Some(Self::Hbone);
        }
        if is_ztunnel {
            return Some(Self::Ztunnel);
        }
        let is_known = [&facts.context.pod, &facts.context.workload].into_iter().any(Option::is_some);
        let is_own = text(facts.cluster.as_ref()).is_some_and(is_own);
        (is_own && !is_known).then_some(Self::OwnCluster)
    }

    /// Steps and paragraphs with one of these words do not help.
    pub(super) const fn foreign_words(self) -> &'static [&'static str] {
        match self {
            Self::Foreign(_) | Self::OwnCluster => OF_ISTIO,
            Self::Hbone => OF_SIDECARS,
            Self::Ztunnel | Self::Agentgateway => OF_ENVOY,
        }
    }

    /// What to look at first.
    pub(super) const fn confirm(self) -> &'static [Step] {
        match self {
            Self::Foreign(_) | Self::OwnCluster => &[],
            Self::Hbone => &[
                Command("istioctl ztunnel-config workloads"),
                Command("kubectl -n istio-system get pods -l app=ztunnel -o wide"),
                Command("kubectl -n istio-system logs -l app=ztunnel --since=10m --tail=-1 | grep 'error='"),
                Command("kubectl get networkpolicies -A"),
                Note(
                    "What failed is the tunnel to port 15008 of the server's pod, before any byte reached the application. The pod's address must be listed with the protocol HBONE (TCP means that it is not captured), the ztunnel of its node must be ready, and each NetworkPolicy that selects the pod must allow TCP 15008. A waypoint or gateway writes two lines for one failure: the one with the cluster `connect_originate` has the true reason.",
                    "失败的是到服务端 Pod 15008 端口的隧道，还没有任何数据到达应用。这个 Pod 的地址在列表里协议应为 HBONE（显示 TCP 说明流量没被纳管），所在节点的 ztunnel 要就绪，选中该 Pod 的每条 NetworkPolicy 都要放行 TCP 15008。waypoint 或网关会为一次失败写两行日志，cluster 为 `connect_originate` 的那行才有真正的原因。",
                ),
            ],
            Self::Ztunnel => &[
                Command("istioctl ztunnel-config workloads"),
                Command("istioctl ztunnel-config policies"),
                Command("kubectl -n istio-system logs -l app=ztunnel --since=10m --tail=-1 | grep 'error='"),
                Note(
                    "ztunnel has two lines for a connection inside the mesh, one on the caller's node (`direction=\"outbound\"`) and one on the server's; the server's says why.",
                    "网格内的一条连接在 ztunnel 里有两行日志：调用方节点上一行（`direction=\"outbound\"`），服务端节点上一行；原因看服务端的那行。",
                ),
            ],
            Self::Agentgateway => &[
                Command("kubectl get gateways,httproutes,grpcroutes -A"),
                Command(
                    "kubectl get httproutes -A -o jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name} {.status.parents[*].conditions[?(@.status==\"False\")].message}{\"\\n\"}{end}'",
                ),
                Note(
                    "agentgateway is configured by the Gateway API and has no Envoy: a route that is not accepted, or whose backend does not resolve, says so in its status.",
                    "agentgateway 由 Gateway API 配置，里面没有 Envoy：路由没被接受，或者后端解析不了，都会写在资源的 status 里。",
                ),
            ],
        }
    }

    /// What to do instead of what does not help.
    pub(super) const fn advice(self, lang: Lang) -> &'static str {
        let [en, zh] = match self {
            Self::Foreign(plane) => of_plane(plane),
            Self::OwnCluster => [
                "Istio gives no cluster this name: it stands in this Envoy's own configuration, or in an EnvoyFilter. Look it up there and in the proxy's admin interface (`/config_dump`, `/clusters`, `/stats`): whether it exists, whether an endpoint is healthy, and which limits, timeouts and TLS settings hold; then change that configuration.",
                "Istio 不会生成这样的 cluster 名：它写在这个 Envoy 自己的配置里，或者来自某个 EnvoyFilter。去那里以及代理的管理接口（`/config_dump`、`/clusters`、`/stats`）查：cluster 是否存在，有没有健康的 endpoint，生效的限额、超时和 TLS 配置是什么；再改那份配置。",
            ],
            Self::Hbone => [
                "If the pod is not captured: label its namespace `istio.io/dataplane-mode: ambient`, see that `istio-cni` runs on its node, and restart the pod. If ztunnel is not ready there, its own log says why. If a NetworkPolicy selects the pod, add TCP 15008 to its ingress ports, and to the egress ports of the caller's.",
                "Pod 没被纳管：给 namespace 打上 `istio.io/dataplane-mode: ambient`，确认该节点上 `istio-cni` 在运行，再重启 Pod。ztunnel 没就绪：看它自己的日志。有 NetworkPolicy 选中该 Pod：在 ingress 端口里加上 TCP 15008，调用方的 egress 端口也要加。",
            ],
            Self::Ztunnel => [
                "ztunnel sees connections and not requests. Which policy denied it says only sometimes (`policy rejection` alone names none): look through all AuthorizationPolicies of the workload's namespace and of the root namespace; one with rules on methods, paths or headers denies everything here and needs a waypoint. Routes, retries, timeouts and limits are the waypoint's, too.",
                "ztunnel 只看得到连接，看不到请求。是哪条策略拒绝的它不一定会写（只有 `policy rejection` 就是没写）：把工作负载所在 namespace 和根 namespace 的 AuthorizationPolicy 都查一遍；带方法、路径或请求头规则的策略在这里会拒绝所有流量，需要 waypoint 来执行。路由、重试、超时和限额也都在 waypoint 上。",
            ],
            Self::Agentgateway => [
                "Change the Gateway, the route (HTTPRoute, GRPCRoute) or the policy attached to it, and see that its status says `Accepted` and `ResolvedRefs`.",
                "去改 Gateway、路由（HTTPRoute、GRPCRoute）或挂在上面的策略，改完看 status 里的 `Accepted` 和 `ResolvedRefs`。",
            ],
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

/// Whether a failure is one of the connection to the upstream, and not of a request on it; a refused tunnel has steps of its own.
fn is_of_connections(cause: &Cause) -> bool {
    match cause.stage() {
        Stage::Tls => true,
        Stage::Connecting => cause != &tunnel_refused::CAUSE,
        _ => cause.error == Some(ErrorType::ConnectionTerminated),
    }
}

/// Whether the upstream is reached through a tunnel: by the port of HBONE, or by the internal listener in front of it.
fn is_hbone(facts: &Facts<'_>) -> bool {
    let host = text(facts.upstream_host.as_ref()).unwrap_or_default();
    facts.cluster.as_deref() == Some("connect_originate") || host.starts_with("envoy://") || host.ends_with(":15008")
}

/// Whether Istio has no such cluster.
fn is_own(cluster: &str) -> bool {
    let is_sni_dnat = cluster.starts_with("outbound_.") || cluster.starts_with("inbound_.");
    ClusterName::parse(cluster) == ClusterName::Other
        && !is_sni_dnat
        && !cluster.starts_with("meshwhy")
        && !OF_ISTIOS_BOOTSTRAP.contains(&cluster)
}

macro_rules! of_plane {
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

const fn of_plane(plane: ControlPlane) -> [&'static str; 2] {
    match plane {
        ControlPlane::EnvoyGateway => of_plane!("Envoy Gateway"),
        ControlPlane::Contour => of_plane!("Contour"),
        ControlPlane::Consul => of_plane!("Consul"),
        ControlPlane::Cilium => of_plane!("Cilium"),
        ControlPlane::Gloo => of_plane!("Gloo"),
        ControlPlane::Higress => [
            "Higress configures this gateway and writes Istio's resources itself, so changes to those are lost. Look at the route, the service source (`kubectl get mcpbridges -A -o yaml`) and the annotations of the Ingress in its console: whether the registry still lists the service, and which protocol, timeout and TLS settings hold; change them there.",
            "这个网关由 Higress 配置，Istio 资源是它自己生成的，直接改会被覆盖。去控制台看路由、服务来源（`kubectl get mcpbridges -A -o yaml`）和 Ingress 的注解：注册中心里还有没有这个服务，协议、超时和 TLS 配置是什么；在那里改。",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decisive;
    use crate::causes::{app_error, upstream_connection_refused as refused};

    #[test]
    fn by_cluster_host_and_proxy() {
        for (cluster, host, proxy, expected) in [
            ("outbound|80||web.shop.svc.cluster.local", "10.0.0.7:8080", "", None),
            ("outbound_.80_._.web.shop.svc.cluster.local", "10.0.0.7:8080", "", None),
            ("xds-grpc", "", "", None),
            (
                "inbound-vip|80|http|web.shop.svc.cluster.local",
                "envoy://connect_originate/10.0.0.7:8080",
                "",
                Some(Setting::Hbone),
            ),
            ("connect_originate", "10.0.0.7:15008", "", Some(Setting::Hbone)),
            ("my_service", "10.0.0.7:8080", "", Some(Setting::OwnCluster)),
            ("outbound|8848||web.DEFAULT-GROUP.public.nacos", "10.0.0.7:8080", "", Some(Setting::Foreign(ControlPlane::Higress))),
            ("", "10.0.0.7:8080", "ztunnel", Some(Setting::Ztunnel)),
            ("", "10.0.0.7:8080", "agentgateway", Some(Setting::Agentgateway)),
        ] {
            let mut facts =
                Facts::from(Decisive { cluster: Some(cluster.into()), upstream_host: Some(host.into()), ..Decisive::default() });
            facts.context.proxy = (!proxy.is_empty()).then(|| proxy.into());
            assert_eq!(Setting::of(&refused::CAUSE, &facts), expected, "{cluster} {host} {proxy}");
        }
    }

    #[test]
    fn an_answer_that_came_through_a_tunnel_is_not_the_tunnels() {
        let facts = Decisive { upstream_host: Some("envoy://connect_originate/10.0.0.7:8080".into()), ..Decisive::default() };
        assert_eq!(Setting::of(&app_error::CAUSE, &facts.into()), None);
    }
}
