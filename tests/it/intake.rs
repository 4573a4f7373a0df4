//! What becomes of everything that somebody can put on the queues that OMOTES' clients speak to: a corpus of messages, most
//! of them malformed, with the verdict on each.

use std::sync::Arc;

use bytes::Bytes;
use omotes_operator::testing::{
    api::OmotesWorkflow,
    intake::{
        Facts, Placement, Poison, RefusalReason, SubmissionVerdict, Tombstone, UuidState, judge, read_deletion,
        read_submission,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::wire::{UUID, nested_lists, number, object, params, submission, text, varint, with};

/// What the tests of the gateway expect of a message on `job_submissions`.
#[derive(Debug, PartialEq)]
pub(crate) enum Expected {
    Created,
    Refused(RefusalReason),
    Rejected(Poison),
}

fn workflow() -> Arc<OmotesWorkflow> {
    let workflow = json!({
        "apiVersion": "omotes.io/v1alpha1",
        "kind": "OmotesWorkflow",
        "metadata": {"name": "grow"},
        "spec": {
            "typeName": "grow_optimizer",
            "parameters": [{"keyName": "a", "float": {"maximum": 10.0}}],
            "template": {"spec": {"containers": []}},
            "jobMaxima": {"maxRunSeconds": 3600},
        },
    });
    Arc::new(serde_json::from_value(workflow).unwrap())
}

fn placement() -> Placement {
    Placement { namespace: "jobs".to_owned(), ttl_seconds_after_finished: 86_400 }
}

fn verdict(body: &[u8], standing: UuidState, tombstone: Option<Tombstone>) -> SubmissionVerdict {
    let workflows = [workflow()];
    match read_submission(Bytes::copy_from_slice(body)) {
        Ok(read) => {
            judge(&read, Facts { standing, tombstone, time_to_live_ms: None, workflows: &workflows }, &placement())
        }
        Err(rejection) => SubmissionVerdict::Rejected(rejection),
    }
}

fn short(verdict: SubmissionVerdict) -> Option<Expected> {
    match verdict {
        SubmissionVerdict::Create(_) => Some(Expected::Created),
        SubmissionVerdict::Refused(refusal) => Some(Expected::Refused(refusal.reason)),
        SubmissionVerdict::Rejected(rejection) => Some(Expected::Rejected(rejection.poison)),
        SubmissionVerdict::Stored | SubmissionVerdict::Cancelled => None,
    }
}

/// Messages on `job_submissions`, and what is to become of each.
pub(crate) fn corpus() -> Vec<(&'static str, Vec<u8>, Expected)> {
    use Expected::{Created, Refused, Rejected};
    use Poison::{Malformed, NotAUuid, ParametersUnreadable};
    let whole = submission(UUID);
    let without = |end: usize| whole[..whole.len() - end].to_vec();
    let id = |uuid: &str| submission(uuid);
    let params_of = |struct_: &[u8]| with(&whole, &params(struct_));
    let esdl_of = |esdl: &[u8]| with(&whole, &text(4, esdl));
    vec![
        // As clients send them.
        ("a submission", whole.clone(), Created),
        ("unknown fields of a later version", with(&whole, &text(90, b"new")), Created),
        ("an unknown priority", with(&whole, &varint(7, 77)), Created),
        ("a timeout of zero", with(&whole, &varint(2, 0)), Created),
        ("a long reference", with(&whole, &text(6, &[b'x'; 5000])), Created),
        ("parameters that fit", params_of(&number("a", 3.0)), Created),
        ("a null parameter", params_of(&object("a", &varint(1, 0))), Created),
        // Not protobuf.
        ("nothing", Vec::new(), Rejected(NotAUuid)),
        ("a zero byte", vec![0], Rejected(Malformed)),
        ("text", b"hello, operator".to_vec(), Rejected(Malformed)),
        ("JSON", format!(r#"{{"uuid": "{UUID}"}}"#).into_bytes(), Rejected(Malformed)),
        ("an ESDL alone", b"<?xml version='1.0'?><esdl:EnergySystem/>".to_vec(), Rejected(Malformed)),
        ("0xff, a thousand times", vec![0xff; 1000], Rejected(Malformed)),
        ("zeros", vec![0; 1000], Rejected(Malformed)),
        ("a Celery message", br#"[["0b0f", null], {}, {"chain": null}]"#.to_vec(), Rejected(Malformed)),
        ("an endless number", vec![0x10; 1].into_iter().chain(vec![0x80; 20]).collect(), Rejected(Malformed)),
        ("field number zero", with(&whole, &[0x02, 0x00]), Rejected(Malformed)),
        ("a group that never ends", with(&whole, &[0x5b]), Rejected(Malformed)),
        ("the end of a group that never began", with(&whole, &[0x5c]), Rejected(Malformed)),
        ("wire type 6", with(&whole, &[0x56]), Rejected(Malformed)),
        // Truncated.
        ("its last byte lost", without(1), Rejected(Malformed)),
        ("half of it lost", without(whole.len() / 2), Rejected(Malformed)),
        ("only its first byte", whole[..1].to_vec(), Rejected(Malformed)),
        ("a uuid that is longer than the message", vec![0x0a, 0x7f, b'a'], Rejected(Malformed)),
        ("a uuid of four gigabytes, it says", vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, b'a'], Rejected(Malformed)),
        ("a uuid of 2^63 bytes, it says", [vec![0x0a], vec![0xff; 8], vec![0x7f, b'a']].concat(), Rejected(Malformed)),
        // The right fields with the wrong types.
        ("the uuid as a number", with(&whole, &varint(1, 7)), Rejected(Malformed)),
        ("the timeout as text", with(&whole, &text(2, b"1000")), Rejected(Malformed)),
        ("the workflow type as a number", with(&whole, &varint(3, 7)), Rejected(Malformed)),
        ("the ESDL as a number", with(&whole, &varint(4, 7)), Rejected(Malformed)),
        ("the parameters as a number", with(&whole, &varint(5, 7)), Rejected(Malformed)),
        ("the reference as a number", with(&whole, &varint(6, 7)), Rejected(Malformed)),
        ("the priority as text", with(&whole, &text(7, b"HIGH")), Rejected(Malformed)),
        // Texts that are none.
        ("a uuid that is not UTF-8", with(&whole, &text(1, b"\xff\xfe")), Rejected(Malformed)),
        ("a workflow type that is not UTF-8", with(&whole, &text(3, b"\xc3\x28")), Rejected(Malformed)),
        ("an ESDL that is not UTF-8", esdl_of(b"<esdl \xff/>"), Rejected(Malformed)),
        ("an ESDL in UTF-16", esdl_of(b"\xff\xfe<\0e\0"), Rejected(Malformed)),
        ("a reference that is not UTF-8", with(&whole, &text(6, b"\xff")), Rejected(Malformed)),
        // Other messages of the protocol.
        ("a JobDelete", text(1, UUID.as_bytes()), Rejected(Malformed)),
        ("a JobStatusUpdate", with(&text(1, UUID.as_bytes()), &varint(2, 2)), Rejected(Malformed)),
        ("a JobProgressUpdate", [text(1, UUID.as_bytes()), vec![0x11; 9]].concat(), Rejected(Malformed)),
        ("an AvailableWorkflows", text(1, &text(1, b"grow_optimizer")), Rejected(NotAUuid)),
        // Uuids that are none, or written as no client writes them.
        ("an empty uuid", id(""), Rejected(NotAUuid)),
        ("a uuid in upper case", id(&UUID.to_uppercase()), Rejected(NotAUuid)),
        ("a uuid without dashes", id(&UUID.replace('-', "")), Rejected(NotAUuid)),
        ("a uuid in braces", id(&format!("{{{UUID}}}")), Rejected(NotAUuid)),
        ("a uuid as a URN", id(&format!("urn:uuid:{UUID}")), Rejected(NotAUuid)),
        ("a uuid and a newline", id(&format!("{UUID}\n")), Rejected(NotAUuid)),
        ("a uuid and a NUL", id(&format!("{UUID}\0")), Rejected(NotAUuid)),
        ("a path", id("../../etc/passwd"), Rejected(NotAUuid)),
        ("another queue's name", id("x.result.job_submissions"), Rejected(NotAUuid)),
        ("a uuid with a letter too far", id(&UUID.replace('a', "g")), Rejected(NotAUuid)),
        ("a uuid of a megabyte", id(&"a".repeat(1024 * 1024)), Rejected(NotAUuid)),
        // Parameters that are none, or bombs.
        ("parameters that are no Struct", params_of(b"hello"), Rejected(ParametersUnreadable)),
        ("a truncated Struct", params_of(&[0x0a, 0x7f]), Rejected(ParametersUnreadable)),
        ("a key that is not UTF-8", params_of(&text(1, &text(1, b"\xff"))), Rejected(ParametersUnreadable)),
        ("33 lists in each other", params_of(&nested_lists(33)), Rejected(ParametersUnreadable)),
        ("10 000 lists in each other", params_of(&nested_lists(10_000)), Rejected(ParametersUnreadable)),
        // Asked for rightly, and cannot be: the client is told.
        ("an unknown workflow", with(&whole, &text(3, b"nobody")), Refused(RefusalReason::UnknownWorkflow)),
        (
            "a workflow type of a megabyte",
            with(&whole, &text(3, &vec![b'x'; 1024 * 1024])),
            Refused(RefusalReason::UnknownWorkflow),
        ),
        ("an empty ESDL", esdl_of(b""), Refused(RefusalReason::EmptyEsdl)),
        (
            "a megabyte of parameters",
            params_of(&text(1, &vec![0; 1024 * 1024])),
            Refused(RefusalReason::InvalidParameters),
        ),
        (
            "a million empty values",
            params_of(&object("a", &text(6, &[0x0a, 0].repeat(1_000_000)))),
            Refused(RefusalReason::InvalidParameters),
        ),
        ("NaN", params_of(&number("a", f64::NAN)), Refused(RefusalReason::InvalidParameters)),
        ("infinity", params_of(&number("a", f64::INFINITY)), Refused(RefusalReason::InvalidParameters)),
        ("an unknown parameter", params_of(&number("b", 1.0)), Refused(RefusalReason::InvalidParameters)),
        ("a parameter beyond its maximum", params_of(&number("a", 10.5)), Refused(RefusalReason::InvalidParameters)),
        (
            "a parameter of another type",
            params_of(&object("a", &text(3, b"3"))),
            Refused(RefusalReason::InvalidParameters),
        ),
        (
            "100 KiB of text",
            params_of(&object("a", &text(3, &vec![b'x'; 100 * 1024]))),
            Refused(RefusalReason::InvalidParameters),
        ),
        ("an hour and a millisecond", with(&whole, &varint(2, 3_600_001)), Refused(RefusalReason::TimeoutTooLong)),
    ]
}

#[test]
fn every_message_has_its_verdict() {
    let corpus = corpus();
    assert!(corpus.iter().filter(|(_, _, expected)| *expected != Expected::Created).count() >= 40);
    for (name, body, expected) in corpus {
        let found = verdict(&body, UuidState::New, None);
        assert_eq!(short(found.clone()), Some(expected), "{name}: {found:?}");
    }
}

#[test]
fn deletions_have_their_verdict() {
    assert_eq!(read_deletion(&text(1, UUID.as_bytes())), Ok(UUID.to_owned()));
    for (body, poison) in [
        (&b""[..], Poison::NotAUuid),
        (b"hello, operator", Poison::Malformed),
        (&text(1, UUID.to_uppercase().as_bytes()), Poison::NotAUuid),
        (&varint(1, 7), Poison::Malformed),
        (&[0; 5000], Poison::TooLarge),
    ] {
        assert_eq!(read_deletion(body).unwrap_err().poison, poison, "{body:?}");
    }
}

#[test]
fn a_submission_that_is_larger_than_any_result_is_refused_unread() {
    let rejection = read_submission(Bytes::from(vec![0; 128 * 1024 * 1024 + 1])).unwrap_err();
    assert_eq!(rejection.to_string(), "TooLarge: it has 134217729 bytes and may have 134217728");
}

/// A uuid makes one job, whatever comes later; a deletion that was first is answered once.
#[test]
fn what_was_before_decides() {
    let body = submission(UUID);
    let table = [
        (UuidState::Stored, None, SubmissionVerdict::Stored),
        (UuidState::Stored, Some(Tombstone::Unanswered), SubmissionVerdict::Stored),
        (UuidState::New, Some(Tombstone::Unanswered), SubmissionVerdict::Cancelled),
        (UuidState::New, Some(Tombstone::Answered), SubmissionVerdict::Stored),
    ];
    for (standing, tombstone, expected) in table {
        assert_eq!(verdict(&body, standing, tombstone), expected, "{standing:?} {tombstone:?}");
    }
    let taken = short(verdict(&body, UuidState::Taken, Some(Tombstone::Unanswered)));
    assert_eq!(taken, Some(Expected::Rejected(Poison::UuidTaken)));
}

#[test]
fn a_submission_becomes_its_job() {
    let body = with(
        &submission(UUID),
        &[varint(2, 1500), varint(7, 2), text(6, b"district"), params(&number("a", 3.0))].concat(),
    );
    let SubmissionVerdict::Create(job) = verdict(&body, UuidState::New, None) else { panic!("no job") };
    let job: Value = serde_json::to_value(job).unwrap();
    let expected = json!({
        "jobId": UUID,
        "workflowRef": {"name": "grow"},
        "priority": "High",
        "jobReference": "district",
        "input": {"parameters": {"a": 3.0}, "esdl": {"fromBroker": {}}},
        "maxRunSeconds": 2,
        "ttlSecondsAfterFinished": 86400,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&job["spec"][field], value, "{field}");
    }
    assert_eq!(job["spec"]["queues"]["declare"], "Never");
    let metadata = json!({"name": UUID, "namespace": "jobs", "finalizers": ["omotes.io/cleanup"]});
    assert_eq!(job["metadata"], metadata);
}

#[test]
fn a_refusal_names_value_and_rule() {
    for (change, words) in [
        (text(3, b"nobody"), ["\"nobody\" is unknown", "grow_optimizer"]),
        (params(&number("a", 10.5)), ["a", "10.5"]),
        (varint(2, 3_600_001), ["3601 s", "3600 s"]),
    ] {
        let SubmissionVerdict::Refused(refusal) = verdict(&with(&submission(UUID), &change), UuidState::New, None)
        else {
            panic!("not refused: {change:?}")
        };
        assert!(words.iter().all(|word| refusal.logs.contains(word)), "{}", refusal.logs);
    }
}

proptest! {
    #[test]
    fn any_bytes_have_a_verdict(body: Vec<u8>) {
        verdict(&body, UuidState::New, None);
        let _ = read_deletion(&body);
    }

    /// Whatever is broken in a submission: no job has an id that no client waits for.
    #[test]
    fn a_damaged_submission_makes_no_job_with_another_id(at in 0_usize..80, byte: u8) {
        let mut body = submission(UUID);
        let at = at % body.len();
        body[at] = byte;
        if let SubmissionVerdict::Create(job) = verdict(&body, UuidState::New, None) {
            let id = job.spec.job_id.clone().unwrap();
            prop_assert!(omotes_operator::testing::topology::is_uuid(&id));
            prop_assert_eq!(job.metadata.name.as_deref(), Some(id.as_str()));
        }
    }
}
