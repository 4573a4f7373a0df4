//! The search itself: breadth first, until no state is left that was not visited.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use omotes_operator::testing::api::status::Phase;

use super::{
    faults::Fault,
    instants,
    moves::{self, Bounds, Move},
    paste,
    shape::{self, Times},
    state::{Operator, Scenario, State},
};
use crate::convergence::assert_ended_well;

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search {
    pub scenario: Scenario,
    pub bounds: Bounds,
    pub times: Times,
    pub fault: Option<Fault>,
    /// The search gives up with so many states.
    pub most: usize,
}

/// A rule that is broken, and the shortest way there.
#[derive(Debug)]
pub(crate) struct Violation {
    pub scenario: Scenario,
    /// What was broken on purpose.
    pub fault: Option<Fault>,
    pub path: Vec<Move>,
    pub words: String,
}

/// How often each move was made in each phase.
type Coverage = BTreeMap<(String, String), usize>;

/// What was visited.
#[derive(Default)]
pub(crate) struct Visited {
    /// From which state each was reached first, by what, and after how many moves.
    origins: Vec<(u32, Option<Move>, u32)>,
    known: HashMap<u128, u32>,
    edges: Vec<(u32, Move, u32)>,
    /// What follows where nothing goes wrong any more, and by which move.
    fair: Vec<Option<(Move, u32)>>,
    /// What follows where nothing but the operator and time moves.
    calm: Vec<Option<u32>>,
    /// Passes that did more than look.
    works: Vec<bool>,
    pub coverage: Coverage,
    /// Merged states that were compared with the ones that they were merged with, and those that went on otherwise.
    pub twins: (usize, usize),
    /// What one of the latter is like.
    pub example: String,
    /// Whether no state is left.
    pub complete: bool,
    pub seconds: f64,
}

/// One in so many merged states is compared with its twin.
const TWINS: usize = 97;
/// That many at most: they are in memory.
const MOST_TWINS: usize = 400;

impl Visited {
    pub(crate) fn states(&self) -> usize {
        self.origins.len()
    }

    pub(crate) fn transitions(&self) -> usize {
        self.edges.len()
    }

    pub(crate) fn depth(&self) -> u32 {
        self.origins.iter().map(|(_, _, depth)| *depth).max().unwrap_or(0)
    }

    fn path(&self, mut state: u32) -> Vec<Move> {
        let mut path = Vec::new();
        while let (before, Some(by), _) = self.origins[state as usize] {
            path.push(by);
            state = before;
        }
        path.reverse();
        path
    }

    fn add(&mut self, mark: u128, origin: (u32, Option<Move>)) -> Option<u32> {
        if self.known.contains_key(&mark) {
            return None;
        }
        let number = u32::try_from(self.origins.len()).unwrap();
        let depth = origin.1.map_or(0, |_| self.origins[origin.0 as usize].2 + 1);
        self.known.insert(mark, number);
        self.origins.push((origin.0, origin.1, depth));
        self.fair.push(None);
        self.calm.push(None);
        self.works.push(false);
        Some(number)
    }
}

impl Search {
    /// Visits all states within the bounds.
    pub(crate) fn run(&self) -> Result<Visited, Violation> {
        let began = Instant::now();
        let mut visited = Visited::default();
        let first = State::new(self.scenario, self.bounds, self.fault);
        visited.add(self.mark(&first), (0, None));
        let mut frontier = VecDeque::from([(0_u32, first)]);
        let (mut merged, mut twins) = (0_usize, Vec::new());
        while let Some((number, state)) = frontier.pop_front() {
            if visited.states() >= self.most {
                visited.seconds = began.elapsed().as_secs_f64();
                return Ok(visited);
            }
            for (by, next) in self.successors(&visited, number, &state)? {
                let mark = self.mark(&next);
                let found = visited.add(mark, (number, Some(by)));
                let to = found.unwrap_or_else(|| visited.known[&mark]);
                visited.note(number, &state, (by, to), next.works > 0);
                if found.is_some() {
                    frontier.push_back((to, next));
                    continue;
                }
                merged += 1;
                if merged.is_multiple_of(TWINS) && twins.len() < MOST_TWINS {
                    twins.push((to, next));
                }
            }
            self.check_end(&visited, number, &state)?;
        }
        visited.complete = true;
        self.check_courses(&visited)?;
        for (number, twin) in twins {
            self.compare(&mut visited, number, &twin)?;
        }
        visited.seconds = began.elapsed().as_secs_f64();
        Ok(visited)
    }

    fn mark(&self, state: &State) -> u128 {
        shape::mark(&shape::of(state, self.times))
    }

    fn violation(&self, path: Vec<Move>, words: String) -> Violation {
        Violation { scenario: self.scenario, fault: self.fault, path, words }
    }

    /// What follows from `state`, whose rules hold.
    fn successors(&self, visited: &Visited, number: u32, state: &State) -> Result<Vec<(Move, State)>, Violation> {
        let mut moves = VecDeque::from(moves::possible(state));
        let mut found = Vec::new();
        while let Some(by) = moves.pop_front() {
            let next = taken(state, by).map_err(|words| {
                let path = visited.path(number).into_iter().chain([by]).collect();
                self.violation(path, words)
            })?;
            if by == Move::Pass {
                moves.extend(moves::faulty(state, &next.steps));
            }
            found.push((by, next));
        }
        Ok(found)
    }

