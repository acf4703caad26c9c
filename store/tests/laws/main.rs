//! In a real store every row gets the cause that `judge` gives it: each case of the catalogue, each line that was recorded, and rows made of
//! the vocabularies at random.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up must fail loudly")]

mod rows;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use meshwhy_integration::not_run::NotRun;
use meshwhy_integration::store_engines::StoreEngine;
use meshwhy_store::{Dialect, Layout, Query};
use rows::Row;
use serde_json::{Map, Value};

/// How the rows are stored: their layout, and how a file of that layout is made of one of JSON.
const STORED: [(Dialect, Layout, &str, &str); 4] = [
    (Dialect::DuckDb, Layout::IstioJson, "json", "read_json('FILE')"),
    (Dialect::DuckDb, Layout::IstioJson, "parquet", "read_parquet('FILE.parquet')"),
    (Dialect::DuckDb, Layout::OtelLogs, "attributes", "read_json('FILE')"),
    (Dialect::DuckDb, Layout::JsonText, "text", "read_json('FILE')"),
];

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (dialect, layout, shape, from) in STORED {
        let name = format!("{}_{}_{shape}_says_what_judge_says", dialect.as_str(), layout.as_str().replace('-', "_"));
        let engine = match dialect {
            _ if arguments.list => None,
            Dialect::DuckDb => Some(StoreEngine::duckdb()),
            Dialect::ClickHouse => Some(StoreEngine::clickhouse()),
        };
        match engine {
            Some(Err(error)) => NotRun::here().note(&name, &format!("{error:#}"), "install Python 3 with pip")?,
            Some(Ok(engine)) => trials.push(Trial::test(name, move || agrees(&engine, (dialect, layout), from))),
            None => trials.push(Trial::test(name, || Ok(()))),
        }
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn agrees(engine: &StoreEngine, (dialect, layout): (Dialect, Layout), from: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let rows = rows::all();
    let file = folder.path().join("rows.json");
    let objects: String = rows.iter().enumerate().map(|(id, row)| stored(layout, id, row)).collect();
    fs::write(&file, objects)?;
    if from.contains("parquet") {
        let name = file.display();
        run(engine, folder.path(), &format!("COPY (SELECT * FROM read_json('{name}', sample_size = -1)) TO '{name}.parquet'"))?;
    }
    let from = from.replace("FILE", &file.display().to_string());
    let query = Query { dialect, layout, from: &from, raw: true }.sql();
    let answer = run(engine, folder.path(), &query)?;
    let mut given: Vec<Option<String>> = vec![None; rows.len()];
    for line in answer.lines() {
        let row: Map<String, Value> = serde_json::from_str(line)?;
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let id: usize = row["id"].as_str().unwrap().parse()?;
        given[id] = Some(format!("{} {} {} at {}", text("code"), text("slug"), text("confidence"), text("target")));
    }
    let wrong: Vec<String> = (rows.iter().zip(&given))
        .filter(|(row, given)| row.verdict != **given)
        .map(|(row, given)| format!("{}: {given:?}, and judge says {:?}\n    {}", row.name, row.verdict, row.line))
        .collect();
    let sums = run(engine, folder.path(), &Query { dialect, layout, from: &from, raw: false }.sql())?;
    let counted = sums.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["count"].as_u64().unwrap());
    let failures = rows.iter().filter(|row| row.verdict.is_some()).count();
    match wrong.as_slice() {
        [] if counted.sum::<u64>() == u64::try_from(failures)? => Ok(()),
        [] => Err("the sums count other failures".into()),
        wrong => Err(format!(
            "{} of {} rows\n{}",
            wrong.len(),
            rows.len(),
            wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n")
        )
        .into()),
    }
}

fn run(engine: &StoreEngine, folder: &Path, query: &str) -> Result<String, Failed> {
    let file = folder.join("query.sql");
    fs::write(&file, query)?;
    Ok(engine.run(&file)?)
}

/// A row as the layout has it, one line.
fn stored(layout: Layout, id: usize, Row { line, .. }: &Row) -> String {
    let mut object: Map<String, Value> = serde_json::from_str(line).unwrap();
    let row = match layout {
        Layout::IstioJson => {
            object.insert("id".to_owned(), id.to_string().into());
            Value::Object(object)
        }
        // The exporter's map has texts alone, and a `null` is no attribute.
        Layout::OtelLogs => {
            let text = |value: Value| match value {
                Value::String(text) => Some(text),
                Value::Null => None,
                other => Some(other.to_string()),
            };
            let attributes: Map<String, Value> =
                object.into_iter().filter_map(|(key, value)| Some((key, text(value)?.into()))).collect();
            serde_json::json!({"id": id.to_string(), "Body": "", "LogAttributes": attributes})
        }
        Layout::JsonText => serde_json::json!({"id": id.to_string(), "log": line}),
    };
    format!("{row}\n")
}
