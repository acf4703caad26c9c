//! What `diagnose --prometheus` was asked for, checked.

use jiff::Timestamp;
use meshwhy_core::Cause;
use meshwhy_probe::{Roots, Target, TargetError, Tls};

use crate::args::{DiagnoseArgs, DiagnosisFormatArg, FailOnArg};
use crate::escape;
use crate::failure::Failure;
use crate::options::cause;
use crate::probe_options::{file, headers};

/// How far back is looked where nothing else is asked for, in seconds.
const WINDOW: i64 = 3600;
/// Prometheus keeps fifteen days by default, and a longer range costs it dearly.
const LONGEST: i64 = 15 * 24 * 3600;

/// A survey.
pub(crate) struct SurveyOptions {
    pub(crate) server: Target,
    pub(crate) headers: http::HeaderMap,
    pub(crate) tls: Tls,
    /// In seconds.
    pub(crate) window: u64,
    pub(crate) cause: Option<&'static Cause>,
    pub(crate) target: Option<String>,
    pub(crate) top: usize,
    pub(crate) fail_on: FailOnArg,
    pub(crate) format: DiagnosisFormatArg,
}

impl SurveyOptions {
    /// Checks what clap cannot.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what is no URL or no header, for a form that a survey does not have, and for a time that Prometheus cannot
    /// look back to.
    pub(crate) fn new(args: DiagnoseArgs) -> Result<Self, Failure> {
        let usage = |text: String| Failure::Usage(escape::line(&text));
        if !matches!(args.format, DiagnosisFormatArg::Text | DiagnosisFormatArg::Json | DiagnosisFormatArg::Markdown) {
            return Err(usage("--prometheus is written as text, json or markdown".to_owned()));
        }
        let server = Target::parse(args.prometheus.url.as_deref().unwrap_or_default()).map_err(|error| match error {
            TargetError::Credentials => {
                usage("a URL with a user or a password would be printed; use --prometheus-header 'Authorization: …'".to_owned())
            }
            error => usage(format!("--prometheus: {error}")),
        })?;
        if server.path_and_query.query().is_some() {
            return Err(usage("--prometheus takes the address of the server, without a query".to_owned()));
        }
        let authorities = args.prometheus.cacert.as_deref().map(file).transpose()?;
        let tls = Tls::new(authorities.as_deref().map_or(Roots::System, Roots::Pem), None, false);
        let seconds = args.since.map_or(WINDOW, |since| Timestamp::now().duration_since(since).as_secs());
        if !(60..=LONGEST).contains(&seconds) {
            return Err(usage("--since goes back at least a minute and at most 15 days for Prometheus".to_owned()));
        }
        Ok(Self {
            server,
            headers: headers(&args.prometheus.headers)?.0,
            tls: tls.map_err(|error| usage(format!("--prometheus-cacert: {error}")))?,
            window: u64::try_from(seconds).unwrap_or_default(),
            cause: args.cause.map(|name| cause(&name)).transpose()?,
            target: args.target,
            top: args.top,
            fail_on: args.fail_on,
            format: args.format,
        })
    }
}
