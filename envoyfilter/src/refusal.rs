//! What cannot be rendered, and why.

/// Why something is not rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A word that is no namespace.
    #[error("a namespace has lower-case letters, digits and `-`, at most 63 of them")]
    Namespace,
    /// A word that is no name.
    #[error("a name has lower-case letters, digits, `-` and `.`, at most 253 of them")]
    Name,
    /// Text that is no selector.
    #[error("a selector is written like app=cart,tier=front")]
    Selector,
    /// Text that names no target.
    #[error("a target is written like Gateway/waypoint, GatewayClass/istio-waypoint or Service/cart")]
    Target,
    /// An address of another form.
    #[error("a module is at http(s)://HOST[:PORT]/PATH#sha256=HASH, oci://HOST/IMAGE@sha256:DIGEST or file:///FOLDER/FILE")]
    Address,
    /// A folder of the proxy that a volume would hide.
    #[error("a volume at this folder would hide files of the proxy; use a folder of its own, such as /var/local/meshwhy")]
    Folder,
    /// A hash of another form.
    #[error("a sha256 has 64 hexadecimal digits")]
    Hash,
    /// Two hashes.
    #[error("the address and the options name different hashes of the module")]
    TwoHashes,
    /// An image by tag.
    #[error("an image is pinned by its digest: oci://HOST/IMAGE@sha256:DIGEST; a tag may come to mean another module")]
    Unpinned,
    /// A module of which nothing says which bytes it has.
    #[error(
        "proxies run only the bytes that the manifests name: give the built module with --module-file, or its hash with --sha256 or as \
         #sha256=HASH behind the address"
    )]
    HashMissing,
    /// A hash for a file.
    #[error("Envoy checks no hash of a file:// module")]
    HashOfFile,
    /// A module for a deployment without one.
    #[error("--mode native runs no module")]
    ModuleInNative,
    /// An old Istio.
    #[error("Istio before 1.27 has Envoy before 1.35, which refuses status filters without a runtime_key; meshwhy needs 1.27")]
    TooOld,
    /// An istiod that does not know the counters.
    #[error("--counters: istiod before 1.29 does not know Envoy's stats access logger and refuses the resource")]
    CountersTooOld,
    /// Counters beside a module.
    #[error("--counters is for --mode native; in the other modes the module counts by itself")]
    CountersOfModule,
    /// A trace check without a module.
    #[error("--trace-check takes the module, which --mode native does not run")]
    TraceCheckInNative,
    /// A sample out of range.
    #[error("--trace-check is a number of 10 000 requests, from 0 to 10000")]
    Sample,
    /// More than Envoy itself can say.
    #[error("--level full takes the module as HTTP filter: --mode annotate, or waypoints alone")]
    FullLevel,
    /// A fetch that there is not.
    #[error("--fetch-once is for --mode observe with a module at http(s)://")]
    FetchOnce,
    /// A server for a module that comes from elsewhere.
    #[error("--server serves the module at its default address; leave --module out, or the server")]
    ServerElsewhere,
    /// An image for an access logger.
    #[error(
        "nobody pulls images for access loggers: Istio's agent does it for WasmPlugin and TrafficExtension alone; use http(s)://, or \
         --mode annotate"
    )]
    ImageInObserve,
    /// A plugin that would reach more than was asked for.
    #[error(
        "a WasmPlugin without labels reaches sidecars and gateways alike; add --selector, or take both with --for sidecar,gateway"
    )]
    ImageForOneKind,
    /// A file without labels.
    #[error(
        "file:// needs --selector: a proxy that gets the configuration without the file refuses every update of its listeners, and a new \
         one never becomes ready"
    )]
    FileWithoutSelector,
    /// A file elsewhere than in sidecars.
    #[error(
        "file:// is for sidecars, into which the injector mounts the file; without it a gateway or waypoint answers every request with 500"
    )]
    FileElsewhere,
    /// Labels for waypoints.
    #[error("waypoints are chosen with --target, not with --selector")]
    SelectorOfWaypoints,
    /// Targets without waypoints.
    #[error("--target is for waypoints: --for waypoint")]
    TargetWithoutWaypoints,
    /// Too many targets.
    #[error("--target can be given 16 times")]
    TooManyTargets,
    /// A class outside of the root namespace.
    #[error("a GatewayClass is a target in the root namespace alone")]
    ClassElsewhere,
    /// A Service that makes waypoints crash.
    #[error(
        "up to Istio 1.30 a waypoint crashes at each start with a Wasm module for a Service: name the waypoint, --target Gateway/NAME, or say \
         --istio-version 1.31"
    )]
    ServiceTarget,
    /// Nothing at all.
    #[error("name the proxies with --for")]
    NoProxies,
}
