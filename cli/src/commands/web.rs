//! `meshwhy web`.

use std::io::Write;

use meshwhy_core::Lang;

use crate::failure::{Failure, Outcome};
use crate::page;
use crate::paths::unreadable;

/// Says where the page is, and serves it until Ctrl-C.
///
/// # Errors
/// [`Failure::NoPage`] in a program without the page, [`Failure::Input`] where the port cannot be listened on.
pub(super) fn run(out: &mut dyn Write, port: u16, lang: Lang) -> Result<Outcome, Failure> {
    if !page::is_there() {
        return Err(Failure::NoPage(lang));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let name = format!("127.0.0.1:{port}");
    runtime.block_on(async {
        let listener = page::listen(port).await.map_err(|error| unreadable(&name, error))?;
        writeln!(out, "http://{}/", listener.local_addr()?)?;
        out.flush()?;
        page::serve(listener).await?;
        Ok(Outcome::Clean)
    })
}
