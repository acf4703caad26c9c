//! What was found, in the form of the report.

use meshwhy_core::Lang;

use super::RouteChecks;
use super::destination::{ClusterState, Destination};
use super::prose;
use super::report::{ReportedCondition, ReportedDestination, ReportedEndpoint, ReportedHost, ReportedRoute};
use crate::config::VirtualHost;
use crate::matching::Truth;

pub(super) fn host(near: &super::NearHost<'_, '_>, authority: &str, lang: Lang) -> ReportedHost {
    ReportedHost {
        virtual_host: near.host.name.to_string(),
        domain: near.domain.to_owned(),
        miss: near.miss,
        detail: prose::domain_miss(near.miss, near.domain, authority, lang),
    }
}

pub(super) fn route(host: &VirtualHost<'_>, route: &RouteChecks, lang: Lang) -> ReportedRoute {
    let config = host.routes.get(route.index);
    let conditions = route.checks.iter().map(|check| ReportedCondition { holds: check.truth, detail: check.prose(lang) });
    ReportedRoute {
        number: route.index + 1,
        name: config.map(|config| config.name.to_string()).unwrap_or_default(),
        resource: config.and_then(|config| config.metadata.config()).and_then(prose::resource),
        conditions: conditions.collect(),
    }
}

pub(super) fn destination(destination: &Destination, lang: Lang) -> ReportedDestination {
    let endpoints = destination.endpoints.as_ref().filter(|_| destination.state != ClusterState::Missing);
    let endpoints = endpoints.map(|endpoints| {
        let reported = endpoints.iter().map(|endpoint| ReportedEndpoint {
            address: endpoint.address.clone(),
            usable: endpoint.is_usable,
            unhealthy: endpoint.unhealthy.clone(),
            priority: endpoint.priority,
            locality: endpoint.locality.clone(),
            weight: endpoint.weight,
        });
        reported.collect()
    });
    ReportedDestination {
        cluster: destination.cluster.clone(),
        weight: destination.share.0,
        weight_total: destination.share.1,
        served: destination.is_served().map_or(Truth::Unknown, Truth::from),
        detail: prose::destination(destination, lang),
        endpoints,
    }
}
