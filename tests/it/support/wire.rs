//! Messages as OMOTES' clients write them, and as nobody should: protobuf, byte by byte.

/// The id of a job in messages that only one test reads.
pub(crate) const UUID: &str = "0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a10";

fn key(field: u32, wire_type: u32, out: &mut Vec<u8>) {
    number_to(u64::from(field << 3 | wire_type), out);
}

fn number_to(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// A field that holds a number.
pub(crate) fn varint(field: u32, number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    key(field, 0, &mut out);
    number_to(number, &mut out);
    out
}

/// A field that holds text, or another message.
pub(crate) fn text(field: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    key(field, 2, &mut out);
    number_to(bytes.len() as u64, &mut out);
    out.extend(bytes);
    out
}

/// `message` with `more` at its end, where the last value of a field counts.
pub(crate) fn with(message: &[u8], more: &[u8]) -> Vec<u8> {
    [message, more].concat()
}

/// A `JobSubmission` of the workflow `grow_optimizer`.
pub(crate) fn submission(uuid: &str) -> Vec<u8> {
    submission_of(uuid, "grow_optimizer", b"<esdl/>")
}

/// A `JobSubmission`.
pub(crate) fn submission_of(uuid: &str, workflow_type: &str, esdl: &[u8]) -> Vec<u8> {
    [text(1, uuid.as_bytes()), text(3, workflow_type.as_bytes()), text(4, esdl)].concat()
}

/// The field of a submission with its parameters, as a Struct.
pub(crate) fn params(fields: &[u8]) -> Vec<u8> {
    text(5, fields)
}

/// The field `name` of a Struct, with a Value.
pub(crate) fn object(name: &str, value: &[u8]) -> Vec<u8> {
    text(1, &[text(1, name.as_bytes()), text(2, value)].concat())
}

/// The field `name` of a Struct, with a number.
pub(crate) fn number(name: &str, double: f64) -> Vec<u8> {
    let mut value = Vec::new();
    key(2, 1, &mut value);
    value.extend(double.to_le_bytes());
    object(name, &value)
}

/// A Struct whose one field holds so many lists in each other.
pub(crate) fn nested_lists(levels: usize) -> Vec<u8> {
    let mut value = Vec::new();
    for _ in 0..levels {
        value = text(6, &text(1, &value));
    }
    object("a", &value)
}
