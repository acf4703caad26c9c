//! What the page calls, and what it is asked for.

use std::io::{self, Read};

use jiff::Timestamp;
use meshwhy_core::Lang;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Input;

#[wasm_bindgen]
extern "C" {
    /// Writes the next bytes of a file; how many these are, 0 at its end.
    #[wasm_bindgen(catch)]
    fn read_file(file: u32, into: &mut [u8]) -> Result<u32, JsValue>;
}

/// A file of the page, by its number.
struct File(u32);

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_file(self.0, buffer).map_err(|_| io::Error::other("the browser cannot read it any more"))?;
        Ok((read as usize).min(buffer.len()))
    }
}

/// Explains files with these names. `now` is in milliseconds since 1970, as JavaScript has it.
#[wasm_bindgen]
pub fn explain(names: Vec<String>, chinese: bool, now: f64) -> String {
    let inputs = (0..).zip(names).map(|(number, name)| Input { name, bytes: Box::new(File(number)) });
    let now = Timestamp::from_millisecond(now as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    crate::explain(inputs.collect(), if chinese { Lang::Zh } else { Lang::En }, now)
}
