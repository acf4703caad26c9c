//! The labels of the pages.

use meshwhy_check::finding::Severity;
use meshwhy_check::rules::Topic;
use meshwhy_core::{Confidence, Lang, Stage};

macro_rules! labels {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// The labels of one language.
        pub(super) struct Words { $(pub(super) $name: &'static str,)* }
        const EN: Words = Words { $($name: $en,)* };
        const ZH: Words = Words { $($name: $zh,)* };
    };
}

labels! {
    name: "English", "简体中文";
    title: "meshwhy: why requests fail in Envoy and Istio", "meshwhy：Envoy 与 Istio 请求失败的原因";
    introduction: "Every cause that meshwhy names and every mistake in manifests that it finds: what happened, why, how to confirm it, how to fix it.",
        "meshwhy 能识别的全部失败原因和配置错误：发生了什么、为什么、如何确认、如何修复。";
    search: "Search: a code, an error text, what you see", "搜索：代码、报错文本或现象";
    nothing_found: "Nothing has these words. All entries:", "没有条目包含这些词。全部条目：";
    found: "Best of all: {}", "最匹配的 {} 条";
    skip: "To the content", "跳到正文";
    causes: "Causes", "失败原因";
    rules: "Rules", "检查规则";
    source_code: "Source", "源代码";
    generated: "Generated from the catalogue of meshwhy", "由 meshwhy 的条目库生成，版本";
    about: "about", "类别";
    since: "since", "始于版本";
    severity: "severity", "级别";
    only_with: "only with", "需加参数";
    same_as: "same as", "等同于";
    retired: "retired since", "已停用，自版本";
    recognised_by: "Recognised by", "识别条件";
    suspected: "Possible where", "以下情况下也有可能";
    decided_if: "; it is this if ", "；若满足以下条件即可确定：";
    colon: ": ", "：";
    why: "Why", "原因";
    confirm: "Confirm", "确认";
    fix: "Fix", "修复";
    verify: "See that it worked:", "验证是否生效：";
    refines: "A more precise form of", "细化自";
    refined_by: "More precise forms", "更具体的原因";
    mistaken_for: "Easily mistaken for", "容易混淆的原因";
    led_to_by: "Mistakes in manifests that lead to it", "会导致它的配置错误";
    leads_to: "Failures that come of it", "由此造成的失败";
    cases: "Recorded cases", "实录案例";
    cases_note: "Facts of real proxies, and the cause that they prove. Near misses are among them.", "真实代理给出的事实及其对应的原因，其中也包含相近但不同的情况。";
    bad: "What is found", "有问题的清单";
    good: "What is right", "正确的清单";
    fixed: "After the edit of meshwhy check --fix", "经 meshwhy check --fix 修改后";
    sources: "Sources", "参考资料";
    on_the_command_line: "On the command line:", "命令行查看：";
}

impl Words {
    pub(super) const fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::En => &EN,
            Lang::Zh => &ZH,
        }
    }
}

const fn either(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// Where on its way a request failed.
pub(super) const fn stage(stage: Stage, lang: Lang) -> &'static str {
    match stage {
        Stage::Unknown => either(lang, "Not known", "未知"),
        Stage::Downstream => either(lang, "The client's request, refused before routing", "客户端请求（路由之前被拒）"),
        Stage::Routing => either(lang, "Routing", "路由"),
        Stage::Connecting => either(lang, "Reaching the upstream", "连接上游"),
        Stage::Tls => either(lang, "TLS and mutual TLS", "TLS 与双向 TLS"),
        Stage::Response => either(lang, "The upstream's response and timeouts", "上游响应与超时"),
        Stage::Policy => either(lang, "Policy", "策略"),
        Stage::Proxy => either(lang, "The proxy itself", "代理自身"),
        Stage::Telemetry => either(lang, "Telemetry", "遥测"),
        Stage::ControlPlane => either(lang, "Control plane and pod life cycle", "控制面与 Pod 生命周期"),
    }
}

/// What a rule is about.
pub(super) const fn topic(topic: Topic, lang: Lang) -> &'static str {
    match topic {
        Topic::Document => either(lang, "Documents and their schemas", "文档与 schema"),
        Topic::Routing => either(lang, "Routes", "路由"),
        Topic::Destination => either(lang, "Services, hosts, DestinationRules", "Service、主机与 DestinationRule"),
        Topic::Tls => either(lang, "TLS and mutual TLS", "TLS 与双向 TLS"),
        Topic::Gateway => either(lang, "Gateways", "网关"),
        Topic::Policy => either(lang, "Policies", "策略"),
        Topic::Proxy => either(lang, "Proxies, pods and extensions", "代理、Pod 与扩展"),
        Topic::Telemetry => either(lang, "Telemetry", "遥测"),
        Topic::Mesh => either(lang, "The mesh, its versions and life cycle", "网格、版本与升级"),
    }
}

/// How sure a condition makes.
pub(super) const fn confidence(confidence: Confidence, lang: Lang) -> &'static str {
    match confidence {
        Confidence::Certain => either(lang, "certain", "确定"),
        Confidence::Likely => either(lang, "likely", "很可能"),
    }
}

/// How bad a mistake is.
pub(super) const fn severity(severity: Severity, lang: Lang) -> &'static str {
    match severity {
        Severity::Error => either(lang, "error", "错误"),
        Severity::Warning => either(lang, "warning", "警告"),
        Severity::Info => either(lang, "info", "提示"),
    }
}

/// How freely a fix may be applied.
pub(super) fn applicability(word: &str, lang: Lang) -> &'static str {
    match word {
        "safe" => either(lang, "safe: read-only or easily undone", "安全：只读或容易撤销"),
        "review" => either(lang, "review: changes behaviour, read it first", "需审阅：会改变行为，请先读懂"),
        _ => either(lang, "manual", "需手动操作"),
    }
}
