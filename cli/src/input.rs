//! Opens sources and hands their bytes on.

use std::fs::File;
use std::io::{self, Read};

use crate::failure::Failure;
use crate::options::{Input, Source};

/// Calls `take` with a reader and the number of each source.
///
/// # Errors
/// [`Failure::Input`] for the first source that cannot be opened or read.
pub(crate) fn for_each(input: Input, mut take: impl FnMut(u32, &mut (dyn Read + Send)) -> io::Result<()>) -> Result<(), Failure> {
    match input {
        Input::Text(text) => take(0, &mut text.as_bytes()).map_err(|source| named("argument", source)),
        Input::Sources(sources) => (0_u32..).zip(sources).try_for_each(|(number, source)| match source {
            Source::Stdin => take(number, &mut io::stdin()).map_err(|source| named("standard input", source)),
            Source::File(path) => {
                let name = path.display().to_string();
                File::open(&path).and_then(|mut file| take(number, &mut file)).map_err(|source| named(&name, source))
            }
        }),
    }
}

/// All bytes of the input, at most `limit`.
///
/// # Errors
/// [`Failure::Input`], also when there are more.
pub(crate) fn bytes(input: Input, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    for_each(input, |_, reader| {
        reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= limit);
        if fits { Ok(()) } else { Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for a configuration")) }
    })?;
    Ok(bytes)
}

fn named(name: &str, source: io::Error) -> Failure {
    Failure::Input { name: name.to_owned(), source }
}
