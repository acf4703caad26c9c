//! `meshwhy sql`.

use std::io::Write;

use meshwhy_store::Query;

use crate::args::SqlArgs;
use crate::failure::{Failure, Outcome};

/// Prints the query that classifies rows inside a store.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn run(out: &mut dyn Write, args: &SqlArgs) -> Result<Outcome, Failure> {
    let query = Query { dialect: args.dialect.into(), layout: args.layout.into(), from: &args.from, raw: args.raw };
    out.write_all(query.sql().as_bytes())?;
    Ok(Outcome::Clean)
}
