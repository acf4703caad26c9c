//! What a resource for waypoints is attached to.

use crate::names::Name;
use crate::refusal::Refusal;
use crate::yaml::{element, scalar};

/// A kind that `targetRefs` may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// One waypoint.
    Gateway,
    /// All waypoints of a class; in the root namespace alone (Istio 1.25).
    GatewayClass,
    /// The traffic to one Service.
    Service,
}

/// A resource that `targetRefs` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its kind.
    pub kind: TargetKind,
    /// Its name.
    pub name: Name,
}

impl Target {
    /// Most that `targetRefs` may name.
    pub const MOST: usize = 16;

    /// Reads `Gateway/NAME`, `GatewayClass/NAME` or `Service/NAME`; a name alone is a Gateway's.
    ///
    /// # Errors
    /// It is of another kind, or no name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let (kind, name) = match text.split_once('/') {
            None | Some(("Gateway", _)) => (TargetKind::Gateway, text.strip_prefix("Gateway/").unwrap_or(text)),
            Some(("GatewayClass", name)) => (TargetKind::GatewayClass, name),
            Some(("Service", name)) => (TargetKind::Service, name),
            Some(_) => return Err(Refusal::Target),
        };
        Ok(Self { kind, name: Name::parse(name).map_err(|_| Refusal::Target)? })
    }

    /// An element of `targetRefs`.
    pub(crate) fn yaml(&self) -> String {
        let (group, kind) = match self.kind {
            TargetKind::Gateway => ("gateway.networking.k8s.io", "Gateway"),
            TargetKind::GatewayClass => ("gateway.networking.k8s.io", "GatewayClass"),
            TargetKind::Service => ("\"\"", "Service"),
        };
        element(&format!("group: {group}\nkind: {kind}\nname: {}\n", scalar(self.name.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_of_a_kind_that_waypoints_know() {
        assert_eq!(Target::parse("waypoint"), Target::parse("Gateway/waypoint"));
        assert_eq!(Target::parse("Service/cart").unwrap().kind, TargetKind::Service);
        for bad in ["", "Pod/cart", "Gateway/", "Gateway/a/b", "Gateway/A", "Service/a\n- b", "{{a}}"] {
            assert_eq!(Target::parse(bad), Err(Refusal::Target), "{bad}");
        }
    }
}
