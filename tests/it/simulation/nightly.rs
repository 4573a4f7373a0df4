//! What takes too long for every change: `make simulate`.

use super::{
    effects::EffectFault,
    runs::withstands,
    scenarios::ALL,
    sweep::{exhaust, exhaust_pairs},
};

/// So many of the shortest scenarios are run with all pairs of faults.
const PAIRED: usize = 6;

#[test]
#[ignore = "takes minutes: make simulate"]
fn whoever_knows_of_something_too_late_does_no_harm() {
    for scenario in ALL {
        withstands(scenario.name, exhaust, &EffectFault::DELAYS);
    }
}

#[test]
#[ignore = "takes hours: make simulate"]
fn whatever_goes_wrong_twice_costs_nobody_anything() {
    for scenario in &ALL[..PAIRED] {
        withstands(scenario.name, exhaust_pairs, &EffectFault::LOSSES);
    }
}
