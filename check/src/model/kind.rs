//! The kinds of manifests that are understood.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $group:literal,)*) => {
        /// A kind of resource.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names are those of Kubernetes, Istio and the Gateway API")]
        pub enum ResourceKind { $($(#[$doc])* $name,)* }

        impl ResourceKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in a manifest.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// Its API group, empty for Kubernetes' core.
            #[must_use]
            pub const fn group(self) -> &'static str {
                match self { $(Self::$name => $group,)* }
            }
        }
    };
}

kinds! {
    AuthorizationPolicy "security.istio.io",
    DestinationRule "networking.istio.io",
    EnvoyFilter "networking.istio.io",
    Gateway "networking.istio.io",
    /// `MeshNetworks`, which istiod reads from its ConfigMap; no manifest has this kind.
    MeshNetworks "mesh.istio.io",
    PeerAuthentication "security.istio.io",
    ProxyConfig "networking.istio.io",
    RequestAuthentication "security.istio.io",
    ServiceEntry "networking.istio.io",
    Sidecar "networking.istio.io",
    Telemetry "telemetry.istio.io",
    TrafficExtension "extensions.istio.io",
    VirtualService "networking.istio.io",
    WasmPlugin "extensions.istio.io",
    WorkloadEntry "networking.istio.io",
    WorkloadGroup "networking.istio.io",

    ConfigMap "",
    CronJob "batch",
    CustomResourceDefinition "apiextensions.k8s.io",
    DaemonSet "apps",
    Deployment "apps",
    EndpointSlice "discovery.k8s.io",
    Ingress "networking.k8s.io",
    IstioOperator "install.istio.io",
    Job "batch",
    MutatingWebhookConfiguration "admissionregistration.k8s.io",
    Namespace "",
    NetworkPolicy "networking.k8s.io",
    Node "",
    Pod "",
    ReplicaSet "apps",
    Secret "",
    Service "",
    ServiceAccount "",
    StatefulSet "apps",
    ValidatingWebhookConfiguration "admissionregistration.k8s.io",

    BackendTLSPolicy "gateway.networking.k8s.io",
    GRPCRoute "gateway.networking.k8s.io",
    GatewayClass "gateway.networking.k8s.io",
    HTTPRoute "gateway.networking.k8s.io",
    /// `Gateway` of the Gateway API; its name in a manifest is that of Istio's.
    KubernetesGateway "gateway.networking.k8s.io",
    ListenerSet "gateway.networking.k8s.io",
    ReferenceGrant "gateway.networking.k8s.io",
    TCPRoute "gateway.networking.k8s.io",
    TLSRoute "gateway.networking.k8s.io",
    UDPRoute "gateway.networking.k8s.io",
}

impl ResourceKind {
    /// The kind of a manifest with this `apiVersion` and `kind`.
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::ALL.iter().copied().find(|known| known.name() == kind && known.group() == group)
    }

    /// Its name in a manifest: `Gateway` for both kinds of that name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KubernetesGateway => "Gateway",
            _ => self.as_str(),
        }
    }

    /// Whether it lives outside of namespaces.
    #[must_use]
    pub const fn is_cluster_scoped(self) -> bool {
        matches!(
            self,
            Self::Namespace
                | Self::Node
                | Self::GatewayClass
                | Self::MutatingWebhookConfiguration
                | Self::ValidatingWebhookConfiguration
                | Self::CustomResourceDefinition
        )
    }

    /// Whether it is one of Istio's own.
    #[must_use]
    pub fn is_istio(self) -> bool {
        self.group().ends_with(".istio.io") && self != Self::IstioOperator
    }

    /// What makes pods from a template, or is one.
    pub const WORKLOADS: &'static [Self] =
        &[Self::Pod, Self::Deployment, Self::ReplicaSet, Self::StatefulSet, Self::DaemonSet, Self::Job, Self::CronJob];

    /// Whether it makes pods from a template, or is one.
    #[must_use]
    pub fn is_workload(self) -> bool {
        Self::WORKLOADS.contains(&self)
    }
}
