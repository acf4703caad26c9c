//! `meshwhy web`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct WebArgs {
    /// Port of 127.0.0.1 to listen on [default: any that is free]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
}
