//! What to wait for before the next batch.

use meshwhy_core::catalogue::texts::Lang;
use serde_json::json;

use super::object::ObjectName;
use super::{Action, PlanStep};
use crate::model::ResourceKind;

/// How long a gateway takes to get a new certificate, with room: no command shows it.
const SECRETS_SECONDS: u32 = 10;

/// Something to wait for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// The workloads of a namespace are restarted, since only new pods get or lose a proxy.
    Restart(String),
    /// All pods of a workload are new and ready.
    Rollout(ObjectName),
    /// A resource is as it should be: what follows `--for=`.
    Condition(ObjectName, &'static str),
    /// Every proxy has the configuration.
    Proxies,
    /// Seconds, where nothing can be observed.
    Pause(u32),
}

impl Wait {
    /// What it waits for, in words.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let en = lang == Lang::En;
        match self {
            Self::Restart(namespace) if en => format!("restart the workloads of {namespace}: only new pods get or lose a proxy"),
            Self::Restart(namespace) => format!("重启 {namespace} 的工作负载：只有新 pod 才会注入或去掉 sidecar"),
            Self::Rollout(name) if en => format!("pods of {name} are ready"),
            Self::Rollout(name) => format!("{name} 的 pod 就绪"),
            Self::Condition(name, condition) if en => format!("{name}: {condition}"),
            Self::Condition(name, condition) => format!("{name}：{condition}"),
            Self::Proxies if en => "every proxy has the configuration: SYNCED everywhere in istioctl proxy-status".to_owned(),
            Self::Proxies => "所有代理都拿到配置：istioctl proxy-status 全部为 SYNCED".to_owned(),
            Self::Pause(seconds) if en => format!("{seconds} s: nothing shows when the proxies have the Secret"),
            Self::Pause(seconds) => format!("等待 {seconds} 秒：没有命令能看到代理何时拿到 Secret"),
        }
    }

    /// The arguments of the command that waits; none where it is a pause or needs a loop.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let of = |name: &ObjectName, words: &mut Vec<String>| {
            words.push(format!("{}/{}", name.kubectl_kind(), name.name));
            if !name.namespace.is_empty() {
                words.push(format!("--namespace={}", name.namespace));
            }
        };
        match self {
            Self::Restart(namespace) => {
                let mut command = words(&["kubectl", "rollout", "restart", "deployment,statefulset,daemonset"]);
                command.push(format!("--namespace={namespace}"));
                command
            }
            Self::Rollout(name) => {
                let mut command = words(&["kubectl", "rollout", "status", "--timeout=10m"]);
                of(name, &mut command);
                command
            }
            Self::Condition(name, condition) => {
                let mut command = words(&["kubectl", "wait", "--timeout=10m"]);
                command.push(format!("--for={condition}"));
                of(name, &mut command);
                command
            }
            Self::Proxies => words(&["istioctl", "proxy-status"]),
            Self::Pause(seconds) => vec!["sleep".to_owned(), seconds.to_string()],
        }
    }
}

/// What a step is waited for with.
pub(super) fn waits(steps: &[PlanStep]) -> Vec<Wait> {
    let mut waits: Vec<Wait> = steps.iter().flat_map(of_step).collect();
    waits.sort();
    waits.dedup();
    waits
}

fn of_step(step: &PlanStep) -> Vec<Wait> {
    let name = &step.name;
    let Some(kind) = name.known_kind() else { return Vec::new() };
    let condition = |condition| vec![Wait::Condition(name.clone(), condition)];
    if step.action == Action::Delete {
        return match kind {
            _ if kind.is_workload() => condition("delete"),
            _ if is_for_proxies(kind) => vec![Wait::Proxies],
            _ => Vec::new(),
        };
    }
    match kind {
        ResourceKind::Deployment | ResourceKind::StatefulSet | ResourceKind::DaemonSet => vec![Wait::Rollout(name.clone())],
        ResourceKind::Pod => condition("condition=Ready"),
        ResourceKind::Job => condition("condition=Complete"),
        ResourceKind::CustomResourceDefinition => condition("condition=Established"),
        ResourceKind::Namespace if step.restarts => vec![Wait::Restart(name.name.clone())],
        ResourceKind::Namespace => condition("jsonpath={.status.phase}=Active"),
        ResourceKind::KubernetesGateway => condition("condition=Programmed"),
        ResourceKind::GatewayClass => condition("condition=Accepted"),
        ResourceKind::HTTPRoute
        | ResourceKind::GRPCRoute
        | ResourceKind::TLSRoute
        | ResourceKind::TCPRoute
        | ResourceKind::UDPRoute => condition("jsonpath={.status.parents[0].conditions[?(@.type==\"Accepted\")].status}=True"),
        ResourceKind::Secret => vec![Wait::Pause(SECRETS_SECONDS)],
        _ if is_for_proxies(kind) => vec![Wait::Proxies],
        _ => Vec::new(),
    }
}

/// Whether istiod makes configuration of proxies from it.
fn is_for_proxies(kind: ResourceKind) -> bool {
    kind.is_istio()
        || kind.group() == ResourceKind::HTTPRoute.group()
        || matches!(kind, ResourceKind::Service | ResourceKind::Ingress | ResourceKind::EndpointSlice)
}

/// Keeps `json!` out of the callers: the value of an annotation.
pub(super) fn quoted(text: &str) -> String {
    json!(text).to_string()
}
