//! The page in a real browser, as `meshwhy web` serves it and as a file: every kind of input, in both languages, and nothing leaves it.

#![expect(clippy::indexing_slicing, reason = "an answer of another form must fail loudly")]

mod inputs;
mod reach;
mod safety;
mod served;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Failed, Trial};
use meshwhy_integration::browser::chromium;
use meshwhy_integration::not_run::NotRun;

use served::Setup;

/// A test by its name.
type Named = (&'static str, fn(&Setup) -> Result<()>);

const TESTS: [Named; 10] = [
    ("every_kind_of_input_is_explained_as_the_command_line_does", inputs::every_kind),
    ("files_are_explained_together", inputs::files),
    ("a_link_opens_what_it_was_made_of", inputs::link),
    ("a_hundred_megabytes_are_read_beside_the_page", inputs::large),
    ("nothing_leaves_the_page", safety::nothing_leaves),
    ("hostile_input_is_text", safety::hostile),
    ("hostile_links_are_refused", safety::hostile_links),
    ("axe_finds_nothing", reach::axe_finds_nothing),
    ("the_keyboard_is_enough", reach::keyboard),
    ("the_page_needs_no_server", reach::without_server),
];

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // Each of them has a browser of its own, which takes a core and more.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    if arguments.list {
        let trials = TESTS.iter().map(|(name, _)| Trial::test(*name, || Ok(()))).collect();
        return Ok(libtest_mimic::run(&arguments, trials).exit_code());
    }
    let program = match chromium() {
        Ok(program) => program,
        Err(missing) => {
            NotRun::here().note("browser", &format!("{missing:#}"), "put `chromium` on the PATH")?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let trials = TESTS.iter().map(|(name, test)| {
        let program = program.clone();
        let run = move || Setup::new(&program).and_then(|setup| test(&setup).context(setup.server.address.clone()));
        Trial::test(*name, move || run().map_err(|error| Failed::from(format!("{error:#}"))))
    });
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}
