//! An explicit-state search of the core.
//!
//! [`crate::convergence`] draws histories at random; here all of them are visited, within bounds: so many deaths of the operator,
//! steps that fail or whose reply is lost, wishes of a user, harms of cluster and broker, and watches that lag, in two attempts.
//! A state is what the model world has in it without texts and absolute times ([`shape`], which says what that leaves out); what
//! can happen in it is in [`moves`]; what must hold in [`rules`] and in the model world itself. The search is breadth first, so
//! that what it finds is the shortest way there, and prints that as a test to paste here ([`paste`]).
//!
//! What is checked in each state: one result, and the status says what it was; never two pods; terminal is terminal; no pod is
//! made again without a look; each pass comes to rest, and neither passes nor time alone lead in circles; where there is
//! something to do the job is awake; and from each state, where nothing goes wrong any more, the job settles, and nothing is
//! left then.
//!
//! What happens within a pass, and what a pass sees of it too late, are one thing here: a watch that lags. The cache of jobs does
//! not lag, a creation without an answer comes through at once or never, and queues do not expire.
//!
//! `make test-unit` searches small bounds, in a minute; `make search` wider ones.

mod explore;
mod faults;
mod instants;
mod moves;
mod paste;
mod rules;
mod shape;
mod state;

use omotes_operator::testing::{api::status::JobResultType, wire::ResultType};

use explore::{Search, Violation, Visited};
use faults::Fault;
use moves::{Bounds, Move};
use shape::Times;
use state::{Scenario, State};

use crate::convergence::world::End;

/// Other bounds, in the environment: deaths, slips, wishes, harms, lags, all of these together, and stops just before an
/// instant, one digit each.
const BOUNDS: &str = "OMOTES_SEARCH";
/// More states than these are too many for the memory of a small machine.
const MOST: usize = 3_000_000;

fn bounds(digits: &str) -> Bounds {
    let numbers: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
    let [crashes, slips, wishes, harms, lags, all, nears] = numbers[..] else { panic!("seven digits: {digits}") };
    Bounds { crashes, slips, wishes, harms, lags, all, nears }
}

fn search(scenario: Scenario, digits: &str, fault: Option<Fault>) -> Result<Visited, Violation> {
    Search { scenario, bounds: bounds(digits), times: Times::Order, fault, most: MOST }.run()
}

/// All histories of that job end well, within these bounds or those of the environment.
fn visit(scenario: Scenario, digits: &str) {
    let given = std::env::var(BOUNDS).unwrap_or_else(|_| digits.to_owned());
    match search(scenario, &given, None) {
        Ok(visited) => {
            println!("{scenario:?} {given}: {}\n{}", paste::numbers(&visited), paste::table(&visited));
            assert!(visited.complete, "the frontier is not empty");
        }
        Err(violation) => panic!("after {} moves:\n{violation}", violation.path.len()),
    }
}

#[test]
fn a_plain_job_ends_well_in_every_history() {
    visit(Scenario::Plain, "1110010");
}

#[test]
fn a_job_with_a_courier_ends_well_in_every_history() {
    visit(Scenario::Courier, "1000010");
}

#[test]
fn a_job_that_leaves_ends_well_in_every_history() {
    visit(Scenario::Leaves, "1111110");
}

#[test]
fn a_watched_job_ends_well_in_every_history() {
    visit(Scenario::Watched, "0000000");
}

/// The distances of instants make no difference to the verdict, where there are few enough to tell them apart.
#[test]
fn a_job_ends_well_whatever_the_distances_of_its_instants() {
    let search =
        Search { scenario: Scenario::Leaves, bounds: bounds("0000001"), times: Times::Exact, fault: None, most: MOST };
    let visited = search.run().unwrap_or_else(|violation| panic!("{violation}"));
    println!("{}", paste::numbers(&visited));
    assert_eq!((visited.complete, visited.twins.1), (true, 0));
}

/// What is broken on purpose is found.
#[test]
fn each_fault_is_found() {
    for (fault, expected) in [
        (Fault::CreatesWithoutALook, "two pods at once"),
        (Fault::ForgetsTheResult, "the client is told twice"),
        (Fault::ReleasesTooEarly, "the job goes while its pod is there"),
        (Fault::NeverWakes, "nothing wakes the job"),
        (Fault::StoresNothing, "the plan does not come to rest"),
        (Fault::ForgetsTheStop, "the plan does not come to rest"),
    ] {
        let Err(violation) = search(Scenario::Plain, "1110030", Some(fault)) else { panic!("{fault:?} is not found") };
        println!("{violation}");
        assert!(violation.words.contains(expected), "{fault:?}: {}", violation.words);
    }
}

/// What is printed can be pasted: the next test was.
#[test]
fn a_broken_rule_is_printed_as_a_test() {
    let Err(violation) = search(Scenario::Plain, "0010010", Some(Fault::ReleasesTooEarly)) else { panic!("not found") };
    assert!(include_str!("mod.rs").contains(&paste::calls(&violation)), "{violation}");
    assert!(violation.to_string().starts_with("/// the job goes while its pod is there\n#[test]\n"), "{violation}");
}

#[test]
#[should_panic(expected = "the job goes while its pod is there")]
fn found_by_the_search() {
    let mut state = State::begin(Scenario::Plain).broken(Fault::ReleasesTooEarly);
    state.take(Move::Pass);
    state.take(Move::Deletes);
    state.take(Move::Pass);
    state.settle();
}

