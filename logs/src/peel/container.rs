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

/// The pod in the path of a log: what a runtime links in `/var/log/containers`, `NAMESPACE_POD_UID/CONTAINER/0.log` below `/var/log/pods`,
/// or `proxies/NAMESPACE/POD/…` and `istio/NAMESPACE/POD/…` of `istioctl bug-report`.
///
/// Source: Kubernetes `pkg/kubelet/kuberuntime/helpers.go`, 1.34; Istio `tools/bug-report/pkg/archive/archive.go`, 1.29.
pub(crate) fn of_file(path: &str) -> Option<Origin<'_>> {
    let mut parts = path.rsplit(['/', '\\']);
    let (_file, folder, above, top) = (parts.next()?, parts.next(), parts.next(), parts.next());
    let of_pod =
        |pod, namespace: &'_ str| Origin { namespace: Some(namespace.to_owned().into()), ..Origin::of_pod(path, pod, None) };
    log_file(path).or_else(|| match (folder, above, top) {
        (Some(pod), Some(namespace), Some("proxies" | "istio")) => Some(of_pod(pod, namespace)),
        (Some(_), Some(above), _) => {
            let mut names = above.split('_');
            let (namespace, pod, uid) = (names.next()?, names.next()?, names.next()?);
            let is_uid = uid.len() >= 32 && uid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
            (is_uid && names.next().is_none() && !pod.is_empty()).then(|| of_pod(pod, namespace))
        }
        _ => None,
    })
}

fn path(name: &str) -> Option<Origin<'_>> {
    let mut parts = name.strip_prefix("pod/")?.split('/');
    let pod = parts.next().filter(|pod| !pod.is_empty())?;
    Some(Origin::of_pod(name, pod, parts.next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(path: &str) -> Option<(String, String)> {
        let origin = of_file(path)?;
        Some((origin.pod?.into_owned(), origin.namespace?.into_owned()))
    }

    #[test]
    fn paths_name_pods() {
        let cart = Some(("cart-7d9f-x2".to_owned(), "shop".to_owned()));
        for path in [
            "/var/log/containers/cart-7d9f-x2_shop_istio-proxy-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log",
            "/var/log/pods/shop_cart-7d9f-x2_01234567-89ab-cdef-0123-456789abcdef/istio-proxy/0.log",
            "report.tgz:bug-report/proxies/shop/cart-7d9f-x2/istio-proxy.log",
            r"logs\proxies\shop\cart-7d9f-x2\istio-proxy.log",
        ] {
            assert_eq!(pod(path), cart, "{path}");
        }
        for path in ["cart.log", "shop/cart/istio-proxy.log", "a_b_c/istio-proxy/0.log", "proxies/cart.log", ""] {
            assert_eq!(pod(path), None, "{path}");
        }
    }
}
