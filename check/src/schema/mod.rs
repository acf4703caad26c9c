//! What the fields of a manifest may be: the official schemas, carried in `check/schemas`, against nodes.
//!
//! A validator of our own, since a finding needs the place of a field, one finding per mistake and the word that was meant, and since it
//! has to look at millions of nodes a second; what the schemas use of JSON Schema is little.

mod compile;
mod validate;

use std::sync::LazyLock;

pub use compile::{Schema, Schemas};
pub use validate::{Problem, ProblemKind, validate};

use crate::model::Kind;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(Schemas::load);

/// The schema of a kind in a version, if that version is known.
#[must_use]
pub fn of(kind: Kind, api_version: &str) -> Option<&'static Schema> {
    // What `istioctl install` takes has no schema that is complete.
    (kind != Kind::IstioOperator).then(|| SCHEMAS.find(kind.name(), |version| version == api_version)).flatten()
}

/// The versions of a kind that have a schema, the stable one first.
#[must_use]
pub fn versions(kind: Kind) -> &'static [String] {
    SCHEMAS.versions(kind.name(), kind.group())
}

/// The schema of `MeshConfig`.
#[must_use]
pub fn mesh_config() -> Option<&'static Schema> {
    SCHEMAS.configuration("MeshConfig")
}

/// The word of some that was most likely meant by another: at most two letters differ, and at most a third of them.
#[must_use]
pub fn meant<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let near = words.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let limit = (word.chars().count() / 3).clamp(1, 2);
    near.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour, without regard to case.
fn distance(one: &str, other: &str) -> usize {
    let letters = |text: &str| text.chars().map(|letter| letter.to_ascii_lowercase()).collect::<Vec<_>>();
    let (one, other) = (letters(one), letters(other));
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=other.len()).collect());
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, candidate) in other.iter().enumerate() {
            let get = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX / 2);
            let replaced = get(&last, column) + usize::from(letter != candidate);
            let mut least = replaced.min(get(&last, column + 1) + 1).min(get(&current, column) + 1);
            let previous = (row.checked_sub(1).and_then(|at| one.get(at)), column.checked_sub(1).and_then(|at| other.get(at)));
            if previous == (Some(candidate), Some(letter)) {
                least = least.min(get(&before, column - 1) + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let fields = ["from", "to", "when", "retries", "trafficPolicy"];
        assert_eq!(meant("form", fields), Some("from"));
        assert_eq!(meant("retires", fields), Some("retries"));
        assert_eq!(meant("traficPolicy", fields), Some("trafficPolicy"));
        assert_eq!(meant("TrafficPolicy", fields), Some("trafficPolicy"));
        assert_eq!(meant("timeout", fields), None);
    }
}
