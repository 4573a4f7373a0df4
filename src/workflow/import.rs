//! Manifests of workflows from the configuration file of an OMOTES orchestrator.
//!
//! Ring: core. The file's own names are kept where they are what clients see; what the file does not say – the pod – is
//! the least that runs, to be completed by whoever applies it.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::api::OmotesWorkflow;

use super::parameters::workflow_defect;

/// The longest name of an `OmotesWorkflow`.
const MAX_NAME: usize = 63;

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub(crate) struct ImportError {
    /// Where, such as `[0].workflow_parameters[2].default`.
    path: String,
    problem: String,
}

type Result<T> = std::result::Result<T, ImportError>;

/// What a configuration holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Imported {
    /// The manifests of its workflows.
    pub manifests: Vec<Value>,
    /// What of it was left out, and why.
    pub warnings: Vec<String>,
}

/// The workflows of the configuration `text`, as manifests whose pods run `image`.
///
/// # Errors
/// When the file is none, or says what an `OmotesWorkflow` cannot; the message names the place in it.
pub(crate) fn import(text: &str, image: &str) -> Result<Imported> {
    let mut whole: Value =
        serde_json::from_str(text).map_err(|error| fault("the file", format!("is no JSON: {error}")))?;
    let warnings = drop_foreign_defaults(&mut whole);
    let list = whole.as_array().ok_or_else(|| fault("the file", "must be a list of workflows"))?;
    Ok(Imported { manifests: manifests(list, image)?, warnings })
}

/// Takes away each default that is none of its parameter's options: orchestrators never looked, and clients of theirs show
/// such a parameter without a choice.
fn drop_foreign_defaults(whole: &mut Value) -> Vec<String> {
    let mut warnings = Vec::new();
    for (at, workflow) in whole.as_array_mut().into_iter().flatten().enumerate() {
        let parameters = workflow.get_mut("workflow_parameters").and_then(Value::as_array_mut);
        for (number, parameter) in parameters.into_iter().flatten().enumerate() {
            if let Some(problem) = drop_foreign_default(parameter) {
                warnings.push(fault(&format!("[{at}].workflow_parameters[{number}].default"), problem).to_string());
            }
        }
    }
    warnings
}

fn drop_foreign_default(parameter: &mut Value) -> Option<String> {
    let options = parameter.get("enum_options")?.as_array().filter(|options| !options.is_empty())?;
    let default = parameter.get("default").filter(|default| !default.is_null())?;
    let keys: Vec<&Value> = options.iter().filter_map(|option| option.get("key_name")).collect();
    if keys.contains(&default) {
        return None;
    }
    let keys: Vec<String> = keys.into_iter().map(Value::to_string).collect();
    let problem = format!("is {default}, and none of the options {}; left out", keys.join(", "));
    parameter.as_object_mut()?.remove("default");
    Some(problem)
}

fn manifests(list: &[Value], image: &str) -> Result<Vec<Value>> {
    let mut manifests: Vec<Value> = Vec::new();
    for (at, workflow) in list.iter().enumerate() {
        let manifest = FileObject::new(format!("[{at}]"), workflow)?.workflow(image)?;
        if let Some(same) = manifests.iter().position(|other| other["metadata"] == manifest["metadata"]) {
            let problem = format!(
                "would be called {} as [{same}] is: change workflow_type_name in one of them, or write its manifest by hand",
                manifest["metadata"]["name"]
            );
            return Err(fault(&format!("[{at}].workflow_type_name"), problem));
        }
        manifests.push(manifest);
    }
    Ok(manifests)
}

/// An object in the file.
struct FileObject<'a> {
    path: String,
    object: &'a Map<String, Value>,
}

impl<'a> FileObject<'a> {
    fn new(path: String, value: &'a Value) -> Result<Self> {
        match value.as_object() {
            Some(object) => Ok(Self { path, object }),
            None => Err(fault(&path, "must be an object")),
        }
    }

