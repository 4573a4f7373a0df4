//! The scenarios without a fault, and with one.

use std::collections::BTreeSet;

use super::{
    effects::EffectFault,
    scenario::Scenario,
    scenarios::ALL,
    sweep::{Sweep, exhaust},
};

/// Each ends as it should, and twice in the same way.
#[test]
fn a_run_without_a_fault_ends_well_and_repeats() {
    for scenario in ALL {
        let (report, effects) = scenario.run(&[]);
        assert_eq!(report.faults(&report), Vec::<String>::new(), "{}: {report:#?}", scenario.name);
        let (again, same) = scenario.run(&[]);
        assert_eq!((again, same.done()), (report, effects.done()), "{}", scenario.name);
    }
}

/// One test for each scenario: whatever goes wrong once costs nobody anything.
macro_rules! one_fault_at_a_time {
    ($($test:ident: $name:literal)*) => {
        $(
            #[test]
            fn $test() {
                withstands($name, exhaust, &EffectFault::LOSSES);
            }
        )*

        #[test]
        fn all_scenarios_have_their_test() {
            let tested = BTreeSet::from([$($name),*]);
            assert_eq!(tested, ALL.iter().map(|scenario| scenario.name).collect());
        }
    };
}

one_fault_at_a_time! {
    a_success: "success"
    a_failure: "failure"
    a_deadline: "deadline"
    an_abort: "abort"
    a_deletion: "delete"
    a_time_to_live: "TTL"
    a_retry: "retry"
    a_disruption: "disruption"
    a_lost_node: "node lost"
    a_suspension: "suspend and resume"
    a_slot: "slot"
    a_warm_pod: "warm pod"
    a_submission: "gateway submission"
    a_deletion_by_the_client: "gateway deletion"
    a_kept_result: "kept result"
}

/// A leader's last request arrives when its successor leads.
#[test]
fn a_request_that_comes_late_does_no_harm() {
    withstands("success", exhaust, &[EffectFault::Stalls]);
}

/// Nothing is found in all runs of the scenario called so.
pub(super) fn withstands(name: &str, exhaust: fn(&Scenario, &[EffectFault]) -> Sweep, ways: &[EffectFault]) {
    let scenario = ALL.iter().find(|scenario| scenario.name == name).unwrap();
    let Sweep { effects, runs, seconds, found } = exhaust(scenario, ways);
    let (effects, ways) = (effects.len(), ways.len());
    println!("{name}: {effects} effects, {ways} ways to go wrong, {runs} runs, {} found, {seconds:.0} s", found.len());
    assert!(found.is_empty(), "{} of {runs} runs went wrong:\n{}", found.len(), found.join("\n"));
}
