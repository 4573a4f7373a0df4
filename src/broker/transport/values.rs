//! Values as lapin has them.
//!
//! Ring: shell; pure in itself.

use lapin::types::{AMQPValue, FieldTable, ShortString};

use super::error::AmqpError;
use crate::topology::Argument;

/// Reply code and text of a normal close.
pub(super) const GOOD_BYE: (u16, &str) = (200, "OK");

/// Whether AMQP has room for a name.
pub(crate) fn check_name(text: &str) -> Result<(), AmqpError> {
    name(text).map(drop)
}

/// AMQP's names have at most 255 bytes.
pub(super) fn name(text: &str) -> Result<ShortString, AmqpError> {
    ShortString::try_new(text).map_err(|_| AmqpError::long_name(text))
}

pub(super) fn table(arguments: &[(&'static str, Argument)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Argument::Integer(number) => AMQPValue::LongLongInt(*number),
            Argument::Text(text) => AMQPValue::LongString((*text).into()),
        };
        table.insert((*name).into(), value);
    }
    table
}
