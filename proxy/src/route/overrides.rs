//! What the route of a request has a filter with policies do otherwise.
//!
//! Source: Envoy `source/extensions/filters/http/rbac/rbac_filter.cc` and `api/envoy/config/route/v3/route_components.proto`, 1.40.

use super::{Request, RouteChoice, table};
use crate::config::{Filter, RouteConfiguration, VirtualHost};
use crate::policy::Policies;
use crate::proto_json::{Any, Object};

/// What is said of filters, by their names, in one place of a route table.
type PerFilter<'a> = Object<'a>;

/// The routes that a request may get.
pub(super) enum Overrides<'a> {
    /// For each of them the places that speak for it, the most specific first.
    Of(Vec<Vec<PerFilter<'a>>>),
    /// They are not known.
    Open,
}

/// The policies that count for a request.
pub(super) enum Effective {
    /// The filter's own.
    Own,
    /// Those of the route; none where it switches the filter off.
    OfRoute(Option<Policies>),
    /// It depends on the route, which is not known.
    Open,
}

impl<'a> Overrides<'a> {
    /// What no route has a say in.
    pub(super) fn none() -> Self {
        Self::Of(Vec::new())
    }

    /// Those of a table, for a request whose authority and path are as the connection manager leaves them.
    pub(super) fn new(table: Option<&RouteConfiguration<'a>>, request: &Request) -> Self {
        let Some(table) = table else { return Self::Open };
        let answer = table::answer(table, request);
        let Some(chosen) = answer.chosen else { return if answer.is_open { Self::Open } else { Self::none() } };
        let of = |index: &usize| places(table, chosen.host, *index);
        Self::Of(match &chosen.route {
            RouteChoice::Certain(index) => of(index),
            RouteChoice::None => Vec::new(),
            RouteChoice::Open { candidates, ends } => {
                let none = (!ends).then(Vec::new);
                candidates.iter().flat_map(of).chain(none).collect()
            }
            RouteChoice::Tree | RouteChoice::TlsRedirect | RouteChoice::ExternalTlsRedirect => return Self::Open,
        })
    }

    /// The policies that count in the place of a filter's own.
    pub(super) fn of(&self, filter: &Filter<'a>) -> Effective {
        let Self::Of(routes) = self else { return Effective::Open };
        let mut found = routes.iter().map(|places| places.iter().find_map(|place| place.read::<Any<'a>>(&filter.name)));
        let first = found.next().flatten();
        if found.any(|other| other.map(|it| it.0.get()) != first.map(|it| it.0.get())) {
            return Effective::Open;
        }
        let own = if filter.disabled { Effective::OfRoute(None) } else { Effective::Own };
        first.map_or(own, effective)
    }
}

/// What speaks for a route: each of its clusters by itself, before the route, its virtual host and its table.
fn places<'a>(table: &RouteConfiguration<'a>, host: &VirtualHost<'a>, index: usize) -> Vec<Vec<PerFilter<'a>>> {
    let Some(route) = host.routes.get(index) else { return Vec::new() };
    let general = [&route.typed_per_filter_config, &host.typed_per_filter_config, &table.typed_per_filter_config];
    let general: Vec<PerFilter<'a>> = general.into_iter().cloned().collect();
    let weighted = route.route.as_ref().and_then(|action| action.weighted_clusters.as_ref());
    let clusters = weighted.into_iter().flat_map(|weighted| &weighted.clusters).filter(|cluster| cluster.weight > 0);
    let mut all: Vec<Vec<PerFilter<'a>>> =
        clusters.map(|cluster| std::iter::once(&cluster.typed_per_filter_config).chain(&general).cloned().collect()).collect();
    if all.is_empty() {
        all.push(general);
    }
    all
}

fn effective(config: Any<'_>) -> Effective {
    let read = || config.decode::<Object<'_>>().ok();
    if config.is(".RBACPerRoute") {
        let Some(message) = read() else { return Effective::Open };
        return Effective::OfRoute(message.read::<Object<'_>>("rbac").and_then(|rbac| Policies::read(&rbac)));
    }
    // A wrapper that also switches filters on and off.
    match read().filter(|_| config.is(".route.v3.FilterConfig")) {
        Some(wrapper) if wrapper.read("disabled") == Some(true) => Effective::OfRoute(None),
        Some(wrapper) => wrapper.read::<Any<'_>>("config").map_or(Effective::Own, effective),
        None => Effective::Open,
    }
}
