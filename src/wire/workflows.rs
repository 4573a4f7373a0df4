//! `AvailableWorkflows`: what clients may ask for.
//!
//! Ring: core. Field numbers and enum values are those of `omotes-sdk-protocol` 1.2.
//!
//! Guarantees: a parameter always says of which type it is, even where nothing else is said of it – one without ends a
//! client's subscription. The relation EQ, which the protocol has and clients cannot read, cannot be written.

use bytes::Bytes;
use prost::Message as _;

/// All types of jobs that clients may ask for.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AvailableWorkflows {
    /// `workflows` that there are.
    #[prost(message, repeated, tag = "1")]
    pub workflows: Vec<Workflow>,
}

/// A type of job.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Workflow {
    /// `type_name` is what a submission says.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// `type_description` is for people.
    #[prost(string, tag = "2")]
    pub type_description: String,
    /// `parameters` that a submission may give.
    #[prost(message, repeated, tag = "3")]
    pub parameters: Vec<WorkflowParameter>,
}

/// A parameter of a type of job.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WorkflowParameter {
    /// `key_name` is its key.
    #[prost(string, tag = "1")]
    pub key_name: String,
    /// `title` is for people.
    #[prost(string, optional, tag = "2")]
    pub title: Option<String>,
    /// `description` is for people.
    #[prost(string, optional, tag = "3")]
    pub description: Option<String>,
    /// `parameter_type`; made by [`WorkflowParameter::new`], so that it is always there.
    #[prost(oneof = "ParameterType", tags = "4, 5, 6, 7, 8, 9")]
    parameter_type: Option<ParameterType>,
    /// `constraints` with other parameters.
    #[prost(message, repeated, tag = "10")]
    pub constraints: Vec<ParameterConstraint>,
}

/// Of which type a parameter is.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum ParameterType {
    /// A text.
    #[prost(message, tag = "4")]
    String(StringParameter),
    /// True or false.
    #[prost(message, tag = "5")]
    Boolean(BooleanParameter),
    /// A whole number.
    #[prost(message, tag = "6")]
    Integer(IntegerParameter),
    /// A number.
    #[prost(message, tag = "7")]
    Float(FloatParameter),
    /// A point in time.
    #[prost(message, tag = "8")]
    DateTime(DateTimeParameter),
    /// A time span in seconds.
    #[prost(message, tag = "9")]
    Duration(DurationParameter),
}

/// A text.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringParameter {
    /// `default_value` where none is given.
    #[prost(string, optional, tag = "1")]
    pub default_value: Option<String>,
    /// `enum_options` are the only values; none: any value.
    #[prost(message, repeated, tag = "2")]
    pub enum_options: Vec<StringEnum>,
}

/// A value that a text may have.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringEnum {
    /// `key_name` is the value.
    #[prost(string, tag = "1")]
    pub key_name: String,
    /// `display_name` is for people.
    #[prost(string, tag = "2")]
    pub display_name: String,
}

/// True or false.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BooleanParameter {
    /// `default_value` where none is given.
    #[prost(bool, optional, tag = "1")]
    pub default_value: Option<bool>,
}

/// A whole number.
#[derive(Clone, PartialEq, prost::Message)]
pub struct IntegerParameter {
    /// `default_value` where none is given.
    #[prost(int64, optional, tag = "1")]
    pub default_value: Option<i64>,
    /// `minimum` that it may have.
    #[prost(int64, optional, tag = "2")]
    pub minimum: Option<i64>,
    /// `maximum` that it may have.
    #[prost(int64, optional, tag = "3")]
    pub maximum: Option<i64>,
}

/// A number. The protocol has 32 bits for it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FloatParameter {
    /// `default_value` where none is given.
    #[prost(float, optional, tag = "1")]
    pub default_value: Option<f32>,
    /// `minimum` that it may have.
    #[prost(float, optional, tag = "2")]
    pub minimum: Option<f32>,
    /// `maximum` that it may have.
    #[prost(float, optional, tag = "3")]
    pub maximum: Option<f32>,
}

