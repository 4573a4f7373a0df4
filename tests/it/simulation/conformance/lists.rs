//! Lists: selected, in pages, and of metadata alone.

use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
    core::{DynamicObject, ObjectList},
};
use serde_json::json;

use super::{
    jobs::job,
    script::{Script, failure},
};

const JOBS: &str = "omotesjobs";

pub(super) async fn run(script: &mut Script) {
    for (name, colour) in [("m", "red"), ("k", "blue"), ("l", "red")] {
        script.create("create a job", JOBS, job(&json!({"name": name, "labels": {"colour": colour}}))).await;
    }
    for (step, how) in [
        ("list them", ListParams::default()),
        ("list them as of any version", ListParams::default().match_any()),
        ("list what is red", ListParams::default().labels("colour=red")),
        ("list what is not red", ListParams::default().labels("colour!=red")),
        ("list what has a colour", ListParams::default().labels("colour,!size")),
        ("list one by its name", ListParams::default().fields("metadata.name=l")),
        ("list by a field that none can name", ListParams::default().fields("spec.suspend=true")),
    ] {
        list(script, step, &how).await;
    }
    pages(script).await;
    let named = script.api(JOBS).list_metadata(&ListParams::default().limit(1)).await.unwrap();
    let names: Vec<String> = named.items.iter().map(ResourceExt::name_any).collect();
    script.fact("list the metadata of one", &names.join(" "));
    for name in ["k", "l", "m"] {
        script.delete("delete it", JOBS, name, &DeleteParams::default()).await;
    }
}

async fn list(script: &mut Script, step: &str, how: &ListParams) -> Option<ObjectList<DynamicObject>> {
    let listed = script.api(JOBS).list(how).await;
    let seen = match &listed {
        Ok(list) => {
            let names: Vec<String> = list.items.iter().map(ResourceExt::name_any).collect();
            let rest = list.metadata.remaining_item_count.map(|rest| format!(", {rest} more"));
            format!("{}{}", names.join(" "), rest.unwrap_or_default())
        }
        Err(error) => failure(error),
    };
    script.fact(step, &seen);
    listed.ok()
}

/// What changes after the first page is not in the second.
async fn pages(script: &mut Script) {
    let page = ListParams::default().limit(2);
    let first = list(script, "list two of them", &page).await.unwrap();
    script.delete("delete the last", JOBS, "m", &DeleteParams::default()).await;
    let token = first.metadata.continue_.unwrap_or_default();
    let second = list(script, "list the others", &page.clone().continue_token(&token)).await.unwrap();
    let has_more = second.metadata.continue_.is_some_and(|token| !token.is_empty());
    script.fact("there are more", &has_more.to_string());
    let is_same = first.metadata.resource_version == second.metadata.resource_version;
    script.fact("both pages are of one version", &is_same.to_string());
    script.create("create the last again", JOBS, job(&json!({"name": "m"}))).await;
}
