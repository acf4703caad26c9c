//! Servers by the time that they keep an idle connection by default.
//!
//! Source: Node.js `server.keepAliveTimeout`, Apache httpd `KeepAliveTimeout`, uvicorn `--timeout-keep-alive`, gunicorn `--keep-alive`, Tomcat
//! `connectionTimeout`, Puma `persistent_timeout`, Jetty `idleTimeout`, AWS "idle timeout", nginx `keepalive_timeout`, Kestrel
//! `KeepAliveTimeout`; as their documentation has them in 2026.

use crate::Lang;

/// A time that servers have as their default.
pub(super) struct DefaultIdleTimeout {
    seconds: u64,
    text: [&'static str; 2],
}

macro_rules! defaults {
    ($($seconds:literal $servers:literal;)*) => {
        &[$(DefaultIdleTimeout {
            seconds: $seconds,
            text: [
                concat!("The connection had been made about ", $seconds, " s before: the time after which an idle connection is closed by default by ", $servers, "."),
                concat!("这条连接建立了大约 ", $seconds, " s，正好是空闲连接的默认关闭时间（", $servers, "）。"),
            ],
        },)*]
    };
}

const DEFAULTS: &[DefaultIdleTimeout] = defaults! {
    2 "gunicorn";
    5 "Node.js, Apache httpd, uvicorn";
    20 "Tomcat, Puma";
    30 "Jetty";
    60 "Spring Boot (Tomcat), AWS ALB/ELB";
    75 "nginx";
    130 "Kestrel (.NET)";
};

/// The default that a connection of this age, in microseconds, has just come to: what came before the pause makes it a little older.
pub(super) fn of_age(age_us: u64) -> Option<&'static DefaultIdleTimeout> {
    const LATE_US: u64 = 500_000;
    DEFAULTS.iter().find(|known| {
        let timeout = known.seconds * 1_000_000;
        (timeout - timeout / 50..timeout + LATE_US).contains(&age_us)
    })
}

impl DefaultIdleTimeout {
    /// What it says of the connection.
    pub(super) const fn text(&self, lang: Lang) -> &'static str {
        let [en, zh] = self.text;
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}
