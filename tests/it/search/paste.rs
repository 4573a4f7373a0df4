//! What is printed: the way to a broken rule as a test to paste, and what a search has visited.

use std::{collections::BTreeSet, fmt::Write};

use super::explore::{Violation, Visited};

/// The way to the broken rule, as a test for this module.
pub(crate) fn test(violation: &Violation) -> String {
    let mut text = String::new();
    for line in violation.words.lines() {
        let _ = writeln!(text, "/// {line}");
    }
    format!("{text}#[test]\nfn found_by_the_search() {{\n{}}}\n", calls(violation))
}

/// What is in that test.
pub(crate) fn calls(violation: &Violation) -> String {
    let Violation { scenario, fault, path, words: _ } = violation;
    let broken = fault.map(|fault| format!(".broken(Fault::{fault:?})")).unwrap_or_default();
    let mut text = format!("    let mut state = State::begin(Scenario::{scenario:?}){broken};\n");
    for step in path {
        let _ = writeln!(text, "    state.take({});", source(&format!("{step:?}")));
    }
    text + "    state.settle();\n"
}

/// A move, as Rust has it.
fn source(step: &str) -> String {
    match step.split_once('(') {
        Some((name, about)) if about.starts_with(char::is_alphabetic) => format!("Move::{name}(End::{about}"),
        _ => format!("Move::{step}"),
    }
}

/// How often each move was made in each phase.
pub(crate) fn table(visited: &Visited) -> String {
    let phases: BTreeSet<&String> = visited.coverage.keys().map(|(_, phase)| phase).collect();
    let names: BTreeSet<&String> = visited.coverage.keys().map(|(name, _)| name).collect();
    let mut text = format!("{:16}", "");
    for phase in &phases {
        let _ = write!(text, "{phase:>10}");
    }
    for name in names {
        let _ = write!(text, "\n{name:16}");
        for phase in &phases {
            let count = visited.coverage.get(&(name.clone(), (*phase).clone()));
            let _ = write!(text, "{:>10}", count.map_or_else(|| "-".to_owned(), usize::to_string));
        }
    }
    text
}

/// What a search has visited, in numbers.
pub(crate) fn numbers(visited: &Visited) -> String {
    let (twins, otherwise) = visited.twins;
    let end = if visited.complete { "the frontier is empty" } else { "given up, the frontier is not empty" };
    let differing = if visited.example.is_empty() { String::new() } else { format!("\n{}", visited.example) };
    format!(
        "{} states, {} transitions, {} moves deep, in {:.1} s; {end}; {twins} merged states compared, {otherwise} of them go on otherwise{differing}",
        visited.states(),
        visited.transitions(),
        visited.depth(),
        visited.seconds
    )
}
