//! Quantities of Kubernetes.

/// The amount of a quantity in billionths, such as 100,000,000 for `100m`; `None` where Kubernetes refuses it.
///
/// # Source
/// `k8s.io/apimachinery/pkg/api/resource/quantity.go`, 0.34.
#[must_use]
pub fn quantity(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let nanos = |digits: &str| format!("{digits:0<9}").get(..9).and_then(|digits| digits.parse::<i128>().ok());
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let amount = whole.checked_mul(NANO)?.checked_add(nanos(fraction)?)?;
    let scaled = scaled(amount, suffix)?;
    Some(if text.starts_with('-') { -scaled } else { scaled })
}

const NANO: i128 = 1_000_000_000;
/// Suffixes of powers of 1,024, from the first on.
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// Suffixes of powers of 1,000, from -3 on.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

fn scaled(amount: i128, suffix: &str) -> Option<i128> {
    if let Some(power) = BINARY.iter().position(|known| *known == suffix) {
        return amount.checked_mul(1024i128.checked_pow(u32::try_from(power).ok()? + 1)?);
    }
    if let Some(power) = DECIMAL.iter().position(|known| *known == suffix) {
        return power_of_ten(amount, i32::try_from(power).ok()? * 3 - 9);
    }
    power_of_ten(amount, suffix.strip_prefix(['e', 'E'])?.parse().ok()?)
}

fn power_of_ten(amount: i128, power: i32) -> Option<i128> {
    let factor = 10i128.checked_pow(power.unsigned_abs())?;
    if power < 0 { Some(amount / factor) } else { amount.checked_mul(factor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_does() {
        let mebi = 1024 * 1024 * NANO;
        let cases =
            [("100m", NANO / 10), ("1", NANO), ("0.5", NANO / 2), (".5", NANO / 2), ("128Mi", 128 * mebi), ("1e3", 1000 * NANO)];
        for (text, amount) in cases {
            assert_eq!(quantity(text), Some(amount), "{text}");
        }
    }

    #[test]
    fn what_kubernetes_refuses_is_no_quantity() {
        for text in ["", "128MB", "100 m", " 1", "1.2.3", "m", "1mi", "half"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
