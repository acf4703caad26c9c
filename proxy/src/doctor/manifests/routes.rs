//! The routes that a VirtualService makes, against those that the proxy has of it.
//!
//! Source: Istio `pilot/pkg/networking/core/route/route.go`, 1.30.

use meshwhy_check::document::Node;
use meshwhy_check::model::VirtualService;
use meshwhy_core::Lang;

use super::held::Held;
use super::{AREA, where_to_look};
use crate::doctor::Examined;
use crate::words::say;

/// What of a match keeps it from some proxies.
const SCOPES: [&str; 4] = ["sourceLabels", "sourceNamespace", "gateways", "port"];

/// The first difference, where the manifest says all.
pub(super) fn difference(held: &Held, name: &str, service: VirtualService<'_>, lang: Lang) -> Option<Examined> {
    let wanted = timeouts(service)?;
    for routes in &held.routes {
        let found: Vec<&str> = routes.iter().filter(|(of, _)| of == name).map(|(_, timeout)| timeout.as_str()).collect();
        let (has, makes) = (found.len(), wanted.len());
        if has == 0 {
            continue;
        }
        if has != makes {
            return Some(Examined::open(
                AREA,
                say!(
                    lang,
                    "{name}: the proxy has {has} routes of it, the manifest makes {makes}",
                    "{name}：代理中有 {has} 条路由，而清单会生成 {makes} 条"
                ),
                where_to_look(lang),
            ));
        }
        let differs = |(_, (found, wanted)): &(usize, (&&str, &String))| {
            milliseconds(wanted).is_some_and(|wanted| milliseconds(found).is_some_and(|found| found != wanted))
        };
        if let Some((index, (found, wanted))) = found.iter().zip(&wanted).enumerate().find(differs) {
            let number = index + 1;
            return Some(Examined::bad(
                AREA,
                say!(
                    lang,
                    "{name}: route {number} has the timeout {found} in the proxy and {wanted} in the manifest",
                    "{name}：第 {number} 条路由的超时在代理中为 {found}，在清单中为 {wanted}"
                ),
                where_to_look(lang),
            ));
        }
    }
    None
}

/// The timeout of each route, in order; a route for each match, up to the first that matches everything. `None` where a part stands elsewhere,
/// or is only for some proxies.
fn timeouts(service: VirtualService<'_>) -> Option<Vec<String>> {
    let mut timeouts = Vec::new();
    for http in service.http() {
        let is_scoped = http.list("match").any(|one| SCOPES.iter().any(|scope| one.get(scope).is_some()));
        if is_scoped || http.get("delegate").is_some() {
            return None;
        }
        let timeout = match http.str_at(&["timeout"]) {
            // What answers or redirects by itself has none.
            _ if ["redirect", "directResponse"].iter().any(|field| http.get(field).is_some()) => "",
            timeout => timeout.unwrap_or("0s"),
        };
        let mut matches = http.list("match").peekable();
        if matches.peek().is_none() {
            timeouts.push(timeout.to_owned());
            return Some(timeouts);
        }
        for one in matches {
            timeouts.push(timeout.to_owned());
            if is_catch_all(one) {
                return Some(timeouts);
            }
        }
    }
    Some(timeouts)
}

fn is_catch_all(one: Node<'_>) -> bool {
    let is_everything = one.get("uri").is_none_or(|uri| uri.str_at(&["prefix"]) == Some("/"));
    is_everything && one.entries().all(|(key, _)| matches!(key.text(), Some("uri" | "name")))
}

/// A duration as Go or protobuf writes it, with one unit.
fn milliseconds(text: &str) -> Option<u64> {
    let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s'), text.strip_suffix('m'), text.strip_suffix('h'))
    {
        (Some(number), ..) => (number, 1.0),
        (None, Some(number), ..) => (number, 1000.0),
        (None, None, Some(number), _) => (number, 60_000.0),
        (None, None, None, Some(number)) => (number, 3_600_000.0),
        _ => return None,
    };
    let value = number.parse::<f64>().ok()? * scale;
    format!("{value:.0}").parse().ok()
}
