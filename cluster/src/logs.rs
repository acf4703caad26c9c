//! The logs of many containers at once.
//!
//! Each is a task of its own: one that is slow holds up nobody, and all of them wait while the reader does. A stream that breaks goes on
//! where it was.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{AsyncBufRead, AsyncBufReadExt as _};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client, Error};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{ANSWER, status};
use crate::gap::{Gap, GapReason};
use crate::proxies::ProxyContainer;
use crate::selection::Selection;
use crate::timestamps::LogPosition;

/// Bytes of lines that are handed on together.
const PIECE: usize = 256 << 10;
/// How long lines may wait for more of them.
const GATHER: Duration = Duration::from_millis(200);
/// How long a log that is not followed may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// How often in a row a stream may break without a line.
const ATTEMPTS: u32 = 5;
/// The wait before the second attempt; it doubles.
const WAIT: Duration = Duration::from_millis(500);
/// How long a container is given to come back while its log is followed.
const RETURN: Duration = Duration::from_secs(2);
/// How often pods are looked for that have come since.
const LOOK: Duration = Duration::from_secs(5);
/// For how many times as long as that took it is left alone: the list of a large mesh is work for the API server.
const REST: u32 = 20;
/// Longest line that is kept, in bytes; nobody reads a longer one.
const MAX_LINE: usize = 1 << 20;

/// Which part of the logs is wanted.
#[derive(Debug, Clone, Copy)]
pub struct LogRequest {
    /// What was written in the last so many seconds; everything that is kept where absent.
    pub since: Option<SignedDuration>,
    /// What is written from now on, too.
    pub follow: bool,
    /// What the container wrote before it was started anew, instead.
    pub previous: bool,
    /// Most streams at once. Logs that are followed never end, so that each of them has a stream.
    pub at_once: usize,
    /// Most bytes of one container; none where it is followed.
    pub most: u64,
}

/// How far the reading is.
#[derive(Debug, Default)]
pub struct LogProgress {
    /// Containers that are read to their end.
    pub done: AtomicUsize,
    /// Bytes of lines.
    pub bytes: AtomicU64,
}

/// What came from one container: whole lines without the kubelet's times, or why no more come.
#[derive(Debug)]
pub struct Piece {
    /// The number of the container, in the order in which they were given; those that come while logs are followed have the next ones.
    pub source: usize,
    /// The container.
    pub container: Arc<ProxyContainer>,
    /// The lines, or what is missing of them.
    pub lines: Result<Vec<u8>, Gap>,
}

/// What all streams have in common.
pub(crate) struct Streams {
    pub(crate) client: Client,
    pub(crate) request: LogRequest,
    pub(crate) progress: Arc<LogProgress>,
    pub(crate) sender: mpsc::Sender<Piece>,
    pub(crate) permits: Arc<Semaphore>,
}

/// How a stream ended.
enum End {
    /// Everything was read.
    Complete,
    /// It broke, and lines came before.
    Broken(Gap),
    /// Nobody wants more.
    Unwanted,
}

impl Streams {
    /// Reads the log of one container to its end, and with `follow` until the pod is gone.
    pub(crate) async fn read(self: Arc<Self>, source: usize, container: Arc<ProxyContainer>) {
        let Ok(_permit) = self.permits.acquire().await else { return };
        let what = format!("logs of {container}");
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &container.namespace);
        let mut stream = Stream { streams: &self, source, container, what, position: LogPosition::default(), read: 0 };
        if let Some(gap) = stream.drain(&api).await {
            stream.missing(gap).await;
        }
        self.progress.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Looks again and again for pods that have come since, as in a rollout, and reads their logs, too.
    pub(crate) async fn join_newcomers(
        self: Arc<Self>,
        containers: Vec<ProxyContainer>,
        selection: Selection,
        namespace: String,
        root: String,
    ) {
        let mut known: Vec<(ProxyContainer, JoinHandle<()>)> = Vec::new();
        let begin =
            |source: usize, container: &ProxyContainer| tokio::spawn(Arc::clone(&self).read(source, Arc::new(container.clone())));
        for (source, container) in containers.into_iter().enumerate() {
            let reading = begin(source, &container);
            known.push((container, reading));
        }
        let mut wait = LOOK;
        while !self.sender.is_closed() {
            sleep(wait).await;
            let begun = Instant::now();
            let found = selection.resolve(&self.client, &namespace, &root).await.containers;
            wait = LOOK.max(begun.elapsed() * REST);
            for container in found {
                match known.iter_mut().enumerate().find(|(_, (it, _))| it.is_same(&container)) {
                    // A pod of a StatefulSet comes back under its name.
                    Some((source, (_, reading))) if reading.is_finished() => *reading = begin(source, &container),
                    Some(_) => {}
                    None => {
                        let reading = begin(known.len(), &container);
                        known.push((container, reading));
                    }
                }
            }
        }
    }
}

/// The log of one container.
struct Stream<'s> {
    streams: &'s Streams,
    source: usize,
    container: Arc<ProxyContainer>,
    what: String,
    position: LogPosition,
    read: u64,
}

