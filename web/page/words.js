"use strict";
const WORDS = {
  en: {
    lead: "This request failed: who answered, why, and what do I change?",
    privacy: "Everything is read in this browser. Nothing is sent anywhere; the page also works offline and as a saved file.",
    paste: "Paste here, or drop files anywhere on the page",
    kinds: "Access logs and log lines of Envoy and Istio, response headers, Kubernetes events, manifests, config dumps, archives of istioctl bug-report; also gzip and zstd. Logs and manifests given together are explained together.",
    choose: "Choose files…",
    share: "Copy link",
    shared: "The link is copied. The text is in the part behind #, which browsers send to no server; whoever has the link can read it.",
    tooLarge: "Too large for a link: a link holds what is a few thousand letters when compressed.",
    clear: "Clear",
    examples: "Try:",
    exampleLog: "a log line",
    exampleHeader: "a header",
    exampleManifest: "a manifest",
    dark: "Dark",
    working: "Reading…",
    done: (files, bytes, seconds) => `Explained: ${files}, ${bytes}, in ${seconds} s.`,
    files: (count) => (count === 1 ? "one input" : `${count} inputs`),
    failed: "The reading failed; this is a mistake of meshwhy or too much for the memory of a page. The command line reads files of any size:",
    badLink: "This link holds nothing that meshwhy can read, or only a part of it.",
    unsupported: "This browser cannot do it: it lacks WebAssembly, workers or decompression.",
    pasted: "pasted text",
    footer: "There is a command line, too: it reads clusters, follows logs and edits manifests.",
  },
  zh: {
    lead: "这个请求失败了：是谁应答的，为什么，该改哪里？",
    privacy: "所有内容只在本浏览器内处理，不会发送到任何地方；离线或另存为文件后同样可用。",
    paste: "在此粘贴，或把文件拖放到页面任意位置",
    kinds: "支持 Envoy 和 Istio 的访问日志与日志行、响应头、Kubernetes 事件、清单、config dump、istioctl bug-report 归档，以及 gzip 和 zstd 压缩文件。日志和清单一起给出时会关联分析。",
    choose: "选择文件…",
    share: "复制链接",
    shared: "链接已复制。内容在 # 之后的部分，浏览器不会把它发给任何服务器；拿到链接的人都能看到内容。",
    tooLarge: "内容太大，放不进链接：压缩后最多几千个字符。",
    clear: "清空",
    examples: "试一试：",
    exampleLog: "一行日志",
    exampleHeader: "一个响应头",
    exampleManifest: "一份清单",
    dark: "深色",
    working: "正在读取…",
    done: (files, bytes, seconds) => `分析完成：${files}，${bytes}，用时 ${seconds} 秒。`,
    files: (count) => `${count} 份输入`,
    failed: "读取失败：可能是 meshwhy 的缺陷，也可能超出了页面可用的内存。命令行工具可以读取任意大小的文件：",
    badLink: "这个链接里没有 meshwhy 能读取的内容，或者内容不完整。",
    unsupported: "当前浏览器不支持：缺少 WebAssembly、Worker 或解压功能。",
    pasted: "粘贴的文本",
    footer: "另有命令行版本：可以读取集群、跟踪日志、修改清单。",
  },
};
const EXAMPLES = {
  log: '[2026-11-21T06:36:37.876Z] "GET /reviews/1 HTTP/1.1" 503 UF upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111} - "delayed_connect_error:_111" 0 91 2 - "-" "curl/8.5.0" "6f2e1a4c-0b53-4c6a-9d0e-5f1a2b3c4d5e" "reviews:9080" "10.244.0.17:9080" outbound|9080||reviews.default.svc.cluster.local - 10.96.12.7:9080 10.244.0.9:51234 - default',
  header: 'proxy-status: "productpage-v1.default"; error=destination_not_found; mw-cause=MW2001; mw-side=outbound; mw-flags="NR"; details="route_not_found"',
  manifest: `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: default
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviews, subset: v2}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
  namespace: default
spec:
  host: reviews
  subsets:
  - name: v1
    labels: {version: v1}
---
apiVersion: v1
kind: Service
metadata:
  name: reviews
  namespace: default
spec:
  selector: {app: reviews}
  ports:
  - name: http
    port: 9080
`,
};
