//! Each scenario with each of its effects going wrong in each way, compared with a run in which nothing goes wrong.

use std::{ops::Range, time::Instant};

use super::{
    effects::{Effect, EffectFault, Point},
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

type Plan = Vec<(Point, EffectFault)>;

/// Runs `scenario` once for each effect and each of these ways in which that goes wrong.
pub(crate) fn exhaust(scenario: &Scenario, ways: &[EffectFault]) -> Sweep {
    let (calm, effects) = scenario.run(&[]);
    let effects = effects.done();
    let singles: Vec<Plan> = faults(0..effects.len(), Point::Effect, ways).map(|fault| vec![fault]).collect();
    run_all(scenario, &calm, effects, &singles)
}

/// Runs `scenario` once for each question and each of these faults.
pub(crate) fn exhaust_questions(scenario: &Scenario, ways: &[EffectFault]) -> Sweep {
    let (calm, effects) = scenario.run(&[]);
    let questions = effects.questions();
    let singles: Vec<Plan> = faults(0..questions.len(), Point::Question, ways).map(|fault| vec![fault]).collect();
    run_all(scenario, &calm, questions, &singles)
}

/// Runs `scenario` once for each two effects that go wrong, each in each of these ways.
pub(crate) fn exhaust_pairs(scenario: &Scenario, ways: &[EffectFault]) -> Sweep {
    let (calm, effects) = scenario.run(&[]);
    let effects = effects.done();
    let mut pairs = Vec::new();
    for number in 0..effects.len() {
        for first in faults(number..number + 1, Point::Effect, ways) {
            // The numbers after the first fault are those of that run.
            let then = scenario.run(&[first]).1.done().len();
            pairs.extend(faults(number + 1..then, Point::Effect, ways).map(|second| vec![first, second]));
        }
    }
    run_all(scenario, &calm, effects, &pairs)
}

/// Each of these requests with each of these faults.
fn faults(
    numbers: Range<usize>,
    point: fn(usize) -> Point,
    ways: &[EffectFault],
) -> impl Iterator<Item = (Point, EffectFault)> {
    numbers.flat_map(move |number| ways.iter().map(move |way| (point(number), *way)))
}

/// Runs `scenario` with each of these plans; `effects` are the requests that their first faults are counted in.
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
    let first = plan.first().and_then(|(Point::Effect(number) | Point::Question(number), _)| effects.get(*number));
    let effect = first.map(ToString::to_string).unwrap_or_default();
    format!("{} with {plan:?}, where the first is: {effect}\n    {}", scenario.name, faults.join("\n    "))
}
