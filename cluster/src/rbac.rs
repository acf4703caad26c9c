//! The least privilege that reading needs: one table says what is read and what has to be allowed.

use std::fmt::Write as _;

use crate::objects::{CONFIG_MAPS, READ};

/// For whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User(String),
    /// A group.
    Group(String),
    /// A ServiceAccount: its namespace and name.
    ServiceAccount(String, String),
}

/// How far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// All namespaces.
    Cluster,
    /// One namespace, and what it needs of the root namespace.
    Namespace(String),
}

/// What is allowed beside reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beyond {
    /// To ask proxies themselves: ports are forwarded.
    pub admin: bool,
    /// To probe from inside pods: programs are run in them.
    pub probe: bool,
}

/// Renders roles and their bindings.
#[must_use]
pub fn rbac(subject: &Subject, extent: &Extent, root: &str, beyond: Beyond) -> String {
    let mut text = String::from("# What `meshwhy` reads, and nothing else. It changes nothing, and it never reads Secrets.\n");
    if beyond.probe {
        text.push_str("# `probe --from` also runs a program in a pod (exec): whoever may do that may do what the pod may.\n");
    }
    match extent {
        Extent::Cluster => {
            let rules = pods(beyond) + &objects(|_| true) + &workloads_of_pods();
            role(&mut text, "meshwhy", "ClusterRole", None, &rules, subject);
        }
        Extent::Namespace(namespace) => {
            let rules = pods(beyond) + &objects(|it| !it.is_of_cluster) + &workloads_of_pods();
            role(&mut text, "meshwhy", "Role", Some(namespace), &rules, subject);
        }
    }
    let rules = config_maps()
        + &match extent {
            Extent::Cluster => String::new(),
            Extent::Namespace(namespace) if namespace == root => String::new(),
            // istiod's log, and the configuration that reaches every namespace.
            Extent::Namespace(_) => pods(Beyond::default()) + &objects(|it| !it.is_of_cluster && it.group.ends_with(".istio.io")),
        };
    let name = if *extent == Extent::Namespace(root.to_owned()) { "meshwhy-control-plane" } else { "meshwhy" };
    role(&mut text, name, "Role", Some(root), &rules, subject);
    text
}

fn pods(beyond: Beyond) -> String {
    // Over WebSockets it is a GET; from Kubernetes 1.35 on that needs `create` as well.
    let forward = if beyond.admin { rule("", &["pods/portforward"], &["create", "get"], &[]) } else { String::new() };
    let exec = if beyond.probe { rule("", &["pods/exec"], &["create", "get"], &[]) } else { String::new() };
    rule("", &["pods"], &["get", "list"], &[])
        + &rule("", &["pods/log"], &["get"], &[])
        + &rule("", &["events"], &["list"], &[])
        + &forward
        + &exec
}

/// Those that `TYPE/NAME` may name.
fn workloads_of_pods() -> String {
    rule("", &["services"], &["get"], &[])
        + &rule("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"], &["get"], &[])
        + &rule("batch", &["jobs"], &["get"], &[])
        + &rule("gateway.networking.k8s.io", &["gateways"], &["get"], &[])
}

fn objects(is_wanted: impl Fn(&crate::objects::Read) -> bool) -> String {
    let mut rules = String::new();
    let wanted: Vec<_> = READ.iter().filter(|it| is_wanted(it)).collect();
    for of_group in wanted.chunk_by(|a, b| a.group == b.group) {
        let plurals: Vec<&str> = of_group.iter().map(|it| it.plural).collect();
        let group = of_group.first().map_or("", |it| it.group);
        rules.push_str(&rule(group, &plurals, &["list"], &[]));
    }
    rules
}

fn config_maps() -> String {
    rule("", &["configmaps"], &["get"], &CONFIG_MAPS)
}

fn rule(group: &str, resources: &[&str], verbs: &[&str], names: &[&str]) -> String {
    let names = if names.is_empty() { String::new() } else { format!("  resourceNames: [{}]\n", names.join(", ")) };
    let (resources, verbs) = (resources.join(", "), verbs.join(", "));
    format!("- apiGroups: [\"{group}\"]\n  resources: [{resources}]\n{names}  verbs: [{verbs}]\n")
}

fn role(text: &mut String, name: &str, kind: &str, namespace: Option<&str>, rules: &str, subject: &Subject) {
    let metadata = namespace.map_or_else(|| format!("  name: {name}\n"), |it| format!("  name: {name}\n  namespace: {it}\n"));
    let subject = match subject {
        Subject::User(name) => format!("- kind: User\n  apiGroup: rbac.authorization.k8s.io\n  name: {}\n", quoted(name)),
        Subject::Group(name) => format!("- kind: Group\n  apiGroup: rbac.authorization.k8s.io\n  name: {}\n", quoted(name)),
        Subject::ServiceAccount(namespace, name) => {
            format!("- kind: ServiceAccount\n  namespace: {}\n  name: {}\n", quoted(namespace), quoted(name))
        }
    };
    let _ = write!(
        text,
        "---
apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata:
{metadata}rules:
{rules}---
apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}Binding
metadata:
{metadata}roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {kind}
  name: {name}
subjects:
{subject}"
    );
}

/// A JSON string, which is one of YAML as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
