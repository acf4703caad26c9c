//! Real engines of stores, from wheels of the Python package index.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::envoy::locate::on_path;
use crate::envoy::wheel::Wheel;

const DUCKDB: Wheel = Wheel {
    what: "DuckDB 1.5.6 (wheel duckdb-cli, 21 MB)",
    folder: "duckdb-cli-1.5.6",
    requirement: "duckdb-cli==1.5.6 \
        --hash=sha256:9797555bd39095d730eb0d0b3bf29e95e148c96a4cdce1e363f01c7bf7003a44 \
        --hash=sha256:9b03301a14310a4ef7f86386e87b36954fe099ed762c8a81f94f7bd0ba073542\n",
    program: "duckdb_cli/duckdb",
    tools: None,
};

const CHDB: Wheel = Wheel {
    what: "ClickHouse 26.9 (wheel chdb-core, 180 MB)",
    folder: "chdb-core-26.9.0",
    requirement: "chdb-core==26.9.0 \
        --hash=sha256:707e2ec3fe0f7953bac97942eaeb7a1ed1d66b1e56ecef3f0aa2130f61f6e735 \
        --hash=sha256:46148d3fc1edd6d6f701922be0f18e2aa6e60349e418b430e69bbb87ab6b95a9\n",
    program: "chdb/__init__.py",
    tools: None,
};

/// An engine that runs queries.
#[derive(Debug, Clone)]
pub enum StoreEngine {
    /// The program `duckdb`.
    DuckDb(PathBuf),
    /// ClickHouse inside Python: the folder with the package `chdb`.
    ClickHouse(PathBuf),
}

impl StoreEngine {
    /// DuckDB: `$MESHWHY_DUCKDB`, else the pinned wheel.
    ///
    /// # Errors
    /// It is not there and cannot be fetched.
    pub fn duckdb() -> Result<Self> {
        env::var_os("MESHWHY_DUCKDB").map_or_else(|| DUCKDB.fetch(), |program| Ok(program.into())).map(Self::DuckDb)
    }

    /// ClickHouse as the pinned wheel has it.
    ///
    /// # Errors
    /// It is not there and cannot be fetched.
    pub fn clickhouse() -> Result<Self> {
        let package = CHDB.fetch()?;
        let folder = package.parent().and_then(Path::parent).context("the package has no folder")?;
        Ok(Self::ClickHouse(folder.to_owned()))
    }

    /// Runs a query that a file holds, and returns a JSON object per line.
    ///
    /// # Errors
    /// The engine refuses the query, or cannot be started; the message is its own.
    pub fn run(&self, query: &Path) -> Result<String> {
        const CHDB: &str = "import sys, chdb\nsys.stdout.write(str(chdb.query(open(sys.argv[1]).read(), 'JSONEachRow')))";
        let output = match self {
            Self::DuckDb(program) => {
                Command::new(program).args(["-jsonlines", "-f"]).arg(query).output().context("starting duckdb")?
            }
            Self::ClickHouse(folder) => {
                let python = on_path("python3").context("there is no python3 to run chdb in")?;
                let mut command = Command::new(python);
                command.args(["-c", CHDB]).arg(query).env("PYTHONPATH", folder);
                command.output().context("starting python3")?
            }
        };
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }
}
