//! What a misspelt word was meant to be.

use strsim::osa_distance;

/// How many letters may differ from what was meant.
const MOST_TYPOS: usize = 2;

/// Letters of a word for each one that may differ: short words are near to everything.
const LETTERS_PER_TYPO: usize = 4;

/// How many letters must be put in, taken out, replaced or swapped with their neighbour, without regard to case.
#[must_use]
pub fn typos(one: &str, other: &str) -> usize {
    // Nobody asks for more, and most words differ by more in length alone.
    if one.len().abs_diff(other.len()) > MOST_TYPOS {
        return MOST_TYPOS + 1;
    }
    osa_distance(&one.to_ascii_lowercase(), &other.to_ascii_lowercase())
}

/// The one word that a misspelt one was probably meant to be; `None` where none is near, or two are. Of a name with a domain before `/`, the
/// part behind it says how much may differ.
#[must_use]
pub fn nearest<'w>(misspelt: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let most = |word: &str| (word.rsplit('/').next().unwrap_or(word).len() / LETTERS_PER_TYPO).min(MOST_TYPOS);
    let near = words.into_iter().map(|word| (typos(misspelt, word), word)).filter(|(typos, word)| *typos <= most(word));
    let mut best: Option<(usize, &str)> = None;
    let mut is_tied = false;
    for (typos, word) in near {
        match best {
            Some((least, _)) if typos > least => {}
            Some((least, _)) if typos == least => is_tied = true,
            _ => (best, is_tied) = (Some((typos, word)), false),
        }
    }
    best.filter(|_| !is_tied).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let fields = ["from", "to", "when", "retries", "trafficPolicy"];
        let meant = ["form", "retires", "traficPolicy", "TrafficPolicy", "timeout"].map(|word| nearest(word, fields));
        assert_eq!(meant, [Some("from"), Some("retries"), Some("trafficPolicy"), Some("trafficPolicy"), None]);
    }

    #[test]
    fn two_words_as_near_as_each_other_are_no_suggestion() {
        assert_eq!(nearest("cats", ["bats", "rats"]), None);
        assert_eq!(nearest("cats", ["carts", "dogs"]), Some("carts"));
    }
}
