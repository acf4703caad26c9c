//! What a `kustomization.yaml` says about the files beside it: which of them are patches, so no whole manifests, and which are applied
//! together; and which files a Helm chart brings.

use foldhash::HashMap;

use rayon::prelude::*;

use crate::document::{Document, FaultKind, Node, Parsed};
use crate::source::Source;

/// How `kustomize` finds a kustomization.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A directive of a strategic merge patch, which no whole manifest has.
const DIRECTIVE: &[u8] = b"$patch:";

/// What is known of a file from those beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileMark {
    /// Whether its manifests are patches: parts of others that stand elsewhere.
    pub is_patch: bool,
    /// Whether its name says that it is a patch, which may be wrong.
    pub is_called_patch: bool,
    /// Whether it belongs to a Helm chart, or has one installed.
    pub is_of_chart: bool,
    /// The kustomization that lists it among its resources.
    pub kustomization: Option<u32>,
    /// A number that the files of one folder share.
    pub folder: u32,
}

/// Marks the files that hold patches: those that a kustomization lists as such, and those with directives of a merge. Notes which files
/// stand in one folder.
pub fn marks<'f>(files: &[(&'f Source, &Parsed<'_>)]) -> Vec<FileMark> {
    let listed = listed(files);
    let mut folders: HashMap<&str, u32> = HashMap::default();
    let mark = |file: &Source, parsed: &Parsed<'_>, number: u32| {
        let (folder, name) = file.name.rsplit_once('/').unwrap_or(("", &file.name));
        let found = if listed.is_empty() { None } else { listed.get(&normal("", &file.name)).copied() };
        let has_directive = memchr::memmem::find(file.text.as_bytes(), DIRECTIVE).is_some();
        FileMark {
            is_patch: found.is_some_and(|(_, is_patch)| is_patch) || has_directive,
            is_called_patch: is_called_patch(name) || is_called_patch(folder.rsplit('/').next().unwrap_or_default()),
            is_of_chart: name == "Chart.yaml" || has_word(name, &["values"]) || has_chart(parsed),
            kustomization: found.and_then(|(number, is_patch)| (!is_patch).then_some(number)),
            folder: number,
        }
    };
    let mut number = |(file, _): &(&'f Source, _)| {
        let folder = file.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let next = u32::try_from(folders.len()).unwrap_or(u32::MAX);
        *folders.entry(folder).or_insert(next)
    };
    let numbers: Vec<_> = files.iter().map(&mut number).collect();
    files.par_iter().zip(numbers).map(|((file, parsed), number)| mark(file, parsed, number)).collect()
}

fn is_called_patch(name: &str) -> bool {
    has_word(name, &["patch", "patches"])
}

fn has_word(name: &str, words: &[&str]) -> bool {
    name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| words.contains(&word))
}

/// Whether a file is a template, or holds what Flux, Argo CD, k3s or kustomize install a chart from.
fn has_chart(parsed: &Parsed<'_>) -> bool {
    let mut roots = parsed.documents.iter().map(Document::root);
    let is_installer = |root: Node<'_>| {
        let is_argo = || root.str_at(&["apiVersion"]).is_some_and(|version| version.starts_with("argoproj.io/"));
        match root.str_at(&["kind"]) {
            Some("HelmRelease" | "HelmChart") => true,
            Some("Application" | "ApplicationSet") => is_argo(),
            _ => root.get("helmCharts").is_some(),
        }
    };
    parsed.faults.iter().any(|fault| fault.kind == FaultKind::Template) || roots.any(is_installer)
}

