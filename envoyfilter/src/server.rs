//! What serves the module: a Deployment of a static file server, its Service, and how many of its pods have to stay.

use crate::names::Namespace;
use crate::resource::{Kind, Resource};
use crate::yaml::scalar;

/// Name of the Service, and of the ConfigMap that holds the module.
pub const NAME: &str = "meshwhy-module";

/// The server in this namespace.
pub fn resources(namespace: &Namespace) -> Vec<Resource> {
    let texts = [
        (Kind::Deployment, deployment(namespace)),
        (Kind::Service, service(namespace)),
        (Kind::PodDisruptionBudget, budget(namespace)),
    ];
    let resource = |(kind, text)| Resource { kind, namespace: namespace.clone(), name: NAME.to_owned(), text };
    texts.into_iter().map(resource).collect()
}

fn deployment(namespace: &Namespace) -> String {
    let namespace = scalar(namespace.as_str());
    format!(
        "\
# Serves the module to the proxies, which fetch it when they start and when their listeners change: 0.2 MB, a few times each.
# The module comes from a ConfigMap, which is too large for the annotation that `kubectl apply` keeps; so make it first:
#   kubectl -n {namespace} create configmap meshwhy-module --from-file=meshwhy.wasm
# Any other HTTP server will do as well: then change host and port of the clusters in the manifests. When it is down, proxies work as
# without meshwhy and write no records.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: meshwhy-module
  namespace: {namespace}
  labels:
    app.kubernetes.io/name: meshwhy-module
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: meshwhy-module
  template:
    metadata:
      labels:
        app.kubernetes.io/name: meshwhy-module
        # Plain HTTP, so that a proxy needs no certificate for it; the hash in the manifests protects the bytes.
        sidecar.istio.io/inject: \"false\"
    spec:
      automountServiceAccountToken: false
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
        labelSelector:
          matchLabels:
            app.kubernetes.io/name: meshwhy-module
      containers:
      - name: files
        image: nginxinc/nginx-unprivileged:1.29-alpine
        ports:
        - containerPort: 8080
        readinessProbe:
          httpGet: {{path: /meshwhy.wasm, port: 8080}}
        resources:
          requests: {{cpu: 50m, memory: 32Mi}}
          limits: {{memory: 128Mi}}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {{drop: [ALL]}}
          readOnlyRootFilesystem: true
          runAsNonRoot: true
          seccompProfile: {{type: RuntimeDefault}}
        volumeMounts:
        - {{name: module, mountPath: /usr/share/nginx/html, readOnly: true}}
        - {{name: tmp, mountPath: /tmp}}
      volumes:
      - name: module
        configMap: {{name: meshwhy-module}}
      - name: tmp
        emptyDir: {{}}
"
    )
}

fn service(namespace: &Namespace) -> String {
    let namespace = scalar(namespace.as_str());
    format!(
        "\
apiVersion: v1
kind: Service
metadata:
  name: meshwhy-module
  namespace: {namespace}
  labels:
    app.kubernetes.io/name: meshwhy-module
spec:
  selector:
    app.kubernetes.io/name: meshwhy-module
  ports:
  - name: http
    port: 8080
    targetPort: 8080
"
    )
}

fn budget(namespace: &Namespace) -> String {
    let namespace = scalar(namespace.as_str());
    format!(
        "\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: meshwhy-module
  namespace: {namespace}
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: meshwhy-module
"
    )
}
