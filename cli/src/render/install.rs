//! What `install` says beside what it renders, and how a check stands.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use meshwhy_check::preflight::{Attachment, PatchSize, Remark, Standing};
use meshwhy_check::report::location;
use meshwhy_check::source::Sources;
use meshwhy_core::Lang;
use meshwhy_envoyfilter::{Install, Kind, Module, Rendering, Visibility};

use crate::args::InstallFormatArg;
use crate::escape;
use crate::install_options::InstallOptions;

/// How many outbound HTTP ports the example has.
const PORTS: usize = 50;

/// One stream for `kubectl apply -f -`; snippets are comments in it.
pub(crate) fn stream(out: &mut dyn Write, rendering: &Rendering) -> io::Result<()> {
    writeln!(
        out,
        "# Rendered by `meshwhy install`: the same options render the same bytes, and applying these again changes nothing."
    )?;
    for (file, text) in &rendering.snippets {
        writeln!(out, "#\n# {file}:")?;
        text.lines().try_for_each(|line| writeln!(out, "{}", format!("# {line}").trim_end()))?;
        writeln!(out, "#")?;
    }
    write!(out, "{}", rendering.text())
}

/// What each proxy gets.
pub(crate) fn sizes(
    out: &mut dyn Write,
    sizes: &BTreeMap<(&'static str, Attachment), PatchSize>,
    install: &Install,
    lang: Lang,
) -> io::Result<()> {
    let heading = match lang {
        Lang::En => "What each proxy gets: bytes of configuration, and of heap (estimated)",
        Lang::Zh => "每个代理会多出：配置字节数，以及堆内存（估算）",
    };
    if !sizes.is_empty() || install.module.is_some() {
        writeln!(out, "{heading}")?;
    }
    let mut last = "";
    for ((context, attachment), size) in sizes {
        if *context != last {
            writeln!(out, "  {}", place(context, lang))?;
            last = context;
        }
        writeln!(out, "    {}  {}", amount(*size), each(*attachment, lang))?;
    }
    if let Some(manager) = sizes.get(&("SIDECAR_OUTBOUND", Attachment::ConnectionManager)) {
        let all = amount(manager.times(PORTS));
        match lang {
            Lang::En => writeln!(out, "  a sidecar with {PORTS} outbound HTTP ports\n    {all}  for these")?,
            Lang::Zh => writeln!(out, "  有 {PORTS} 个 outbound HTTP 端口的 sidecar\n    {all}  仅这些端口")?,
        }
    }
    if install.module.is_some() {
        match lang {
            Lang::En => writeln!(out, "  the Wasm engine\n    about 26 MB of memory, once per proxy")?,
            Lang::Zh => writeln!(out, "  Wasm 引擎\n    每个代理一次，约 26 MB 内存")?,
        }
    }
    writeln!(out)
}

fn place(context: &str, lang: Lang) -> &'static str {
    match (context, lang) {
        ("SIDECAR_INBOUND", Lang::En) => "sidecar, inbound",
        ("SIDECAR_INBOUND", Lang::Zh) => "sidecar，inbound",
        ("SIDECAR_OUTBOUND", Lang::En) => "sidecar, outbound",
        ("SIDECAR_OUTBOUND", Lang::Zh) => "sidecar，outbound",
        (_, Lang::En) => "gateway",
        (_, Lang::Zh) => "网关",
    }
}

fn each(attachment: Attachment, lang: Lang) -> &'static str {
    match (attachment, lang) {
        (Attachment::ConnectionManager, Lang::En) => "each HTTP connection manager",
        (Attachment::ConnectionManager, Lang::Zh) => "每个 HTTP connection manager",
        (Attachment::TcpProxy, Lang::En) => "each TCP proxy",
        (Attachment::TcpProxy, Lang::Zh) => "每个 TCP proxy",
        (Attachment::Listener, Lang::En) => "each listener",
        (Attachment::Listener, Lang::Zh) => "每个 listener",
        (Attachment::Proxy, Lang::En) => "once, a cluster",
        (Attachment::Proxy, Lang::Zh) => "一次，一个集群（cluster）",
    }
}

