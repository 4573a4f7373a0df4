//! The parameters of a job against those that its workflow has.
//!
//! Ring: core. The gateway asks before it makes a job, and the operator before it accepts one; both say the same.

use std::{cmp::Ordering, fmt};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::{
    api::{
        OmotesWorkflowSpec,
        parameter::{Constraint, DurationType, FloatType, IntegerType, Parameter, Relation, StringType},
        workflow::UndeclaredParameters,
    },
    text::bounded_and_marked,
};

/// How many defects a message names; the others are counted.
const MAX_DEFECTS: usize = 5;
/// How much of a value or a name a message shows.
const MAX_SHOWN: usize = 80;

/// Why parameters are refused: one sentence each with the parameter, its value and the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid(Vec<String>);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(defects) = self;
        f.write_str(&defects[..defects.len().min(MAX_DEFECTS)].join("; "))?;
        match defects.len().saturating_sub(MAX_DEFECTS) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// The parameters of a job that gives `given`, with the defaults of those that it leaves out. A null is left out.
///
/// # Errors
/// When `given` is not what `workflow` allows.
pub(crate) fn check(given: &Map<String, Value>, workflow: &OmotesWorkflowSpec) -> Result<Map<String, Value>, Invalid> {
    let undeclared =
        given.iter().filter(|(key, _)| workflow.parameters.iter().all(|parameter| parameter.key_name != **key));
    let (mut defects, mut complete) = (Vec::new(), Map::new());
    match workflow.undeclared_parameters.unwrap_or_default() {
        UndeclaredParameters::Refuse => defects.extend(undeclared.map(|(key, value)| unknown(key, value, workflow))),
        UndeclaredParameters::PassOn => {
            let passed_on = undeclared.filter(|(_, value)| !value.is_null());
            complete.extend(passed_on.map(|(key, value)| (key.clone(), value.clone())));
        }
    }
    for parameter in &workflow.parameters {
        let value = given.get(&parameter.key_name).filter(|value| !value.is_null());
        defects.extend(value.and_then(|value| defect(parameter, value)));
        if let Some(value) = value.cloned().or_else(|| default(parameter)) {
            complete.insert(parameter.key_name.clone(), value);
        }
    }
    if defects.is_empty() {
        defects = broken_constraints(workflow, &complete);
    }
    if defects.is_empty() { Ok(complete) } else { Err(Invalid(defects)) }
}

