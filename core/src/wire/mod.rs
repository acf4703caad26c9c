//! How facts and verdicts travel: as a line of a log, and as a member of a response header.

pub mod proxy_status;
pub mod record;
