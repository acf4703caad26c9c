//! `meshwhy diagnose --prometheus`: where to look first.

use std::io::Write;

use meshwhy_core::causes::unknown;
use meshwhy_core::{Confidence, Lang, Nature};

use crate::args::FailOnArg;
use crate::escape;
use crate::failure::{Failure, Outcome};
use crate::prometheus::server::{Server, ServerFailure};
use crate::prometheus::survey::{Ranked, Survey};
use crate::render::survey as render;
use crate::survey_options::SurveyOptions;

/// Asks, and writes what there is.
///
/// # Errors
/// The server gives no answer, or it has nothing of a proxy: that is no all-clear.
pub(super) fn run(out: &mut dyn Write, options: SurveyOptions, lang: Lang) -> Result<Outcome, Failure> {
    let SurveyOptions { server, headers, tls, window, cause, target, top, fail_on, format } = options;
    let failed = |server: &str, failure: &ServerFailure| Failure::Prometheus(escape::line(&failure.sentence(server, lang)));
    let shown = server.shown();
    let server = Server::new(server, headers, tls).map_err(|error| failed(&shown, &ServerFailure::System(error)))?;
    let mut survey = Survey::of(&server, window).map_err(|failure| failed(&shown, &failure))?;
    let is_asked_for = |of: &Option<String>| {
        target.as_deref().is_none_or(|wanted| {
            of.as_deref().is_some_and(|of| of == wanted || of.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.')))
        })
    };
    let is_finding = |ranked: &Ranked| {
        let is_failure = ranked.cause.nature == Nature::Failure && ranked.cause.slug != unknown::CAUSE.slug;
        match fail_on {
            FailOnArg::Any => ranked.cause.nature != Nature::Benign,
            FailOnArg::Failure => is_failure,
            FailOnArg::Certain => is_failure && ranked.confidence == Confidence::Certain,
            FailOnArg::Never => false,
        }
    };
    // What was not asked for is no all-clear, unless its weight is asked for.
    let has_others = fail_on == FailOnArg::Any && survey.ranked.iter().any(is_finding);
    survey.ranked.retain(|ranked| cause.is_none_or(|cause| ranked.cause.is_of(cause)) && is_asked_for(&ranked.target));
    render::write(out, &survey, &server.shown(), top, lang, format)?;
    out.flush()?;
    Ok(match () {
        () if has_others || survey.ranked.iter().any(is_finding) => Outcome::Findings,
        // Whoever is not scraped may fail; whoever counts nothing has not said that nothing failed.
        () if !survey.counts_requests() => return Err(Failure::NothingCounted(lang)),
        () if !survey.silent.is_empty() && fail_on != FailOnArg::Never => Outcome::Findings,
        () => Outcome::Clean,
    })
}
