//! Several attributes in one host call: a list of them that Envoy compiles once and evaluates for each failure.
//!
//! A call costs about as much as evaluating ten attributes, so what is needed together is asked for together.
//! Source: Envoy `source/extensions/common/wasm/foreign.cc` (`expr_create`, `expr_evaluate`), 1.40.

use std::array;
use std::ops::Range;

use crate::host::{Fault, Host};

/// Where an attribute is found, as in `response.code_details`.
pub type Path = &'static [&'static str];

/// A set of attributes that are read together, for one root context: Envoy keeps compiled expressions there.
#[derive(Debug)]
pub struct Attributes<const N: usize> {
    paths: &'static [Path; N],
    expression: Option<Result<u32, Fault>>,
}

/// What a set of attributes was, in the order of its paths.
#[derive(Debug)]
pub struct Values<const N: usize> {
    bytes: Vec<u8>,
    each: [Range<usize>; N],
}

impl<const N: usize> Attributes<N> {
    /// A set that nothing was asked of yet.
    #[must_use]
    pub const fn new(paths: &'static [Path; N]) -> Self {
        Self { paths, expression: None }
    }

    /// Reads them all.
    ///
    /// # Cost
    /// One host call, and one more the first time. From a host that does not evaluate expressions (a capability list of before,
    /// an Envoy before 1.25) one more for each attribute.
    pub fn read(&mut self, host: &impl Host) -> Values<N> {
        let expression = *self.expression.get_or_insert_with(|| host.compile(self.paths));
        let listed = expression.and_then(|expression| host.evaluate(expression));
        listed.ok().and_then(Values::listed).unwrap_or_else(|| Values::one_by_one(host, self.paths))
    }
}

impl<const N: usize> Values<N> {
    /// The raw values; `None` where an attribute is absent or empty.
    #[must_use]
    pub fn all(&self) -> [Option<&[u8]>; N] {
        array::from_fn(|at| self.each.get(at).and_then(|range| self.bytes.get(range.clone())).filter(|value| !value.is_empty()))
    }

    /// Reads a list as the host serializes it: as a map whose keys are the elements and whose values are empty. The count, then the
    /// sizes of each key and value, then each key and value with a zero byte behind it; all numbers in four bytes, little-endian.
    fn listed(bytes: Vec<u8>) -> Option<Self> {
        let number = |at: usize| -> Option<usize> {
            let bytes = bytes.get(at..at.checked_add(4)?)?;
            usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
        };
        if number(0)? != N {
            return None;
        }
        let mut each = array::from_fn(|_| 0..0);
        let mut start = N.checked_mul(8)?.checked_add(4)?;
        for (at, range) in each.iter_mut().enumerate() {
            let sizes = at.checked_mul(8)?.checked_add(4)?;
            let end = start.checked_add(number(sizes)?)?;
            *range = start..end;
            start = end.checked_add(number(sizes.checked_add(4)?)?)?.checked_add(2)?;
        }
        (start == bytes.len()).then_some(Self { bytes, each })
    }

    fn one_by_one(host: &impl Host, paths: &[Path; N]) -> Self {
        let mut bytes = Vec::new();
        let each = paths.map(|path| {
            let start = bytes.len();
            bytes.extend(host.property(path).ok().flatten().unwrap_or_default());
            start..bytes.len()
        });
        Self { bytes, each }
    }
}

/// The list as Envoy's expression language has it: an element is empty text where the attribute is absent.
#[must_use]
pub fn expression(paths: &[Path]) -> String {
    let element = |path: &Path| match path {
        [map @ .., key] if key.contains('.') => {
            let map = map.join(".");
            format!("'{key}' in {map} ? {map}['{key}'] : ''")
        }
        _ => {
            let path = path.join(".");
            format!("has({path}) ? {path} : ''")
        }
    };
    format!("[{}]", paths.iter().map(element).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::fake::{self, FakeHost};

    const PATHS: [Path; 3] = [&["response", "code_details"], &["response", "code"], &["filter_state", "a.b"]];

    fn host() -> FakeHost {
        FakeHost::default().property("response.code_details", b"route_not_found").property("filter_state.a.b", b"fault")
    }

    #[test]
    fn a_set_is_compiled_once_and_read_in_one_call() {
        let (host, mut attributes) = (host(), Attributes::new(&PATHS));
        let expected = [Some(&b"route_not_found"[..]), None, Some(&b"fault"[..])];
        assert_eq!(attributes.read(&host).all(), expected);
        assert_eq!(host.calls.get(), 2);
        assert_eq!(attributes.read(&host).all(), expected);
        assert_eq!(host.calls.get(), 3);
    }

    #[test]
    fn a_host_without_expressions_is_asked_for_each() {
        let (host, mut attributes) = (host().without_expressions(), Attributes::new(&PATHS));
        assert_eq!(attributes.read(&host).all(), [Some(&b"route_not_found"[..]), None, Some(&b"fault"[..])]);
        assert_eq!(attributes.read(&host).all().iter().flatten().count(), 2);
        assert_eq!(host.calls.get(), 1 + 3 + 3);
    }

    #[test]
    fn absent_attributes_and_keys_with_dots_are_spelled_for_the_expression_language() {
        let expected = "[has(response.code_details) ? response.code_details : '', has(response.code) ? response.code : '', \
                        'a.b' in filter_state ? filter_state['a.b'] : '']";
        assert_eq!(expression(&PATHS), expected);
    }

    proptest! {
        #[test]
        fn any_values_come_back_as_they_were(values in prop::array::uniform3(prop::collection::vec(any::<u8>(), 0..40))) {
            let read = Values::<3>::listed(fake::list(&values)).unwrap();
            let expected = values.each_ref().map(|value| Some(value.as_slice()).filter(|value| !value.is_empty()));
            prop_assert_eq!(read.all(), expected);
        }

        #[test]
        fn bytes_that_are_no_list_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(values) = Values::<3>::listed(bytes) {
                let _ = values.all();
            }
        }

        #[test]
        fn a_list_that_was_cut_is_no_list(values in prop::array::uniform3(prop::collection::vec(any::<u8>(), 0..40)), cut in 1_usize..20) {
            let mut bytes = fake::list(&values);
            bytes.truncate(bytes.len().saturating_sub(cut));
            prop_assert!(Values::<3>::listed(bytes).is_none());
        }
    }
}