    /// What stands under `key`; a null is nothing.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn fault(&self, key: &str, problem: impl Into<String>) -> ImportError {
        fault(&format!("{}.{key}", self.path), problem)
    }

    fn only(&self, known: &[&str]) -> Result<()> {
        match self.object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self.fault(key, format!("is unknown: there are {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>> {
        let text = self.get(key).map(|value| value.as_str().ok_or_else(|| self.fault(key, "must be text")));
        text.transpose()
    }

    fn needed(&self, key: &str) -> Result<&'a str> {
        self.text(key)?.ok_or_else(|| self.fault(key, "is missing"))
    }

    /// What stands under `key`, if it is as it must be.
    fn value(&self, key: &str, is_right: impl Fn(&Value) -> bool, must: &str) -> Result<Option<&'a Value>> {
        let value = self.get(key);
        match value.filter(|value| !is_right(value)) {
            Some(wrong) => Err(self.fault(key, format!("is {wrong}, and must be {must}"))),
            None => Ok(value),
        }
    }

    fn list(&self, key: &str) -> Result<Vec<FileObject<'a>>> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(|| self.fault(key, "must be a list"))?;
        items.iter().enumerate().map(|(at, item)| FileObject::new(format!("{}.{key}[{at}]", self.path), item)).collect()
    }

    fn workflow(&self, image: &str) -> Result<Value> {
        self.only(&["workflow_type_name", "workflow_type_description_name", "workflow_parameters"])?;
        let type_name = self.needed("workflow_type_name")?;
        let parameters =
            self.list("workflow_parameters")?.iter().map(FileObject::parameter).collect::<Result<Vec<Value>>>()?;
        let manifest = pruned(json!({
            "apiVersion": "omotes.io/v1alpha1",
            "kind": "OmotesWorkflow",
            "metadata": {"name": self.name(type_name)?},
            "spec": {
                "typeName": type_name,
                "description": self.text("workflow_type_description_name")?,
                "parameters": parameters,
                "template": {"spec": {"containers": [{"name": "main", "image": image}]}},
            },
        }));
        let read: OmotesWorkflow = serde_json::from_value(manifest.clone())
            .map_err(|error| fault(&self.path, format!("is no workflow: {error}")))?;
        workflow_defect(&read.spec).map_or(Ok(manifest), |defect| Err(fault(&self.path, defect)))
    }

    /// A name that Kubernetes takes.
    fn name(&self, type_name: &str) -> Result<String> {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        let name: String = type_name.chars().map(letter).take(MAX_NAME).collect();
        match name.trim_matches('-') {
            "" => Err(self.fault("workflow_type_name", "must have a letter or a digit")),
            name => Ok(name.to_owned()),
        }
    }

    fn parameter(&self) -> Result<Value> {
        let common = ["key_name", "title", "description", "parameter_type", "default", "constraints"];
        let known = |more: &[&'static str]| self.only(&[&common, more].concat());
        let (field, type_) = match self.needed("parameter_type")? {
            "string" => {
                known(&["enum_options"])?;
                ("string", self.string_type()?)
            }
            "boolean" => {
                known(&[])?;
                ("boolean", json!({"default": self.value("default", Value::is_boolean, "true or false")?}))
            }
            "integer" => {
                known(&["minimum", "maximum"])?;
                let [default, minimum, maximum] = self.range(Value::is_i64, "a whole number")?;
                ("integer", json!({"default": default, "minimum": minimum, "maximum": maximum}))
            }
            "float" => {
                known(&["minimum", "maximum"])?;
                let [default, minimum, maximum] = self.range(Value::is_number, "a number")?;
                ("float", json!({"default": default, "minimum": minimum, "maximum": maximum}))
            }
            "duration" => {
                known(&["minimum", "maximum"])?;
                let [default, minimum, maximum] = self.range(Value::is_number, "a number of seconds")?;
                let seconds = json!({"defaultSeconds": default, "minimumSeconds": minimum, "maximumSeconds": maximum});
                ("duration", seconds)
            }
            "datetime" => {
                known(&[])?;
                ("dateTime", json!({"default": self.instant("default")?}))
            }
            other => {
                let problem = format!("is {other:?}: there are string, boolean, integer, float, datetime and duration");
                return Err(self.fault("parameter_type", problem));
            }
        };
        let constraints =
            self.list("constraints")?.iter().map(FileObject::constraint).collect::<Result<Vec<Value>>>()?;
        let mut parameter = json!({
            "keyName": self.needed("key_name")?,
            "title": self.text("title")?,
            "description": self.text("description")?,
            "constraints": constraints,
        });
        let parameter_type = pruned(type_);
        parameter = pruned(parameter);
        parameter[field] = parameter_type;
        Ok(parameter)
    }

    fn string_type(&self) -> Result<Value> {
        let options = self.list("enum_options")?.iter().map(FileObject::option).collect::<Result<Vec<Value>>>()?;
        Ok(json!({"default": self.text("default")?, "enumOptions": options}))
    }

    fn option(&self) -> Result<Value> {
        self.only(&["key_name", "display_name"])?;
        Ok(json!({"keyName": self.needed("key_name")?, "displayName": self.needed("display_name")?}))
    }

    fn range(&self, is_right: fn(&Value) -> bool, must: &str) -> Result<[Option<&'a Value>; 3]> {
        let [default, minimum, maximum] = ["default", "minimum", "maximum"].map(|key| self.value(key, is_right, must));
        Ok([default?, minimum?, maximum?])
    }

    /// An instant as the CRD takes it: with an offset. Without one it is in UTC, as in the orchestrator's container.
    fn instant(&self, key: &str) -> Result<Option<String>> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Some(instant.to_string()));
        }
        let local = text.parse::<DateTime>().ok().and_then(|local| local.to_zoned(TimeZone::UTC).ok());
        let instant = local.map(|zoned| zoned.timestamp().to_string());
        instant
            .map(Some)
            .ok_or_else(|| self.fault(key, format!("is {text:?}, and must be a date and time as in ISO 8601")))
    }

    fn constraint(&self) -> Result<Value> {
        self.only(&["other_key_name", "relation"])?;
        let relation = match self.needed("relation")?.to_ascii_lowercase().as_str() {
            "greater" => "Greater",
            "greater_or_eq" => "GreaterOrEqual",
            "smaller" => "Smaller",
            "smaller_or_eq" => "SmallerOrEqual",
            other => {
                let problem = format!(
                    "is {other:?}: there are greater, greater_or_eq, smaller and smaller_or_eq; of two parameters that must be equal leave one out"
                );
                return Err(self.fault("relation", problem));
            }
        };
        Ok(json!({"otherKeyName": self.needed("other_key_name")?, "relation": relation}))
    }
}

