//! Two virtual hosts of one route table claim one domain, so Envoy rejected the table.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW9006",
    slug: "duplicate-domain",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Event(event::Event::DuplicateDomain))],
    confirm: &[Confirm {
        id: "claimants",
        steps: &[
            Command("kubectl -n {namespace} logs {pod} -c istio-proxy | grep 'Duplicate entry of domain' | tail -n 1"),
            Command("kubectl get envoyfilters -A -o yaml | grep -A12 'applyTo: VIRTUAL_HOST'"),
            Command("kubectl get services,serviceentries,virtualservices -A"),
            Command("kubectl -n istio-system logs -l app=istiod --since=1h --tail=-1 | grep 'Duplicate entry of domain'"),
            Note(
                "The message ends with the domain and the name of the route table (a port for sidecars). Look for an EnvoyFilter that adds a virtual host with that domain, and for a second Service or ServiceEntry that yields the same host name, also with other capitals or as a short name.",
                "报错末尾是域名和路由表名（sidecar 上是端口）。找新增了含该域名的 virtual host 的 EnvoyFilter，以及产生同一 host 名的另一个 Service 或 ServiceEntry，包括大小写不同或写成短名的。",
            ),
        ],
    }],
    fixes: &[
        Fix {
            id: "merge-virtual-host",
            applicability: Review,
            steps: &[
                Patch(
                    PatchKind::Resource,
                    r"apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: extend-virtual-host
  namespace: {namespace}
spec:
  workloadSelector:
    labels:
      app: {workload}
  configPatches:
    - applyTo: HTTP_ROUTE
      match:
        context: SIDECAR_OUTBOUND
        routeConfiguration:
          vhost:
            name: {host}:{port}
      patch:
        operation: INSERT_FIRST
        value:
          name: extra
          match:
            prefix: /extra
          direct_response:
            status: 200
",
                ),
                Note(
                    "Instead of adding a virtual host, add routes to the one that istiod makes (its name is `HOST:PORT`), or MERGE fields into it with `applyTo: VIRTUAL_HOST`. Then delete the ADD patch. Nearly all of this a VirtualService can do without an EnvoyFilter.",
                    "不要新增 virtual host，而是往 istiod 已生成的那个（名字是 `HOST:PORT`）里加路由，或用 `applyTo: VIRTUAL_HOST` 加 MERGE 改字段，然后删掉 ADD 的补丁。这些需求绝大多数用 VirtualService 就能实现，不必用 EnvoyFilter。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status | grep {pod}"),
                Command("istioctl proxy-config routes {pod}.{namespace}"),
                Note(
                    "SYNCED, the route table is there with the routes of today, and no new line with `Duplicate entry of domain` appears.",
                    "SYNCED，路由表存在且是最新的，不再出现 `Duplicate entry of domain`。",
                ),
            ],
        },
        Fix {
            id: "one-owner",
            applicability: Manual,
            steps: &[
                Command("istioctl version"),
                Note(
                    "Two Services or ServiceEntries for one host: keep one, or limit the other with `exportTo`. If istiod made both virtual hosts from correct resources, it is one of its old faults (istio#24455, repaired in 2020; istio#39938 with IPv6, repaired in 2022): upgrade.",
                    "同一 host 有两个 Service 或 ServiceEntry：留一个，或用 `exportTo` 限制另一个的可见范围。如果资源没问题、是 istiod 自己生成了两份，那是旧版本的缺陷（istio#24455，2020 年修复；istio#39938，IPv6 场景，2022 年修复）：升级。",
                ),
            ],
            verify: &[
                Command("istioctl proxy-status | grep {pod}"),
                Note("The proxy is SYNCED, and the new routes answer.", "代理为 SYNCED，新路由生效。"),
            ],
        },
    ],
    sources: &[
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/",
        "https://github.com/istio/istio/pull/24455",
        "https://github.com/istio/istio/pull/39938",
        "Envoy source/common/router/config_impl.cc, 1.40",
    ],
}
