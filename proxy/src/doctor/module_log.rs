//! What the proxy's own log says of the module.

use meshwhy_core::Lang;

use super::module::is_attached;
use super::{Area, Examined};
use crate::ConfigDump;
use crate::words::say;

const AREA: Area = Area::Module;

/// What lines of a proxy's log say, as numbers of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModuleLog {
    /// A module could not be fetched or loaded.
    pub load_failures: u64,
    /// A module trapped.
    pub traps: u64,
    /// Records of meshwhy.
    pub records: u64,
    /// Failures in the access log.
    pub failures: u64,
}

/// Looks at a proxy's log; of other modules the same lines come.
#[must_use]
pub fn of_log(dump: &ConfigDump<'_>, log: ModuleLog, lang: Lang) -> Vec<Examined> {
    let ModuleLog { load_failures, traps, records, failures } = log;
    let mut examined = Vec::new();
    if load_failures > 0 {
        let what = say!(
            lang,
            "the log says that a module could not be loaded, in {load_failures} lines",
            "日志中有 {load_failures} 行表示模块无法加载"
        );
        let action = say!(
            lang,
            "`meshwhy causes wasm-load-failed` says what to look at.",
            "`meshwhy causes wasm-load-failed` 说明如何排查。"
        );
        examined.push(Examined::open(AREA, what, action));
    }
    if traps > 0 {
        let what = say!(lang, "a module trapped, in {traps} lines of the log", "日志中有 {traps} 行表示模块陷入 trap");
        let action = say!(
            lang,
            "The line names the plugin; where it is meshwhy, send the lines around it to meshwhy.",
            "该行含插件名；若是 meshwhy，请把前后的日志反馈给 meshwhy。"
        );
        examined.push(Examined::bad(AREA, what, action));
    }
    if records > 0 {
        examined.push(Examined::good(AREA, say!(lang, "records in the log: {records}", "日志中的诊断记录：{records} 条")));
    } else if failures > 0 && is_attached(dump) {
        let what = say!(
            lang,
            "meshwhy is attached and silent, although the access log has {failures} failures",
            "已启用 meshwhy，访问日志有 {failures} 次失败，却没有任何诊断记录"
        );
        let action = say!(
            lang,
            "Records are warnings of the logger `wasm`: is its level `error` or `off`, or was the module not there yet when these lines were written?",
            "诊断记录由 `wasm` 日志器以 warning 级别输出：其级别是否为 `error` 或 `off`？或写这些日志时模块尚未就绪？"
        );
        examined.push(Examined::open(AREA, what, action));
    }
    examined
}
