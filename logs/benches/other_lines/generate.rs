//! Lines that are none of ours, as applications and web servers write them between access logs, from a seed.

use fastrand::Rng;

use crate::pick::pick;

/// A kind of log, as one text of many lines.
pub struct Log {
    pub name: &'static str,
    pub text: String,
}

/// Makes one entry of a log.
type Make = fn(&mut Rng) -> String;

/// Makes every kind, about that many bytes of each; the same seed makes the same text.
pub fn logs(seed: u64, bytes: usize) -> Vec<Log> {
    let kinds: [(&'static str, Make); 7] = [
        ("application, JSON", json),
        ("application, JSON with escapes", escaped),
        ("application, text", text),
        ("application, text under CRI", carried),
        ("Java stack traces", trace),
        ("nginx", nginx),
        ("hostile: `a: b`", |_| "a: b".to_owned()),
    ];
    let mut random = Rng::with_seed(seed);
    kinds.into_iter().map(|(name, line)| Log { name, text: repeat(&mut random, bytes, line) }).collect()
}

fn repeat(random: &mut Rng, bytes: usize, line: Make) -> String {
    let mut text = String::with_capacity(bytes.saturating_add(2_000));
    while text.len() < bytes {
        text.push_str(&line(random));
        text.push('\n');
    }
    text
}

const LEVELS: [&str; 6] = ["DEBUG", "INFO", "INFO", "INFO", "WARN", "ERROR"];

const SENTENCES: [&str; 12] = [
    "order accepted for customer, waiting for payment",
    "Loaded 42 products from the catalogue in 12 ms",
    "cache miss for key cart:8812, reading through to the database",
    "slow query: SELECT id, total FROM orders WHERE state = 'OPEN' took 733 ms",
    "Retrying to publish message to topic inventory.changes (attempt 2 of 5)",
    "user signed in with a token that is valid for 3599 seconds",
    "payment provider answered 402, card declined by the issuer",
    "Scheduled job cleanup-expired-carts finished, 17 carts removed",
    "feature flag new-checkout is off for tenant 4711",
    "could not parse date \"2026-13-40\", using the default",
    "Connection pool size is 12, 3 in use, 9 idle, 0 waiting",
    "request handled: POST /api/v1/orders -> 201 in 37 ms",
];

fn json(random: &mut Rng) -> String {
    let (time, level, said) = (time(random), pick(random, &LEVELS), pick(random, &SENTENCES).replace('"', ""));
    let (trace, span, user, duration) = (random.u64(..), random.u64(..), random.u64(..100_000), random.u64(..2_000));
    let method = pick(random, &["GET", "POST", "PUT", "DELETE"]);
    match random.u64(..3) {
        0 => format!(
            r#"{{"timestamp":"{time}","level":"{level}","logger":"com.example.orders.OrderService","thread":"http-nio-8080-exec-{}","message":"{said}","traceId":"{trace:016x}","spanId":"{span:016x}","context":{{"userId":{user},"durationMs":{duration},"method":"{method}"}}}}"#,
            random.u64(..200)
        ),
        1 => format!(
            r#"{{"level":"{}","ts":{}.{:03},"caller":"handlers/orders.go:{}","msg":"{said}","request_id":"{trace:016x}","user":"{user}","method":"{method}","path":"/api/v1/orders/{user}","status":200,"duration_ms":{duration},"tags":["shop","orders","v2"]}}"#,
            level.to_ascii_lowercase(),
            1_795_000_000 + user,
            random.u64(..1_000),
            random.u64(..900)
        ),
        _ => format!(
            r#"{{"@timestamp":"{time}","severity":"{level}","service":"checkout","pod":"checkout-7d9c6b5f4-x{user}","message":"{said}","labels":{{"region":"eu-central-1","version":"2.14.{duration}"}},"error":null,"span":"{span:016x}","elapsed":{duration}}}"#
        ),
    }
}

fn escaped(random: &mut Rng) -> String {
    let (time, said) = (time(random), pick(random, &SENTENCES).replace('"', "\\\""));
    let frames: Vec<String> = (0..4).map(|_| frame(random).replace('\t', "\\t")).collect();
    format!(
        r#"{{"timestamp":"{time}","level":"ERROR","logger":"com.example.orders.OrderService","message":"{said}","exception":"java.lang.IllegalStateException: order is closed\n{}"}}"#,
        frames.join("\\n")
    )
}

fn text(random: &mut Rng) -> String {
    let (time, level, said, user) = (time(random), pick(random, &LEVELS), pick(random, &SENTENCES), random.u64(..100_000));
    match random.u64(..3) {
        0 => format!("{time} {level:<5} [http-nio-8080-exec-{}] c.e.orders.OrderService - {said} user={user}", user % 200),
        1 => format!("[{time}] {level}: {said} (user {user}, 10.244.{}.{})", user % 256, user % 250),
        _ => format!("{level} {said} component=checkout user={user} duration={}ms", user % 977),
    }
}

fn carried(random: &mut Rng) -> String {
    format!("{} stdout F {}", time(random), text(random))
}

fn trace(random: &mut Rng) -> String {
    let mut lines = vec![format!(
        "{} ERROR [main] c.e.orders.OrderService - order {} failed\njava.lang.IllegalStateException: order is closed",
        time(random),
        random.u64(..100_000)
    )];
    lines.extend((0..12).map(|_| frame(random)));
    lines.push("Caused by: java.util.NoSuchElementException: No value present".to_owned());
    lines.extend((0..6).map(|_| frame(random)));
    lines.push("\t... 31 more".to_owned());
    lines.join("\n")
}

fn frame(random: &mut Rng) -> String {
    let class = pick(
        random,
        &[
            "org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java",
            "com.example.orders.OrderService.close(OrderService.java",
            "org.apache.catalina.core.ApplicationFilterChain.internalDoFilter(ApplicationFilterChain.java",
            "java.base/java.util.Optional.orElseThrow(Optional.java",
            "java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java",
        ],
    );
    format!("\tat {class}:{})", random.u64(..900))
}

fn nginx(random: &mut Rng) -> String {
    let (user, status) = (random.u64(..100_000), pick(random, &[200, 200, 204, 301, 304, 404, 500]));
    format!(
        r#"10.244.{}.{} - - [21/Nov/2026:06:{:02}:{:02} +0000] "GET /products/{user}?page=2 HTTP/1.1" {status} {} "https://shop.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0""#,
        user % 256,
        user % 250,
        user % 60,
        user % 59,
        user % 9_000
    )
}

fn time(random: &mut Rng) -> String {
    format!("2026-11-21T06:{:02}:{:02}.{:03}Z", random.u64(..60), random.u64(..60), random.u64(..1_000))
}
