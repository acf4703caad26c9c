//! Envoy's words: flags, details, transport failures, codec errors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshwhy_core::details::{self, Details};
use meshwhy_core::{Decisive, ResponseFlags, codec, judge, transport};

fuzz_target!(|text: &str| {
    let flags = ResponseFlags::parse(text);
    if let Some(flags) = flags {
        assert_eq!(ResponseFlags::parse(&flags.to_string()).map(|again| again.to_string()), Some(flags.to_string()));
    }
    if let Details::Other(other) = details::parse(text) {
        assert_eq!(other, text);
    }
    let _ = (transport::parse(text), codec::parse(text));
    let facts = Decisive {
        flags,
        details: Some(text.into()),
        upstream_transport_failure: Some(text.into()),
        downstream_transport_failure: Some(text.into()),
        upstream_local_close: Some(text.into()),
        termination_details: Some(text.into()),
        ..Decisive::default()
    };
    assert_eq!(judge(&facts).is_some(), facts.shows_failure());
});
