//! Certificates: when they end, whose they are, who signed them.

use jiff::Timestamp;
use meshwhy_logs::decoded::{CertificateInfo, Decoded, decoded};
use serde::Deserialize;

use super::{Area, Examined, Proxy};
use crate::proto_json::Text;
use crate::words::say;

const AREA: Area = Area::Certificates;

#[derive(Deserialize)]
struct Secret<'a> {
    #[serde(borrow, default)]
    tls_certificate: Option<TlsCertificate<'a>>,
    #[serde(borrow, default)]
    validation_context: Option<ValidationContext<'a>>,
}

#[derive(Deserialize)]
struct TlsCertificate<'a> {
    #[serde(borrow, default)]
    certificate_chain: DataSource<'a>,
}

#[derive(Deserialize)]
struct ValidationContext<'a> {
    #[serde(borrow, default)]
    trusted_ca: DataSource<'a>,
}

#[derive(Default, Deserialize)]
struct DataSource<'a> {
    #[serde(borrow, default)]
    inline_bytes: Text<'a>,
}

impl DataSource<'_> {
    fn certificates(&self) -> Vec<CertificateInfo> {
        let of = |it| match it {
            Decoded::Certificate(certificate) => Some(certificate),
            _ => None,
        };
        decoded(&self.inline_bytes).into_iter().filter_map(of).collect()
    }
}

pub(super) fn examine(proxy: &Proxy<'_, '_>) -> Vec<Examined> {
    let lang = proxy.lang;
    let mut examined = Vec::new();
    let (mut chains, mut roots) = (Vec::new(), Vec::new());
    for resource in &proxy.dump.secrets {
        let Ok(secret) = resource.decode::<Secret<'_>>() else { continue };
        let name = resource.name.to_string();
        chains.extend(secret.tls_certificate.map(|it| (name.clone(), it.certificate_chain.certificates())));
        roots.extend(
            secret.validation_context.map(|it| (name, it.trusted_ca.certificates())).into_iter().filter(|(_, it)| !it.is_empty()),
        );
    }
    for (name, certificates) in chains.iter().chain(&roots) {
        let first = certificates.first();
        examined.extend(first.map(|certificate| validity(proxy, name, (certificate.not_before, certificate.not_after))));
    }
    for (name, chain) in &chains {
        examined.extend(identity(proxy, name, chain));
        examined.extend(signer(proxy, name, chain, &roots));
    }
    let own: Vec<&CertificateInfo> = chains.iter().filter_map(|(_, chain)| chain.first()).collect();
    examined.extend(super::loaded_certificates::examine(proxy, &own));
    if examined.is_empty() {
        let action = say!(
            lang,
            "Without SDS the proxy may hold certificates in files, or none: `/certs` says which it has loaded.",
            "不使用 SDS 时，证书可能在文件中，也可能没有：`/certs` 会列出已加载的证书。"
        );
        examined.push(Examined::open(AREA, say!(lang, "the dump holds no certificate", "转储中没有证书"), action));
    }
    examined
}

