//! Messages of protobuf as Envoy writes them in JSON: names in snake case, 64-bit integers as strings, `Any` with `@type`.
//!
//! Texts borrow from the dump, and what is not asked for stays unread: a dump of a real mesh has hundreds of megabytes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A string, borrowed where it holds no escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// An integer, as a number or in quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Integer(pub i128);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Integer;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an integer")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Integer, E> {
                Ok(Integer(value.into()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Integer, E> {
                Ok(Integer(value.into()))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Integer, E> {
                value.parse().map(Integer).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Digits)
    }
}

/// A message whose fields are looked at by name, so that one which nobody knows is noticed.
#[derive(Debug, Clone, Default)]
pub struct Object<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'a> Object<'a> {
    /// Name and value of each field.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }

    /// The value of a field, unread.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.fields().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The value of a field; `None` also where it is of another type.
    #[must_use]
    pub fn read<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        read(self.get(name)?)
    }
}

/// A message of any type, `google.protobuf.Any`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct Any<'a>(#[serde(borrow)] pub &'a RawValue);

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "@type", default)]
    any: Text<'a>,
    #[serde(borrow, default)]
    type_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

impl<'a> Any<'a> {
    fn typed(self) -> Option<Typed<'a>> {
        read(self.0)
    }

    /// The name of its type, such as `envoy.extensions.filters.http.rbac.v3.RBAC`; empty where it has none.
    #[must_use]
    pub fn type_name(self) -> String {
        let Some(typed) = self.typed() else { return String::new() };
        let url = if is_typed_struct(&typed.any) { typed.type_url.unwrap_or_default() } else { typed.any };
        url.rsplit_once('/').map_or(&*url, |(_, name)| name).to_owned()
    }

    /// Whether it is of the type of this name, whatever its package: `RBAC` for HTTP and for connections.
    #[must_use]
    pub fn is(self, suffix: &str) -> bool {
        self.type_name().ends_with(suffix)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is not of the form of `T`.
    pub fn decode<T: Deserialize<'a>>(self) -> Result<T, serde_json::Error> {
        let inner = self.typed().filter(|typed| is_typed_struct(&typed.any)).and_then(|typed| typed.value);
        serde_json::from_str(inner.unwrap_or(self.0).get())
    }
}

fn is_typed_struct(url: &str) -> bool {
    url.ends_with(".TypedStruct")
}

/// Reads a value; `None` where it is of another type.
pub(crate) fn read<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_struct_is_what_it_holds() {
        let json = r#"{"@type":"type.googleapis.com/udpa.type.v1.TypedStruct","type_url":"type.googleapis.com/a.RBAC","value":{"x":"7"}}"#;
        let any: Any<'_> = serde_json::from_str(json).unwrap();
        assert_eq!((any.type_name().as_str(), any.is("RBAC")), ("a.RBAC", true));
        assert_eq!(any.decode::<Object<'_>>().unwrap().read::<Integer>("x"), Some(Integer(7)));
    }
}
