//! The parameters of an `OmotesWorkflow`, as OMOTES' protocol has them.
//!
//! The doc comments here are what `kubectl explain owf.spec.parameters` prints.

#![expect(clippy::struct_field_names, reason = "a number's unit is in its name")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameter is what a job may give under its keyName. Exactly one of string, boolean, integer, float, dateTime and
/// duration says its type.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("[has(self.string), has(self.boolean), has(self.integer), has(self.float), has(self.dateTime), has(self.duration)].filter(x, x).size() == 1")
        .message("a parameter needs exactly one of string, boolean, integer, float, dateTime and duration; `boolean: {}` is one without a default"),
)]
#[serde(rename_all = "camelCase")]
pub struct Parameter {
    /// keyName is the name in spec.input.parameters of a job: 1 to 64 characters.
    #[schemars(length(min = 1, max = 64))]
    pub key_name: String,

    /// title is a name for people. At most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub title: Option<String>,

    /// description says what it is for. At most 4096 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,

    /// string is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<StringType>,

    /// boolean is true or false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boolean: Option<BooleanType>,

    /// integer is a whole number; 3.0 is one, because the protocol's numbers are doubles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integer: Option<IntegerType>,

    /// float is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub float: Option<FloatType>,

    /// dateTime is an instant: seconds since 1970 in UTC, as OMOTES' clients send it, or text as in ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_time: Option<DateTimeType>,

    /// duration is a number of seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<DurationType>,

    /// constraints relate the value to those of other parameters. At most 4.
    #[serde(default)]
    #[schemars(length(max = 4))]
    pub constraints: Vec<Constraint>,
}

/// StringType is text.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[x_kube(
    validation = Rule::new("!has(self.default) || self.enumOptions.size() == 0 || self.enumOptions.exists(o, o.keyName == self.default)")
        .message("the default of a string parameter must be the keyName of one of its enumOptions"),
)]
#[serde(rename_all = "camelCase")]
pub struct StringType {
    /// default is what a job has that gives none. At most 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub default: Option<String>,

    /// enumOptions are the only values, where there are any. At most 128.
    #[serde(default)]
    #[schemars(length(max = 128), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["keyName"]))]
    pub enum_options: Vec<EnumOption>,
}

/// EnumOption is one of the values that a string parameter may have.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnumOption {
    /// keyName is the value: 1 to 256 characters.
    #[schemars(length(min = 1, max = 256))]
    pub key_name: String,

    /// displayName is shown to people. At most 256 characters.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub display_name: String,
}

/// BooleanType is true or false.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BooleanType {
    /// default is what a job has that gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
}

/// IntegerType is a whole number.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[x_kube(
    validation = Rule::new("(!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum) && (!has(self.default) || (!has(self.minimum) || self.default >= self.minimum) && (!has(self.maximum) || self.default <= self.maximum))")
        .message("an integer parameter needs minimum <= default <= maximum"),
)]
#[serde(rename_all = "camelCase")]
pub struct IntegerType {
    /// default is what a job has that gives none: -9007199254740991 to 9007199254740991, which doubles have exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -9_007_199_254_740_991_i64, max = 9_007_199_254_740_991_i64))]
    pub default: Option<i64>,

    /// minimum is the least value, with the default's range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -9_007_199_254_740_991_i64, max = 9_007_199_254_740_991_i64))]
    pub minimum: Option<i64>,

    /// maximum is the greatest value, with the default's range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -9_007_199_254_740_991_i64, max = 9_007_199_254_740_991_i64))]
    pub maximum: Option<i64>,
}

/// FloatType is a number.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("(!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum) && (!has(self.default) || (!has(self.minimum) || self.default >= self.minimum) && (!has(self.maximum) || self.default <= self.maximum))")
        .message("a float parameter needs minimum <= default <= maximum"),
)]
#[serde(rename_all = "camelCase")]
pub struct FloatType {
    /// default is what a job has that gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<f64>,

    /// minimum is the least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,

    /// maximum is the greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
}

/// DateTimeType is an instant.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DateTimeType {
    /// default is what a job has that gives none, as in 2030-01-01T00:00:00Z or 2030-01-01T00:00:00+01:00. A job gets it as
    /// seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 40),
        regex(
            pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
        )
    )]
    pub default: Option<String>,
}

/// DurationType is a number of seconds.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("(!has(self.minimumSeconds) || !has(self.maximumSeconds) || self.minimumSeconds <= self.maximumSeconds) && (!has(self.defaultSeconds) || (!has(self.minimumSeconds) || self.defaultSeconds >= self.minimumSeconds) && (!has(self.maximumSeconds) || self.defaultSeconds <= self.maximumSeconds))")
        .message("a duration parameter needs minimumSeconds <= defaultSeconds <= maximumSeconds"),
)]
#[serde(rename_all = "camelCase")]
pub struct DurationType {
    /// defaultSeconds is what a job has that gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_seconds: Option<f64>,

    /// minimumSeconds is the shortest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_seconds: Option<f64>,

    /// maximumSeconds is the longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_seconds: Option<f64>,
}

/// Constraint relates a parameter's value to that of another. It holds where both have one.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Constraint {
    /// otherKeyName is the other parameter, which must be of the same type.
    #[schemars(length(min = 1, max = 64))]
    pub other_key_name: String,

    /// relation of this parameter's value to the other's: Greater, GreaterOrEqual, Smaller or SmallerOrEqual.
    pub relation: Relation,
}

/// Relation of a parameter's value to another's.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
pub enum Relation {
    /// It is greater, or later.
    Greater,
    /// It is not smaller.
    GreaterOrEqual,
    /// It is smaller, or earlier.
    Smaller,
    /// It is not greater.
    SmallerOrEqual,
}
