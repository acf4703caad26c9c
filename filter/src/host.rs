//! What the module asks of Envoy. No call can panic: what a host refuses comes back as a [`HostFault`].

use log::Level;

use crate::abi::{CounterId, Status};

/// A host call that did not work.
///
/// # Source
/// Proxy-wasm ABI 0.2.1, `proxy_status_t`; proxy-wasm-cpp-host answers `InternalFailure` in place of a capability that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostFault {
    /// What it is about is not there in this phase, or cannot be changed: `NotFound`, `BadArgument`, `Empty`.
    Unavailable,
    /// The host never does it: `InternalFailure`, `Unimplemented`.
    Refused,
    /// The host could not do it with these bytes: any other status.
    Failed,
}

impl HostFault {
    /// The fault that a status other than `Ok` stands for.
    #[must_use]
    pub const fn of(status: Status) -> Self {
        match status.0 {
            1 | 2 | 7 => Self::Unavailable,
            10 | 12 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// The host calls that the module makes.
///
/// # Cost
/// Every method is one host call: 2–3 µs for one that answers with bytes, a header less than an attribute, 0.5–1 µs for others (measured,
/// Envoy 1.40).
pub trait Host {
    /// An attribute as raw bytes; integers are eight little-endian bytes. `None` when absent or empty.
    ///
    /// # Errors
    /// Whatever status the host gives, a capability that is not allowed among them.
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostFault>;

    /// Sets text in the stream's filter state, under `wasm.` and this key.
    ///
    /// # Errors
    /// Outside a stream, or when it is not allowed.
    fn set_property(&self, key: &str, value: &[u8]) -> Result<(), HostFault>;

    /// A request header as raw bytes; `Some` of nothing when it is present and empty.
    ///
    /// # Errors
    /// Outside the request and log phases.
    fn request_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault>;

    /// A response header as raw bytes.
    ///
    /// # Errors
    /// Outside the response and log phases.
    fn response_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault>;

    /// Adds a response header beside those of the same name.
    ///
    /// # Errors
    /// Outside the response phase.
    fn add_response_header(&self, name: &str, value: &[u8]) -> Result<(), HostFault>;

    /// Removes a response header, every line of it.
    ///
    /// # Errors
    /// Outside the response phase, or when it is not allowed.
    fn remove_response_header(&self, name: &str) -> Result<(), HostFault>;

    /// Writes a line to Envoy's log, logger `wasm`, where that is allowed.
    fn log(&self, level: Level, line: &str);

    /// Defines a counter and gives its id; the same name gives the same id.
    ///
    /// # Errors
    /// When metrics are not allowed.
    fn define_counter(&self, name: &str) -> Result<CounterId, HostFault>;

    /// Adds to a counter.
    ///
    /// # Errors
    /// When the id is unknown.
    fn add_to_counter(&self, id: CounterId, by: u32) -> Result<(), HostFault>;

    /// How many calls were [`HostFault::Refused`] since this was last called; no host call itself.
    fn take_refusals(&self) -> u32;
}

#[cfg(test)]
#[expect(missing_docs, reason = "test support, named after the host calls it answers")]
pub mod fake {
    //! A host for tests that answers from a table and counts calls.

    use std::cell::{Cell, RefCell};
    use std::collections::HashMap;

    use log::Level;

    use super::{CounterId, Host, HostFault};

    #[derive(Default)]
    pub struct FakeHost {
        properties: HashMap<String, Vec<u8>>,
        request_headers: HashMap<String, Vec<u8>>,
        refuses_all: bool,
        refuses_removal: bool,
        pub calls: Cell<u32>,
        refusals: Cell<u32>,
        pub lines: RefCell<Vec<(Level, String)>>,
        pub response_headers: RefCell<Vec<(String, Vec<u8>)>>,
        pub filter_state: RefCell<Vec<(String, String)>>,
        pub counters: RefCell<Vec<(String, u32)>>,
    }

    impl FakeHost {
        pub fn property(mut self, path: &str, value: &[u8]) -> Self {
            self.properties.insert(path.to_owned(), value.to_vec());
            self
        }

        pub fn number(self, path: &str, value: u64) -> Self {
            self.property(path, &value.to_le_bytes())
        }

        pub fn request_header(mut self, name: &str, value: &[u8]) -> Self {
            self.request_headers.insert(name.to_owned(), value.to_vec());
            self
        }

        pub fn response_header(self, name: &str, value: &[u8]) -> Self {
            self.response_headers.borrow_mut().push((name.to_owned(), value.to_vec()));
            self
        }

        pub fn refusing_removal(self) -> Self {
            Self { refuses_removal: true, ..self }
        }

        pub fn refusing_all() -> Self {
            Self { refuses_all: true, ..Self::default() }
        }

        fn answer<T>(&self, answer: T) -> Result<T, HostFault> {
            self.calls.set(self.calls.get() + 1);
            if self.refuses_all { Err(self.refuse()) } else { Ok(answer) }
        }

        fn refuse(&self) -> HostFault {
            self.refusals.set(self.refusals.get() + 1);
            HostFault::Refused
        }

        /// The lines of a response header.
        pub fn lines_of(&self, name: &str) -> Vec<String> {
            let headers = self.response_headers.borrow();
            let lines = headers.iter().filter(|(one, _)| one == name);
            lines.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
        }

        pub fn records(&self) -> Vec<String> {
            let lines = self.lines.borrow();
            lines.iter().filter_map(|(_, line)| line.strip_prefix("meshwhy1 ").map(str::to_owned)).collect()
        }
    }

    impl Host for FakeHost {
        fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostFault> {
            let header = path.strip_prefix(&["response", "headers"]).map(|name| self.lines_of(&name.concat()).join(","));
            let header = header.filter(|value| !value.is_empty()).map(String::into_bytes);
            self.answer(self.properties.get(&path.join(".")).cloned().or(header))
        }

        fn set_property(&self, key: &str, value: &[u8]) -> Result<(), HostFault> {
            self.filter_state.borrow_mut().push((key.to_owned(), String::from_utf8_lossy(value).into_owned()));
            self.answer(())
        }

        fn request_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
            self.answer(self.request_headers.get(name).cloned())
        }

        fn response_header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFault> {
            let status = self.properties.get("response.code").filter(|_| name == ":status");
            let status = status.map(|code| u64::from_le_bytes(code.as_slice().try_into().unwrap()).to_string().into_bytes());
            let first = self.response_headers.borrow().iter().find(|(one, _)| one == name).map(|(_, value)| value.clone());
            self.answer(first.or(status))
        }

        fn add_response_header(&self, name: &str, value: &[u8]) -> Result<(), HostFault> {
            self.response_headers.borrow_mut().push((name.to_owned(), value.to_vec()));
            self.answer(())
        }

        fn remove_response_header(&self, name: &str) -> Result<(), HostFault> {
            if self.refuses_removal {
                return self.answer(()).and_then(|()| Err(self.refuse()));
            }
            self.response_headers.borrow_mut().retain(|(one, _)| one != name);
            self.answer(())
        }

        fn log(&self, level: Level, line: &str) {
            self.lines.borrow_mut().push((level, line.to_owned()));
            let _ = self.answer(());
        }

        fn define_counter(&self, name: &str) -> Result<CounterId, HostFault> {
            let mut counters = self.counters.borrow_mut();
            counters.push((name.to_owned(), 0));
            self.answer(CounterId(u32::try_from(counters.len() - 1).unwrap()))
        }

        fn add_to_counter(&self, id: CounterId, by: u32) -> Result<(), HostFault> {
            self.counters.borrow_mut()[id.0 as usize].1 += by;
            self.answer(())
        }

        fn take_refusals(&self) -> u32 {
            self.refusals.take()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HostFault, Status};

    #[test]
    fn a_capability_that_is_not_allowed_differs_from_a_phase_that_is_over() {
        for (status, fault) in
            [(1, HostFault::Unavailable), (2, HostFault::Unavailable), (10, HostFault::Refused), (12, HostFault::Refused)]
        {
            assert_eq!(HostFault::of(Status(status)), fault, "{status}");
        }
        for unknown in [-1, 3, 6, 11, 13, i32::MAX] {
            assert_eq!(HostFault::of(Status(unknown)), HostFault::Failed, "{unknown}");
        }
    }
}
