//! The remarks of a computation about its input, as OMOTES' protocol has them.
//!
//! Ring: core. Field numbers and enum values are those of `omotes-sdk-protocol` 1.2.

/// A remark of the computation about its input.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct EsdlMessage {
    /// `technical_message` is the text.
    #[prost(string, tag = "1")]
    pub technical_message: String,
    /// `severity` is one of [`Severity`].
    #[prost(enumeration = "Severity", tag = "2")]
    pub severity: i32,
    /// `esdl_object_id` is the object that the remark is about.
    #[prost(string, optional, tag = "3")]
    pub esdl_object_id: Option<String>,
}

/// How serious a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Severity {
    /// For developers.
    Debug = 0,
    /// For information.
    Info = 1,
    /// The result may not be what was expected.
    Warning = 2,
    /// Something is wrong.
    Error = 3,
}

impl EsdlMessage {
    /// A remark about no object in particular.
    #[must_use]
    pub fn new(severity: Severity, technical_message: impl Into<String>) -> Self {
        Self { technical_message: technical_message.into(), severity: severity.into(), esdl_object_id: None }
    }
}
