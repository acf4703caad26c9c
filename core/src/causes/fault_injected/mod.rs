//! FI fault_filter_abort: a configured fault answered instead of the service.

use crate::causes::declare_cause;

declare_cause! {
    code: "MW6011",
    slug: "fault-injected",
    since: "0.1.0",
    error: None,
    conditions: &[(Certain, Details(Word::FaultFilterAbort)), (Likely, All(&[Flag(ResponseFlag::FI), Absent(Field::Details)]))],
    confirm: &[Confirm {
        id: "where",
        steps: &[
            Command("kubectl get virtualservices -A -o 'custom-columns=NS:.metadata.namespace,NAME:.metadata.name,FAULT:.spec.http[*].fault'"),
            Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -A12 '\"envoy.filters.http.fault\"'"),
            Command("kubectl get envoyfilters -A -o json | grep -n 'HTTPFault'"),
            Note(
                "The second shows what this proxy has, with status and percentage. A hit of the third only: somebody added the filter by hand.",
                "第二条显示本代理上实际的故障，包括状态码和比例。如果只有第三条有输出，说明是手工加的过滤器。",
            ),
        ],
    }],
    fixes: &[Fix {
        id: "remove-fault",
        applicability: Review,
        steps: &[
            Command("kubectl patch virtualservice {service} -n {service_namespace} --type=json -p '[{\"op\":\"remove\",\"path\":\"/spec/http/0/fault\"}]'"),
            Note(
                "Put in the name of the VirtualService and the place of the rule: `0` is the first under `http`. Ask who put it there first; a test may be under way. Retries and timeouts of the same route do not apply to an injected abort.",
                "换成实际的 VirtualService 名字和规则的位置：`0` 是 `http` 下的第一条。删之前先问清是谁加的，可能正在做演练。同一条路由上的重试和超时对注入的中断不起作用。",
            ),
        ],
        verify: &[
            Command("istioctl proxy-config routes {pod}.{namespace} -o json | grep -c '\"abort\"'"),
            Note(
                "0, and the same request gets the service's own answer without the flag FI.",
                "输出 0，同样的请求得到服务自己的响应，不再有 FI 标志。",
            ),
        ],
    }],
    sources: &[
        "https://istio.io/latest/docs/tasks/traffic-management/fault-injection/",
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection",
        "https://github.com/istio/istio/issues/13705",
        "Envoy source/extensions/filters/http/fault/fault_filter.cc, 1.40",
    ],
}
