//! How pods live and end by themselves.

use std::sync::{Arc, Mutex};

use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use omotes_operator::testing::api::names;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    super::{Courier, Exit, Life, Nodes, Program, Start},
    bed::{Bed, NAMESPACE, apiserver, couriers, held, pod, seconds, sidecar, wait},
};

#[tokio::test(start_paused = true)]
async fn a_pod_lives_and_ends_as_its_program_does() {
    let ends = |exit: Exit| Program::ends(seconds(10), exit);
    let limit = |seconds: u32| json!({"spec": {"activeDeadlineSeconds": seconds}});
    let injected = json!({"spec": {"containers": [{"name": "main", "image": "i"}, {"name": "proxy", "image": "i"}]}});
    for (program, patch, expected) in [
        (ends(Exit::code(0)), json!({}), "Succeeded, main Completed 0, Ready False PodCompleted"),
        (ends(Exit::code(3).saying("why")), json!({}), "Failed, main Error 3: why, Ready False PodFailed"),
        (ends(Exit::terminated()), json!({}), "Failed, main Error 143, Ready False PodFailed"),
        (ends(Exit::out_of_memory()), json!({}), "Failed, main OOMKilled 137, Ready False PodFailed"),
        (Program::forever(), json!({}), "Running, main runs, Ready True"),
        (
            Program::cannot_start("ImagePullBackOff", "no such image"),
            json!({}),
            "Pending, main ImagePullBackOff, Ready False ContainersNotReady",
        ),
        (Program::forever(), limit(20), "Failed DeadlineExceeded, main Error 143, Ready False PodFailed"),
        (Program::forever().deaf(), limit(20), "Failed DeadlineExceeded, main Error 137, Ready False PodFailed"),
        (
            Program::cannot_start("CreateContainerError", "no such file"),
            limit(20),
            "Failed DeadlineExceeded, main ContainerStatusUnknown 137: The container could not be located when the pod was terminated, Ready False PodFailed",
        ),
        (ends(Exit::code(0)), limit(20), "Succeeded, main Completed 0, Ready False PodCompleted"),
        (Program::forever(), injected, "Running, main Completed 0, proxy runs, Ready False ContainersNotReady"),
    ] {
        let bed = Bed::new(move |start: &Start| {
            let is_beside = start.pod.spec.as_ref().unwrap().containers.len() > 1 && start.container == "main";
            if is_beside { Program::ends(seconds(10), Exit::code(0)) } else { program.clone() }
        });
        bed.create(pod("p", &patch)).await;
        wait(60).await;
        assert_eq!(bed.shown("p").await, expected);
    }
}

/// The statuses of a pod with a courier, as they follow each other.
#[tokio::test(start_paused = true)]
async fn containers_start_one_after_the_other_and_sidecars_end_last() {
    let bed = Bed::all(Program::ends(seconds(10), Exit::code(0).leaving(b"<esdl/>")));
    bed.create(pod("p", &couriers())).await;
    let (mut seen, mut last) = (Vec::new(), String::new());
    for _ in 0..1200 {
        let now = bed.shown("p").await;
        if now != last {
            seen.push(now.clone());
            last = now;
        }
        sleep(seconds(1) / 50).await;
    }
    let waiting = "Ready False ContainersNotReady";
    let input = "omotes-courier-input Completed 0, proxy";
    let expected = [
        "Pending".to_owned(),
        format!(
            "Pending, omotes-courier-input PodInitializing, proxy PodInitializing, omotes-courier PodInitializing, main PodInitializing, {waiting}"
        ),
        format!("Pending, {input} PodInitializing, omotes-courier PodInitializing, main PodInitializing, {waiting}"),
        format!("Pending, {input} runs, omotes-courier PodInitializing, main PodInitializing, {waiting}"),
        format!("Pending, {input} runs, omotes-courier runs, main PodInitializing, {waiting}"),
        format!("Running, {input} runs, omotes-courier runs, main runs, Ready True"),
        format!(
            "Running, {input} Completed 0, omotes-courier Completed 0: sent, main Completed 0, Ready False PodCompleted"
        ),
        format!(
            "Succeeded, {input} Completed 0, omotes-courier Completed 0: sent, main Completed 0, Ready False PodCompleted"
        ),
    ];
    assert_eq!(seen, expected);
}

