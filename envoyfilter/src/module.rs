//! How a proxy gets the module: Envoy fetches it itself, from a cluster of our own, unless it is told otherwise.
//!
//! Of all ways only this one is safe when the module is not there: server down, wrong bytes, cluster unknown – requests, later changes of
//! the configuration and new proxies are as without it, and only records are missing. A file that is missing has Envoy refuse every
//! update of a listener; an ECDS resource that is refused has it answer 500. Decision 12 has the measurements.

use crate::mount::MountedFile;
use crate::names::{Namespace, is_subdomain};
use crate::refusal::Refusal;
use crate::server;
use crate::yaml::{element, indented};

/// Cluster of the observe deployment.
pub const OBSERVE: &str = "meshwhy-module";
/// Cluster of the annotate deployment: both may be installed at once, and names of clusters are unique.
pub const ANNOTATE: &str = "meshwhy-module-annotate";

const PORT: u16 = 8080;

/// Where the module comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module(pub(crate) ModuleSource);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModuleSource {
    /// A server that Envoy fetches from.
    Server(ModuleServer),
    /// An image that Istio's agent pulls, with its digest.
    Image(String),
    /// A file in the proxy's container.
    File(MountedFile),
}

/// Who serves the module over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModuleServer {
    pub(crate) uri: String,
    pub(crate) sha256: String,
    host: String,
    port: u16,
    is_tls: bool,
    /// Whether it is [`server`]'s.
    pub(crate) is_own: bool,
}

impl Module {
    /// The server that meshwhy brings, in the root namespace.
    ///
    /// # Errors
    /// The hash has not 64 hexadecimal digits.
    pub fn served(root: &Namespace, sha256: &str) -> Result<Self, Refusal> {
        Ok(Self::trusted(root, hash(sha256)?))
    }

    /// Whether the manifests say which bytes it has; of a file nothing does.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        !matches!(self.0, ModuleSource::File(_))
    }

    /// The server that meshwhy brings, without a look at the hash.
    pub(crate) fn trusted(root: &Namespace, sha256: String) -> Self {
        let host = format!("{}.{}.svc.cluster.local", server::NAME, root.as_str());
        let uri = format!("http://{host}:{PORT}/meshwhy.wasm");
        Self(ModuleSource::Server(ModuleServer { uri, sha256, host, port: PORT, is_tls: false, is_own: true }))
    }

    /// Reads an address: `http(s)://HOST[:PORT]/PATH#sha256=HASH`, `oci://HOST/IMAGE@sha256:DIGEST` or `file:///FOLDER/FILE`. The hash of the
    /// first may be given apart.
    ///
    /// # Errors
    /// The address has another form, or the hash is missing, wrong or contradicts the other.
    pub fn parse(address: &str, sha256: Option<&str>) -> Result<Self, Refusal> {
        let given = sha256.map(hash).transpose()?;
        let (scheme, rest) = address.split_once("://").ok_or(Refusal::Address)?;
        let source = match scheme {
            "http" | "https" => {
                let (place, fragment) = rest.split_once('#').map_or((rest, None), |(place, fragment)| (place, Some(fragment)));
                let written = fragment.map(|text| hash(text.strip_prefix("sha256=").ok_or(Refusal::Address)?)).transpose()?;
                ModuleSource::Server(ModuleServer::parse(scheme, place, agreed(written, given)?.ok_or(Refusal::HashMissing)?)?)
            }
            "oci" => {
                let (image, digest) = rest.split_once("@sha256:").ok_or(Refusal::Unpinned)?;
                let digest = agreed(Some(hash(digest)?), given)?.ok_or(Refusal::Unpinned)?;
                if !is_image(image) {
                    return Err(Refusal::Address);
                }
                ModuleSource::Image(format!("oci://{image}@sha256:{digest}"))
            }
            "file" if given.is_some() => return Err(Refusal::HashOfFile),
            "file" => ModuleSource::File(MountedFile::parse(rest)?),
            _ => return Err(Refusal::Address),
        };
        Ok(Self(source))
    }
}

impl ModuleServer {
    fn parse(scheme: &str, place: &str, sha256: String) -> Result<Self, Refusal> {
        let (authority, path) = place.split_once('/').ok_or(Refusal::Address)?;
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        let is_tls = scheme == "https";
        let port = port.map_or(Ok(if is_tls { 443 } else { 80 }), |port| port.parse().map_err(|_| Refusal::Address))?;
        // As in RFC 3986, without what would have to be escaped in YAML or in a template.
        let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?=&%+:,;@!".contains(&byte);
        if !is_subdomain(host) || port == 0 || path.is_empty() || path.len() > 2048 || !path.bytes().all(is_sound) {
            return Err(Refusal::Address);
        }
        Ok(Self { uri: format!("{scheme}://{place}"), sha256, host: host.to_owned(), port, is_tls, is_own: false })
    }
}

fn hash(text: &str) -> Result<String, Refusal> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Ok(text.to_ascii_lowercase()) } else { Err(Refusal::Hash) }
}

fn agreed(one: Option<String>, other: Option<String>) -> Result<Option<String>, Refusal> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Refusal::TwoHashes),
        (one, other) => Ok(one.or(other)),
    }
}

/// Whether a text is a registry and a repository in it, with or without a tag.
fn is_image(text: &str) -> bool {
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte);
    let begins = |part: &str| part.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    text.len() <= 512 && text.contains('/') && text.bytes().all(is_sound) && text.split('/').all(begins)
}

