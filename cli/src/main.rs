//! The command `meshwhy`, also installed as `kubectl-meshwhy`.

use std::process::ExitCode;

fn main() -> ExitCode {
    meshwhy::main(std::env::args_os())
}
