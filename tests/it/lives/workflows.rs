//! Jobs of workflows: seats and order, what an accepted job keeps, and what a workflow refuses.

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::ListParams;
use omotes_operator::testing::api::OmotesWorkflow;

use super::*;
use crate::support::until;

fn workflows(space: &Space) -> Api<OmotesWorkflow> {
    Api::namespaced(space.client.clone(), &space.name)
}

/// Makes a workflow called `name` whose jobs run `script`.
async fn make(space: &Space, name: &str, script: &str, patch: &Value) {
    let spec = json!({
        "typeName": "type",
        "jobDefaults": {"courier": {"flushSeconds": 60}},
        "template": {"spec": merged(pod_spec(script), &json!({"terminationGracePeriodSeconds": GRACE}))},
    });
    let manifest = json!({"metadata": {"name": name}, "spec": merged(spec, patch)});
    workflows(space).create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
}

async fn edit(space: &Space, name: &str, spec: Value) {
    let patch = Patch::Merge(json!({"spec": spec}));
    workflows(space).patch(name, &PatchParams::default(), &patch).await.unwrap();
}

async fn submit(space: &Space, name: &str, patch: &Value) -> String {
    let spec = json!({"workflowRef": {"name": "workflow"}, "queues": {"expireAfterSeconds": 900}});
    space.create(&job(name, &merged(spec, patch))).await.uid().unwrap()
}

/// Waits until the workflow says so of itself.
async fn says(space: &Space, name: &str, type_: &str, verdict: &str) -> OmotesWorkflow {
    says_so(space, name, &format!("{type_} {verdict}"), |workflow| {
        let conditions = workflow.status.iter().flat_map(|status| &status.conditions);
        conditions
            .into_iter()
            .any(|known| known.type_ == type_ && format!("{} {}", known.status, known.reason) == verdict)
    })
    .await
}

async fn says_so(space: &Space, name: &str, what: &str, wanted: impl Fn(&OmotesWorkflow) -> bool) -> OmotesWorkflow {
    until(&format!("workflow {}/{name}: {what}", space.name), PATIENCE, || async {
        let workflow = workflows(space).get(name).await.unwrap();
        if wanted(&workflow) { Ok(workflow) } else { Err(serde_json::to_string(&workflow.status).unwrap()) }
    })
    .await
}

/// Waits until the job waits so, and tells with what words.
async fn waits(space: &Space, name: &str, reason: &str, words: &str) -> OmotesJob {
    space
        .wait(name, &format!("{reason}: {words}"), |job| {
            let said = job.status.iter().flat_map(|status| &status.conditions);
            let mut said = said.filter(|known| known.type_ == "Reconciling" && known.status == "True");
            said.any(|known| known.reason == reason && known.message.contains(words))
        })
        .await
}

fn times(job: &OmotesJob) -> (jiff::Timestamp, jiff::Timestamp) {
    let status = job.status.as_ref().unwrap();
    (status.start_time.as_ref().unwrap().0, status.completion_time.as_ref().unwrap().0)
}

