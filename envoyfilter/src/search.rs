//! Expressions that find a text among many by halves, and how deep Envoy finds them nested.

/// Envoy's limit on the nesting of an expression. Source: Envoy 1.40, measured: `Expression recursion limit exceeded`.
pub const MAX_NESTING: usize = 32;

/// What an expression is from a text on, in the order of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// The first text.
    pub text: &'static str,
    /// The expression from there on.
    pub expression: String,
}

/// The expression of the last [`From`] whose text is not after the code details.
pub fn by_halves(items: &[From]) -> String {
    match items.split_at_checked(items.len() / 2) {
        Some((low, [first, rest @ ..])) if !low.is_empty() => {
            let high = [std::slice::from_ref(first), rest].concat();
            format!("response.code_details < '{}' ? ({}) : ({})", first.text, by_halves(low), by_halves(&high))
        }
        _ => items.iter().map(|item| item.expression.as_str()).collect(),
    }
}

/// Joins neighbours with the same expression.
pub fn runs(items: Vec<From>) -> Vec<From> {
    let mut runs: Vec<From> = Vec::new();
    for item in items {
        if runs.last().is_none_or(|last| last.expression != item.expression) {
            runs.push(item);
        }
    }
    runs
}

/// How deep an expression is nested, counted as unkindly as Envoy might: parentheses and lists, each alternative of a `? :` within
/// its like, and each operand of `||` and `&&` within the one before.
pub fn nesting(expression: &str) -> usize {
    let (mut open, mut here, mut deepest, mut quoted) = (Vec::new(), 0_usize, 0, false);
    let mut operators = 0_usize;
    for (at, byte) in expression.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' => {
                open.push((here, operators));
                here = here.saturating_add(operators).saturating_add(1);
                operators = 0;
            }
            b')' | b']' => (here, operators) = open.pop().unwrap_or_default(),
            b'?' | b':' => {
                here = here.saturating_add(usize::from(byte == b':'));
                operators = 0;
            }
            b'|' | b'&' if expression.as_bytes().get(at.saturating_add(1)) == Some(&byte) => {
                operators = operators.saturating_add(1)
            }
            _ => {}
        }
        deepest = deepest.max(here.saturating_add(operators));
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &'static str, expression: &str) -> From {
        From { text, expression: expression.to_owned() }
    }

    #[test]
    fn halves_are_told_apart_by_the_first_text_of_the_second() {
        let items = [item("a", "1"), item("m", "2"), item("x", "3")];
        assert_eq!(by_halves(&items), "response.code_details < 'm' ? (1) : (response.code_details < 'x' ? (2) : (3))");
        assert_eq!(by_halves(&[]), "");
    }

    #[test]
    fn neighbours_that_say_the_same_are_one() {
        assert_eq!(runs(vec![item("a", "1"), item("b", "1"), item("c", "2")]), [item("a", "1"), item("c", "2")]);
    }

    #[test]
    fn nesting_counts_parentheses_alternatives_and_operators() {
        assert_eq!(nesting("a == 'x(y(z'"), 0);
        assert_eq!(nesting("a ? b : c ? d : e"), 2);
        assert_eq!(nesting("a || b || (c && d)"), 4);
        assert_eq!(nesting(&"(".repeat(40)), 40);
    }
}
