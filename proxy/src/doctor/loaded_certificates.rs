//! The certificates that the proxy has loaded, from `/certs`, against what the control plane delivered.
//!
//! Source: Envoy `api/envoy/admin/v3/certs.proto`, 1.40.

use std::collections::BTreeSet;

use jiff::Timestamp;
use meshwhy_logs::decoded::CertificateInfo;
use serde::Deserialize;

use super::certificates::validity;
use super::{Area, Examined, Proxy};
use crate::matching::Truth;
use crate::proto_json::Text;
use crate::words::say;

const AREA: Area = Area::Certificates;
/// Most certificates that are named for one reason.
const MOST: usize = 10;

#[derive(Deserialize)]
struct Certificates<'a> {
    #[serde(borrow)]
    certificates: Vec<Certificate<'a>>,
}

#[derive(Deserialize)]
struct Certificate<'a> {
    #[serde(borrow, default)]
    ca_cert: Vec<Details<'a>>,
    #[serde(borrow, default)]
    cert_chain: Vec<Details<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Details<'a> {
    #[serde(borrow, default)]
    path: Text<'a>,
    #[serde(borrow, default)]
    serial_number: Text<'a>,
    #[serde(borrow, default)]
    subject_alt_names: Vec<Name<'a>>,
    #[serde(borrow, default)]
    valid_from: Text<'a>,
    #[serde(borrow, default)]
    expiration_time: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Name<'a> {
    #[serde(borrow, default)]
    dns: Text<'a>,
    #[serde(borrow, default)]
    uri: Text<'a>,
}

impl Details<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.subject_alt_names.iter().flat_map(|name| [&*name.uri, &*name.dns]).filter(|name| !name.is_empty())
    }

    fn trust_domains(&self) -> impl Iterator<Item = &str> {
        self.names().filter_map(|name| name.strip_prefix("spiffe://")?.split('/').next())
    }

    /// What people know it by.
    fn shown(&self) -> String {
        let file = Some(&*self.path).filter(|path| !path.is_empty() && *path != "<inline>");
        let name = self.names().next().or(file).unwrap_or("?");
        format!("{name} ({})", &*self.serial_number)
    }

    fn begin(&self) -> Option<Timestamp> {
        self.valid_from.parse().ok()
    }

    fn end(&self) -> Option<Timestamp> {
        self.expiration_time.parse().ok()
    }
}

/// What is loaded; `delivered` are the certificates of the dump's secrets.
pub(super) fn examine(proxy: &Proxy<'_, '_>, delivered: &[&CertificateInfo]) -> Vec<Examined> {
    let lang = proxy.lang;
    let Some(answer) = proxy.data.certs else { return Vec::new() };
    let loaded: Certificates<'_> = match serde_json::from_slice(answer) {
        Ok(loaded) => loaded,
        Err(error) => {
            let what = say!(lang, "`/certs` cannot be read: {error}", "无法读取 `/certs`：{error}");
            return vec![Examined::open(AREA, what, say!(lang, "Take it again.", "请重新获取。"))];
        }
    };
    let chains: Vec<&Details<'_>> = loaded.certificates.iter().filter_map(|it| it.cert_chain.first()).collect();
    let roots: Vec<&Details<'_>> = loaded.certificates.iter().flat_map(|it| &it.ca_cert).collect();
    let mut examined = validities(proxy, chains.iter().chain(&roots).copied());
    examined.extend(drift(proxy, &chains, delivered));
    examined.extend(trust_domains(proxy, &chains, &roots));
    examined
}

/// What is over or not valid yet, each by itself; the rest in one line with the first that ends.
fn validities<'d>(proxy: &Proxy<'_, '_>, all: impl Iterator<Item = &'d Details<'d>>) -> Vec<Examined> {
    let lang = proxy.lang;
    let mut known = BTreeSet::new();
    let (mut wrong, mut ends) = (Vec::new(), Vec::new());
    for certificate in all.filter(|it| known.insert((it.shown(), it.expiration_time.to_string()))) {
        let shown = certificate.shown();
        let judged = validity(proxy, &shown, (certificate.begin(), certificate.end()));
        match (judged.good, certificate.end()) {
            (Truth::Yes, Some(end)) => ends.push((end, shown)),
            _ => wrong.push(judged),
        }
    }
    wrong.sort_by_key(|judged| judged.good);
    wrong.truncate(MOST);
    let count = ends.len();
    wrong.extend(ends.into_iter().min().map(|(end, shown)| {
        Examined::good(
            AREA,
            say!(
                lang,
                "loaded and valid: {count}; the first to end is {shown}, at {end}",
                "已加载且有效：{count} 个；最早到期的是 {shown}，时间 {end}"
            ),
        )
    }));
    wrong
}

/// Certificates that began before the one which the control plane delivered for the same names.
fn drift(proxy: &Proxy<'_, '_>, chains: &[&Details<'_>], delivered: &[&CertificateInfo]) -> Vec<Examined> {
    let lang = proxy.lang;
    let older = chains.iter().filter_map(|loaded| {
        let same = |one: &&&CertificateInfo| loaded.names().any(|name| one.names.iter().any(|other| other == name));
        let newest = delivered.iter().filter(same).filter_map(|one| one.not_before).max()?;
        (loaded.begin()? < newest).then(|| (loaded.shown(), newest))
    });
    let older: BTreeSet<(String, Timestamp)> = older.collect();
    let line = |(shown, newest): (String, Timestamp)| {
        Examined::open(
            AREA,
            say!(
                lang,
                "loaded is {shown}, older than the one delivered, which begins at {newest}",
                "已加载的 {shown} 比下发的旧，后者从 {newest} 起有效"
            ),
            say!(
                lang,
                "Take `/certs` and `/config_dump` at the same moment. Where it stays so, the new one is not used: look for refused or warming secrets, and restart the Pod.",
                "请在同一时刻获取 `/certs` 和 `/config_dump`。若仍如此，说明新证书未被使用：请检查被拒绝或仍在预热的 secret，并重启 Pod。"
            ),
        )
    };
    older.into_iter().take(MOST).map(line).collect()
}

/// Whether workloads' certificates and the CAs with SPIFFE identities are of the same trust domain.
fn trust_domains(proxy: &Proxy<'_, '_>, chains: &[&Details<'_>], roots: &[&Details<'_>]) -> Option<Examined> {
    let lang = proxy.lang;
    let own: BTreeSet<&str> = chains.iter().flat_map(|it| it.trust_domains()).collect();
    let of_roots: BTreeSet<&str> = roots.iter().flat_map(|it| it.trust_domains()).collect();
    let names = |set: &BTreeSet<&str>| set.iter().copied().collect::<Vec<_>>().join(", ");
    let (shown, trusted) = (names(&own), names(&of_roots));
    if own.len() == 1 && (of_roots.is_empty() || own.is_subset(&of_roots)) {
        return Some(Examined::good(AREA, say!(lang, "trust domain {shown}", "信任域为 {shown}")));
    }
    (!own.is_empty()).then(|| {
        Examined::open(
            AREA,
            say!(
                lang,
                "trust domains: certificates {shown}; CAs {trusted}",
                "信任域：证书为 {shown}；CA 为 {trusted}"
            ),
            say!(
                lang,
                "Policies and peers compare the trust domain: set `trustDomain` alike everywhere, or list the others in `trustDomainAliases`.",
                "策略与对端会比较信任域：请统一 `trustDomain`，或把其他信任域列入 `trustDomainAliases`。"
            ),
        )
    })
}
