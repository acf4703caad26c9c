//! Processes that the harness started: gone when dropped, and all of them on Ctrl-C.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

static RUNNING: Mutex<Vec<Weak<Mutex<Child>>>> = Mutex::new(Vec::new());

/// Kills its program as soon as the harness is gone, however it went: the pipe to the waiting shell closes then. That shell holds no output of the
/// program, whose end would never come.
const WATCHED: &str = r#"exec 3<&0; (read -r _ <&3; kill -KILL $$) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-"#;

/// A command that ends with the process that started it; its standard input stays open for that.
pub fn watched(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", WATCHED, "sh"]).arg(program).stdin(Stdio::piped());
    command
}

/// A process that is killed when this is dropped. An Envoy under func-e dies with func-e, which asks the kernel for that.
#[derive(Debug)]
pub struct Owned(Arc<Mutex<Child>>);

impl Owned {
    /// Takes a process over.
    pub fn new(child: Child) -> Self {
        let child = Arc::new(Mutex::new(child));
        lock(&RUNNING).push(Arc::downgrade(&child));
        Self(child)
    }

    /// The process.
    pub fn get(&self) -> MutexGuard<'_, Child> {
        lock(&self.0)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        end(&self.0);
    }
}

/// Ends every process of the harness, stopped ones too: for a handler of Ctrl-C.
pub fn stop_all() {
    lock(&RUNNING).drain(..).filter_map(|child| child.upgrade()).for_each(|child| end(&child));
}

/// At once: whatever a caller wants from its files is read by then.
fn end(child: &Mutex<Child>) {
    let mut child = lock(child);
    let _ = child.kill();
    let _ = child.wait();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
