//! What a proxy, its agent, the control plane or the cluster says in words, where no access-log field says it.
//!
//! An event is a closed word; `meshwhy-logs` knows the phrases that stand for it, the module notices the first one itself.

use crate::words;

words! {
    /// Something that was noticed and that no status code tells.
    pub enum Event {
        /// A sampled request came without any trace context.
        TraceContextMissing = "trace_context_missing",
        /// A request says itself that it is not to be sampled.
        TraceNotSampled = "trace_not_sampled",
        /// A client was sent from redirect to redirect.
        RedirectLoop = "redirect_loop",
        /// A codec reset an HTTP/2 stream before its headers were complete.
        StreamResetByCodec = "stream_reset_by_codec",
        /// A certificate is not trusted, says Go's or another TLS library outside Envoy.
        CertificateUntrusted = "certificate_untrusted",
        /// A certificate is outside its validity, says a library outside Envoy.
        CertificateOutOfDate = "certificate_out_of_date",
        /// A certificate or key could not be loaded, or was not delivered.
        SecretMissing = "secret_missing",
        /// The signing keys of a token issuer could not be fetched.
        JwksFetchFailed = "jwks_fetch_failed",
        /// A `CUSTOM` policy names a provider that the mesh does not define.
        ExtAuthzProviderMissing = "ext_authz_provider_missing",
        /// A Wasm module could not be fetched, loaded or started.
        WasmLoadFailed = "wasm_load_failed",
        /// Envoy runs a plugin without its Wasm module; whether that is a failure, another line of the same proxy says.
        WasmPluginMissing = "wasm_plugin_missing",
        /// A Wasm module is being fetched, and a plugin has to wait for its own fetch: no failure.
        WasmLoadPending = "wasm_load_pending",
        /// Two listeners claim one address or name.
        ListenerConflict = "listener_conflict",
        /// Two virtual hosts claim one domain.
        DuplicateDomain = "duplicate_domain",
        /// Envoy refused a configuration for another reason.
        ConfigRejected = "config_rejected",
        /// The control-plane stream ended as it does every half hour or so.
        XdsReconnect = "xds_reconnect",
        /// A warning about configuration that has no effect.
        XdsWarning = "xds_warning",
        /// The control plane cannot be reached.
        XdsUnreachable = "xds_unreachable",
        /// The control plane ended the stream because of an error of its own.
        XdsControlPlaneError = "xds_control_plane_error",
        /// Envoy's own admin port does not answer.
        ProxyNotStarted = "proxy_not_started",
        /// The proxy is not ready and does not say why.
        ProxyNotReady = "proxy_not_ready",
        /// A readiness or start-up probe failed for a moment.
        ProbeFailed = "probe_failed",
        /// A readiness or start-up probe fails again and again; whose, and whether anybody answers, is not said.
        ProbeKeepsFailing = "probe_keeps_failing",
        /// The proxy's container ends again and again, and is restarted.
        ProxyBackOff = "proxy_back_off",
        /// The volume `istio-token` cannot be mounted.
        TokenMountFailed = "token_mount_failed",
        /// The API server does not trust the injection webhook.
        WebhookUntrusted = "webhook_untrusted",
        /// The API server cannot reach a webhook of istiod.
        WebhookUnreachable = "webhook_unreachable",
        /// Istio's validation refused a resource.
        ConfigurationRefused = "configuration_refused",
        /// Istio's own analysis warns of a resource that it accepted, or calls it an error.
        AnalysisMessage = "analysis_message",
        /// A pod's traffic could not be redirected to its proxy.
        RedirectionFailed = "redirection_failed",
        /// The ConfigMap `istio-ca-root-cert` is not there.
        RootCertificateMissing = "root_certificate_missing",
        /// The proxy's container was killed for its memory.
        ProxyOutOfMemory = "proxy_out_of_memory",
        /// A container was killed for its memory; which one is not said.
        ContainerOutOfMemory = "container_out_of_memory",
        /// The sidecar of a Job runs on after the Job's own container has ended.
        JobHeldBySidecar = "job_held_by_sidecar",
        /// Envoy has no file descriptors left.
        FileDescriptorsExhausted = "file_descriptors_exhausted",
        /// Something of the platform around the mesh says it, not Istio or Envoy.
        PlatformMessage = "platform_message",
        /// A line of ztunnel that means no harm.
        ZtunnelBenign = "ztunnel_benign",
    }
}

impl Event {
    /// Reads the word that [`Event::as_str`] gives.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == word)
    }
}