fn amount(size: PatchSize) -> String {
    format!("{:>8} {:>8}", bytes(size.json), bytes(size.heap))
}

fn bytes(count: usize) -> String {
    const KILO: usize = 1024;
    const MEGA: usize = KILO * KILO;
    let tenths = |unit: usize| {
        let tenths = count.saturating_mul(10).saturating_add(unit / 2) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    if count < KILO {
        format!("{count} B")
    } else if count < MEGA {
        format!("{} KB", tenths(KILO))
    } else {
        format!("{} MB", tenths(MEGA))
    }
}

/// What a reader has to know before applying.
pub(crate) fn notes(out: &mut dyn Write, install: &Install, rendering: &Rendering, lang: Lang) -> io::Result<()> {
    let has = |kind| rendering.resources.iter().any(|resource| resource.kind == kind);
    let is_partial = install.namespace != install.root_namespace || !install.selector.is_empty();
    let silences = rendering.resources.iter().any(|resource| resource.name == "meshwhy-visibility");
    let kept: Vec<&str> = install.kept_providers.iter().map(|provider| provider.as_str()).collect();
    let (root, kept) = (install.root_namespace.as_str(), kept.join(", "));
    let has_snippet = |name: &str| rendering.snippets.iter().any(|(file, _)| *file == name);
    let notes = [
        (
            has(Kind::EnvoyFilter),
            "Applying this, and every later change of it, is an update of the listeners of every proxy that it selects: connections drain, long \
             ones are cut when the drain time is over, and callers see bursts of 503 UC. Choose a quiet hour; a namespace first (-n).",
            "应用这些资源、以及以后每次修改，都会更新所有被选中代理的 listener：连接进入 drain，长连接在 drain 时间结束时被切断，调用方会出现一波 503 UC。请选低峰期，先从一个 namespace 开始（-n）。",
        ),
        (
            silences && is_partial,
            "meshwhy-visibility goes to the root namespace and reaches every gateway, so that what these proxies say does not leave the mesh.",
            "meshwhy-visibility 会放在根 namespace，作用于所有网关，使这些代理给出的信息不会流出网格。",
        ),
        (
            install.visibility == Visibility::Always,
            "Strangers outside of the mesh will see why requests fail.",
            "网格以外的人也能看到请求失败的原因。",
        ),
        (
            has_snippet("workload-patch.yaml"),
            "Only pods with the label meshwhy.io/module get the configuration; workload-patch.yaml gives it to them together with the volume.",
            "只有带 meshwhy.io/module 标签的 Pod 才会得到配置；workload-patch.yaml 会把这个标签和 volume 一起加上。",
        ),
        (
            has(Kind::Telemetry),
            "For these waypoints the Telemetry takes the place of what the mesh says of access logs; kept beside ours (--keep-provider): {kept}. \
             The provider `meshwhy` has to stand in the mesh configuration before: mesh-config.yaml.",
            "对这些 waypoint，Telemetry 会取代网格级的访问日志设置；除 meshwhy 外还保留（--keep-provider）：{kept}。需要先在 mesh config 里加入名为 `meshwhy` 的 provider：见 mesh-config.yaml。",
        ),
        (
            has(Kind::WasmPlugin) && install.istio_minor.is_none(),
            "A WasmPlugin, which every Istio takes; with --istio-version 1.30 or later it is a TrafficExtension.",
            "这里用的是各版本 Istio 都支持的 WasmPlugin；指定 --istio-version 1.30 或更高版本时改用 TrafficExtension。",
        ),
        (
            install.counters && has(Kind::EnvoyFilter) && install.istio_minor.is_none_or(|minor| minor < 30),
            "Counters: istiod before 1.29 refuses this resource, and proxies before 1.30 are left out.",
            "计数器：1.29 之前的 istiod 会拒绝这个资源，1.30 之前的代理不会带上计数器。",
        ),
        (
            install.server,
            "The server takes the module from a ConfigMap: kubectl -n {root} create configmap meshwhy-module --from-file=meshwhy.wasm",
            "服务从 ConfigMap 读取模块：kubectl -n {root} create configmap meshwhy-module --from-file=meshwhy.wasm",
        ),
        (
            install.module.as_ref().is_some_and(Module::is_pinned),
            "The module is pinned by its hash: another build needs both, its bytes at the address and manifests with its hash.",
            "模块由哈希固定：换用另一次构建时，地址上的文件和清单里的哈希要一起更新。",
        ),
    ];
    for (_, english, chinese) in notes.iter().filter(|(applies, ..)| *applies) {
        let note = match lang {
            Lang::En => english,
            Lang::Zh => chinese,
        };
        writeln!(out, "- {}", note.replace("{kept}", &kept).replace("{root}", root))?;
    }
    Ok(())
}

/// What to do with a folder.
pub(crate) fn written(
    out: &mut dyn Write,
    form: InstallFormatArg,
    folder: &Path,
    install: &Install,
    lang: Lang,
) -> io::Result<()> {
    let command = command(form, Some(folder), install, false);
    match lang {
        Lang::En => writeln!(out, "- To apply it: {command}"),
        Lang::Zh => writeln!(out, "- 应用：{command}"),
    }
}

/// How a folder is applied, or taken away again.
fn command(form: InstallFormatArg, folder: Option<&Path>, install: &Install, removes: bool) -> String {
    let folder = folder.map(|folder| word(&escape::line(&folder.display().to_string()))).unwrap_or_default();
    let root = install.root_namespace.as_str();
    match (form, removes) {
        (InstallFormatArg::Helm, false) => format!("helm upgrade --install meshwhy {folder} -n {root}"),
        (InstallFormatArg::Helm, true) => format!("helm uninstall meshwhy -n {root}"),
        (_, false) => format!("kubectl apply -k {folder}"),
        (_, true) => format!("kubectl delete -k {folder}"),
    }
}

/// A word that a shell takes as it is.
fn word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let begins = text.starts_with(|letter: char| letter != '-');
    if begins && text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// What has to be known before removing.
pub(crate) fn removal_notes(out: &mut dyn Write, options: &InstallOptions, lang: Lang) -> io::Result<()> {
    let is_file = options.rendering.snippets.iter().any(|(file, _)| *file == "workload-patch.yaml");
    match lang {
        Lang::En => writeln!(
            out,
            "- Removing is an update of listeners as well: connections drain. Give the options that it was installed with. The order \
             counts: what keeps gateways silent goes last, when nobody says anything any more."
        )?,
        Lang::Zh => writeln!(
            out,
            "- 移除同样会更新 listener，连接会进入 drain。请使用安装时的选项。顺序有意义：让网关不对外透露信息的资源最后删除，那时已经没有代理再写入信息。"
        )?,
    }
    match lang {
        Lang::En if is_file => writeln!(out, "- Take label and volume out of the pod templates after that, not before."),
        Lang::Zh if is_file => writeln!(out, "- 之后再从 Pod 模板里去掉标签和 volume，不要提前去掉。"),
        _ => Ok(()),
    }
}

/// The command that takes away what a folder or a chart was applied as.
pub(crate) fn removal_command(
    out: &mut dyn Write,
    options: &InstallOptions,
    form: InstallFormatArg,
    folder: Option<&Path>,
) -> io::Result<()> {
    writeln!(out, "{}", command(form, folder, &options.install, true))
}

/// How everything stands, what is wrong first.
pub(crate) fn remarks(out: &mut dyn Write, remarks: &[Remark<'_>], sources: &Sources<'_>, lang: Lang) -> io::Result<()> {
    let mut sorted: Vec<&Remark<'_>> = remarks.iter().collect();
    sorted.sort_by_key(|remark| std::cmp::Reverse(remark.standing));
    for remark in sorted {
        let mark = match remark.standing {
            Standing::Passed => "✓",
            Standing::Unknown => "?",
            Standing::Warning => "!",
            Standing::Failed => "✗",
        };
        writeln!(out, "{mark} {}", escape::line(&remark.text(lang)))?;
        if let Some(place) = remark.place.filter(|_| remark.standing >= Standing::Warning) {
            writeln!(out, "  --> {}", escape::line(&location(sources, place).to_string()))?;
        }
    }
    Ok(())
}
