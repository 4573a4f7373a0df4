//! Each scenario with each of its effects going wrong in each way, compared with a run in which nothing goes wrong.

use std::time::Instant;

use super::{
    effects::{Effect, EffectFault},
    report::Report,
    scenario::Scenario,
};

/// What came of a scenario and all of its faults.
pub(crate) struct Sweep {
    pub effects: Vec<Effect>,
    pub runs: usize,
    pub seconds: f64,
    /// What each fault left behind that should not be.
    pub found: Vec<String>,
}

type Plan = Vec<(usize, EffectFault)>;

/// Runs `scenario` once for each effect and each of these ways in which that goes wrong.
pub(crate) fn exhaust(scenario: &Scenario, ways: &[EffectFault]) -> Sweep {
    let (calm, effects) = scenario.run(&[]);
    let singles = (0..effects.len()).flat_map(|number| ways.iter().map(move |way| vec![(number, *way)]));
    run_all(scenario, &calm, effects.clone(), &singles.collect::<Vec<_>>())
}

/// Runs `scenario` once for each question and each of these ways in which that goes wrong.
pub(crate) fn exhaust_questions(scenario: &Scenario, ways: &[EffectFault]) -> Sweep {
    let (calm, _) = scenario.run(&[]);
    let questions = scenario.questions();
    let singles = (0..questions.len()).flat_map(|number| ways.iter().map(move |way| vec![(number, *way)]));
    run_all(scenario, &calm, questions.clone(), &singles.collect::<Vec<_>>())
}

/// Runs `scenario` once for each two effects that go wrong, each in each of these ways.
pub(crate) fn exhaust_pairs(scenario: &Scenario, ways: &[EffectFault]) -> Sweep {
    let (calm, effects) = scenario.run(&[]);
    let mut pairs = Vec::new();
    for first in 0..effects.len() {
        for fault in ways {
            // The numbers after the first fault are those of that run.
            let (_, then) = scenario.run(&[(first, *fault)]);
            let seconds = (first + 1..then.len()).flat_map(|second| ways.iter().map(move |other| (second, *other)));
            pairs.extend(seconds.map(|second| vec![(first, *fault), second]));
        }
    }
    run_all(scenario, &calm, effects, &pairs)
}

fn run_all(scenario: &Scenario, calm: &Report, effects: Vec<Effect>, plans: &[Plan]) -> Sweep {
    let began = Instant::now();
    let found = plans.iter().filter_map(|plan| {
        let (report, _) = scenario.run(plan);
        let faults = report.faults(calm);
        (!faults.is_empty()).then(|| told(scenario, plan, &effects, &faults))
    });
    let found = found.collect();
    Sweep { runs: plans.len(), effects, seconds: began.elapsed().as_secs_f64(), found }
}

/// A run that went wrong, and the line that runs it again.
fn told(scenario: &Scenario, plan: &Plan, effects: &[Effect], faults: &[String]) -> String {
    let first = plan.first().and_then(|(number, _)| effects.get(*number));
    let effect = first.map(ToString::to_string).unwrap_or_default();
    format!("{} with {plan:?}, where the first is: {effect}\n    {}", scenario.name, faults.join("\n    "))
}
