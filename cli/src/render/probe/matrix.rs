//! The variants of a probe as a table.

use std::io::{self, Write};

use meshwhy_core::Lang;
use meshwhy_probe::Answerer;

use super::words::{self, pick};
use crate::escape;
use crate::probe_report::{Probe, ProbeMatrix, ProbeRow};
use crate::render::Labels;
use crate::render::page::Page;
use crate::render::table::{Column, fitting};

/// Writes all variants, then what each cause is that the plain request does not have.
pub(crate) fn write(out: &mut dyn Write, matrix: &ProbeMatrix, lang: Lang) -> io::Result<()> {
    let (labels, mut page) = (Labels::of(lang), Page::new(out));
    let Some(control) = matrix.control() else { return Ok(()) };
    page.dim(&format!("{} {}", control.request.sent_method(), escape::line(&control.request.target.shown())))?;
    page.blank()?;
    let variants = matrix.rows.iter().map(|row| row.variant.as_str().to_owned());
    let results = matrix.rows.iter().map(|row| result(&row.probe, lang));
    let heading = |en: &'static str, zh: &'static str| if lang == Lang::Zh { zh } else { en };
    let columns = vec![
        Column::new(heading("VARIANT", "变体"), variants),
        Column::new(heading("RESULT", "结果"), results),
        Column::new(labels.cause, matrix.rows.iter().map(|row| cause(row, true)))
            .or(matrix.rows.iter().map(|row| cause(row, false))),
        Column::new(heading("ANSWERED BY", "应答方"), matrix.rows.iter().map(|row| answered_by(&row.probe, lang))).or_nothing(),
    ];
    fitting(&mut page, columns)?;
    notes(&mut page, matrix, lang)?;
    causes(&mut page, matrix, labels, lang)
}

fn result(probe: &Probe, lang: Lang) -> String {
    match &probe.outcome.result {
        Err(failed) => words::briefly(lang, failed),
        Ok(response) => {
            let grpc = response.grpc_status().filter(|status| *status != 0).map(|status| format!(" grpc {status}"));
            let cut =
                words::body(lang, &response.end, response.length).filter(|_| !probe.outcome.is_success(probe.request.is_grpc));
            let cut = cut.filter(|_| response.status < 400 && grpc.is_none()).map(|_| pick(lang, " cut", " 中断"));
            format!("{}{}{}", response.status, grpc.unwrap_or_default(), cut.unwrap_or_default())
        }
    }
}

fn cause(row: &ProbeRow, with_code: bool) -> String {
    match row.probe.report.entries.first() {
        None => "-".to_owned(),
        Some(entry) if with_code => format!("{} {}", entry.code, entry.slug),
        Some(entry) => entry.slug.to_owned(),
    }
}

fn answered_by(probe: &Probe, lang: Lang) -> String {
    let answerer = probe.outcome.result.as_ref().map(|response| Answerer::of(response, &probe.request));
    answerer.map_or_else(|_| "-".to_owned(), |answerer| escape::line(&words::author_briefly(lang, &answerer.author)))
}

/// What the table means: what the control has too, and what was not asked.
fn notes(page: &mut Page<'_>, matrix: &ProbeMatrix, lang: Lang) -> io::Result<()> {
    page.blank()?;
    let failed_too: Vec<&str> =
        matrix.rows.iter().filter(|row| matrix.fails_as_control(row)).map(|row| row.variant.as_str()).collect();
    let control = matrix.control();
    if !failed_too.is_empty() {
        page.prose(&match lang {
            Lang::En => {
                format!("Fail just as the plain request does, so the variant is not at fault: {}.", failed_too.join(", "))
            }
            Lang::Zh => format!("与基准请求（plain）失败得一样，因此不是变体造成的：{}。", failed_too.join("、")),
        })?;
    }
    if control.is_some_and(|control| control.outcome.is_unreachable()) {
        page.prose(&pick(lang, "Nobody was reached, so no variant was asked.", "没有连上服务端，因此没有继续尝试各个变体。"))?;
        return Ok(());
    }
    matrix.left_out.iter().try_for_each(|(variant, reason)| {
        let (variant, reason) = (variant.as_str(), words::omission(lang, *reason));
        page.prose(&pick(lang, &format!("not asked: {variant} ({reason})"), &format!("未尝试：{variant}（{reason}）")))
    })
}

/// One line for each cause, with what to ask for the rest.
fn causes(page: &mut Page<'_>, matrix: &ProbeMatrix, labels: &Labels, lang: Lang) -> io::Result<()> {
    let mut named: Vec<&str> = Vec::new();
    for entry in matrix.rows.iter().filter_map(|row| row.probe.report.entries.first()) {
        if named.contains(&entry.code) {
            continue;
        }
        named.push(entry.code);
        page.blank()?;
        page.title(&format!("{} {}", entry.code, entry.slug), labels.confidence(entry.confidence), entry.headline)?;
    }
    if named.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.prose(&pick(
        lang,
        "Without --matrix, and with the options of a variant, a cause is explained in full; so does `meshwhy causes CODE`.",
        "去掉 --matrix、加上某个变体对应的选项，即可得到该原因的完整说明；也可以用 `meshwhy causes CODE` 查看。",
    ))
}
