//! A mesh as it is kept in a repository: a file per application, with a mistake here and there.

use fastrand::Rng;
use meshwhy_check::source::Source;

/// Applications in a namespace.
const APPLICATIONS: usize = 20;
/// Documents of an application.
const DOCUMENTS: usize = 6;

/// The files, and what is wrong in them.
pub struct Mesh {
    /// The files.
    pub files: Vec<Source>,
    /// What is wrong.
    pub mistakes: Vec<Mistake>,
}

/// A mistake that was made.
#[derive(Debug)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The rule that is to find it.
    pub slug: &'static str,
}

/// A kind of mistake: text of a sound application, what stands there instead, and the line of the new text to look at, from 0.
struct Slip {
    slug: &'static str,
    sound: &'static str,
    wrong: &'static str,
    line: i32,
}

const SLIPS: [Slip; 20] = [
    Slip { slug: "missing-subset", sound: "            subset: v1\n", wrong: "            subset: v9\n", line: 0 },
    Slip { slug: "unknown-field", sound: "      retries:\n", wrong: "      retires:\n", line: 0 },
    Slip { slug: "malformed-value", sound: "      timeout: 5s\n", wrong: "      timeout: 5x\n", line: 0 },
    Slip { slug: "unknown-value", sound: "    mode: STRICT\n", wrong: "    mode: STRIKT\n", line: 0 },
    Slip { slug: "wrong-type", sound: "        - containerPort: 8080\n", wrong: "        - containerPort: \"8080\"\n", line: 0 },
    Slip { slug: "duplicate-key", sound: "  replicas: 2\n", wrong: "  replicas: 2\n  replicas: 3\n", line: 1 },
    Slip { slug: "unknown-kind", sound: "kind: PeerAuthentication\n", wrong: "kind: PeerAuthentification\n", line: 0 },
    Slip { slug: "missing-field", sound: "            host: NAME\n", wrong: "", line: -1 },
    Slip {
        slug: "exclusive-fields",
        sound: "        - uri: {prefix: /}\n",
        wrong: "        - uri: {prefix: /, exact: /}\n",
        line: 0,
    },
    Slip { slug: "port-without-protocol", sound: "    - name: http-web\n", wrong: "    - name: web\n", line: 0 },
    Slip {
        slug: "subset-selects-no-pod",
        sound: "      labels: {version: v1}\n",
        wrong: "      labels: {version: v7}\n",
        line: 0,
    },
    Slip {
        slug: "policy-selects-nothing",
        sound: "    matchLabels: {app: NAME}\n  action",
        wrong: "    matchLabels: {app: NAME-x}\n  action",
        line: 0,
    },
    Slip { slug: "service-selects-no-pod", sound: "  selector: {app: NAME}\n", wrong: "  selector: {app: NAME-x}\n", line: 0 },
    Slip { slug: "unknown-rule-host", sound: "  host: NAME\n", wrong: "  host: NAME-x\n", line: 0 },
    Slip {
        slug: "deprecated-outlier-field",
        sound: "      consecutive5xxErrors: 5\n",
        wrong: "      consecutiveErrors: 5\n",
        line: 0,
    },
    Slip { slug: "plaintext-to-strict", sound: "    tls: {mode: ISTIO_MUTUAL}\n", wrong: "    tls: {mode: DISABLE}\n", line: 0 },
    Slip {
        slug: "fault-with-retries",
        sound: "      retries:\n",
        wrong: "      fault: {abort: {httpStatus: 500, percentage: {value: 1}}}\n      retries:\n",
        line: 0,
    },
    Slip {
        slug: "missing-destination-port",
        sound: "            port: {number: 80}\n",
        wrong: "            port: {number: 81}\n",
        line: 0,
    },
    Slip {
        slug: "invalid-annotation",
        sound: "        sidecar.istio.io/logLevel: warning\n",
        wrong: "        sidecar.istio.io/logLevel: loud\n",
        line: 0,
    },
    Slip { slug: "application-uid", sound: "            runAsUser: 1000\n", wrong: "            runAsUser: 1337\n", line: 0 },
];

impl Mesh {
    /// About so many documents; one in a hundred has a mistake.
    pub fn new(documents: usize, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let (mut files, mut mistakes) = (Vec::new(), Vec::new());
        let applications = documents / DOCUMENTS;
        for application in 0..applications {
            let namespace = format!("team-{}", application / APPLICATIONS);
            let name = format!("app-{application}");
            let file = format!("{namespace}/{name}.yaml");
            let mut text = sound(&name, &namespace);
            if application % APPLICATIONS == 0 {
                text.push_str(&namespace_itself(&namespace));
            }
            if random.usize(..100) < DOCUMENTS {
                let slip = SLIPS.get(random.usize(..SLIPS.len())).map(|slip| (slip.slug, slip.made_in(&text, &name)));
                if let Some((slug, (line, wrong))) = slip {
                    mistakes.push(Mistake { file: file.clone(), line, slug });
                    text = wrong;
                }
            }
            files.push(Source { name: file, text });
        }
        Self { files, mistakes }
    }
}

impl Slip {
    /// The line of the mistake and the text with it.
    fn made_in(&self, text: &str, name: &str) -> (u32, String) {
        let (sound, wrong) = (self.sound.replace("NAME", name), self.wrong.replace("NAME", name));
        // A mistake that could not be made is one that is not found.
        let before = text.find(&sound).and_then(|at| text.get(..at)).unwrap_or_default();
        let line = u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX).saturating_add_signed(1 + self.line);
        (line, text.replacen(&sound, &wrong, 1))
    }
}

fn namespace_itself(namespace: &str) -> String {
    format!("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n  labels: {{istio-injection: enabled}}\n")
}

fn sound(name: &str, namespace: &str) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{app: {name}}}
spec:
  selector: {{app: {name}}}
  ports:
    - name: http-web
      port: 80
      targetPort: 8080
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {namespace}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: {name}, version: v1}}
  template:
    metadata:
      labels: {{app: {name}, version: v1}}
      annotations:
        sidecar.istio.io/logLevel: warning
    spec:
      containers:
      - name: web
        image: registry.example.com/{name}:1.4.2
        ports:
        - containerPort: 8080
        securityContext:
            runAsUser: 1000
        resources:
          requests: {{cpu: 100m, memory: 128Mi}}
          limits: {{memory: 256Mi}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: {name}
  namespace: {namespace}
spec:
  host: {name}
  trafficPolicy:
    tls: {{mode: ISTIO_MUTUAL}}
    outlierDetection:
      consecutive5xxErrors: 5
      interval: 10s
  subsets:
    - name: v1
      labels: {{version: v1}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: {name}
  namespace: {namespace}
spec:
  hosts: [{name}]
  http:
    - match:
        - uri: {{prefix: /}}
      route:
        - destination:
            port: {{number: 80}}
            host: {name}
            subset: v1
      timeout: 5s
      retries:
        attempts: 2
        perTryTimeout: 2s
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: {name}
  namespace: {namespace}
spec:
  selector:
    matchLabels: {{app: {name}}}
  mtls:
    mode: STRICT
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: {name}
  namespace: {namespace}
spec:
  selector:
    matchLabels: {{app: {name}}}
  action: ALLOW
  rules:
    - from:
        - source: {{namespaces: [{namespace}]}}
      to:
        - operation: {{methods: [GET, POST], paths: [/api/*]}}
"
    )
}
