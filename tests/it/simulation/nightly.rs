//! What takes too long for every change: `make simulate`.

use super::{
    effects::EffectFault,
    runs::withstands,
    scenarios::ALL,
    sweep::{exhaust, exhaust_pairs, exhaust_questions},
};

#[test]
#[ignore = "takes long: make simulate"]
fn whoever_knows_of_something_too_late_does_no_harm() {
    for scenario in ALL {
        withstands(scenario.name, exhaust, &EffectFault::DELAYS);
    }
}

#[test]
#[ignore = "takes long: make simulate"]
fn a_question_without_an_answer_does_no_harm() {
    for scenario in ALL {
        withstands(scenario.name, exhaust_questions, &EffectFault::CONNECTION);
    }
}

#[test]
#[ignore = "takes long: make simulate"]
fn whatever_comes_late_does_no_harm() {
    for scenario in ALL {
        withstands(scenario.name, exhaust, &[EffectFault::Stalls]);
    }
}

/// One test for each of the six shortest scenarios: whatever goes wrong twice costs nobody anything.
macro_rules! two_faults_at_a_time {
    ($($test:ident: $name:literal)*) => {
        $(
            #[test]
            #[ignore = "takes long: make simulate"]
            fn $test() {
                withstands($name, exhaust_pairs, &EffectFault::LOSSES);
            }
        )*
    };
}

two_faults_at_a_time! {
    two_faults_in_a_success: "success"
    two_faults_in_a_failure: "failure"
    two_faults_in_a_deadline: "deadline"
    two_faults_in_an_abort: "abort"
    two_faults_in_a_deletion: "delete"
    two_faults_in_a_time_to_live: "TTL"
}
