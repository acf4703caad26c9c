//! The words around the texts of the catalogue, in both languages.

use meshwhy_core::Lang;

/// Headings and phrases.
pub(crate) struct Labels {
    pub(crate) evidence: &'static str,
    pub(crate) why: &'static str,
    pub(crate) confirm: &'static str,
    pub(crate) fix: &'static str,
    pub(crate) verify: &'static str,
    pub(crate) alternatives: &'static str,
    pub(crate) decided_if: &'static str,
    pub(crate) near_misses: &'static str,
    pub(crate) no_near_misses: &'static str,
    pub(crate) missing: &'static str,
    pub(crate) held: &'static str,
    pub(crate) refused_slots: &'static str,
    pub(crate) sources: &'static str,
    pub(crate) recognised_by: &'static str,
    pub(crate) since: &'static str,
    pub(crate) retired_since: &'static str,
    pub(crate) error_type: &'static str,
    pub(crate) refines: &'static str,
    pub(crate) line: &'static str,
    pub(crate) count: &'static str,
    pub(crate) cause: &'static str,
    pub(crate) target: &'static str,
    pub(crate) hop: &'static str,
    pub(crate) certain: &'static str,
    pub(crate) likely: &'static str,
    pub(crate) safe: &'static str,
    pub(crate) review: &'static str,
    pub(crate) manual: &'static str,
    pub(crate) lines_read: &'static str,
    pub(crate) healthy: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) records: &'static str,
    pub(crate) unreadable: &'static str,
    pub(crate) ungrouped: &'static str,
    pub(crate) suppressed: &'static str,
    pub(crate) relayed_from: &'static str,
}

const EN: Labels = Labels {
    evidence: "Evidence",
    why: "Why",
    confirm: "Confirm",
    fix: "Fix",
    verify: "See that it worked:",
    alternatives: "Also possible",
    decided_if: "if ",
    near_misses: "Nearly matched",
    no_near_misses: "Nothing else came near.",
    missing: "missing",
    held: "held",
    refused_slots: "Not filled in, since the log holds something else than a name there",
    sources: "Sources",
    recognised_by: "Recognised by",
    since: "since",
    retired_since: "Not named any more since",
    error_type: "error type",
    refines: "refines",
    line: "line",
    count: "COUNT",
    cause: "CAUSE",
    target: "TARGET",
    hop: "HOP",
    certain: "certain",
    likely: "likely",
    safe: "safe",
    review: "read before you apply it",
    manual: "by hand",
    lines_read: "lines read",
    healthy: "healthy",
    failed: "failed",
    records: "records",
    unreadable: "not understood",
    ungrouped: "left out, too many different failures",
    suppressed: "without a record of their own",
    relayed_from: "relayed from",
};

const ZH: Labels = Labels {
    evidence: "依据",
    why: "原因",
    confirm: "确认",
    fix: "修复",
    verify: "验证是否生效：",
    alternatives: "也有可能是",
    decided_if: "判断依据：",
    near_misses: "接近但不符合的原因",
    no_near_misses: "没有其他接近的原因。",
    missing: "缺少",
    held: "符合",
    refused_slots: "未填入命令：日志中的值不是合法名称",
    sources: "来源",
    recognised_by: "识别条件",
    since: "始于版本",
    retired_since: "已停用，始于版本",
    error_type: "错误类型",
    refines: "细化自",
    line: "行号",
    count: "次数",
    cause: "原因",
    target: "目标",
    hop: "代理",
    certain: "确定",
    likely: "可能",
    safe: "安全",
    review: "应用前请先阅读",
    manual: "手动处理",
    lines_read: "读取行数",
    healthy: "正常",
    failed: "失败",
    records: "记录",
    unreadable: "无法识别",
    ungrouped: "种类过多、未列入表中的失败",
    suppressed: "其中没有单独记录",
    relayed_from: "转发自",
};

impl Labels {
    pub(crate) const fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::En => &EN,
            Lang::Zh => &ZH,
        }
    }

    pub(crate) fn confidence(&self, word: &str) -> &'static str {
        if word == "certain" { self.certain } else { self.likely }
    }

    pub(crate) fn applicability(&self, word: &str) -> &'static str {
        match word {
            "safe" => self.safe,
            "review" => self.review,
            _ => self.manual,
        }
    }
}
