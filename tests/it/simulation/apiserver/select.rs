//! Label and field selectors, and the forms that objects are shown in.

use serde_json::{Value, json};

use super::{
    refusal::Refusal,
    request::{Asked, Form},
};

/// Which objects of a kind are wanted.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    namespace: String,
    labels: Vec<Term>,
    fields: Vec<Term>,
}

/// What is wanted of one label or field.
#[derive(Debug, Clone)]
struct Term {
    key: String,
    wanted: Wanted,
}

#[derive(Debug, Clone)]
enum Wanted {
    Present,
    Absent,
    Equal(String),
    Different(String),
}

impl Selection {
    pub(super) fn of(asked: &Asked) -> Result<Self, Refusal> {
        let target = asked.target()?;
        let (labels, mut fields) = (terms(asked.parameter("labelSelector"))?, terms(asked.parameter("fieldSelector"))?);
        if !target.name.is_empty() {
            fields.push(Term { key: "metadata.name".to_owned(), wanted: Wanted::Equal(target.name.clone()) });
        }
        let is_known =
            |key: &str| key == "metadata.name" || key == "metadata.namespace" || target.kind.fields.contains(&key);
        match fields.iter().find(|term| !is_known(&term.key)) {
            Some(term) => Err(Refusal::bad_request(format!("field label not supported: {}", term.key))),
            None => Ok(Self { namespace: target.namespace.clone(), labels, fields }),
        }
    }

    pub(super) fn is_all(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn takes(&self, object: &Value) -> bool {
        let label = |key: &str| object["metadata"]["labels"][key].as_str();
        let field = |key: &str| {
            let pointer = format!("/{}", key.replace('.', "/"));
            object.pointer(&pointer).and_then(Value::as_str).or(Some(""))
        };
        (self.namespace.is_empty() || object["metadata"]["namespace"] == self.namespace.as_str())
            && self.labels.iter().all(|term| term.holds(label(&term.key)))
            && self.fields.iter().all(|term| term.holds(field(&term.key)))
    }
}

impl Term {
    fn holds(&self, value: Option<&str>) -> bool {
        match &self.wanted {
            Wanted::Present => value.is_some(),
            Wanted::Absent => value.is_none(),
            Wanted::Equal(wanted) => value == Some(wanted),
            Wanted::Different(unwanted) => value != Some(unwanted),
        }
    }
}

fn terms(selector: &str) -> Result<Vec<Term>, Refusal> {
    selector.split(',').filter(|term| !term.is_empty()).map(term).collect()
}

fn term(text: &str) -> Result<Term, Refusal> {
    let made = |key: &str, wanted| Ok(Term { key: key.trim().to_owned(), wanted });
    let value = |text: &str| text.trim_start_matches('=').trim().to_owned();
    if text.contains(['(', ' ']) {
        return Err(Refusal::not_simulated(&format!("the selector {text}")));
    }
    if let Some((key, unwanted)) = text.split_once("!=") {
        return made(key, Wanted::Different(value(unwanted)));
    }
    match (text.split_once('='), text.strip_prefix('!')) {
        (Some((key, wanted)), _) => made(key, Wanted::Equal(value(wanted))),
        (None, Some(key)) => made(key, Wanted::Absent),
        (None, None) => made(text, Wanted::Present),
    }
}

/// `object`, as an answer has it.
pub(super) fn shown(object: &Value, form: Form) -> Value {
    match form {
        Form::Whole => object.clone(),
        Form::Metadata => json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"],
        }),
    }
}
