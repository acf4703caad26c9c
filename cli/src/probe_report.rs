//! What a probe gives its reader.

use meshwhy_probe::{Omission, Outcome, Request, Variant};

use crate::report::DiagnosisReport;

/// One request, what came of it, and what the catalogue says of that.
pub(crate) struct Probe {
    pub(crate) request: Request,
    pub(crate) outcome: Outcome,
    pub(crate) report: DiagnosisReport,
}

/// The same request in its variants.
pub(crate) struct ProbeMatrix {
    /// The control is the first.
    pub(crate) rows: Vec<ProbeRow>,
    /// What would be no other request, or cannot be asked.
    pub(crate) left_out: Vec<(Variant, Omission)>,
}

/// One of them.
pub(crate) struct ProbeRow {
    pub(crate) variant: Variant,
    pub(crate) probe: Probe,
}

impl Probe {
    /// Whether the answer is the one that was asked for, and no cause is named.
    pub(crate) fn is_success(&self) -> bool {
        self.outcome.is_success(self.request.is_grpc) && self.report.entries.is_empty()
    }

    /// The code of the cause that is named first.
    pub(crate) fn cause(&self) -> Option<&'static str> {
        self.report.entries.first().map(|entry| entry.code)
    }
}

impl ProbeMatrix {
    /// What the variants are compared with.
    pub(crate) fn control(&self) -> Option<&Probe> {
        self.rows.iter().find(|row| row.variant == Variant::Plain).map(|row| &row.probe)
    }

    /// Whether a variant fails just as the control does: that is not the variant's fault.
    pub(crate) fn fails_as_control(&self, row: &ProbeRow) -> bool {
        let same = |control: &Probe| {
            let (one, other) = (&row.probe.outcome, &control.outcome);
            let same_end = match (&one.result, &other.result) {
                (Ok(one), Ok(other)) => one.status == other.status && one.grpc_status() == other.grpc_status(),
                (Err(one), Err(other)) => one == other,
                _ => false,
            };
            !control.is_success() && same_end && row.probe.cause() == control.cause()
        };
        row.variant != Variant::Plain && !row.probe.is_success() && self.control().is_some_and(same)
    }
}
