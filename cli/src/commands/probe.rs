//! `meshwhy probe`: one request, or one in each variant, one after the other.

use std::io::Write;

use meshwhy_core::Lang;
use meshwhy_diagnose::Collector;
use meshwhy_probe::{Omission, Outcome as Sent, Request, Variant, send};
use tokio::runtime::Builder;

use crate::args::FormatArg;
use crate::failure::{Failure, Outcome};
use crate::probe_options::ProbeOptions;
use crate::probe_report::{Probe, ProbeMatrix, ProbeRow};
use crate::render::probe as render;
use crate::report::DiagnosisReport;
use crate::way::Way;

/// Sends what is asked for and writes what came of it.
///
/// # Errors
/// The output cannot be written, or there is no such pod to set out from. What fails at the server is no error.
pub(super) fn run(out: &mut dyn Write, options: &ProbeOptions, lang: Lang) -> Result<Outcome, Failure> {
    let way = Way::new(options.here.clone(), options.from.as_ref(), lang)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let probe = |request: Request| {
        let mut outcome = runtime.block_on(send(&request, &way, &options.tls));
        outcome.conceal(&options.secrets);
        let report = report(&request, &outcome, lang);
        Probe { request, outcome, report }
    };
    let plain = probe(options.request.clone());
    let end = if options.matrix {
        let matrix = matrix(&options.request, plain, probe);
        match options.format {
            FormatArg::Text => render::matrix::write(out, &matrix, lang)?,
            FormatArg::Json => render::json::matrix(out, &matrix, lang)?,
        }
        if matrix.control().is_some_and(|control| control.outcome.is_unreachable()) {
            Outcome::Unreachable
        } else if matrix.rows.iter().all(|row| row.probe.is_success()) {
            Outcome::Clean
        } else {
            Outcome::Findings
        }
    } else {
        match options.format {
            FormatArg::Text => render::write(out, &plain, lang)?,
            FormatArg::Json => render::json::probe(out, &plain, lang)?,
        }
        end(&plain)
    };
    // A name that does not resolve is waited for by the system alone.
    runtime.shutdown_background();
    Ok(end)
}

fn end(probe: &Probe) -> Outcome {
    match () {
        () if probe.outcome.is_unreachable() => Outcome::Unreachable,
        () if probe.is_success() => Outcome::Clean,
        () => Outcome::Findings,
    }
}

/// Asks in every variant that makes sense, unless nobody is there.
fn matrix(plain: &Request, control: Probe, probe: impl Fn(Request) -> Probe) -> ProbeMatrix {
    let is_unreachable = control.outcome.is_unreachable();
    let mut matrix = ProbeMatrix { rows: vec![ProbeRow { variant: Variant::Plain, probe: control }], left_out: Vec::new() };
    for variant in Variant::ALL.into_iter().filter(|variant| *variant != Variant::Plain) {
        match variant.of(plain) {
            Ok(_) if is_unreachable => matrix.left_out.push((variant, Omission::Unreachable)),
            Ok(request) => matrix.rows.push(ProbeRow { variant, probe: probe(request) }),
            Err(reason) => matrix.left_out.push((variant, reason)),
        }
    }
    matrix
}

/// What the catalogue says of an outcome.
fn report(request: &Request, outcome: &Sent, lang: Lang) -> DiagnosisReport {
    let mut collector = Collector::default();
    if let Some(facts) = outcome.facts(request) {
        collector.observe(0, facts, &render::words::seen(outcome));
    }
    let mut report = DiagnosisReport::new(collector.finish(), None, lang, false).from(&[request.target.shown()]);
    for entry in &mut report.entries {
        // There is no line that says it.
        entry.lines.clear();
        entry.evidence.iter_mut().for_each(|fact| fact.line = None);
    }
    report
}