/// What a result says.
const SUCCEEDED: i32 = ResultType::Succeeded as i32;
const ERROR: i32 = ResultType::Error as i32;

/// The state that these moves lead to.
fn after(scenario: Scenario, moves: &[&[Move]]) -> State {
    let mut state = State::begin(scenario);
    for next in moves.concat() {
        state.take(next);
    }
    state
}

/// Main of a job with a courier has ended so.
fn main_ended(end: End) -> [Move; 5] {
    [Move::Pass, Move::Reach, Move::Schedules, Move::Starts, Move::Ends(end)]
}

/// What the status says of the result.
fn stored(state: &State) -> Option<JobResultType> {
    Some(state.world.job.as_ref()?.status.as_ref()?.result.as_ref()?.type_)
}

/// The courier is silent until its pod is given up, the status cannot be stored after the client was told that, and the courier's
/// word comes then: the status says what the client was told.
#[test]
fn an_end_that_was_told_is_not_revised_by_a_late_word() {
    let later = [Move::Pass, Move::Reach, Move::FailsAt(4), Move::Sends, Move::Pass];
    let mut state = after(Scenario::Courier, &[&main_ended(End::Success), &later]);
    assert_eq!((stored(&state), &state.told[..]), (Some(JobResultType::Error), &[ERROR][..]));
    state.settle();
}

/// The courier is silent until its pod is given up, the client is told that, the broker's confirmation is lost, and a user
/// wishes for the end in the same second, while the broker is away: the status says what the client was told.
#[test]
fn a_wish_does_not_revise_an_end_that_was_told() {
    for wish in [Move::Deletes, Move::AbortsAtOnce] {
        let given_up = [Move::Pass, Move::Reach, Move::UnansweredAt(3)];
        let later = [Move::BrokerGoes, wish, Move::Pass, Move::BrokerComes, Move::Pass];
        let mut state = after(Scenario::Courier, &[&main_ended(End::Success), &given_up, &later]);
        assert_eq!(state.told, [ERROR], "{wish:?}");
        state.settle();
    }
}

/// The program failed by itself, its client is told that when the pod is given up, and the job is deleted before the status says
/// so: the program's end is its own all the same.
#[test]
fn a_failure_that_was_told_outlives_a_deletion() {
    let later = [Move::Pass, Move::Reach, Move::Sends, Move::UnansweredAt(2), Move::Deletes, Move::Pass];
    let mut state = after(Scenario::Courier, &[&main_ended(End::Failure), &later]);
    assert_eq!(state.told, [ERROR]);
    state.settle();
}

/// The courier's word proves a success, its client is told, and the operator dies before it has stored that. Its successor does
/// not receive the word, and the pod is given up: the output in its queue proves as much.
#[test]
fn a_success_that_was_told_outlives_the_word_that_proved_it() {
    let later = [Move::Sends, Move::DiesAt(2), Move::Begins, Move::Pass, Move::Reach, Move::Pass];
    let mut state = after(Scenario::Courier, &[&main_ended(End::Success), &later]);
    assert_eq!((stored(&state), &state.told[..]), (Some(JobResultType::Succeeded), &[SUCCEEDED][..]));
    state.settle();
}

/// A leader that saw the program end by itself tells its client and dies, and the cluster ends the pod in the same second: the
/// result that was sent proves to its successor what the pod does not.
#[test]
fn a_success_that_was_told_outlives_a_pod_that_the_cluster_ends() {
    let starts = [Move::Pass, Move::Schedules, Move::Starts, Move::Ends(End::Success)];
    let before = [Move::PodDeleted, Move::PodEnds, Move::DiesAt(2), Move::Begins, Move::Pass];
    let behind = [Move::Sends, Move::DiesAt(2), Move::Begins, Move::PodDeleted, Move::Pass, Move::Reach, Move::Pass];
    for later in [&before[..], &behind[..]] {
        let mut state = after(Scenario::Courier, &[&starts, later]);
        assert_eq!(state.told, [SUCCEEDED]);
        state.settle();
    }
}

/// The failure of an attempt whose pod is given up is told, the operator dies before it has stored that, and the pod ends at last
/// while the broker is away: no attempt follows.
#[test]
fn no_attempt_follows_a_failure_that_was_told() {
    let told = [Move::Pass, Move::Reach, Move::Sends, Move::DiesAt(3), Move::Begins];
    let later = [Move::PodEnds, Move::BrokerGoes, Move::Pass, Move::Reach, Move::BrokerComes, Move::Pass];
    let mut state = after(Scenario::Courier, &[&main_ended(End::Failure), &told, &later]);
    state.settle();
    assert_eq!((state.world.pods_made, state.told.len()), (1, 1));
}

/// No attempt follows an end that was told, although the reply was lost and the broker is away when the pod ends at last.
#[test]
fn no_attempt_follows_an_end_that_was_told() {
    let ends = [Move::Pass, Move::Near, Move::Schedules, Move::Starts, Move::Ends(End::OutOfMemory)];
    let told = [Move::Pass, Move::Reach, Move::UnansweredAt(3)];
    let later = [Move::PodEnds, Move::BrokerGoes, Move::Pass, Move::Reach, Move::BrokerComes];
    let mut state = after(Scenario::Leaves, &[&ends, &told, &later]);
    state.settle();
    assert_eq!((state.world.pods_made, state.told.len()), (1, 1));
}
