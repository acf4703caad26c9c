//! The reader's language.

use meshwhy_core::Lang;
pub(crate) use meshwhy_report::lang_tag as tag;

/// The language of the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set, else of the system's settings: macOS and Windows set none.
pub(crate) fn preferred(variable: impl Fn(&str) -> Option<String>) -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let chinese = set
        .or_else(sys_locale::get_locale)
        .is_some_and(|value| value.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("zh")));
    if chinese { Lang::Zh } else { Lang::En }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let with = |pairs: &'static [(&str, &str)]| {
            preferred(move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(with(&[("LANG", "zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(with(&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")]), Lang::En);
        assert_eq!(with(&[("LC_ALL", ""), ("LC_MESSAGES", "zh")]), Lang::Zh);
    }
}
