//! Pods in the names that runtimes and shippers give to containers, log files and streams.

use crate::origin::Origin;

/// Reads `k8s_CONTAINER_POD_NAMESPACE_UID_0`, `…/POD_NAMESPACE_CONTAINER-ID.log`, `pod/NAME/CONTAINER`, or keeps the name.
pub(super) fn origin(name: &str) -> Origin<'_> {
    docker(name).or_else(|| log_file(name)).or_else(|| path(name)).unwrap_or_else(|| Origin::named(name))
}

fn docker(name: &str) -> Option<Origin<'_>> {
    let mut parts = name.strip_prefix("k8s_")?.split('_');
    let (container, pod, namespace) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Origin { namespace: Some(namespace.into()), ..Origin::of_pod(name, pod, Some(container)) })
}

fn log_file(name: &str) -> Option<Origin<'_>> {
    let file = name.rsplit('/').next()?;
    let file = file.strip_suffix(".log").unwrap_or(file);
    let file = file.rsplit_once("containers.").map_or(file, |(_, file)| file);
    let mut parts = file.split('_');
    let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
    let (container, id) = container.rsplit_once('-')?;
    let is_id = id.len() >= 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let origin = Origin { namespace: Some(namespace.into()), ..Origin::of_pod(name, pod, Some(container)) };
    (is_id && parts.next().is_none() && !pod.is_empty()).then_some(origin)
}

fn path(name: &str) -> Option<Origin<'_>> {
    let mut parts = name.strip_prefix("pod/")?.split('/');
    let pod = parts.next().filter(|pod| !pod.is_empty())?;
    Some(Origin::of_pod(name, pod, parts.next()))
}
