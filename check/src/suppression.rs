//! What the owner of a manifest does not want to hear of, and what of that was never said.
//!
//! A comment `# meshwhy: ignore MWC201 because …` holds for the node below it, or for the line that it ends; before the first key it holds
//! for the document. The annotations `meshwhy.io/ignore` and, with their codes, `galley.istio.io/analyze-suppress` of `istioctl analyze` and
//! `kiali.io/ignore-validations` of Kiali hold for their resource.

use memchr::memmem;

use crate::document::Place;
use crate::finding::Finding;
use crate::mesh::Mesh;
use crate::model::ResourceName;
use crate::rules::{Rule, RuleOutcome};
use crate::source::Sources;

/// The annotation of meshwhy.
const ANNOTATION: &str = "meshwhy.io/ignore";
/// The annotation of `istioctl analyze`, with `ISTnnnn` codes or `*`.
const ISTIOCTL_ANNOTATION: &str = "galley.istio.io/analyze-suppress";

/// The annotation of Kiali, with `KIAnnnn` codes; an empty one means all that Kiali says. See Kiali's "Validations" page, July 2026.
const KIALI_ANNOTATION: &str = "kiali.io/ignore-validations";
/// All codes of Kiali.
const ALL_OF_KIALI: &str = "KIA*";

/// A request to leave something unsaid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Code or slug of a rule, or the code of another tool that means the same; `*` for all, and behind a prefix for all with such a code.
    pub code: String,
    /// What it holds for.
    pub scope: SuppressionScope,
    /// Where it is written; `None` for one from the command line or a configuration file.
    pub place: Option<Place>,
}

/// What a suppression holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuppressionScope {
    /// Everything.
    All,
    /// One resource, as [`ResourceName`] prints it; `*` stands for anything in a part.
    Resource(String),
    /// Lines of a file, the last included.
    Lines {
        /// The file.
        file: u32,
        /// First line.
        from: u32,
        /// Last line.
        to: u32,
    },
}

impl Suppression {
    /// Reads `CODE` or `CODE=Kind/namespace/name`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (code, scope) = match text.split_once('=') {
            Some((code, resource)) => (code, SuppressionScope::Resource(resource.to_owned())),
            None => (text, SuppressionScope::All),
        };
        Self { code: code.trim().to_owned(), scope, place: None }
    }

    fn names(&self, rule: &Rule) -> bool {
        let is_same = |name: &str| name.eq_ignore_ascii_case(&self.code);
        let has_prefix = |code: &&str| self.code.strip_suffix('*').is_some_and(|prefix| code.starts_with(prefix));
        self.code == "*"
            || is_same(rule.code)
            || is_same(rule.slug)
            || rule.equivalent.iter().any(|code| is_same(code) || has_prefix(code))
    }

    fn covers(&self, finding: &Finding<'_>, sources: &Sources<'_>) -> bool {
        match &self.scope {
            SuppressionScope::All => true,
            SuppressionScope::Resource(wanted) => finding.resource.is_some_and(|resource| matches(wanted, &resource)),
            SuppressionScope::Lines { file, from, to } => {
                let line = sources.position(finding.place.file, finding.place.start).line;
                finding.place.file == *file && (*from..=*to).contains(&line)
            }
        }
    }
}

fn matches(wanted: &str, resource: &ResourceName<'_>) -> bool {
    let name = resource.to_string();
    let (mut wanted, mut parts) = (wanted.split('/'), name.split('/'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if wanted == "*" || wanted == part => {}
            _ => return false,
        }
    }
}

/// Takes out what is suppressed, by what was given and by what the files say, and returns the suppressions that matched nothing.
pub fn apply(outcome: &mut RuleOutcome<'_>, mesh: &Mesh<'_>, sources: &Sources<'_>, given: &[Suppression]) -> Vec<Suppression> {
    let mut all: Vec<Suppression> = given.to_vec();
    all.extend((0_u32..).zip(sources.files()).flat_map(|(index, file)| comments(index, &file.text)));
    all.extend(annotations(mesh));
    let mut used = vec![false; all.len()];
    outcome.found.retain(|(rule, finding)| {
        let mut is_wanted = true;
        for (suppression, used) in all.iter().zip(&mut used) {
            if suppression.names(rule) && suppression.covers(finding, sources) {
                *used = true;
                is_wanted = false;
            }
        }
        is_wanted
    });
    // A code of another tool may mean what no rule of ours says.
    let is_ours = |suppression: &Suppression| suppression.code == "*" || Rule::all().iter().any(|rule| suppression.names(rule));
    let is_of_others = |code: &str| ["IST", "KIA", "*"].iter().any(|head| code.to_ascii_uppercase().starts_with(head));
    let unused = all.into_iter().zip(used).filter(|(_, used)| !used).map(|(suppression, _)| suppression);
    unused
        .filter(|suppression| !(suppression.place.is_some() && is_of_others(&suppression.code) && !is_ours(suppression)))
        .collect()
}

