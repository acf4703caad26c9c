//! All that was given, sorted by what it is: lines are summed up as they come, documents are kept.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::Path;

use meshwhy_check::source::Source;
use meshwhy_diagnose::{Collector, Pod};
use meshwhy_logs::Origin;
use meshwhy_packed::{Content, Stream, content, is_log, is_manifest, is_of_bug_report, proxy_answer};
use meshwhy_proxy::{AdminData, ConfigDump};

use crate::kind::{HEAD, Kind};

/// Largest document, or file of an archive: a page has at most 4 GiB of memory.
const MAX_DOCUMENT: u64 = 512 * 1024 * 1024;
/// Most bytes of all documents together: an archive may unpack to anything.
const MAX_DOCUMENTS: u64 = 1024 * 1024 * 1024;
/// Most proxies of an archive.
const MAX_PROXIES: usize = 200;
/// The answer without which nothing can be said of a proxy.
const DUMP: &str = "config_dump";

/// A file, or a text that was pasted.
pub struct Input {
    /// What a reader calls it; untrusted.
    pub name: String,
    /// Its bytes, as they are stored.
    pub bytes: Box<dyn Read + Send>,
}

/// All that was given.
pub(crate) struct Material {
    pub(crate) collector: Collector,
    /// The names of the logs, in the order of their numbers.
    pub(crate) logs: Vec<String>,
    pub(crate) manifests: Vec<Source>,
    pub(crate) proxies: Proxies,
    /// How the texts begin in which something may stand in base64.
    pub(crate) beginnings: String,
    /// What could not be read, or not whole.
    pub(crate) unread: Vec<String>,
    left: u64,
}

/// The answers of proxies, by name and endpoint.
pub(crate) type Proxies = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

impl Material {
    /// Reads all of it.
    pub(crate) fn of(inputs: Vec<Input>) -> Self {
        let mut material = Self {
            collector: Collector::default().keeping_suspects(),
            logs: Vec::new(),
            manifests: Vec::new(),
            proxies: Proxies::new(),
            beginnings: String::new(),
            unread: Vec::new(),
            left: MAX_DOCUMENTS,
        };
        for Input { name, bytes } in inputs {
            if let Err(error) = material.input(&name, bytes) {
                material.unread.push(format!("{name}: {error}"));
            }
        }
        material.proxies.retain(|_, answers| answers.get(DUMP).is_some_and(|dump| ConfigDump::read(dump).is_dump()));
        material
    }

    fn input(&mut self, name: &str, bytes: Stream) -> io::Result<()> {
        match content(bytes)? {
            Content::Plain(bytes) | Content::Unpacked(bytes) => self.stream(name, bytes),
            Content::Archive(archive) => self.archive(name, archive),
        }
    }

    fn archive(&mut self, name: &str, mut archive: tar::Archive<Stream>) -> io::Result<()> {
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let answer = proxy_answer(&path).map(|(namespace, pod, file)| (format!("{pod}.{namespace}"), file.to_owned()));
            let is_wanted = answer.is_some() || is_log(&path) || is_manifest(&path) || is_of_bug_report(&path);
            if !entry.header().entry_type().is_file() || !is_wanted {
                continue;
            }
            let name = format!("{name}:{}", path.display());
            // Members stay on the thread of their archive, and lines are read on any: memory is what both can have.
            let read = self.whole(&mut entry).and_then(|bytes| match answer {
                Some((proxy, file)) if !is_log(&path) => {
                    self.answer(proxy, file, &name, bytes);
                    Ok(())
                }
                _ => self.member(&name, &path, bytes),
            });
            if let Err(error) = read {
                self.unread.push(format!("{name}: {error}"));
            }
        }
        Ok(())
    }

    fn member(&mut self, name: &str, path: &Path, bytes: Vec<u8>) -> io::Result<()> {
        if is_of_bug_report(path) {
            return self.document(name, bytes);
        }
        match content(Cursor::new(bytes))? {
            Content::Plain(bytes) | Content::Unpacked(bytes) => self.stream(name, bytes),
            Content::Archive(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "an archive in an archive")),
        }
    }

    fn answer(&mut self, proxy: String, file: String, name: &str, bytes: Vec<u8>) {
        if self.proxies.len() >= MAX_PROXIES && !self.proxies.contains_key(&proxy) {
            return self.unread.push(format!("{name}: more than {MAX_PROXIES} proxies"));
        }
        self.proxies.entry(proxy).or_default().insert(file, bytes);
    }

    fn stream(&mut self, name: &str, mut bytes: Stream) -> io::Result<()> {
        let mut head = Vec::new();
        (&mut bytes).take(HEAD as u64).read_to_end(&mut head)?;
        let kind = Kind::of(&head);
        let mut whole = Cursor::new(head).chain(bytes);
        if kind == Kind::Lines {
            return self.lines(name, &mut whole);
        }
        let bytes = self.whole(&mut whole)?;
        match kind {
            Kind::Dump if ConfigDump::read(&bytes).is_dump() => {
                self.answer(name.to_owned(), DUMP.to_owned(), name, bytes);
                Ok(())
            }
            Kind::Manifests if is_of_manifests(&bytes) => self.document(name, bytes),
            // Events and logs of the control plane may begin so, too.
            _ => self.lines(name, &mut Cursor::new(bytes)),
        }
    }

    fn lines(&mut self, name: &str, bytes: &mut (impl Read + Send)) -> io::Result<()> {
        const BEGINNINGS: usize = 1024 * 1024;
        let number = u32::try_from(self.logs.len()).unwrap_or(u32::MAX);
        self.logs.push(name.to_owned());
        let mut head = Vec::new();
        bytes.take(HEAD as u64).read_to_end(&mut head)?;
        if self.beginnings.len() < BEGINNINGS {
            self.beginnings.push_str(&String::from_utf8_lossy(&head));
        }
        self.collector.read(number, pod_of(name).as_ref(), &mut Cursor::new(head).chain(bytes))
    }

    fn document(&mut self, name: &str, bytes: Vec<u8>) -> io::Result<()> {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                self.unread.push(format!("{name}: a byte that is no UTF-8; it is read as U+FFFD"));
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
        };
        self.manifests.push(Source { name: name.to_owned(), text });
        Ok(())
    }

    /// All bytes, as far as there is room for them.
    fn whole(&mut self, reader: &mut impl Read) -> io::Result<Vec<u8>> {
        let limit = self.left.min(MAX_DOCUMENT);
        let mut bytes = Vec::new();
        reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for a page; the command line reads it"));
        }
        self.left -= length;
        Ok(bytes)
    }
}

/// What a proxy answered, by endpoint.
pub(crate) fn admin_data(answers: &BTreeMap<String, Vec<u8>>) -> AdminData<'_> {
    let answer = |name: &str| answers.get(name).map(Vec::as_slice);
    AdminData {
        config_dump: answer(DUMP),
        clusters: answer("clusters"),
        certs: answer("certs"),
        stats: answer("stats"),
        server_info: answer("server_info"),
    }
}

/// Whether a check understands it.
fn is_of_manifests(bytes: &[u8]) -> bool {
    let source = Source { name: String::new(), text: String::from_utf8_lossy(bytes).into_owned() };
    let report = meshwhy_check::report::check(&[source], &Default::default(), meshwhy_core::Lang::En);
    report.resources > 0 || !report.findings.is_empty()
}

/// The pod whose log a file is, by its path.
fn pod_of(name: &str) -> Option<Pod> {
    let origin = Origin::of_file(name)?;
    Some(Pod { name: origin.pod?.into_owned(), namespace: origin.namespace.map(Cow::into_owned) })
}