/// Whether it was valid when the proxy last took an update. Today says nothing: an old dump holds what was good then.
pub(super) fn validity(proxy: &Proxy<'_, '_>, name: &str, between: (Option<Timestamp>, Option<Timestamp>)) -> Examined {
    let lang = proxy.lang;
    let taken = proxy.dump.last_updated().and_then(|time| time.parse::<Timestamp>().ok());
    let (Some(begin), Some(end)) = between else {
        let what = say!(lang, "`{name}`: its validity cannot be read", "`{name}`：无法读取有效期");
        return Examined::open(AREA, what, say!(lang, "Look at it with openssl.", "请用 openssl 查看。"));
    };
    match taken {
        Some(taken) if taken > end => Examined::bad(
            AREA,
            say!(lang, "`{name}` expired at {end}", "`{name}` 已于 {end} 过期"),
            say!(
                lang,
                "`default` is renewed by the agent: its log says what istiod refuses; then restart the Pod. `kubernetes://` is the Secret of a `credentialName`: renew that.",
                "`default` 由 agent 续签：其日志会说明 istiod 拒绝的原因，修复后重启 Pod。`kubernetes://` 对应 `credentialName` 的 Secret：请更新它。"
            ),
        ),
        Some(taken) if taken < begin => Examined::bad(
            AREA,
            say!(lang, "`{name}` is valid only from {begin}", "`{name}` 从 {begin} 起才有效"),
            say!(lang, "Compare the clocks of the nodes and of istiod.", "请核对节点与 istiod 的时钟。"),
        ),
        _ if proxy.now > end => Examined::open(
            AREA,
            say!(lang, "`{name}` was valid until {end}, which is over", "`{name}` 的有效期至 {end}，现已过去"),
            say!(
                lang,
                "Was the dump taken before that? Then this says nothing of today; take it again. Else the proxy still uses an expired certificate.",
                "转储是在此之前导出的吗？若是，则不能说明现状，请重新导出；否则代理仍在使用过期证书。"
            ),
        ),
        Some(_) => Examined::good(AREA, say!(lang, "`{name}` valid until {end}", "`{name}` 有效期至 {end}")),
        None => Examined::open(
            AREA,
            say!(lang, "`{name}` valid from {begin} to {end}", "`{name}` 有效期为 {begin} 至 {end}"),
            say!(
                lang,
                "The dump does not say when it was taken; compare it with the time then.",
                "转储没有给出时间；请与当时的时间比较。"
            ),
        ),
    }
}

/// Whether a workload's certificate is for the workload.
fn identity(proxy: &Proxy<'_, '_>, name: &str, chain: &[CertificateInfo]) -> Option<Examined> {
    let lang = proxy.lang;
    let node = &proxy.dump.bootstrap.as_ref()?.node.metadata;
    let certificate = chain.first()?;
    let found = certificate.names.iter().find(|name| name.starts_with("spiffe://")).filter(|_| name == "default")?;
    let (namespace, account) = (&*node.namespace, &*node.service_account);
    if namespace.is_empty() || account.is_empty() {
        return None;
    }
    let wanted = format!("/ns/{namespace}/sa/{account}");
    Some(if found.ends_with(&wanted) {
        Examined::good(AREA, say!(lang, "`{name}` is for {found}", "`{name}` 的身份是 {found}"))
    } else {
        Examined::bad(
            AREA,
            say!(lang, "`{name}` is for {found}, and the proxy is {wanted}", "`{name}` 的身份是 {found}，而代理应为 {wanted}"),
            say!(
                lang,
                "Others authorise by the identity in the certificate: restart the Pod, and look at what writes its certificates.",
                "对端按证书中的身份授权：请重启 Pod，并检查证书的来源。"
            ),
        )
    })
}

/// Whether the CA at the end of a chain is among those that the proxy trusts, by its name.
fn signer(
    proxy: &Proxy<'_, '_>,
    name: &str,
    chain: &[CertificateInfo],
    roots: &[(String, Vec<CertificateInfo>)],
) -> Option<Examined> {
    let lang = proxy.lang;
    let issuer = &chain.last().filter(|_| name == "default" && !roots.is_empty())?.issuer;
    let is_known = roots.iter().flat_map(|(_, roots)| roots).any(|root| root.subject == *issuer);
    Some(if is_known {
        Examined::good(
            AREA,
            say!(
                lang,
                "`{name}` is signed by a CA that the proxy trusts ({issuer})",
                "`{name}` 由代理信任的 CA 签发（{issuer}）"
            ),
        )
    } else {
        Examined::open(
            AREA,
            say!(
                lang,
                "`{name}` is signed by {issuer}, which is not among the CAs that the proxy trusts",
                "`{name}` 由 {issuer} 签发，不在代理信任的 CA 之中"
            ),
            say!(
                lang,
                "Peers with the same CAs will refuse it. Was the root changed while proxies kept the old one? Restart the workloads, or distribute both roots.",
                "信任相同 CA 的对端会拒绝它。是否更换过根证书而代理仍在用旧的？请重启工作负载，或同时分发新旧根证书。"
            ),
        )
    })
}
