//! `google.protobuf.Struct`: the parameters of a submission, as JSON.
//!
//! Ring: core.
//!
//! Guarantees: size and nesting are bounded before anything is built, so that a message of a few bytes that stands for
//! gigabytes, or for ten thousand lists in each other, costs nothing. Every number is a double, and stays one: JSON made
//! here never says `3` for `3.0`.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;
use serde_json::{Map, Number, Value};

use crate::text::first_chars;

/// On the wire no value takes more than four times the bytes of its JSON, and a job's parameters may have 64 KiB of JSON.
const MAX_STRUCT_BYTES: usize = 256 * 1024;
/// Of a key, in an error.
const MAX_KEY_CHARS: usize = 128;
/// Parameters are a flat object; a list of objects is generous.
const MAX_NESTING: usize = 16;

/// The parameters of a submission cannot be a job's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StructError {
    /// Longer than parameters can be.
    #[error("params_dict has {0} bytes and may have {MAX_STRUCT_BYTES}: put large data into the ESDL")]
    TooLarge(usize),
    /// Objects and lists in each other.
    #[error("params_dict is nested deeper than {MAX_NESTING} levels")]
    TooDeep,
    /// Not a Struct.
    #[error("params_dict is no google.protobuf.Struct: {0}")]
    Malformed(String),
    /// NaN and the infinities are doubles, and no JSON.
    #[error("the parameter {0:?} holds a number that is not finite: send numbers, no NaN and no infinity")]
    NotFinite(String),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Struct {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: BTreeMap<String, ProtoValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProtoValue {
    #[prost(oneof = "ProtoKind", tags = "1, 2, 3, 4, 5, 6")]
    kind: Option<ProtoKind>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ListValue {
    #[prost(message, repeated, tag = "1")]
    values: Vec<ProtoValue>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum ProtoKind {
    #[prost(int32, tag = "1")]
    Null(i32),
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
    #[prost(message, tag = "5")]
    Object(Struct),
    #[prost(message, tag = "6")]
    List(ListValue),
}

/// The object in the wire form of a Struct.
///
/// # Errors
/// When it is none, or too large, or too deep.
pub(crate) fn parse_struct(wire: Bytes) -> Result<Map<String, Value>, StructError> {
    if wire.len() > MAX_STRUCT_BYTES {
        return Err(StructError::TooLarge(wire.len()));
    }
    object(Struct::decode(wire).map_err(unreadable)?, 1)
}

/// prost itself stops at a hundred messages in each other, which are more than [`MAX_NESTING`] levels.
fn unreadable(error: prost::DecodeError) -> StructError {
    let text = error.to_string();
    if text.contains("recursion limit") { StructError::TooDeep } else { StructError::Malformed(text) }
}

fn object(from: Struct, depth: usize) -> Result<Map<String, Value>, StructError> {
    from.fields.into_iter().map(|(key, of)| Ok((key.clone(), value(&key, of, depth)?))).collect()
}

/// The value under `key`, which is `depth` levels deep.
fn value(key: &str, from: ProtoValue, depth: usize) -> Result<Value, StructError> {
    if depth > MAX_NESTING {
        return Err(StructError::TooDeep);
    }
    Ok(match from.kind {
        // Protobuf calls a value without a kind an error; there is nothing in it to be wrong about.
        None | Some(ProtoKind::Null(_)) => Value::Null,
        Some(ProtoKind::Number(double)) => {
            let number =
                Number::from_f64(double).ok_or_else(|| StructError::NotFinite(first_chars(key, MAX_KEY_CHARS)))?;
            Value::Number(number)
        }
        Some(ProtoKind::Text(text)) => Value::String(text),
        Some(ProtoKind::Bool(truth)) => Value::Bool(truth),
        Some(ProtoKind::Object(fields)) => Value::Object(object(fields, depth + 1)?),
        Some(ProtoKind::List(list)) => {
            let values = list.values.into_iter().map(|of| value(key, of, depth + 1));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn wire(value: &Value) -> Bytes {
        let Value::Object(fields) = value else { panic!("not an object: {value}") };
        of_object(fields).encode_to_vec().into()
    }

    fn of_object(fields: &Map<String, Value>) -> Struct {
        Struct { fields: fields.iter().map(|(key, value)| (key.clone(), of_value(value))).collect() }
    }

    fn of_value(value: &Value) -> ProtoValue {
        let kind = match value {
            Value::Null => ProtoKind::Null(0),
            Value::Bool(truth) => ProtoKind::Bool(*truth),
            Value::Number(number) => ProtoKind::Number(number.as_f64().unwrap()),
            Value::String(text) => ProtoKind::Text(text.clone()),
            Value::Array(values) => ProtoKind::List(ListValue { values: values.iter().map(of_value).collect() }),
            Value::Object(fields) => ProtoKind::Object(of_object(fields)),
        };
        ProtoValue { kind: Some(kind) }
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({"a": 1.0}), |inner, _| json!({"a": inner}))
    }

    /// The bytes that the reference implementation writes for `{"a": 3.0}`.
    #[test]
    fn a_number_is_a_double_and_stays_one() {
        let body = Bytes::from_static(b"\x0a\x0e\x0a\x01a\x12\x09\x11\0\0\0\0\0\0\x08\x40");
        let read = parse_struct(body).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"a":3.0}"#);
    }

    #[test]
    fn nesting_ends_at_its_bound() {
        assert!(parse_struct(wire(&nested(MAX_NESTING))).is_ok());
        for levels in [MAX_NESTING + 1, 33] {
            assert_eq!(parse_struct(wire(&nested(levels))), Err(StructError::TooDeep), "{levels}");
        }
    }

    /// Written without recursion, as an attacker would.
    #[test]
    fn ten_thousand_lists_in_each_other_are_refused_quickly() {
        let mut body = Vec::new();
        for tag in std::iter::repeat_n([0x0a, 0x32], 10_000).flatten() {
            let mut outer = vec![tag];
            prost::encoding::encode_varint(body.len() as u64, &mut outer);
            outer.append(&mut body);
            body = outer;
        }
        let mut entry = b"\x0a\x01a\x12".to_vec();
        prost::encoding::encode_varint(body.len() as u64, &mut entry);
        entry.append(&mut body);
        let mut whole = vec![0x0a];
        prost::encoding::encode_varint(entry.len() as u64, &mut whole);
        whole.append(&mut entry);
        assert_eq!(parse_struct(whole.into()), Err(StructError::TooDeep));
    }

    #[test]
    fn size_and_numbers_are_bounded() {
        let long = json!({"a": "x".repeat(MAX_STRUCT_BYTES)});
        assert!(matches!(parse_struct(wire(&long)), Err(StructError::TooLarge(_))));
        for number in [f64::NAN, f64::INFINITY] {
            let fields = [("a".to_owned(), ProtoValue { kind: Some(ProtoKind::Number(number)) })];
            let body = Struct { fields: fields.into() }.encode_to_vec().into();
            assert_eq!(parse_struct(body), Err(StructError::NotFinite("a".to_owned())));
        }
    }

    proptest! {
        #[test]
        fn an_object_survives_the_way(keys in proptest::collection::btree_map(".{0,8}", any::<f64>().prop_filter("finite", |n| n.is_finite()), 0..9)) {
            let object = json!({"list": keys.values().collect::<Vec<_>>(), "object": keys, "none": null, "yes": true});
            prop_assert_eq!(Value::Object(parse_struct(wire(&object)).unwrap()), object);
        }

        #[test]
        fn any_bytes_are_an_object_or_an_error(body: Vec<u8>) {
            let _ = parse_struct(body.into());
        }

        #[test]
        fn the_bound_admits_all_that_a_job_may_have(values in proptest::collection::vec(prop_oneof![Just(json!(0.5)), Just(json!(null)), Just(json!({})), Just(json!([])), Just(json!(true))], 1..200)) {
            let object = json!({"a": values});
            prop_assert!(wire(&object).len() <= 4 * object.to_string().len() + 16);
        }
    }
}
