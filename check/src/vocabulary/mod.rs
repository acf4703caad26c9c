//! Closed lists of what Istio reads, and what the values must look like.

pub mod annotations;
pub mod formats;
pub mod labels;
mod quantity;

pub use quantity::quantity;

/// How many letters may differ from what was meant.
const MOST_TYPOS: usize = 2;

/// Letters of a name for each one that may differ: short names are near to everything.
const LETTERS_PER_TYPO: usize = 4;

/// The one name that a misspelt one was probably meant to be; `None` where none is near, or two are.
pub fn nearest(misspelt: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let mut best: Option<(usize, &'static str)> = None;
    let mut is_tied = false;
    for name in names.filter(|name| name.len().abs_diff(misspelt.len()) <= MOST_TYPOS) {
        let distance = distance(&misspelt.to_ascii_lowercase(), &name.to_ascii_lowercase());
        match best {
            Some((least, _)) if distance > least => {}
            Some((least, _)) if distance == least => is_tied = true,
            _ => (best, is_tied) = (Some((distance, name)), false),
        }
    }
    let most = |name: &str| (name.rsplit('/').next().unwrap_or(name).len() / LETTERS_PER_TYPO).min(MOST_TYPOS);
    best.filter(|(distance, name)| *distance <= most(name) && !is_tied).map(|(_, name)| name)
}

/// How many letters must be put in, taken out or replaced to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.bytes().enumerate() {
        let (mut diagonal, mut left) = (line, line + 1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (above, wanted) in row.iter_mut().skip(1).zip(other.bytes()) {
            left = (diagonal + usize::from(letter != wanted)).min(*above + 1).min(left + 1);
            diagonal = std::mem::replace(above, left);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        assert_eq!([distance("", "abc"), distance("abc", "abc"), distance("abc", "adc"), distance("abcd", "acd")], [3, 0, 1, 1]);
    }

    #[test]
    fn two_names_as_near_as_each_other_are_no_suggestion() {
        assert_eq!(nearest("cats", ["bats", "rats"].into_iter()), None);
        assert_eq!(nearest("cats", ["carts", "dogs"].into_iter()), Some("carts"));
    }
}