/// The files that kustomizations list, each with the number of its kustomization and whether it is a patch.
fn listed(files: &[(&Source, &Parsed<'_>)]) -> HashMap<String, (u32, bool)> {
    let mut all = HashMap::default();
    for (number, (file, parsed)) in (0..).zip(files) {
        let (folder, name) = file.name.rsplit_once('/').unwrap_or(("", &file.name));
        if NAMES.contains(&name) {
            for root in parsed.documents.iter().map(Document::root) {
                let resources = root.list("resources").filter_map(Node::text);
                for path in resources {
                    all.entry(normal(folder, path)).or_insert((number, false));
                }
                all.extend(paths(root).map(|path| (normal(folder, path), (number, true))));
            }
        }
    }
    all
}

/// The paths of the patches of a kustomization; some of `patchesStrategicMerge` may be patches themselves and are then no file's name.
fn paths<'a>(root: Node<'a>) -> impl Iterator<Item = &'a str> {
    let named = ["patches", "patchesJson6902"].into_iter().flat_map(move |key| root.list(key));
    let named = named.filter_map(|patch| patch.get("path")?.text());
    named.chain(root.list("patchesStrategicMerge").filter_map(Node::text))
}

/// A path without `.` and, as far as can be, without `..`.
fn normal(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse_all;

    fn patches(files: &[(&str, &str)]) -> Vec<bool> {
        let files: Vec<_> =
            files.iter().map(|(name, text)| Source { name: (*name).to_owned(), text: (*text).to_owned() }).collect();
        parse_all(&files).iter().map(|parsed| parsed.mark.is_patch).collect()
    }

    #[test]
    fn what_a_kustomization_lists_as_a_patch_is_one() {
        let listing =
            "resources: [../base, d.yaml]\npatches: [{path: a.yaml}, {path: ./b.yaml}]\npatchesStrategicMerge: [../c.yaml]\n";
        let files = [("./o/p/kustomization.yaml", listing), ("./o/p/a.yaml", ""), ("./o/p/b.yaml", ""), ("./o/c.yaml", "")];
        assert_eq!(patches(&files), [false, true, true, true]);
        assert_eq!(patches(&[("o/kustomization.yml", listing), ("o/d.yaml", ""), ("a.yaml", "")]), [false, false, false]);
    }

    #[test]
    fn a_directive_makes_a_patch() {
        assert_eq!(patches(&[("a.yaml", "kind: Service\n$patch: delete\n"), ("b.yaml", "kind: Service\n")]), [true, false]);
    }

    #[test]
    fn charts_are_known_by_names_templates_and_installers() {
        let is_of_chart = |name: &str, text: &str| {
            let files = [Source { name: name.to_owned(), text: text.to_owned() }];
            parse_all(&files).iter().any(|parsed| parsed.mark.is_of_chart)
        };
        assert!(is_of_chart("a/values.yaml", "replicas: 1\n"));
        assert!(is_of_chart("a/values-prod.yaml", "replicas: 1\n"));
        assert!(is_of_chart("a.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"));
        assert!(is_of_chart("a.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n"));
        assert!(!is_of_chart("a.yaml", "apiVersion: v1\nkind: Service\n"));
    }

    #[test]
    fn conflicts_across_files_weigh_as_much_as_it_is_sure_that_they_meet() {
        let rule = |name: &str| {
            format!(
                "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: {name}, namespace: shop}}\nspec: \
                 {{host: cart, trafficPolicy: {{loadBalancer: {{simple: RANDOM}}}}}}\n"
            )
        };
        let severity = |listing: &str| {
            let files = [("k/kustomization.yaml", listing.to_owned()), ("k/a.yaml", rule("a")), ("k/b.yaml", rule("b"))];
            let files: Vec<_> = files.into_iter().map(|(name, text)| Source { name: name.to_owned(), text }).collect();
            let report =
                crate::report::check(&files, &crate::report::CheckRequest::default(), meshwhy_core::catalogue::texts::Lang::En);
            let found = report.findings.iter().find(|finding| finding.slug == "conflicting-destination-rules");
            found.map(|finding| finding.severity)
        };
        assert_eq!(severity("resources: [a.yaml, b.yaml]\n"), Some("warning"));
        assert_eq!(severity("resources: [a.yaml]\n"), Some("info"));
    }
}
