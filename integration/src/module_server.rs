//! What serves the module to Envoy, which fetches it itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use sha2::{Digest as _, Sha256};
use socket2::{Domain, Socket, Type};

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleAnswer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Status 404.
    NotFound,
    /// These bytes, after a while.
    Slow(Vec<u8>, Duration),
}

/// A server on 127.0.0.1 that gives an answer for each path, until its process ends.
#[derive(Clone, Debug)]
pub struct ModuleServer {
    address: SocketAddr,
    answers: Arc<Mutex<BTreeMap<String, ModuleAnswer>>>,
}

impl ModuleServer {
    /// Starts one.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start() -> Result<Self> {
        // A proxy with many listeners connects once for each of them, all at the same time.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        socket.listen(4096)?;
        let listener = TcpListener::from(socket);
        let server = Self { address: listener.local_addr()?, answers: Arc::default() };
        let answers = Arc::clone(&server.answers);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                // A proxy that has hung up needs no answer.
                thread::spawn(move || serve(stream, &answers).ok());
            }
        });
        Ok(server)
    }

    /// The one of this process, for all Envoys that simply need their module.
    ///
    /// # Errors
    /// As [`ModuleServer::start`].
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<ModuleServer, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow!(error.clone()))
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers so from now on.
    pub fn answer(&self, path: &str, answer: ModuleAnswer) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), answer);
    }

    /// Serves a file and gives its path here and its hash.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file(&self, file: &Path) -> Result<(String, String)> {
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let hash = sha256(&bytes);
        let path = format!("/{hash}.wasm");
        self.answer(&path, ModuleAnswer::Bytes(bytes));
        Ok((path, hash))
    }
}

/// The hash of some bytes in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn serve(mut stream: TcpStream, answers: &Mutex<BTreeMap<String, ModuleAnswer>>) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            header.clear();
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let answer = answers.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned().unwrap_or(ModuleAnswer::NotFound);
        let (status, body) = match answer {
            ModuleAnswer::Bytes(bytes) => ("200 OK", bytes),
            ModuleAnswer::NotFound => ("404 Not Found", Vec::new()),
            ModuleAnswer::Slow(bytes, time) => {
                thread::sleep(time);
                ("200 OK", bytes)
            }
        };
        stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes())?;
        stream.write_all(&body)?;
    }
}