fn fault(path: &str, problem: impl Into<String>) -> ImportError {
    ImportError { path: path.to_owned(), problem: problem.into() }
}

/// Without what says nothing.
fn pruned(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, child| !child.is_null() && *child != json!([]));
        object.values_mut().for_each(|child| *child = pruned(child.take()));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"[
        {"workflow_type_name": "grow_optimizer_default", "workflow_type_description_name": "Draft Design - Optimization"},
        {"workflow_type_name": "simulator", "workflow_type_description_name": "High fidelity simulator", "workflow_parameters": [
            {"key_name": "timestep", "title": "Time step", "description": "of the results", "parameter_type": "duration", "default": 3600, "minimum": 900.5},
            {"key_name": "start_time", "parameter_type": "datetime", "default": "2019-01-01T00:00:00"},
            {"key_name": "end_time", "parameter_type": "datetime", "default": "2019-04-01T02:00:00+02:00",
             "constraints": [{"other_key_name": "start_time", "relation": "greater"}]},
            {"key_name": "mode", "parameter_type": "string", "default": "a", "enum_options": [{"key_name": "a", "display_name": "A"}]},
            {"key_name": "log", "parameter_type": "boolean", "default": null},
            {"key_name": "years", "parameter_type": "integer", "default": 30, "minimum": 1, "maximum": 50},
            {"key_name": "rate", "parameter_type": "float", "default": 0.05}
        ]}
    ]"#;

    #[test]
    fn a_configuration_becomes_manifests() {
        let Imported { manifests, warnings } = import(FILE, "registry.example/worker:1").unwrap();
        assert_eq!(warnings, Vec::<String>::new());
        let template = json!({"spec": {"containers": [{"name": "main", "image": "registry.example/worker:1"}]}});
        assert_eq!(
            manifests[0],
            json!({
                "apiVersion": "omotes.io/v1alpha1", "kind": "OmotesWorkflow",
                "metadata": {"name": "grow-optimizer-default"},
                "spec": {"typeName": "grow_optimizer_default", "description": "Draft Design - Optimization", "template": template},
            })
        );
        let parameters = json!([
            {"keyName": "timestep", "title": "Time step", "description": "of the results", "duration": {"defaultSeconds": 3600, "minimumSeconds": 900.5}},
            {"keyName": "start_time", "dateTime": {"default": "2019-01-01T00:00:00Z"}},
            {"keyName": "end_time", "dateTime": {"default": "2019-04-01T00:00:00Z"}, "constraints": [{"otherKeyName": "start_time", "relation": "Greater"}]},
            {"keyName": "mode", "string": {"default": "a", "enumOptions": [{"keyName": "a", "displayName": "A"}]}},
            {"keyName": "log", "boolean": {}},
            {"keyName": "years", "integer": {"default": 30, "minimum": 1, "maximum": 50}},
            {"keyName": "rate", "float": {"default": 0.05}},
        ]);
        assert_eq!(manifests[1]["spec"]["parameters"], parameters);
    }

    #[test]
    fn a_default_that_is_no_option_is_left_out_with_a_warning() {
        let parameter = |default: Value| {
            json!([{"workflow_type_name": "a", "workflow_parameters": [{
                "key_name": "solver", "parameter_type": "string", "default": default,
                "enum_options": [{"key_name": "highs", "display_name": "HiGHS"}, {"key_name": "gurobi", "display_name": "Gurobi"}],
            }]}])
        };
        let import = |default: Value| import(&parameter(default).to_string(), "i").unwrap();
        let imported = import(json!("HiGHS"));
        let warning =
            "[0].workflow_parameters[0].default: is \"HiGHS\", and none of the options \"highs\", \"gurobi\"; left out";
        assert_eq!(imported.warnings, [warning]);
        assert_eq!(imported, Imported { warnings: vec![warning.to_owned()], ..import(json!(null)) });
        let right = import(json!("gurobi"));
        assert!(right.warnings.is_empty() && right.manifests[0].to_string().contains(r#""default":"gurobi""#));
    }

    #[test]
    fn a_mistake_is_named_by_its_place() {
        let parameter = |parameter: Value| json!([{"workflow_type_name": "a", "workflow_parameters": [parameter]}]);
        let own = |patch: Value| {
            let mut whole = json!({"key_name": "k", "parameter_type": "integer"});
            whole.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
            parameter(whole)
        };
        let place = "[0].workflow_parameters[0]";
        for (file, message) in [
            (json!({}), "the file: must be a list of workflows".to_owned()),
            (json!([3]), "[0]: must be an object".to_owned()),
            (json!([{}]), "[0].workflow_type_name: is missing".to_owned()),
            (json!([{"workflow_type_name": "__"}]), "[0].workflow_type_name: must have a letter or a digit".to_owned()),
            (json!([{"workflow_type_name": "a", "workflows": 1}]), "[0].workflows: is unknown: there are workflow_type_name, workflow_type_description_name, workflow_parameters".to_owned()),
            (json!([{"workflow_type_name": "a_b"}, {"workflow_type_name": "a-b"}]), "[1].workflow_type_name: would be called \"a-b\" as [0] is: change workflow_type_name in one of them, or write its manifest by hand".to_owned()),
            (parameter(json!({"key_name": "k"})), format!("{place}.parameter_type: is missing")),
            (own(json!({"parameter_type": "list"})), format!("{place}.parameter_type: is \"list\": there are string, boolean, integer, float, datetime and duration")),
            (own(json!({"default": 0.5})), format!("{place}.default: is 0.5, and must be a whole number")),
            (own(json!({"enum_options": []})), format!("{place}.enum_options: is unknown: there are key_name, title, description, parameter_type, default, constraints, minimum, maximum")),
            (own(json!({"parameter_type": "datetime", "default": "1 May"})), format!("{place}.default: is \"1 May\", and must be a date and time as in ISO 8601")),
            (own(json!({"constraints": [{"other_key_name": "l", "relation": "eq"}]})), format!("{place}.constraints[0].relation: is \"eq\": there are greater, greater_or_eq, smaller and smaller_or_eq; of two parameters that must be equal leave one out")),
            (own(json!({"title": 3})), format!("{place}.title: must be text")),
        ] {
            assert_eq!(import(&file.to_string(), "i").unwrap_err().to_string(), message, "{file}");
        }
        assert!(import("[", "i").unwrap_err().to_string().starts_with("the file: is no JSON: EOF"));
    }
}