/// One seat: priority goes first, then age; a seat that is free is taken at once, and never two have it.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn seats_are_given_in_turn() {
    let space = Space::new("seats").await;
    let script = r#"sleep "$(sed 's/.*"seconds":\([0-9]*\).*/\1/' /omotes/input/parameters.json)""#;
    let terms = json!({
        "parameters": [{"keyName": "seconds", "integer": {"default": 2}}],
        "maxConcurrentJobs": 1,
        "jobDefaults": {"startDeadlineSeconds": 60},
    });
    make(&space, "workflow", script, &terms).await;
    submit(&space, "first", &json!({"input": {"parameters": {"seconds": 60}}})).await;
    space.running("first").await;
    let client_of_low = submit(&space, "low", &json!({"priority": "Low"})).await;
    waits(&space, "low", "WaitingForSeat", "every seat of OmotesWorkflow workflow is taken; this one is next").await;
    for (name, priority) in [("medium", "Medium"), ("raised", "Low"), ("high", "High")] {
        submit(&space, name, &json!({"priority": priority})).await;
        waits(&space, name, "WaitingForSeat", "every seat of OmotesWorkflow workflow is taken").await;
    }
    waits(&space, "low", "WaitingForSeat", "2 jobs wait before this one").await;
    space.change("raised", &json!({"priority": "High"})).await;
    waits(&space, "low", "WaitingForSeat", "3 jobs wait before this one").await;
    assert_eq!(phase(&space.jobs.get("first").await.unwrap()), Some(Phase::Running), "nobody had a turn meanwhile");
    let mut client = Listener::attach(&client_of_low).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(ResultType::Succeeded);
    assert_eq!(client.statuses(), [Registered, Enqueued, Running]);
    client.leave().await;
    let mut runs = Vec::new();
    for name in ["first", "low", "medium", "raised", "high"] {
        let job = space.ended(name).await;
        assert_eq!((name, cause(&job)), (name, "Completed"), "{}", message(&job));
        runs.push((times(&job), name));
    }
    runs.sort();
    for pair in runs.windows(2) {
        let idle = pair[1].0.0.duration_since(pair[0].0.1);
        assert!(!idle.is_negative(), "two had the one seat: {runs:?}");
        // Most of that is a busy node's, until the next one's program runs.
        assert!(idle < SignedDuration::from_secs(60), "a free seat was left empty for {idle}: {runs:?}");
    }
    let order: Vec<&str> = runs.iter().map(|(_, name)| *name).collect();
    // The raised one came before the high one, unless in the same second: then the name tells them apart.
    assert_eq!((order[0], &order[3..]), ("first", ["medium", "low"].as_slice()), "{runs:?}");
    let refused = space.try_change("high", &json!({"priority": "Low"})).await.unwrap_err();
    assert!(refused.contains("spec.priority can change only while the job waits"), "{refused}");
    says_so(&space, "workflow", "its jobs are counted", |workflow| {
        workflow
            .status
            .as_ref()
            .is_some_and(|status| (status.waiting_jobs, status.running_jobs, status.finished_jobs) == (0, 0, 5))
    })
    .await;
    leave_nothing(space, &["first", "low", "medium", "raised", "high"]).await;
}

/// While one runs and one waits the workflow is edited, then removed: both stay what they were, in every attempt.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_accepted_job_stays_what_it_was() {
    let space = Space::new("pinned").await;
    let fails_once = |word: &str| format!("echo {word}; sleep 4; [ \"$OMOTES_ATTEMPT\" = 2 ] || exit 3");
    let terms = json!({"maxConcurrentJobs": 1, "jobDefaults": {"backoffLimit": 1, "retry": {"initialSeconds": 1, "maxSeconds": 1}}});
    make(&space, "workflow", &fails_once("former"), &terms).await;
    submit(&space, "runs", &json!({})).await;
    space.running("runs").await;
    submit(&space, "waits", &json!({})).await;
    waits(&space, "waits", "WaitingForSeat", "this one is next").await;
    let template =
        json!({"spec": merged(pod_spec(&fails_once("later")), &json!({"terminationGracePeriodSeconds": GRACE}))});
    edit(&space, "workflow", json!({"template": template, "maxConcurrentJobs": 2})).await;
    says_so(&space, "workflow", "the operator knows the change", |workflow| {
        workflow.status.as_ref().is_some_and(|status| status.observed_generation == workflow.metadata.generation)
    })
    .await;
    submit(&space, "later", &json!({})).await;
    space.running("later").await;
    workflows(&space).delete("workflow", &DeleteParams::default()).await.unwrap();
    for (name, word) in [("runs", "former"), ("waits", "former"), ("later", "later")] {
        let job = space.ended(name).await;
        assert_eq!((name, cause(&job)), (name, "Completed"), "{}", message(&job));
        assert_eq!(job.status.unwrap().attempt, Some(2), "{name}");
        for attempt in 1..=2 {
            let pod = space.pods.get(&format!("{name}-{attempt}")).await.unwrap();
            let command = pod.spec.unwrap().containers[0].command.clone().unwrap().join(" ");
            assert!(command.contains(&format!("echo {word};")), "attempt {attempt} of {name} ran {command}");
        }
    }
    submit(&space, "orphan", &json!({})).await;
    waits(&space, "orphan", "WorkflowNotFound", "there is no OmotesWorkflow workflow in this namespace").await;
    leave_nothing(space, &["runs", "waits", "later", "orphan"]).await;
}