    /// Where nothing happens any more all is well.
    fn check_end(&self, visited: &Visited, number: u32, state: &State) -> Result<(), Violation> {
        let goes_on = visited.fair[number as usize].is_some_and(|(_, next)| next != number);
        if goes_on {
            return Ok(());
        }
        let well = catch_unwind(AssertUnwindSafe(|| assert_ended_well(&state.world)));
        well.map_err(|panic| self.violation(visited.path(number), format!("at the end: {}", words(&*panic))))
    }

    /// Where nothing goes wrong any more each job settles, and the operator does not go round in circles.
    fn check_courses(&self, visited: &Visited) -> Result<(), Violation> {
        let fair: Vec<Option<u32>> = visited.fair.iter().map(|next| next.map(|(_, next)| next)).collect();
        if let Some(number) = circle(&fair, |_| true) {
            return Err(self.violation(visited.path(number), "the job never settles".to_owned()));
        }
        if let Some(number) = circle(&visited.calm, |number| visited.works[number]) {
            return Err(self.violation(visited.path(number), "the operator goes round in circles".to_owned()));
        }
        Ok(())
    }

    /// Compares how `twin` goes on with how the state did that it was merged with.
    fn compare(&self, visited: &mut Visited, number: u32, twin: &State) -> Result<(), Violation> {
        let next = self.successors(visited, number, twin)?;
        let begin = visited.edges.partition_point(|(from, ..)| *from < number);
        let edges: Vec<_> = visited.edges[begin..].iter().take_while(|(from, ..)| *from == number).collect();
        let known: Vec<(Move, Option<u32>)> = edges.iter().map(|(_, by, to)| (*by, Some(*to))).collect();
        let found = next.iter().map(|(by, next)| (*by, visited.known.get(&self.mark(next)).copied()));
        let differs = found.zip(&known).find(|(found, known)| found != *known).map(|(found, _)| found.0);
        let differs = differs.or((next.len() != known.len()).then_some(Move::Near));
        visited.twins.0 += 1;
        visited.twins.1 += usize::from(differs.is_some());
        if let Some(by) = differs.filter(|_| visited.example.is_empty()) {
            visited.example = self.difference(&visited.path(number), by, twin);
        }
        Ok(())
    }
}

impl Search {
    /// What `twin` is after that move, and what the state that was reached on `path` is.
    fn difference(&self, path: &[Move], by: Move, twin: &State) -> String {
        let mut other = State::new(self.scenario, self.bounds, self.fault);
        for step in path {
            other.take(*step);
        }
        let forms = [twin, &other].map(|state| {
            let next = taken(state, by).unwrap_or_else(|_| state.clone());
            format!("{:?}\n{:?}\n{}", instants::all(state), instants::all(&next), shape::of(&next, self.times))
        });
        format!("{by:?} after {path:?}:\n{}", forms.join("\n"))
    }
}

impl Visited {
    fn note(&mut self, from: u32, state: &State, (by, to): (Move, u32), works: bool) {
        self.edges.push((from, by, to));
        *self.coverage.entry((by.name(), phase(state))).or_default() += 1;
        if moves::fair(state) == Some(by) {
            self.fair[from as usize] = Some((by, to));
        }
        let calm = match state.operator {
            Operator::Due => Move::Pass,
            Operator::Rests(_) => Move::Reach,
            Operator::Down => return,
        };
        if by == calm && from != to {
            self.calm[from as usize] = Some(to);
            self.works[from as usize] = works && by == Move::Pass;
        }
    }
}

fn phase(state: &State) -> String {
    let Some(job) = &state.world.job else { return "gone".to_owned() };
    let phase = job.status.as_ref().and_then(|status| status.phase);
    phase.map_or("none", Phase::as_str).to_owned()
}

/// `state` after that move, or which rule it broke.
fn taken(state: &State, by: Move) -> Result<State, String> {
    let mut next = state.clone();
    catch_unwind(AssertUnwindSafe(|| next.take(by))).map_err(|panic| words(&*panic))?;
    Ok(next)
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// A state from which `courses` lead back to it over another one, where one of them `counts`.
fn circle(courses: &[Option<u32>], counts: impl Fn(usize) -> bool) -> Option<u32> {
    let next = |at: usize| courses[at].map(|next| next as usize).filter(|next| *next != at);
    let mut seen = vec![usize::MAX; courses.len()];
    for start in 0..courses.len() {
        let mut at = start;
        while seen[at] == usize::MAX {
            seen[at] = start;
            at = next(at).unwrap_or(at);
        }
        let round = std::iter::successors(next(at), |at| next(*at)).take_while(|known| *known != at);
        if seen[at] == start && next(at).is_some() && round.chain([at]).any(&counts) {
            return u32::try_from(at).ok();
        }
    }
    None
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&paste::test(self))
    }
}
