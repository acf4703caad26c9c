//! Who answered, by the headers of a response.
//!
//! Source: measured with istiod 1.29.6 and Envoy 1.40. A client's sidecar writes `server: envoy` and a gateway `server: istio-envoy`, each
//! over the application's own header; a server's sidecar adds `x-envoy-decorator-operation`, which gateways and client sidecars remove,
//! and `server: istio-envoy` where the application sends none. Only what an upstream answered has taken `x-envoy-upstream-service-time`,
//! and Envoy leaves that out where the answer came before the end of the request's body.

use meshwhy_core::Side;
use meshwhy_core::proxy_status;

use crate::outcome::Response;
use crate::request::Request;

/// Who answered, as far as headers say. Anybody on the way can write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    /// Who made the response.
    pub author: Author,
    /// The proxy that the client spoke to.
    pub front: Option<Front>,
    /// The headers that say so, as they stand.
    pub signs: Vec<(String, String)>,
}

/// Who made a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A proxy that says so in a member of `proxy-status`.
    Proxy {
        /// Its name.
        name: String,
        /// Which way the traffic went there.
        side: Option<Side>,
    },
    /// What the proxies have behind them: the application, or a proxy that does not say.
    Upstream,
    /// An Envoy by itself, as it seems: nothing says that it asked an upstream.
    LikelyEnvoy,
    /// An Envoy, or what it has behind it.
    EnvoyOrUpstream,
    /// Nothing says so.
    Unknown,
}

/// The proxy that the client spoke to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// `server: envoy`: a sidecar of the client, or an Envoy without Istio.
    ClientSidecarOrEnvoy,
    /// `server: istio-envoy`: a gateway, or the sidecar of the server.
    GatewayOrServerSidecar,
    /// The sidecar of the server: only it leaves the name of its route.
    ServerSidecar,
}

impl Answerer {
    /// Reads the headers of the response to a request.
    #[must_use]
    pub fn of(response: &Response, request: &Request) -> Self {
        const SIGNS: [&str; 4] = ["proxy-status", "server", "x-envoy-upstream-service-time", "x-envoy-decorator-operation"];
        let signs = SIGNS.iter().flat_map(|name| response.all(name).map(|value| ((*name).to_owned(), value.to_owned())));
        let front = match response.header("server") {
            _ if response.header("x-envoy-decorator-operation").is_some() => Some(Front::ServerSidecar),
            Some("envoy") => Some(Front::ClientSidecarOrEnvoy),
            Some("istio-envoy") => Some(Front::GatewayOrServerSidecar),
            _ => None,
        };
        let members = response.trail();
        let author = match proxy_status::author(&members).or_else(|| members.iter().find(|member| member.gives_reason())) {
            Some(member) => Author::Proxy { name: member.name.clone(), side: member.side },
            None if response.header("x-envoy-upstream-service-time").is_some() => Author::Upstream,
            None if front.is_some() && request.sent_body().is_empty() => Author::LikelyEnvoy,
            None if front.is_some() => Author::EnvoyOrUpstream,
            None => Author::Unknown,
        };
        Self { author, front, signs: signs.collect() }
    }
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;
    use crate::outcome::BodyEnd;
    use crate::target::Target;

    fn answerer(headers: &[(&str, &str)]) -> (Author, Option<Front>) {
        answerer_to(&Request::get(Target::parse("http://cart/").unwrap()), headers)
    }

    fn answerer_to(request: &Request, headers: &[(&str, &str)]) -> (Author, Option<Front>) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (body, trailers) = (Vec::new(), Vec::new());
        let version = Version::HTTP_11;
        let response = Response { version, status: 503, headers, body, length: 0, end: BodyEnd::Complete, trailers };
        let answerer = Answerer::of(&response, request);
        (answerer.author, answerer.front)
    }

    #[test]
    fn headers_that_envoy_and_istio_write() {
        const TIME: (&str, &str) = ("x-envoy-upstream-service-time", "3");
        assert_eq!(answerer(&[]), (Author::Unknown, None));
        assert_eq!(answerer(&[("server", "nginx")]), (Author::Unknown, None));
        assert_eq!(answerer(&[("server", "envoy"), TIME]), (Author::Upstream, Some(Front::ClientSidecarOrEnvoy)));
        assert_eq!(answerer(&[("server", "istio-envoy")]), (Author::LikelyEnvoy, Some(Front::GatewayOrServerSidecar)));
        let inbound = [("server", "istio-envoy"), ("x-envoy-decorator-operation", "cart.shop:80/*")];
        assert_eq!(answerer(&inbound), (Author::LikelyEnvoy, Some(Front::ServerSidecar)));
    }

    #[test]
    fn an_answer_before_the_end_of_the_request_leaves_it_open() {
        let call = Request { is_grpc: true, ..Request::get(Target::parse("http://cart/").unwrap()) };
        let (author, _) = answerer_to(&call, &[("server", "istio-envoy")]);
        assert_eq!(author, Author::EnvoyOrUpstream);
    }

    #[test]
    fn who_signs_a_reason_is_the_author_and_who_passes_it_on_is_not() {
        let passed = r#""cart-1.shop"; error=connection_refused; mw-cause=MW3002; mw-side=inbound, "front"; received-status=503"#;
        let (author, _) = answerer(&[("server", "envoy"), ("proxy-status", passed)]);
        assert_eq!(author, Author::Proxy { name: "cart-1.shop".to_owned(), side: Some(Side::Inbound) });
    }
}
