//! Lines that are one JSON object: Istio's JSON access log, a native record, or Envoy's log in JSON with a record in it.

use std::borrow::Cow;
use std::fmt;

use meshwhy_core::{Facts, ResponseFlags, record};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{Content, Format, Writer, record_line};

/// Reads an object of any order; keys that mean nothing here are skipped.
pub(crate) fn parse(text: &str) -> Content<'_> {
    let Ok(object) = serde_json::from_str::<Object<'_>>(text) else { return Content::Unreadable };
    if object.is_record {
        return record::decode(text).map_or(Content::Unreadable, |record| Content::Record(record, Writer::Envoy));
    }
    if object.is_access_log {
        let mut facts = object.facts;
        super::complete(&mut facts, object.proxy_status.as_deref());
        return Content::Facts(facts, Format::IstioJson);
    }
    let record = object.message.as_deref().and_then(record_line::find);
    record.map_or(Content::Unreadable, |record| Content::Record(record, Writer::Module))
}

#[derive(Default)]
struct Object<'a> {
    facts: Facts<'a>,
    proxy_status: Option<Cow<'a, str>>,
    message: Option<Cow<'a, str>>,
    is_access_log: bool,
    is_record: bool,
}

impl<'a> Object<'a> {
    fn take(&mut self, key: &str, value: Scalar<'a>) {
        let facts = &mut self.facts;
        match key {
            "meshwhy.record" => self.is_record = true,
            "response_code" => {
                self.is_access_log = true;
                facts.status = value.number();
            }
            "response_flags" => {
                self.is_access_log = true;
                facts.flags = value.text().as_deref().and_then(ResponseFlags::parse);
            }
            "response_code_details" => facts.details = value.known(),
            "connection_termination_details" => facts.termination_details = value.known(),
            "upstream_transport_failure_reason" => facts.upstream_transport_failure = value.known(),
            "method" => facts.method = value.known(),
            "path" => facts.path = value.known(),
            "protocol" => facts.protocol = value.known(),
            "authority" => facts.authority = value.known(),
            "request_id" => facts.request_id = value.known(),
            "route_name" => facts.route = value.known(),
            "requested_server_name" => facts.server_name = value.known(),
            "upstream_cluster" => facts.cluster = value.known(),
            "upstream_host" => facts.upstream_host = value.known(),
            "upstream_local_address" => facts.upstream_local_address = value.known(),
            "downstream_local_address" => facts.downstream_local_address = value.known(),
            "downstream_remote_address" => facts.downstream_remote_address = value.known(),
            "start_time" => facts.start_time = value.known(),
            "proxy_status" | "PROXY_STATUS" | "response_proxy_status" => self.proxy_status = value.known(),
            "msg" => self.message = value.text(),
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Object<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut object = Object::default();
                while let Some((key, value)) = map.next_entry::<Scalar<'de>, Scalar<'de>>()? {
                    if let Scalar::Text(key) = key {
                        object.take(&key, value);
                    }
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// A string, a whole number, or anything else.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Other,
}

impl<'a> Scalar<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Other => None,
        }
    }

    fn known(self) -> Option<Cow<'a, str>> {
        self.text().filter(|text| text != "-" && !text.is_empty())
    }

    fn number(self) -> Option<u16> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Number(number) => number.try_into().ok(),
            Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}