/// A point in time.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DateTimeParameter {
    /// `default_value` where none is given: ISO 8601 that ends in `+00:00`, because clients' Python does not read `Z`.
    #[prost(string, optional, tag = "1")]
    pub default_value: Option<String>,
}

/// A time span in seconds.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DurationParameter {
    /// `default_value` where none is given.
    #[prost(float, optional, tag = "2")]
    pub default_value: Option<f32>,
    /// `minimum` that it may have.
    #[prost(float, optional, tag = "3")]
    pub minimum: Option<f32>,
    /// `maximum` that it may have.
    #[prost(float, optional, tag = "4")]
    pub maximum: Option<f32>,
}

/// How a parameter must compare with another one.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ParameterConstraint {
    /// `other_key_name` is the other one's key.
    #[prost(string, tag = "1")]
    pub other_key_name: String,
    /// `relation` of this one to the other.
    #[prost(enumeration = "ParameterRelation", tag = "2")]
    pub relation: i32,
}

/// How two parameters compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ParameterRelation {
    /// This one is greater.
    Greater = 0,
    /// This one is not smaller.
    GreaterOrEq = 1,
    /// This one is smaller.
    Smaller = 2,
    /// This one is not greater.
    SmallerOrEq = 3,
}

impl WorkflowParameter {
    /// A parameter of this type.
    #[must_use]
    pub fn new(key_name: &str, parameter_type: ParameterType) -> Self {
        Self { key_name: key_name.to_owned(), parameter_type: Some(parameter_type), ..Self::default() }
    }
}

impl AvailableWorkflows {
    /// The message's body.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that the reference implementation writes.
    #[test]
    fn workflows_have_the_fields_of_the_protocol() {
        let string = ParameterType::String(StringParameter {
            default_value: Some("d".to_owned()),
            enum_options: vec![StringEnum { key_name: "k".to_owned(), display_name: "n".to_owned() }],
        });
        let parameter = WorkflowParameter {
            title: Some("t".to_owned()),
            description: Some("e".to_owned()),
            constraints: vec![ParameterConstraint {
                other_key_name: "o".to_owned(),
                relation: ParameterRelation::SmallerOrEq.into(),
            }],
            ..WorkflowParameter::new("p", string)
        };
        let workflow =
            Workflow { type_name: "w".to_owned(), type_description: "x".to_owned(), parameters: vec![parameter] };
        let body = AvailableWorkflows { workflows: vec![workflow] }.to_body();
        assert_eq!(
            body.as_ref(),
            b"\x0a\x25\x0a\x01w\x12\x01x\x1a\x1d\x0a\x01p\x12\x01t\x1a\x01e\x22\x0b\x0a\x01d\x12\x06\x0a\x01k\x12\x01n\x52\x05\x0a\x01o\x10\x03"
        );
    }

    #[test]
    fn numbers_have_the_fields_of_the_protocol() {
        let integer = IntegerParameter { default_value: Some(0), minimum: Some(-1), maximum: None };
        assert_eq!(integer.encode_to_vec(), b"\x08\0\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
        let float = FloatParameter { default_value: Some(0.5), minimum: None, maximum: Some(1.0) };
        assert_eq!(float.encode_to_vec(), b"\x0d\0\0\0\x3f\x1d\0\0\x80\x3f");
        let duration = DurationParameter { default_value: Some(0.5), minimum: None, maximum: Some(1.0) };
        assert_eq!(duration.encode_to_vec(), b"\x15\0\0\0\x3f\x25\0\0\x80\x3f");
    }

    #[test]
    fn a_parameter_says_its_type_even_where_nothing_else_is_said() {
        for (type_, tag) in [
            (ParameterType::String(StringParameter::default()), 4),
            (ParameterType::Boolean(BooleanParameter::default()), 5),
            (ParameterType::Integer(IntegerParameter::default()), 6),
            (ParameterType::Float(FloatParameter::default()), 7),
            (ParameterType::DateTime(DateTimeParameter::default()), 8),
            (ParameterType::Duration(DurationParameter::default()), 9),
        ] {
            let body = WorkflowParameter::new("p", type_).encode_to_vec();
            assert_eq!(body, [0x0a, 1, b'p', tag << 3 | 2, 0]);
        }
    }
}
