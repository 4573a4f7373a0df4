//! What the operator may do, against what it did in a whole run of all tests.

use std::{collections::BTreeSet, fs, path::Path};

use jiff::Timestamp;
use serde_json::Value;

use crate::support::{
    audit,
    bed::{kubectl, variable},
};

/// Where a role holds, and what it allows there, in the form of [`audit::Request::short`].
type Right = (Option<String>, String);

/// The rights in the chart as it is rendered with everything in it.
fn granted() -> BTreeSet<Right> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/chart/everything.yaml");
    let text = fs::read_to_string(path).unwrap();
    let objects = text.split("\n---\n").map(|object| serde_saphyr::from_str::<Value>(object).unwrap());
    objects.filter(|object| object["rules"].is_array()).flat_map(|role| rights_of(&role)).collect()
}

fn rights_of(role: &Value) -> Vec<Right> {
    let name = role["metadata"]["name"].as_str().unwrap();
    let namespace = match name {
        _ if name.ends_with("-jobs") => None,
        _ if name.ends_with("-own") => Some(variable("OMOTES_NAMESPACE")),
        _ if name.ends_with("-gateway") => Some(variable("OMOTES_JOB_NAMESPACE")),
        // For people.
        _ => return Vec::new(),
    };
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        for resource in texts(&rule["resources"]) {
            rights.extend(texts(&rule["verbs"]).iter().map(|verb| (namespace.clone(), format!("{verb} {resource}"))));
        }
    }
    rights
}

fn lease_made() -> Timestamp {
    let namespace = variable("OMOTES_NAMESPACE");
    let path = "jsonpath={.metadata.creationTimestamp}";
    let (read, text) = kubectl(&["get", "lease", "omotes-operator", "--namespace", &namespace, "--output", path], None);
    assert!(read, "{text}");
    text.trim().parse().unwrap()
}

/// Whoever takes over an operator's token has its rights: one that is never used is one too many.
#[test]
#[ignore = "needs the audit log of a whole run: make test"]
fn every_right_that_is_granted_is_used() {
    let requests = audit::all_of_operator();
    // An object that is not there was asked for all the same.
    let used = |(namespace, short): &Right| {
        let fits =
            |request: &audit::Request| namespace.as_ref().is_none_or(|namespace| *namespace == request.namespace);
        requests.iter().any(|request| request.code != 403 && request.short() == *short && fits(request))
    };
    let granted = granted();
    assert!(granted.len() > 20, "{granted:?}");
    // A test bed that has run for long keeps no record of its first start, at which the Lease was made.
    let is_older = |right: &Right| right.1 == "create leases" && requests[0].received > lease_made();
    let unused: Vec<_> = granted.into_iter().filter(|right| !used(right) && !is_older(right)).collect();
    assert!(unused.is_empty(), "granted and never used: {unused:?}");
}

/// What it asks for is granted: what not each run of a job needs would be missed late. A role that was taken away for a while,
/// or is there a moment after its operator, has granted it at another time.
#[test]
#[ignore = "needs the audit log of a whole run: make test"]
fn nothing_that_is_asked_for_is_never_granted() {
    let special = [variable("OMOTES_NAMESPACE"), variable("OMOTES_JOB_NAMESPACE")];
    let place = |request: &audit::Request| special.iter().find(|namespace| **namespace == request.namespace).cloned();
    let requests = audit::all_of_operator();
    let rights = |forbidden: bool| -> BTreeSet<Right> {
        let such = requests.iter().filter(|request| request.forbidden == forbidden);
        such.map(|request| (place(request), request.short())).collect()
    };
    let (refused, granted) = (rights(true), rights(false));
    assert!(granted.len() > 20, "{granted:?}");
    let missing: Vec<&Right> = refused.difference(&granted).collect();
    assert!(missing.is_empty(), "asked for and never granted: {missing:?}");
}
