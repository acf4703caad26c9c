//! What a rule may look at one by one.

use super::{
    AuthorizationPolicy, DestinationRule, EnvoyFilter, Gateway, Resource, ResourceKind, Service, VirtualService, Workload,
};

/// A manifest, or a view of one.
pub trait Subject<'a>: Sized {
    /// The kinds of manifests that it is a view of; none where every kind is.
    const KINDS: &'static [ResourceKind] = &[];

    /// That of a manifest of one of these kinds.
    fn of(resource: Resource<'a>) -> Option<Self>;
}

impl<'a> Subject<'a> for Resource<'a> {
    fn of(resource: Self) -> Option<Self> {
        Some(resource)
    }
}

impl<'a> Subject<'a> for Workload<'a> {
    const KINDS: &'static [ResourceKind] = ResourceKind::WORKLOADS;

    fn of(resource: Resource<'a>) -> Option<Self> {
        Self::of(resource)
    }
}

/// Views of the manifests of one kind.
macro_rules! views {
    ($($view:ident),*) => {$(
        impl<'a> Subject<'a> for $view<'a> {
            const KINDS: &'static [ResourceKind] = &[ResourceKind::$view];

            fn of(resource: Resource<'a>) -> Option<Self> {
                Some(Self(resource))
            }
        }
    )*};
}

views!(AuthorizationPolicy, DestinationRule, EnvoyFilter, Gateway, Service, VirtualService);
