//! The workflows of a namespace, in the words of the protocol.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    api::{
        OmotesWorkflow,
        parameter::{self, Parameter},
    },
    wire::{
        AvailableWorkflows, BooleanParameter, DateTimeParameter, DurationParameter, FloatParameter, IntegerParameter,
        ParameterConstraint, ParameterRelation, ParameterType, StringEnum, StringParameter, Workflow,
        WorkflowParameter,
    },
};

/// Whether clients may ask for it: without a courier no input reaches its program, and no output its client.
pub(super) fn is_offered(workflow: &OmotesWorkflow) -> bool {
    workflow.spec.job_defaults.courier.as_ref().is_none_or(|courier| courier.enabled)
}

/// What clients are told that they may ask for, by name.
#[must_use]
pub fn offer(workflows: &[Arc<OmotesWorkflow>]) -> AvailableWorkflows {
    let offered = workflows.iter().filter(|known| is_offered(known));
    let mut workflows: Vec<Workflow> = offered.map(|known| workflow(known)).collect();
    workflows.sort_by(|one, other| one.type_name.cmp(&other.type_name));
    AvailableWorkflows { workflows }
}

fn workflow(known: &OmotesWorkflow) -> Workflow {
    let spec = &known.spec;
    Workflow {
        type_name: spec.type_name.clone(),
        type_description: spec.description.clone(),
        parameters: spec.parameters.iter().filter_map(parameter).collect(),
    }
}

/// `None` for a parameter without a type, which the schema does not admit.
fn parameter(known: &Parameter) -> Option<WorkflowParameter> {
    let mut told = WorkflowParameter::new(&known.key_name, type_of(known)?);
    told.title.clone_from(&known.title);
    told.description.clone_from(&known.description);
    told.constraints = known.constraints.iter().map(constraint).collect();
    Some(told)
}

fn type_of(known: &Parameter) -> Option<ParameterType> {
    let Parameter { string, boolean, integer, float, date_time, duration, .. } = known;
    let string = string.as_ref().map(|string| ParameterType::String(text(string)));
    let boolean =
        boolean.as_ref().map(|boolean| ParameterType::Boolean(BooleanParameter { default_value: boolean.default }));
    let integer = integer.as_ref().map(|integer| {
        let (minimum, maximum) = (integer.minimum, integer.maximum);
        ParameterType::Integer(IntegerParameter { default_value: integer.default, minimum, maximum })
    });
    let float = float.as_ref().map(|float| {
        let [default_value, minimum, maximum] = [float.default, float.minimum, float.maximum].map(single);
        ParameterType::Float(FloatParameter { default_value, minimum, maximum })
    });
    let date_time = date_time.as_ref().map(|date_time| {
        let default_value = date_time.default.as_deref().and_then(in_utc);
        ParameterType::DateTime(DateTimeParameter { default_value })
    });
    let duration = duration.as_ref().map(|duration| {
        let seconds = [duration.default_seconds, duration.minimum_seconds, duration.maximum_seconds];
        let [default_value, minimum, maximum] = seconds.map(single);
        ParameterType::Duration(DurationParameter { default_value, minimum, maximum })
    });
    string.or(boolean).or(integer).or(float).or(date_time).or(duration)
}

fn text(known: &parameter::StringType) -> StringParameter {
    let options = known
        .enum_options
        .iter()
        .map(|option| StringEnum { key_name: option.key_name.clone(), display_name: option.display_name.clone() });
    StringParameter { default_value: known.default.clone(), enum_options: options.collect() }
}

#[expect(clippy::cast_possible_truncation, reason = "the protocol has 32 bits for it")]
fn single(number: Option<f64>) -> Option<f32> {
    number.map(|number| number as f32)
}

/// The instant as clients' Python reads it, which knows neither `Z` nor every number of decimals.
fn in_utc(text: &str) -> Option<String> {
    let instant: Timestamp = text.parse().ok()?;
    Some(instant.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

fn constraint(known: &parameter::Constraint) -> ParameterConstraint {
    let relation = match known.relation {
        parameter::Relation::Greater => ParameterRelation::Greater,
        parameter::Relation::GreaterOrEqual => ParameterRelation::GreaterOrEq,
        parameter::Relation::Smaller => ParameterRelation::Smaller,
        parameter::Relation::SmallerOrEqual => ParameterRelation::SmallerOrEq,
    };
    ParameterConstraint { other_key_name: known.other_key_name.clone(), relation: relation.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn offered(name: &str, parameters: Value) -> Arc<OmotesWorkflow> {
        let workflow = json!({
            "apiVersion": "omotes.io/v1alpha1",
            "kind": "OmotesWorkflow",
            "metadata": {"name": name},
            "spec": {"typeName": name, "parameters": parameters, "template": {"spec": {"containers": []}}},
        });
        Arc::new(serde_json::from_value(workflow).unwrap())
    }

    #[test]
    fn workflows_come_in_the_order_of_their_names() {
        let offer = offer(&[offered("b", json!([])), offered("a", json!([]))]);
        let names: Vec<_> = offer.workflows.iter().map(|workflow| workflow.type_name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn each_type_is_told_with_its_bounds() {
        let parameters = json!([
            {"keyName": "s", "string": {"default": "x", "enumOptions": [{"keyName": "x", "displayName": "X"}]}, "title": "S"},
            {"keyName": "b", "boolean": {}},
            {"keyName": "i", "integer": {"minimum": 0}, "constraints": [{"otherKeyName": "f", "relation": "SmallerOrEqual"}]},
            {"keyName": "f", "float": {"default": 0.5}},
            {"keyName": "t", "dateTime": {"default": "2030-01-01T01:00:00.5+01:00"}},
            {"keyName": "d", "duration": {"maximumSeconds": 60}},
        ]);
        let mut told = offer(&[offered("w", parameters)]).workflows.remove(0).parameters;
        assert_eq!(told[0].title.as_deref(), Some("S"));
        assert_eq!(told[2].constraints[0].relation(), ParameterRelation::SmallerOrEq);
        for parameter in &mut told {
            (parameter.title, parameter.constraints) = (None, Vec::new());
        }
        let options = vec![StringEnum { key_name: "x".to_owned(), display_name: "X".to_owned() }];
        let date = Some("2030-01-01T00:00:00+00:00".to_owned());
        let types = [
            (
                "s",
                ParameterType::String(StringParameter { default_value: Some("x".to_owned()), enum_options: options }),
            ),
            ("b", ParameterType::Boolean(BooleanParameter { default_value: None })),
            ("i", ParameterType::Integer(IntegerParameter { default_value: None, minimum: Some(0), maximum: None })),
            ("f", ParameterType::Float(FloatParameter { default_value: Some(0.5), minimum: None, maximum: None })),
            ("t", ParameterType::DateTime(DateTimeParameter { default_value: date })),
            (
                "d",
                ParameterType::Duration(DurationParameter { default_value: None, minimum: None, maximum: Some(60.0) }),
            ),
        ];
        assert_eq!(told, types.map(|(key, type_)| WorkflowParameter::new(key, type_)));
    }
}