/// A suspended workflow starts nothing, and what runs goes on; a job that waits can be stopped.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_suspended_workflow_starts_nothing() {
    let space = Space::new("wf-suspended").await;
    make(&space, "workflow", "sleep 6", &json!({})).await;
    submit(&space, "runs", &json!({})).await;
    space.running("runs").await;
    edit(&space, "workflow", json!({"suspend": true})).await;
    says(&space, "workflow", "Ready", "False Suspended").await;
    for name in ["waits", "stopped"] {
        submit(&space, name, &json!({})).await;
        waits(&space, name, "WorkflowSuspended", "spec.suspend is false again").await;
    }
    space.change("stopped", &json!({"abort": {}})).await;
    assert_eq!(phase(&space.ended("stopped").await), Some(Aborted));
    assert_eq!(cause(&space.ended("runs").await), "Completed");
    assert_eq!(space.pods.get_opt("waits-1").await.unwrap(), None);
    edit(&space, "workflow", json!({"suspend": false})).await;
    assert_eq!(cause(&space.ended("waits").await), "Completed");
    leave_nothing(space, &["runs", "waits", "stopped"]).await;
}

/// A job waits for its workflow, and has what it leaves out from there; what the workflow does not allow is refused.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_is_measured_by_its_workflow() {
    let space = Space::new("measured").await;
    submit(&space, "early", &json!({"priority": "High"})).await;
    waits(&space, "early", "WorkflowNotFound", "create it, and the job goes on").await;
    assert_eq!(verdict(&space.jobs.get("early").await.unwrap(), "Accepted"), "False WorkflowNotFound");
    let rules = json!({
        "parameters": [{"keyName": "years", "integer": {"default": 30, "maximum": 50}}],
        "jobMaxima": {"maxRunSeconds": 600},
    });
    let checks = "grep -q '\"years\":30.0' /omotes/input/parameters.json && grep -q '\"workflow\":\"type\"' /omotes/input/job.json \
                  && [ $OMOTES_WORKFLOW = type ] && [ $OMOTES_TIME_LIMIT_SECONDS = 600 ]";
    make(&space, "workflow", checks, &rules).await;
    let early = space.ended("early").await;
    assert_eq!(cause(&early), "Completed", "{}", message(&early));
    for (name, patch, reason, words) in [
        (
            "wrong",
            json!({"input": {"parameters": {"years": 51}}}),
            "InvalidParameters",
            "parameter years is 51, and must be at most 50",
        ),
        (
            "unknown",
            json!({"input": {"parameters": {"yeers": 1}}}),
            "InvalidParameters",
            "parameter yeers (value 1) is unknown",
        ),
        ("long", json!({"maxRunSeconds": 601}), "LimitTooLong", "OmotesWorkflow workflow allows 600"),
    ] {
        submit(&space, name, &patch).await;
        let job = space.ended(name).await;
        assert_eq!((cause(&job), verdict(&job, "Accepted")), ("Refused", format!("False {reason}")));
        assert!(message(&job).contains(words), "{}", message(&job));
    }
    make(&space, "second", "true", &json!({})).await;
    let second = says(&space, "second", "Accepted", "False DuplicateTypeName").await;
    assert_eq!(second.status.unwrap().current_revision, None);
    workflows(&space).delete("workflow", &DeleteParams::default()).await.unwrap();
    says(&space, "second", "Accepted", "True Accepted").await;
    workflows(&space).delete("second", &DeleteParams::default()).await.unwrap();
    leave_nothing(space, &["early", "wrong", "unknown", "long"]).await;
}

/// Removes what is there and sees that nothing of it is left: no job, no pod, no revision.
async fn leave_nothing(space: Space, jobs: &[&str]) {
    for name in jobs {
        space.delete(name).await;
    }
    let left = workflows(&space).list(&ListParams::default()).await.unwrap().items;
    for workflow in left {
        workflows(&space).delete(&workflow.name_any(), &DeleteParams::default()).await.unwrap();
    }
    space.empty().await;
    let revisions: Api<ControllerRevision> = Api::namespaced(space.client.clone(), &space.name);
    until(&format!("no revision is left in {}", space.name), PATIENCE, || async {
        let left = revisions.list(&ListParams::default()).await.unwrap().items;
        if left.is_empty() { Ok(()) } else { Err(left.iter().map(ResourceExt::name_any).collect()) }
    })
    .await;
    space.remove().await;
}
