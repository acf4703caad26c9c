//! What came of a probe, for people: what was asked, who answered, the trail of hops, and what the catalogue says of it.

pub(crate) mod json;
pub(crate) mod matrix;
pub(crate) mod words;

use std::io::{self, Write};

use meshwhy_core::Lang;
use meshwhy_core::proxy_status::StatusMember;
use meshwhy_probe::{Answerer, Failure, Request, Response, ServerCertificate, TlsFailure, TlsSession};

use super::Labels;
use super::page::Page;
use super::text::judged;
use crate::escape;
use crate::probe_report::Probe;

#[cfg(feature = "schemas")]
pub(crate) use json::{Matrix, Probed};
use words::pick;

/// Longest header that is shown, in letters; JSON output has all of it.
const LONGEST: usize = 200;

/// Writes one probe.
pub(crate) fn write(out: &mut dyn Write, probe: &Probe, lang: Lang) -> io::Result<()> {
    let mut page = Page::new(out);
    asked(&mut page, probe, lang)?;
    match &probe.outcome.result {
        Ok(response) => {
            status(&mut page, response, probe, lang)?;
            answered(&mut page, response, &probe.request, lang)?;
        }
        Err(failed) => {
            page.prose(&escape::line(&words::failure(lang, failed)))?;
            if let Failure::Tls(TlsFailure::Certificate { certificate: Some(certificate), .. }) = failed {
                certificate_of(&mut page, certificate, lang)?;
            }
        }
    }
    page.blank()?;
    if probe.is_success() {
        return page.prose(&pick(lang, "The request succeeded.", "请求成功。"));
    }
    if probe.outcome.is_unreachable() && probe.report.entries.is_empty() {
        return Ok(());
    }
    if probe.report.entries.is_empty() {
        let nothing = pick(
            lang,
            "The request failed, and nothing in the answer leads to a cause of the catalogue. The access log of the proxy that was asked knows more: `meshwhy diagnose` reads it.",
            "请求失败，但应答中没有能对应到原因目录的线索。所经代理的访问日志会知道得更多：用 `meshwhy diagnose` 读取。",
        );
        return page.prose(&nothing);
    }
    judged(&mut page, Labels::of(lang), &probe.report)
}

fn asked(page: &mut Page<'_>, probe: &Probe, lang: Lang) -> io::Result<()> {
    let (request, outcome) = (&probe.request, &probe.outcome);
    let peer = outcome.peer.as_deref().map(|peer| format!(" → {}", escape::line(peer))).unwrap_or_default();
    page.dim(&format!("{} {}{peer}", request.sent_method(), escape::line(&request.target.shown())))?;
    if let Some(session) = &outcome.tls {
        tls(page, session, lang)?;
    }
    match &request.trace {
        Some(trace) if !outcome.sent.is_empty() => page.dim(&format!("{}: {}", pick(lang, "trace", "trace ID"), trace.trace_id)),
        _ => Ok(()),
    }
}

fn tls(page: &mut Page<'_>, session: &TlsSession, lang: Lang) -> io::Result<()> {
    let protocol = session.protocol.as_deref().map(|protocol| format!(", {}", escape::line(protocol))).unwrap_or_default();
    page.dim(&format!("{}{protocol}", session.version))?;
    if let Some(certificate) = &session.certificate {
        certificate_of(page, certificate, lang)?;
    }
    match &session.ignored {
        None => Ok(()),
        Some(fault) => {
            let head =
                pick(lang, "Without --insecure this certificate would be refused: ", "若没有 --insecure，该证书会被拒绝：");
            page.prose(&escape::line(&format!("{head}{}", words::fault(lang, fault))))
        }
    }
}

fn certificate_of(page: &mut Page<'_>, certificate: &ServerCertificate, lang: Lang) -> io::Result<()> {
    let names = if certificate.names.is_empty() { "-".to_owned() } else { certificate.names.join(", ") };
    let rows = [
        (pick(lang, "certificate", "证书"), certificate.subject.clone()),
        (pick(lang, "for", "适用名称"), names),
        (pick(lang, "signed by", "签发者"), certificate.issuer.clone()),
        (pick(lang, "valid", "有效期"), format!("{} … {}", certificate.not_before, certificate.not_after)),
    ];
    rows.iter().try_for_each(|(name, value)| page.line(&format!("{name}: {}", clipped(value))))
}

fn status(page: &mut Page<'_>, response: &Response, probe: &Probe, lang: Lang) -> io::Result<()> {
    let reason = http::StatusCode::from_u16(response.status).ok().and_then(|status| status.canonical_reason());
    let status = format!("{} {}", response.status, reason.unwrap_or_default());
    let time = format!("{:?}, {} ms", response.version, probe.outcome.duration.as_millis());
    page.heading(&format!("{} ({time})", status.trim_end()))?;
    if let Some(grpc) = grpc(response) {
        page.prose(&grpc)?;
    }
    match words::body(lang, &response.end, response.length) {
        Some(words) => page.prose(&escape::line(&words)),
        None => Ok(()),
    }
}

/// The status of a gRPC call and its message.
fn grpc(response: &Response) -> Option<String> {
    let status = response.header("grpc-status")?;
    let message = response.header("grpc-message").map(|message| format!(" {}", clipped(message))).unwrap_or_default();
    Some(format!("grpc-status {}{message}", clipped(status)))
}

fn answered(page: &mut Page<'_>, response: &Response, request: &Request, lang: Lang) -> io::Result<()> {
    let answerer = Answerer::of(response, request);
    page.heading(&pick(lang, "Who answered", "谁作出的应答"))?;
    page.prose(&escape::line(&words::author(lang, &answerer.author)))?;
    if let Some(front) = answerer.front {
        page.prose(&words::front(lang, front))?;
    }
    let others = answerer.signs.iter().filter(|(name, _)| name != "proxy-status");
    others.clone().try_for_each(|(name, value)| page.line(&format!("  {name}: {}", clipped(value))))?;
    let trail = response.trail();
    if trail.is_empty() {
        return Ok(());
    }
    page.heading(&pick(lang, "Hops, from the origin to this client", "途经的代理（从源头到本客户端）"))?;
    trail.iter().enumerate().try_for_each(|(at, member)| page.line(&format!("{}. {}", at + 1, hop(lang, member))))
}

/// A member of `proxy-status` in one line.
fn hop(lang: Lang, member: &StatusMember) -> String {
    let mut parts = vec![member.name.clone()];
    parts.extend(member.side.map(|side| side.as_str().to_owned()));
    parts.extend(member.received_status.map(|status| match lang {
        Lang::En => format!("received {status} and passed it on"),
        Lang::Zh => format!("收到 {status} 并转发"),
    }));
    let named = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name}={value}"));
    parts.extend(named("error", &member.error));
    parts.extend(named("mw-cause", &member.code));
    parts.extend(member.flags.map(|flags| format!("mw-flags={flags}")));
    parts.extend(named("details", &member.details));
    parts.extend(named("next-hop", &member.next_hop));
    clipped(&parts.join(" · "))
}

fn clipped(text: &str) -> String {
    let text = escape::line(text);
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() { format!("{start}…") } else { start }
}
