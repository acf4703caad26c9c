//! What a cluster has of a mesh: the logs of its proxies, events, manifests, and what the proxies themselves say. It reads and changes
//! nothing; what it may not read is named, and the rest goes on.
//!
//! No terminal and no files but the bundle. Everything that an API server answers is treated as input: names become paths only when they
//! are names, bodies have limits, and no answer is waited for without end.

mod admin;
mod bundle;
mod client;
mod gap;
mod logs;
mod objects;
mod proxies;
mod rbac;
mod selection;
mod session;
mod timestamps;
mod tunnel;

pub use admin::{ENDPOINTS, Endpoint};
pub use bundle::{Bundle, answer_path};
pub use client::{Access, ConnectError};
pub use gap::{Gap, GapReason};
pub use logs::{LogProgress, LogRequest, Piece};
pub use objects::{Object, Objects};
pub use proxies::{ProxyContainer, ProxyKind};
pub use rbac::{Beyond, Extent, Subject as RbacSubject, rbac};
pub use selection::{Namespaces, Selected, Selection, Subject, SubjectKind};
pub use session::{Answers, Next, Pieces, Session};
pub use tunnel::{Tunnel, TunnelFailure};