/// What a courier sees and does, in order.
#[tokio::test(start_paused = true)]
async fn a_courier_learns_of_main_and_has_the_pods_grace() {
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let apiserver = apiserver();
    let couriers_log = log.clone();
    let courier = move |courier: Courier| {
        let log = couriers_log.clone();
        async move {
            let note = |what: String| log.lock().unwrap().push(format!("{}: {what}", courier.pod().name_any()));
            if courier.container == names::CONTAINER_COURIER_INPUT {
                note("brings input".to_owned());
                return Exit::code(0);
            }
            courier.main_starts().await;
            note(format!("main runs: {}", courier.main_end().is_none()));
            courier.stopped().await;
            let note = |what: String| log.lock().unwrap().push(what);
            note(format!("main left {:?}", courier.main_end().and_then(|end| end.output).unwrap()));
            sleep(seconds(if courier.pod().name_any() == "slow" { 60 } else { 5 })).await;
            note("has sent it".to_owned());
            Exit::code(0).saying("sent")
        }
    };
    let program = |_: &Start| Program::ends(seconds(10), Exit::code(0).leaving(b"<esdl/>"));
    let nodes = Nodes::start(&apiserver, &[("a", 2)], program, courier);
    let bed = Bed::of(apiserver, nodes);
    bed.create(pod("quick", &couriers())).await;
    wait(12).await;
    assert_eq!(
        bed.shown("quick").await,
        "Running, omotes-courier-input Completed 0, proxy runs, omotes-courier runs, main Completed 0, Ready False PodCompleted"
    );
    wait(48).await;
    let expected = ["quick: brings input", "quick: main runs: true", "main left b\"<esdl/>\"", "has sent it"];
    assert_eq!(*log.lock().unwrap(), expected);
    bed.create(pod("slow", &couriers())).await;
    wait(60).await;
    assert_eq!(log.lock().unwrap().len(), 7, "it is killed before it has sent");
    assert_eq!(
        bed.shown("slow").await,
        "Succeeded, omotes-courier-input Completed 0, proxy Completed 0, omotes-courier Error 137, main Completed 0, Ready False PodCompleted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_input_is_missing_fails_and_main_never_runs() {
    let apiserver = apiserver();
    let courier = |_: Courier| async { Exit::code(1).saying("missing") };
    let nodes = Nodes::start(&apiserver, &[("a", 2)], |_: &Start| Program::forever(), courier);
    let bed = Bed::of(apiserver, nodes);
    bed.create(pod("p", &couriers())).await;
    wait(10).await;
    let waiting = "proxy PodInitializing, omotes-courier PodInitializing, main PodInitializing";
    let expected = format!("Failed, omotes-courier-input Error 1: missing, {waiting}, Ready False PodFailed");
    assert_eq!(bed.shown("p").await, expected);
    assert!(bed.nodes.lives().is_empty());
}

/// A sidecar that ends is started again: at once, then after 10 s, 20 s and so on.
#[tokio::test(start_paused = true)]
async fn a_sidecar_that_ends_starts_again() {
    let apiserver = apiserver();
    let courier = |_: Courier| async {
        sleep(seconds(1)).await;
        Exit::code(1)
    };
    let nodes = Nodes::start(&apiserver, &[("a", 2)], |_: &Start| Program::forever(), courier);
    let bed = Bed::of(apiserver, nodes);
    bed.create(pod("p", &json!({"spec": {"initContainers": [sidecar(names::CONTAINER_COURIER)]}}))).await;
    wait(20).await;
    let pod = bed.pods.get("p").await.unwrap();
    let courier = pod.status.unwrap().init_container_statuses.unwrap().remove(0);
    assert_eq!(courier.restart_count, 2);
    assert_eq!(courier.state.unwrap().waiting.unwrap().reason.as_deref(), Some("CrashLoopBackOff"));
    assert_eq!(courier.last_state.unwrap().terminated.unwrap().exit_code, 1);
    bed.nodes.kill("p", "main");
    wait(1).await;
    let expected = "Failed, omotes-courier Error 1, main Error 137, Ready False PodFailed";
    assert_eq!(bed.shown("p").await, expected);
}

/// Main of a pod that waits begins its work when the courier has the input of the job that it got.
#[tokio::test(start_paused = true)]
async fn a_warm_pod_works_for_the_job_that_it_gets() {
    let apiserver = apiserver();
    let courier = |courier: Courier| async move {
        courier.pod_that(|pod| pod.annotations().contains_key("assigned")).await;
        courier.bring_input();
        courier.stopped().await;
        Exit::code(0).saying("sent")
    };
    let program = |start: &Start| match (start.job(), start.attempt()) {
        ("job", 2) => Program::ends(seconds(10), Exit::code(0)),
        other => panic!("{other:?}"),
    };
    let nodes = Nodes::start(&apiserver, &[("a", 2)], program, courier);
    let bed = Bed::of(apiserver, nodes);
    let warm = json!({
        "metadata": {"labels": {names::LABEL_WARM_POOL: "w"}},
        "spec": {"initContainers": [sidecar(names::CONTAINER_COURIER)]},
    });
    bed.create(pod("p", &warm)).await;
    wait(100).await;
    assert_eq!(bed.shown("p").await, "Running, omotes-courier runs, main runs, Ready True");
    let labels = json!({names::LABEL_WARM_POOL: null, names::LABEL_JOB_NAME: "job", "omotes.io/attempt": "2"});
    let patch = Patch::Merge(json!({"metadata": {"labels": labels, "annotations": {"assigned": "job"}}}));
    bed.pods.patch("p", &PatchParams::default(), &patch).await.unwrap();
    wait(20).await;
    let expected = "Succeeded, omotes-courier Completed 0: sent, main Completed 0, Ready False PodCompleted";
    assert_eq!(bed.shown("p").await, expected);
    assert_eq!(bed.life("p"), (100, Some(110)));
    assert_eq!((bed.nodes.lives()[0].job.as_str(), bed.nodes.lives()[0].namespace.as_str()), ("job", NAMESPACE));
}

/// The object of a pod that has ended goes at once, unless it is held.
#[tokio::test(start_paused = true)]
async fn a_pod_that_has_ended_is_deleted_at_once() {
    let bed = Bed::all(Program::ends(seconds(1), Exit::code(0)));
    bed.create(pod("free", &json!({}))).await;
    bed.create(held("held")).await;
    wait(10).await;
    for name in ["free", "held"] {
        bed.pods.delete(name, &DeleteParams::default()).await.unwrap();
    }
    assert_eq!(bed.shown("free").await, "gone");
    let expected = "Succeeded, main Completed 0, Ready False PodCompleted, deleted within 0";
    assert_eq!(bed.shown("held").await, expected);
    let release = Patch::Strategic(json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/held"]}}));
    drop(bed.pods.patch("held", &PatchParams::default(), &release).await);
    assert_eq!(bed.shown("held").await, "gone");
}

/// The same pods live the same lives: their objects are equal to the last letter.
#[tokio::test(start_paused = true)]
async fn the_same_pods_live_the_same_lives() {
    async fn run() -> (Vec<Value>, Vec<Life>) {
        let bed = Bed::all(Program::ends(seconds(10), Exit::code(0)));
        for number in 0..6 {
            bed.create(pod(&format!("p{number}"), &couriers())).await;
        }
        wait(15).await;
        bed.nodes.lose_node("a");
        wait(500).await;
        bed.nodes.restore_node("a");
        wait(30).await;
        (bed.apiserver.objects("pods"), bed.nodes.lives())
    }
    let first = run().await;
    assert_eq!(first.0.len(), 5, "the one that was cut off was deleted");
    for _ in 0..10 {
        assert_eq!(first, run().await);
    }
}

/// A closure of a test's that panics does not make that test pass.
#[tokio::test(start_paused = true)]
#[should_panic = "a task of the nodes panicked"]
async fn a_panic_of_a_program_is_not_lost() {
    let bed = Bed::new(|start| panic!("{} has no program", start.container));
    bed.create(pod("p", &json!({}))).await;
    wait(10).await;
    bed.nodes.two_at_once();
}