/// What is wrong with the parameters of a workflow itself, as far as its schema cannot tell.
#[must_use]
pub(crate) fn workflow_defect(workflow: &OmotesWorkflowSpec) -> Option<String> {
    let own = workflow.parameters.iter().find_map(|parameter| {
        let text = parameter.date_time.as_ref()?.default.as_ref()?;
        let field = format!("spec.parameters[{}].dateTime.default", parameter.key_name);
        seconds(text).is_none().then(|| format!("{field} {text:?} is no instant: give one like 2030-01-01T00:00:00Z"))
    });
    own.or_else(|| {
        constraints(workflow).find_map(|(parameter, constraint, other)| {
            let comparable = kind(parameter) == kind(other) && !matches!(kind(parameter), ParameterKind::String | ParameterKind::Boolean);
            (!comparable).then(|| {
                format!(
                    "spec.parameters[{}].constraints relate it to {}: both must be integer, float, dateTime or duration, and the same of these. Remove the constraint, or correct its otherKeyName",
                    parameter.key_name, constraint.other_key_name
                )
            })
        })
    })
    .or_else(|| check(&Map::new(), workflow).err().map(|invalid| format!("the defaults of spec.parameters contradict each other: {invalid}")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParameterKind {
    String,
    Boolean,
    Integer,
    Float,
    DateTime,
    Duration,
}

/// The schema sees to it that there is exactly one.
fn kind(parameter: &Parameter) -> ParameterKind {
    let Parameter { boolean, integer, float, date_time, duration, .. } = parameter;
    match (boolean, integer, float, date_time, duration) {
        (Some(_), ..) => ParameterKind::Boolean,
        (_, Some(_), ..) => ParameterKind::Integer,
        (_, _, Some(_), ..) => ParameterKind::Float,
        (_, _, _, Some(_), _) => ParameterKind::DateTime,
        (.., Some(_)) => ParameterKind::Duration,
        _ => ParameterKind::String,
    }
}

fn unknown(key: &str, value: &Value, workflow: &OmotesWorkflowSpec) -> String {
    let known: Vec<&str> = workflow.parameters.iter().map(|parameter| parameter.key_name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!(
        "parameter {} (value {}) is unknown: workflow type {} has {known}",
        cut(key),
        shown(value),
        workflow.type_name
    )
}

/// What is wrong with one value, whatever the others are.
fn defect(parameter: &Parameter, value: &Value) -> Option<String> {
    let rule = match kind(parameter) {
        ParameterKind::String => string_rule(parameter.string.as_ref()?, value),
        ParameterKind::Boolean => (!value.is_boolean()).then(|| "must be true or false".to_owned()),
        ParameterKind::Integer => integer_rule(parameter.integer.as_ref()?, value),
        ParameterKind::Float => float_rule(parameter.float.as_ref()?, value),
        ParameterKind::DateTime => number(parameter, value)
            .is_none()
            .then(|| "must be an instant: seconds since 1970, or text like 2030-01-01T00:00:00Z".to_owned()),
        ParameterKind::Duration => duration_rule(parameter.duration.as_ref()?, value),
    }?;
    Some(format!("parameter {} is {}, and {rule}", parameter.key_name, shown(value)))
}

fn string_rule(type_: &StringType, value: &Value) -> Option<String> {
    let Some(text) = value.as_str() else { return Some("must be text".to_owned()) };
    let options: Vec<&str> = type_.enum_options.iter().map(|option| option.key_name.as_str()).collect();
    let allowed = options.is_empty() || options.contains(&text);
    (!allowed).then(|| format!("must be one of {}", options.join(", ")))
}

fn integer_rule(type_: &IntegerType, value: &Value) -> Option<String> {
    let whole = value.as_f64().filter(|number| number.fract() == 0.0);
    #[expect(clippy::cast_precision_loss, reason = "the schema bounds them to what doubles have exactly")]
    let bound = |bound: Option<i64>| bound.map(|bound| bound as f64);
    match whole {
        None => Some("must be a whole number".to_owned()),
        Some(number) => range_rule(number, bound(type_.minimum), bound(type_.maximum), ""),
    }
}

fn float_rule(type_: &FloatType, value: &Value) -> Option<String> {
    match value.as_f64() {
        None => Some("must be a number".to_owned()),
        Some(number) => range_rule(number, type_.minimum, type_.maximum, ""),
    }
}

fn duration_rule(type_: &DurationType, value: &Value) -> Option<String> {
    match value.as_f64() {
        None => Some("must be a number of seconds".to_owned()),
        Some(number) => range_rule(number, type_.minimum_seconds, type_.maximum_seconds, " seconds"),
    }
}

fn range_rule(number: f64, minimum: Option<f64>, maximum: Option<f64>, unit: &str) -> Option<String> {
    let low = minimum.filter(|minimum| number < *minimum).map(|minimum| format!("must be at least {minimum}{unit}"));
    low.or_else(|| {
        maximum.filter(|maximum| number > *maximum).map(|maximum| format!("must be at most {maximum}{unit}"))
    })
}

/// What a job has that leaves `parameter` out; instants are seconds since 1970, as clients send them.
fn default(parameter: &Parameter) -> Option<Value> {
    match kind(parameter) {
        ParameterKind::String => parameter.string.as_ref()?.default.clone().map(Value::from),
        ParameterKind::Boolean => parameter.boolean.as_ref()?.default.map(Value::from),
        ParameterKind::Integer => parameter.integer.as_ref()?.default.map(Value::from),
        ParameterKind::Float => parameter.float.as_ref()?.default.map(|number| json!(number)),
        ParameterKind::DateTime => seconds(parameter.date_time.as_ref()?.default.as_ref()?).map(|number| json!(number)),
        ParameterKind::Duration => parameter.duration.as_ref()?.default_seconds.map(|number| json!(number)),
    }
}

fn constraints(workflow: &OmotesWorkflowSpec) -> impl Iterator<Item = (&Parameter, &Constraint, &Parameter)> {
    let find = |key: &str| workflow.parameters.iter().find(|parameter| parameter.key_name == key);
    workflow.parameters.iter().flat_map(move |parameter| {
        let pairs = parameter.constraints.iter();
        pairs.filter_map(move |constraint| Some((parameter, constraint, find(&constraint.other_key_name)?)))
    })
}

fn broken_constraints(workflow: &OmotesWorkflowSpec, values: &Map<String, Value>) -> Vec<String> {
    constraints(workflow)
        .filter_map(|(parameter, constraint, other)| {
            let value = values.get(&parameter.key_name)?;
            let other_value = values.get(&other.key_name)?;
            let order = number(parameter, value)?.partial_cmp(&number(other, other_value)?)?;
            (!holds(order, constraint.relation)).then(|| {
                format!(
                    "parameter {} is {}, and must be {} {}, which is {}",
                    parameter.key_name,
                    shown(value),
                    words(constraint.relation),
                    other.key_name,
                    shown(other_value)
                )
            })
        })
        .collect()
}

fn holds(order: Ordering, relation: Relation) -> bool {
    match relation {
        Relation::Greater => order.is_gt(),
        Relation::GreaterOrEqual => order.is_ge(),
        Relation::Smaller => order.is_lt(),
        Relation::SmallerOrEqual => order.is_le(),
    }
}

fn words(relation: Relation) -> &'static str {
    match relation {
        Relation::Greater => "greater than",
        Relation::GreaterOrEqual => "at least",
        Relation::Smaller => "smaller than",
        Relation::SmallerOrEqual => "at most",
    }
}

/// The value as a number that can be compared.
fn number(parameter: &Parameter, value: &Value) -> Option<f64> {
    match (kind(parameter), value) {
        (ParameterKind::DateTime, Value::String(text)) => seconds(text),
        _ => value.as_f64(),
    }
}

/// Seconds since 1970 of an instant as in ISO 8601; without an offset it is in UTC.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of any year fit a double exactly")]
fn seconds(text: &str) -> Option<f64> {
    let instant = text.parse::<Timestamp>().ok().or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(instant.as_millisecond() as f64 / 1000.0)
}

fn shown(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    bounded_and_marked(text, MAX_SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn workflow(parameters: Value) -> OmotesWorkflowSpec {
        serde_json::from_value(
            json!({"typeName": "heat", "template": {"spec": {"containers": []}}, "parameters": parameters}),
        )
        .unwrap()
    }

    fn all() -> OmotesWorkflowSpec {
        workflow(json!([
            {"keyName": "mode", "string": {"default": "fast", "enumOptions": [{"keyName": "fast"}, {"keyName": "exact"}]}},
            {"keyName": "label", "string": {}},
            {"keyName": "verbose", "boolean": {"default": false}},
            {"keyName": "years", "integer": {"default": 30, "minimum": 1, "maximum": 50}},
            {"keyName": "rate", "float": {"minimum": 0.0, "maximum": 1.0}},
            {"keyName": "start", "dateTime": {"default": "2019-01-01T00:00:00+00:00"}},
            {"keyName": "end", "dateTime": {}, "constraints": [{"otherKeyName": "start", "relation": "Greater"}]},
            {"keyName": "step", "duration": {"defaultSeconds": 3600, "minimumSeconds": 60}},
        ]))
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let complete = check(&object(json!({"verbose": null, "rate": 0.5})), &all()).unwrap();
        let expected = json!({"mode": "fast", "verbose": false, "years": 30, "rate": 0.5, "start": 1_546_300_800.0, "step": 3600.0});
        assert_eq!(Value::Object(complete.clone()), expected);
        assert_eq!(check(&complete, &all()), Ok(complete), "once more changes nothing");
    }

    #[test]
    fn undeclared_parameters_are_passed_on_where_the_workflow_says_so() {
        let given = object(json!({"rate": 0.5, "solver": {"gap": 0.01}, "none": null}));
        let refused = check(&given, &all()).unwrap_err().to_string();
        assert!(refused.contains("parameter solver (value"), "{refused}");
        let open = OmotesWorkflowSpec { undeclared_parameters: Some(UndeclaredParameters::PassOn), ..all() };
        let complete = check(&given, &open).unwrap();
        assert_eq!(
            (&complete["solver"], complete.get("none"), &complete["years"]),
            (&given["solver"], None, &json!(30))
        );
        let defects = check(&object(json!({"rate": 2, "solver": 1})), &open).unwrap_err().to_string();
        assert!(defects.contains("rate") && !defects.contains("solver"), "{defects}");
    }

    #[test]
    fn what_a_client_may_send_is_taken() {
        for given in [
            json!({"mode": "exact", "label": "", "years": 3.0, "rate": 1, "end": 1_600_000_000}),
            json!({"end": "2019-01-01T00:00:01Z"}),
            json!({"end": "2019-01-01T01:00:01+01:00"}),
            json!({"start": "2018-06-01T00:00:00", "end": "2018-06-02T00:00:00"}),
            json!({"step": 60}),
        ] {
            check(&object(given.clone()), &all()).unwrap_or_else(|invalid| panic!("{given}: {invalid}"));
        }
    }

    #[test]
    fn each_defect_names_parameter_value_and_rule() {
        for (given, message) in [
            (
                json!({"yeers": 3}),
                "parameter yeers (value 3) is unknown: workflow type heat has mode, label, verbose, years, rate, start, end, step",
            ),
            (json!({"mode": "slow"}), "parameter mode is \"slow\", and must be one of fast, exact"),
            (json!({"mode": 3}), "parameter mode is 3, and must be text"),
            (json!({"verbose": "true"}), "parameter verbose is \"true\", and must be true or false"),
            (json!({"years": 3.5}), "parameter years is 3.5, and must be a whole number"),
            (json!({"years": "3"}), "parameter years is \"3\", and must be a whole number"),
            (json!({"years": 0}), "parameter years is 0, and must be at least 1"),
            (json!({"years": 51.0}), "parameter years is 51.0, and must be at most 50"),
            (json!({"rate": -0.1}), "parameter rate is -0.1, and must be at least 0"),
            (json!({"rate": [1]}), "parameter rate is [1], and must be a number"),
            (json!({"step": 59.5}), "parameter step is 59.5, and must be at least 60 seconds"),
            (json!({"step": "1h"}), "parameter step is \"1h\", and must be a number of seconds"),
            (
                json!({"end": "tomorrow"}),
                "parameter end is \"tomorrow\", and must be an instant: seconds since 1970, or text like 2030-01-01T00:00:00Z",
            ),
            (
                json!({"end": 1_546_300_800.0}),
                "parameter end is 1546300800.0, and must be greater than start, which is 1546300800.0",
            ),
            (
                json!({"years": 0, "rate": 2}),
                "parameter years is 0, and must be at least 1; parameter rate is 2, and must be at most 1",
            ),
        ] {
            assert_eq!(check(&object(given), &all()).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn every_relation_is_checked() {
        for (relation, allowed) in [
            ("Greater", [false, false, true]),
            ("GreaterOrEqual", [false, true, true]),
            ("Smaller", [true, false, false]),
            ("SmallerOrEqual", [true, true, false]),
        ] {
            let workflow = workflow(
                json!([{"keyName": "a", "integer": {}, "constraints": [{"otherKeyName": "b", "relation": relation}]}, {"keyName": "b", "integer": {}}]),
            );
            let seen = [1, 2, 3].map(|value| check(&object(json!({"a": value, "b": 2})), &workflow).is_ok());
            assert_eq!(seen, allowed, "{relation}");
            assert!(check(&object(json!({"a": 1})), &workflow).is_ok(), "one alone is related to nothing");
        }
    }

    #[test]
    fn a_workflow_that_contradicts_itself_is_told_so() {
        let constrained = |one: Value, other: Value| {
            workflow(json!([
                {"keyName": "a", "integer": one, "constraints": [{"otherKeyName": "b", "relation": "Greater"}]}, other,
            ]))
        };
        let table = [
            (
                workflow(json!([{"keyName": "a", "dateTime": {"default": "2030-13-01T00:00:00Z"}}])),
                "spec.parameters[a].dateTime.default \"2030-13-01T00:00:00Z\" is no instant",
            ),
            (
                constrained(json!({}), json!({"keyName": "b", "float": {}})),
                "spec.parameters[a].constraints relate it to b: both must be",
            ),
            (
                constrained(json!({"default": 1}), json!({"keyName": "b", "integer": {"default": 1}})),
                "the defaults of spec.parameters contradict each other: parameter a is 1, and must be greater than b",
            ),
        ];
        for (workflow, message) in table {
            assert!(workflow_defect(&workflow).unwrap().starts_with(message), "{:?}", workflow_defect(&workflow));
        }
        assert_eq!(workflow_defect(&all()), None);
    }

    proptest! {
        /// Nothing that anybody sends ends in more than a bounded sentence.
        #[test]
        fn any_value_is_taken_or_refused_in_bounded_words(key in ".{0,200}", text in ".{0,2000}", number: f64) {
            for value in [json!(text), json!(number), json!([text]), json!({"a": number})] {
                let keys = ["mode", "label", "verbose", "years", "rate", "start", "end", "step", &key];
                let given = keys.iter().map(|key| ((*key).to_owned(), value.clone())).collect();
                if let Err(invalid) = check(&given, &all()) {
                    prop_assert!(invalid.to_string().chars().count() < 2000);
                }
            }
        }
    }
}
