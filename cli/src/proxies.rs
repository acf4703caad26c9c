//! What proxies say of themselves, from files, an archive, or a cluster.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use meshwhy_cluster::{ENDPOINTS, Namespaces, Selected, Selection, Session, Subject, SubjectKind};
use meshwhy_core::Lang;
use meshwhy_packed::{Content, content, proxy_answer};
use meshwhy_proxy::{AdminData, ConfigDump};

use crate::args::ProxyArgs;
use crate::escape;
use crate::failure::Failure;
use crate::input;
use crate::options::{Input, Source};
use crate::paths::unreadable;
use meshwhy_report::dumps::{CLUSTERS, DUMP};

/// Largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1024 * 1024 * 1024;
/// Most bytes of all answers in an archive together.
const MAX_ARCHIVE: u64 = 4 * MAX_ANSWER;

/// The answers of one proxy, by the names of [`ENDPOINTS`].
#[derive(Default)]
pub(crate) struct ProxyAnswers(BTreeMap<String, Vec<u8>>);

impl ProxyAnswers {
    /// All of them.
    pub(crate) fn data(&self) -> AdminData<'_> {
        let answer = |name: &str| self.0.get(name).map(Vec::as_slice);
        AdminData {
            config_dump: answer(DUMP),
            clusters: answer(CLUSTERS),
            certs: answer("certs"),
            stats: answer("stats"),
            server_info: answer("server_info"),
        }
    }
}

/// Reads an answer from a file.
///
/// # Errors
/// [`Failure::Input`].
pub(crate) fn answer(path: &Path) -> Result<Vec<u8>, Failure> {
    let source = if path.as_os_str() == "-" { Source::Stdin } else { Source::File(path.to_owned()) };
    input::bytes(Input::Sources(vec![source]), MAX_ANSWER)
}

/// The dump among the answers of a proxy.
///
/// # Errors
/// [`Failure::NoDump`].
pub(crate) fn dump<'a>(data: &AdminData<'a>, args: &ProxyArgs, lang: Lang) -> Result<ConfigDump<'a>, Failure> {
    let dump = ConfigDump::read(data.config_dump.unwrap_or_default());
    let name = || args.dump.as_ref().map_or_else(|| args.proxy.clone().unwrap_or_default(), |path| path.display().to_string());
    if dump.is_dump() { Ok(dump) } else { Err(Failure::NoDump { lang, name: name() }) }
}

/// Reads the proxies that are meant, at least one.
///
/// # Errors
/// [`Failure::Usage`] for a name that is none, [`Failure::Input`] and [`Failure::Cluster`] for what cannot be read.
pub(crate) fn read(args: &ProxyArgs, lang: Lang) -> Result<Vec<ProxyAnswers>, Failure> {
    let Some(path) = &args.dump else { return live(args, lang) };
    if args.access.connection.is_given() {
        return Err(Failure::Usage("--context and --kubeconfig are for --proxy without --dump".to_owned()));
    }
    if path.is_file() {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(content).map_err(|error| unreadable(&name, error))?;
        if let Content::Archive(archive) = opened {
            let proxies = of_archive(archive, args).map_err(|error| unreadable(&name, error))?;
            return if proxies.is_empty() { Err(Failure::NoDump { lang, name }) } else { Ok(proxies) };
        }
    }
    if args.proxy.is_some() {
        return Err(Failure::Usage("--proxy names a proxy in an archive or in a cluster; this dump is of one proxy".to_owned()));
    }
    Ok(vec![ProxyAnswers(BTreeMap::from([(DUMP.to_owned(), answer(path)?)]))])
}

/// The proxies in an archive.
fn of_archive(mut archive: tar::Archive<impl Read>, args: &ProxyArgs) -> io::Result<Vec<ProxyAnswers>> {
    let mut proxies: BTreeMap<(String, String), ProxyAnswers> = BTreeMap::new();
    let mut left = MAX_ARCHIVE;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let Some((namespace, pod, file)) = proxy_answer(&path) else { continue };
        let is_meant = args.proxy.as_deref().is_none_or(|wanted| wanted == pod)
            && args.namespace.as_deref().is_none_or(|wanted| wanted == namespace);
        if !is_meant || ENDPOINTS.iter().all(|endpoint| endpoint.file != file) {
            continue;
        }
        let mut bytes = Vec::new();
        entry.by_ref().take(left.min(MAX_ANSWER)).read_to_end(&mut bytes)?;
        left = left.saturating_sub(bytes.len() as u64);
        let key = (namespace.to_owned(), pod.to_owned());
        proxies.entry(key).or_default().0.insert(file.to_owned(), bytes);
    }
    Ok(proxies.into_values().filter(|answers| answers.0.contains_key(DUMP)).collect())
}

/// The proxies of what is named, asked through the API server.
fn live(args: &ProxyArgs, lang: Lang) -> Result<Vec<ProxyAnswers>, Failure> {
    let name = args.proxy.as_deref().unwrap_or_default();
    let pod = |name: &str| Subject::parse(&format!("pod/{name}"));
    let malformed =
        || Failure::Usage(format!("`{}` is no name of a pod and no TYPE/NAME such as deploy/pay", escape::line(name)));
    let subject = Subject::parse(name).or_else(|| pod(name)).ok_or_else(malformed)?;
    let is_pod = subject.kind == SubjectKind::Pod;
    let selection = Selection {
        subjects: vec![subject],
        namespaces: args.namespace.clone().map_or(Namespaces::Current, Namespaces::One),
        labels: None,
    };
    let session = Session::connect(&args.access.connection.access(), &args.access.istio_namespace)?;
    let Selected { containers, without, gaps, .. } = session.select(&selection);
    if let Some(gap) = gaps.first() {
        return Err(unreadable(&gap.what, io::Error::other(gap.reason.text(lang))));
    }
    let containers: Vec<_> = containers.into_iter().filter(|container| container.kind.is_envoy()).collect();
    if containers.is_empty() {
        return Err(Failure::NoProxies { lang, pods: without.max(usize::from(is_pod)) });
    }
    let mut proxies: BTreeMap<usize, ProxyAnswers> = BTreeMap::new();
    let mut failures = Vec::new();
    session.admin(&containers, |at, answers| {
        for (endpoint, answer) in answers {
            match answer {
                Ok(bytes) => {
                    proxies.entry(at).or_default().0.insert(endpoint.file.to_owned(), bytes.into());
                }
                Err(gap) => failures.push(unreadable(&gap.what, io::Error::other(gap.reason.text(lang)))),
            }
        }
    });
    // What one of them does not say is said; that none says anything is no examination.
    let last = failures.pop();
    failures.into_iter().for_each(crate::complain);
    match last {
        Some(last) if proxies.is_empty() => Err(last),
        last => {
            last.into_iter().for_each(crate::complain);
            Ok(proxies.into_values().filter(|answers| answers.0.contains_key(DUMP)).collect())
        }
    }
}