impl Stream<'_> {
    /// Reads until nothing more comes; gives what is missing.
    async fn drain(&mut self, api: &Api<Pod>) -> Option<Gap> {
        let LogRequest { follow, .. } = self.streams.request;
        let mut attempts = 0;
        loop {
            let before = self.read;
            let opened = timeout(ANSWER, api.log_stream(&self.container.pod.clone(), &self.parameters())).await;
            let gap = match opened {
                Err(_) => self.gap(GapReason::Silent(ANSWER.as_secs())),
                Ok(Err(error)) => match self.refused(&error) {
                    // Its pod was replaced, which is how most of them end.
                    Refusal::Final(GapReason::NotFound) if follow => return None,
                    Refusal::Final(reason) => return Some(self.gap(reason)),
                    Refusal::NotYet if !follow => return Some(self.gap(GapReason::NotStarted)),
                    // The container is between two lives.
                    Refusal::NotYet => {
                        sleep(RETURN).await;
                        continue;
                    }
                    Refusal::Passing(gap) => gap,
                },
                Ok(Ok(stream)) => match self.lines(pin!(stream)).await {
                    End::Unwanted => return None,
                    End::Complete if !follow => return None,
                    End::Complete => {
                        sleep(RETURN).await;
                        attempts = 0;
                        continue;
                    }
                    End::Broken(gap) => gap,
                },
            };
            attempts = if self.read > before { 1 } else { attempts + 1 };
            if attempts >= ATTEMPTS || matches!(gap.reason, GapReason::Silent(_) | GapReason::TooMuch(_)) {
                return Some(gap);
            }
            log::debug!("{}: {:?}; going on", self.what, gap.reason);
            sleep(WAIT * 2_u32.pow(attempts - 1)).await;
        }
    }

    fn parameters(&mut self) -> LogParams {
        let LogRequest { since, follow, previous, .. } = self.streams.request;
        let since_time = self.position.resume().and_then(|time| Timestamp::from_second(time.as_second()).ok());
        LogParams {
            container: Some(self.container.container.clone()),
            follow,
            previous,
            since_seconds: since.filter(|_| since_time.is_none()).map(|age| age.as_secs().max(1)),
            since_time,
            timestamps: true,
            ..LogParams::default()
        }
    }

    /// Hands on the lines of a stream.
    async fn lines(&mut self, mut stream: Pin<&mut impl AsyncBufRead>) -> End {
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        loop {
            let wait = if lines.is_empty() { SILENCE } else { GATHER };
            let mut is_due = false;
            let end = match timeout(wait, stream.fill_buf()).await {
                Err(_) if !lines.is_empty() => {
                    is_due = true;
                    None
                }
                Err(_) if self.streams.request.follow => continue,
                Err(_) => Some(End::Broken(self.gap(GapReason::Silent(SILENCE.as_secs())))),
                Ok(Err(error)) => Some(End::Broken(self.gap(GapReason::Failed(crate::gap::message(&error))))),
                Ok(Ok([])) => Some(End::Complete),
                Ok(Ok(bytes)) => {
                    let length = bytes.len();
                    self.split(bytes, &mut line, &mut lines);
                    stream.as_mut().consume(length);
                    self.too_much()
                }
            };
            // The beginning of a line that broke off comes again in full.
            if matches!(end, Some(End::Complete)) && !line.is_empty() {
                self.take(&line, &mut lines);
            }
            is_due |= lines.len() >= PIECE || end.is_some();
            if is_due && !lines.is_empty() && !self.send(std::mem::take(&mut lines)).await {
                return End::Unwanted;
            }
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Cuts bytes into lines, of which the last one may go on.
    fn split(&mut self, bytes: &[u8], line: &mut Vec<u8>, lines: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (begin, behind) = rest.split_at(end);
            extend(line, begin);
            self.take(line, lines);
            line.clear();
            rest = behind.get(1..).unwrap_or_default();
        }
        extend(line, rest);
    }

    fn take(&mut self, line: &[u8], lines: &mut Vec<u8>) {
        let Some(line) = self.position.take(line) else { return };
        lines.extend_from_slice(line);
        lines.push(b'\n');
        let length = line.len() as u64 + 1;
        self.read += length;
        self.streams.progress.bytes.fetch_add(length, Ordering::Relaxed);
    }

    fn too_much(&self) -> Option<End> {
        let LogRequest { follow, most, .. } = self.streams.request;
        (!follow && self.read > most).then(|| End::Broken(self.gap(GapReason::TooMuch(most))))
    }

    fn refused(&self, error: &Error) -> Refusal {
        let gap = Gap::of(&self.what, error);
        let Error::Api(answer) = error else { return Refusal::Passing(gap) };
        match status(error).map(|status| status.as_u16()) {
            Some(400) if answer.message.contains("previous terminated container") => Refusal::Final(GapReason::NoPrevious),
            Some(400) if answer.message.contains("is waiting to start") || answer.message.contains("is terminated") => {
                Refusal::NotYet
            }
            Some(400 | 401 | 403 | 404) => Refusal::Final(gap.reason),
            _ => Refusal::Passing(gap),
        }
    }

    fn gap(&self, reason: GapReason) -> Gap {
        Gap { what: self.what.clone(), reason }
    }

    fn piece(&self, lines: Result<Vec<u8>, Gap>) -> Piece {
        Piece { source: self.source, container: Arc::clone(&self.container), lines }
    }

    /// Gives whether anybody still wants lines.
    async fn send(&self, lines: Vec<u8>) -> bool {
        self.streams.sender.send(self.piece(Ok(lines))).await.is_ok()
    }

    async fn missing(&self, gap: Gap) {
        drop(self.streams.sender.send(self.piece(Err(gap))).await);
    }
}

/// That a log cannot be read.
enum Refusal {
    Final(GapReason),
    /// The container does not run yet, or no more.
    NotYet,
    Passing(Gap),
}

/// Appends, up to the longest line that is kept.
fn extend(line: &mut Vec<u8>, bytes: &[u8]) {
    let left = MAX_LINE.saturating_sub(line.len()).min(bytes.len());
    line.extend_from_slice(bytes.get(..left).unwrap_or_default());
}