fn annotations<'m>(mesh: &'m Mesh<'_>) -> impl Iterator<Item = Suppression> + 'm {
    mesh.resources.iter().flat_map(|resource| {
        let given = move |key| Some((key, resource.annotations().node(key)?));
        [ANNOTATION, ISTIOCTL_ANNOTATION, KIALI_ANNOTATION].into_iter().filter_map(given).flat_map(move |(key, node)| {
            let text = node.text().unwrap_or_default();
            let text = if key == KIALI_ANNOTATION && text.trim().is_empty() { ALL_OF_KIALI } else { text };
            let codes = text.split(',').map(str::trim).filter(|code| !code.is_empty());
            codes.map(move |code| Suppression {
                code: code.to_owned(),
                scope: SuppressionScope::Resource(resource.id().to_string()),
                place: Some(node.place()),
            })
        })
    })
}

/// The suppressions in the comments of a file.
fn comments(file: u32, text: &str) -> Vec<Suppression> {
    const MARK: &str = "# meshwhy: ignore ";
    if memmem::find(text.as_bytes(), MARK.as_bytes()).is_none() {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut offset = 0;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if let Some((before, rest)) = line.split_once(MARK) {
            let codes = rest.split(" because").next().unwrap_or(rest).split([',', ' ']).map(str::trim);
            let (from, to) = reach(&lines, at, before);
            let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            let start = offset + before.len();
            let place = Some(Place { file, start: narrow(start), end: narrow(offset + line.trim_end().len()) });
            let scope = SuppressionScope::Lines { file, from: narrow(from + 1), to: narrow(to + 1) };
            let suppression = |code: &str| Suppression { code: code.to_owned(), scope: scope.clone(), place };
            found.extend(codes.filter(|code| !code.is_empty()).map(suppression));
        }
        offset += line.len();
    }
    found
}

/// First and last line, from 0, that a comment on line `at` holds for; `before` is what stands before it on its line.
fn reach(lines: &[&str], at: usize, before: &str) -> (usize, usize) {
    if !before.trim().is_empty() {
        return (at, at);
    }
    let is_content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let starts_document = |line: &&str| line.starts_with("---");
    let above = lines.iter().take(at).rev().find(|line| is_content(line));
    let document_end = || {
        let next = lines.iter().skip(at + 1).enumerate().skip_while(|(_, line)| !is_content(line)).skip(1);
        let mut markers = next.filter(|(_, line)| starts_document(line)).map(|(index, _)| at + index);
        markers.next().unwrap_or(lines.len().saturating_sub(1))
    };
    if above.is_none_or(starts_document) {
        return (at, document_end());
    }
    let Some((first, line)) = lines.iter().enumerate().skip(at + 1).find(|(_, line)| is_content(line)) else { return (at, at) };
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let own = indent(line);
    let inside = |line: &&str| !is_content(line) || indent(line) > own;
    let count = lines.iter().skip(first + 1).take_while(|line| inside(line)).count();
    (first, first + count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str) -> Vec<(u32, u32)> {
        let lines = |suppression: Suppression| match suppression.scope {
            SuppressionScope::Lines { from, to, .. } => (from, to),
            _ => (0, 0),
        };
        comments(0, text).into_iter().map(lines).collect()
    }

    #[test]
    fn a_comment_holds_for_the_node_below_its_line_or_its_document() {
        assert_eq!(lines_of("a: 1\n# meshwhy: ignore MWC201 because x\nb:\n  c: 1\nd: 1\n"), [(3, 4)]);
        assert_eq!(lines_of("a: 1 # meshwhy: ignore MWC201\nb: 1\n"), [(1, 1)]);
        assert_eq!(lines_of("a: 1\n---\n# meshwhy: ignore MWC201, MWC202\nb: 1\nc: 2\n---\nd: 1\n"), [(3, 5), (3, 5)]);
    }

    #[test]
    fn a_resource_is_matched_part_by_part() {
        let resource = ResourceName { kind: crate::model::ResourceKind::VirtualService, namespace: "shop", name: "cart" };
        assert!(["VirtualService/shop/cart", "VirtualService/*/cart", "*/*/*"].iter().all(|wanted| matches(wanted, &resource)));
        assert!(["VirtualService/shop", "Gateway/shop/cart", "*/shop/car"].iter().all(|wanted| !matches(wanted, &resource)));
    }
}
