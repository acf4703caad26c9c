//! How long it takes to judge facts, to write a record and to read one: `cargo xtask bench`.

use divan::{Bencher, black_box};
use meshwhy_core::{Context, Decisive, Facts, ResponseFlags, judge, record};

fn main() {
    divan::main();
}

fn healthy() -> Facts<'static> {
    Facts::from(Decisive {
        status: Some(200),
        flags: Some(ResponseFlags(0)),
        details: Some("via_upstream".into()),
        ..Decisive::default()
    })
}

fn refused() -> Facts<'static> {
    Facts {
        decisive: Decisive {
            status: Some(503),
            flags: ResponseFlags::parse("URX,UF"),
            details: Some(
                "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}"
                    .into(),
            ),
            upstream_transport_failure: Some("delayed_connect_error:_Connection_refused".into()),
            cluster: Some("outbound|9080||reviews.books.svc.cluster.local".into()),
            ..Decisive::default()
        },
        context: Context { path: Some("/reviews/1".into()), ..Context::default() },
    }
}

fn unknown() -> Facts<'static> {
    Facts::from(Decisive { status: Some(503), details: Some("maintenance_mode".into()), ..Decisive::default() })
}

#[divan::bench(args = ["healthy", "refused", "unknown"])]
fn judging(bencher: Bencher, which: &str) {
    let facts = match which {
        "healthy" => healthy(),
        "refused" => refused(),
        _ => unknown(),
    };
    bencher.bench_local(|| judge(black_box(&facts)));
}

#[divan::bench]
fn writing_a_record(bencher: Bencher) {
    let facts = refused();
    let verdict = judge(&facts);
    bencher.bench_local(|| record::encode(black_box(&facts), verdict.as_ref(), 1, 0));
}

#[divan::bench]
fn reading_a_record(bencher: Bencher) {
    let line = record::encode(&refused(), None, 1, 0);
    bencher.bench_local(|| record::decode(black_box(&line)));
}