/// The fields of Envoy's `PluginConfig`, without its failure policy.
pub fn plugin(configuration: &str, cluster: &str, module: &Module) -> String {
    format!(
        "\
name: meshwhy
root_id: meshwhy
configuration:
  \"@type\": type.googleapis.com/google.protobuf.StringValue
  value: '{configuration}'
vm_config:
  vm_id: meshwhy
  runtime: envoy.wasm.runtime.v8
  nack_on_code_cache_miss: false
  code:
{}",
        indented(4, &code(cluster, module))
    )
}

fn code(cluster: &str, module: &Module) -> String {
    match &module.0 {
        ModuleSource::Server(ModuleServer { uri, sha256, .. }) => format!(
            "\
remote:
  # Only these bytes are run.
  sha256: \"{sha256}\"
  http_uri: {{uri: \"{uri}\", cluster: {cluster}, timeout: 1s}}
  # A server that hangs delays a new proxy, or an update of its listener, by the timeout.
  retry_policy: {{num_retries: 0}}
"
        ),
        // The injector mounts it, as workload-patch.yaml says.
        ModuleSource::File(file) => format!("local: {{filename: {}}}\n", file.path()),
        // Refused before: Envoy itself pulls no images.
        ModuleSource::Image(_) => String::new(),
    }
}

/// The module as HTTP filter; without it requests pass, and a comment may say so.
pub fn http_filter(comment: &str, configuration: &str, cluster: &str, module: &Module) -> String {
    format!(
        "\
name: meshwhy
typed_config:
  \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
  config:
{comment}    failure_policy: FAIL_OPEN
{}",
        indented(4, &plugin(configuration, cluster, module))
    )
}

/// A patch that adds the cluster: one of the mesh would be hidden from proxies with a Sidecar resource.
pub fn cluster(context: &str, name: &str, ModuleServer { host, port, is_tls, .. }: &ModuleServer) -> String {
    // The hash says which bytes are run, so the server need not prove who it is.
    let transport = format!(
        "\
transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    sni: {host}
"
    );
    let transport = if *is_tls { indented(4, &transport) } else { String::new() };
    element(&format!(
        "\
applyTo: CLUSTER
match: {{context: {context}}}
patch:
  operation: ADD
  value:
    name: {name}
    type: STRICT_DNS
    connect_timeout: 1s
    # Every connection manager fetches when a proxy starts, all at once: a limit would let the last ones wait in vain.
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: {{idle_timeout: 2s}}
        explicit_http_config: {{http_protocol_options: {{}}}}
{transport}    load_assignment:
      cluster_name: {name}
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: {host}, port_value: {port}}}}}}}
"
    ))
}

/// A patch that adds a cluster to which nothing is sent. It is there before the listeners, and its filter has the module fetched once for
/// all of them.
pub fn fetched_once(module: &Module) -> String {
    element(&format!(
        "\
applyTo: CLUSTER
match: {{context: ANY}}
patch:
  operation: ADD
  value:
    name: meshwhy-fetch-once
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http_protocol_options: {{}}}}
        http_filters:
{}        - name: envoy.filters.http.upstream_codec
          typed_config:
            \"@type\": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec
",
        indented(8, &element(&http_filter("", "{}", OBSERVE, module)))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";

    #[test]
    fn an_address_is_pinned() {
        for (address, hash) in [
            (format!("http://files.example.com/meshwhy.wasm#sha256={HASH}"), None),
            ("https://files.example.com:8443/a/meshwhy.wasm?v=1".to_owned(), Some(HASH)),
            (format!("oci://registry.example.com:5000/mesh/meshwhy:1.0@sha256:{HASH}"), None),
            ("file:///var/local/meshwhy/meshwhy.wasm".to_owned(), None),
        ] {
            assert!(Module::parse(&address, hash).is_ok(), "{address}");
        }
        assert_eq!(Module::parse("http://a.example/m.wasm", None), Err(Refusal::HashMissing));
        assert_eq!(Module::parse("oci://a.example/m:latest", Some(HASH)), Err(Refusal::Unpinned));
        assert_eq!(Module::parse("http://a.example/m.wasm", Some("5feceb")), Err(Refusal::Hash));
        assert_eq!(Module::parse("file:///var/local/meshwhy/m.wasm", Some(HASH)), Err(Refusal::HashOfFile));
        let other = HASH.replace('5', "6");
        assert_eq!(Module::parse(&format!("http://a.example/m.wasm#sha256={other}"), Some(HASH)), Err(Refusal::TwoHashes));
    }

    #[test]
    fn an_address_stays_in_its_place() {
        for hostile in [
            "",
            "meshwhy.wasm",
            "ftp://a.example/m",
            "http://",
            "http:///m",
            "http://a.example",
            "http://a.example/",
            "http://a.example:0/m",
            "http://a.example:99999/m",
            "http://user@a.example/m",
            "http://A.example/m",
            "http://a.example/m\"",
            "http://a.example/m\\n",
            "http://a.example/m\n- x",
            "http://a.example/{{ .Values.x }}",
            "http://a.example/m'",
            "http://a.example/m}",
            "http://[::1]/m",
        ] {
            assert_eq!(Module::parse(hostile, Some(HASH)), Err(Refusal::Address), "{hostile}");
        }
        for hostile in ["oci://m@sha256:", "oci:///m@sha256:", "oci://a.example/../m@sha256:", "oci://a.example/{{m}}@sha256:"] {
            assert_eq!(Module::parse(&format!("{hostile}{HASH}"), None), Err(Refusal::Address), "{hostile}");
        }
    }
}
