//! The seats of all workflows of one namespace, and the slots that several of them share.
//!
//! Ring: core. What a workflow allows is what it said last; of a workflow that is gone, what the job that asks was accepted
//! with. Of each pod the workflow and the pool that it was started in stand in its labels, so that after a restart the pods
//! alone show what is in use.
//!
//! # Guarantees
//! - A job gets a seat only while its workflow has fewer holders than seats and its pool fewer than slots.
//! - Turns are those of all jobs of a pool. A job is held up only by jobs that could start before it.
//! - A holder counts for the pool that it was started in *and* for the one that its workflow is in, until it has ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::seats::{Freed, Limit, PoolTerms, Seat, SeatAnswer, SeatQueue, Terms, Told, Turn, WaitingJob, is_shown};

/// The holders and the waiting jobs of all workflows of one namespace, by name of the workflow.
#[derive(Debug, Default)]
pub(crate) struct SlotTable {
    members: BTreeMap<String, Member>,
}

/// One workflow.
#[derive(Debug, Default)]
struct Member {
    /// What it said last.
    terms: Terms,
    /// It can be seen now. What is gone has no say in what a pool allows while others are there.
    is_there: bool,
    queue: SeatQueue,
}

impl Member {
    fn is_in(&self, pool: &str) -> bool {
        self.terms.pool().is_some_and(|known| known == pool)
    }

    /// How many of its holders count for `pool`.
    fn used(&self, pool: &str) -> usize {
        if self.is_there && self.is_in(pool) { self.queue.held() } else { self.queue.started_in(pool) }
    }

    /// How many more of its jobs could start, as far as its own limits go.
    fn free(&self) -> usize {
        let seats = self.terms.seats.map_or(usize::MAX, |seats| seats.saturating_sub(self.queue.held()));
        if self.terms.suspended { 0 } else { seats }
    }
}

/// How a pool is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolUse {
    /// Its name.
    pub pool: String,
    /// How many jobs may have a slot.
    pub max: usize,
    /// How many have one.
    pub in_use: usize,
    /// How many wait, without those of suspended workflows.
    pub waiting: usize,
    /// The workflows with the lowest and the highest max, where these differ.
    pub differing: Option<[(String, usize); 2]>,
}

impl SlotTable {
    /// Notes what `workflow` allows now; `None` once it is gone. Returns the names of the jobs to look at.
    pub(crate) fn set_terms(&mut self, workflow: &str, terms: Option<Terms>) -> Vec<String> {
        let member = self.members.entry(workflow.to_owned()).or_default();
        let is_there = terms.is_some();
        let former = member.terms.clone();
        // Until its jobs ask again, and bring what they were accepted with.
        let terms = terms.unwrap_or_else(|| Terms { suspended: false, ..former.clone() });
        let is_news = member.is_there != is_there || former != terms;
        (member.terms, member.is_there) = (terms.clone(), is_there);
        let mut touched = BTreeSet::from([workflow.to_owned()]);
        if is_news {
            touched.extend(former.pool().into_iter().chain(terms.pool()).flat_map(|pool| self.members_of(pool)));
        }
        let waiting = touched.iter().filter_map(|name| self.members.get(name)).flat_map(|member| member.queue.turns());
        let jobs = waiting.filter(|_| is_news).map(|turn| turn.name.clone()).collect();
        self.prune(workflow);
        jobs
    }

    /// Asks for a seat of `workflow` for the job whose turn is `turn` and that was accepted with `accepted`; where there is
    /// none it waits from now on.
    pub(crate) fn ask(&mut self, workflow: &str, turn: Turn, accepted: Terms, now: Timestamp) -> SeatAnswer {
        let before = self.leaving(workflow, &turn.uid, accepted);
        let mut seat = self.seat(workflow, &turn);
        let mut told = None;
        if let Seat::Full { limit, ahead, renewed } = &mut seat {
            let (next, change) = Told::next(before.as_ref().and_then(|before| before.told), (*limit, *ahead), now);
            (*limit, *ahead, *renewed, told) = (next.limit, next.ahead, change, Some(next));
        }
        let waits = seat != Seat::Taken;
        let has_moved = before.map(|before| before.turn) != Some(turn.clone()).filter(|_| waits);
        let mut moved = has_moved.then(Freed::default);
        let member = self.members.entry(workflow.to_owned()).or_default();
        let pool = member.terms.pool().cloned();
        if waits {
            member.queue.insert(WaitingJob { turn, told });
        } else {
            moved = member.queue.reserve(turn.uid, pool.clone()).or(moved);
        }
        SeatAnswer { seat, pool, moved }
    }

    /// Takes the job that asks out of its queue.
    fn leaving(&mut self, workflow: &str, uid: &str, accepted: Terms) -> Option<WaitingJob> {
        let member = self.members.entry(workflow.to_owned()).or_default();
        if !member.is_there {
            member.terms = accepted;
        }
        member.queue.remove(uid)
    }

    fn seat(&self, workflow: &str, turn: &Turn) -> Seat {
        let Some(member) = self.members.get(workflow) else { return Seat::Unknown };
        let full = |limit, ahead| Seat::Full { limit, ahead, renewed: None };
        if member.queue.is_holder(&turn.uid) {
            return Seat::Taken;
        }
        if member.terms.suspended {
            return Seat::Suspended;
        }
        if member.terms == Terms::default() {
            return Seat::Taken;
        }
        let ahead = member.queue.ahead(turn);
        if ahead >= member.free() {
            return full(Limit::Workflow, ahead);
        }
        let Some(PoolTerms { pool, max }) = &member.terms.slots else { return Seat::Taken };
        let ahead = self.ahead_in(pool, turn);
        if ahead >= self.free_in(pool, Some(*max)) { full(Limit::Pool, ahead) } else { Seat::Taken }
    }

    /// How many jobs of `pool` would get a slot before `turn`: of each workflow no more than its own limits let start, so that
    /// the others are not held up by jobs that wait for something else.
    fn ahead_in(&self, pool: &str, turn: &Turn) -> usize {
        let ahead = |member: &Member| match member.free() {
            0 => 0,
            free => member.queue.ahead(turn).min(free),
        };
        self.sharing(pool).map(|(_, member)| ahead(member)).sum()
    }

    fn free_in(&self, pool: &str, accepted: Option<usize>) -> usize {
        self.max_of(pool, accepted).saturating_sub(self.in_use(pool))
    }

    fn in_use(&self, pool: &str) -> usize {
        self.members.values().map(|member| member.used(pool)).sum()
    }

    /// The lowest of what the workflows of `pool` say; once all are gone, of what the jobs that wait and the one that asks,
    /// with `accepted`, were accepted with.
    fn max_of(&self, pool: &str, accepted: Option<usize>) -> usize {
        let said = |of: fn(&Member) -> bool| {
            let members = self.sharing(pool).filter(move |(_, member)| of(member));
            members.filter_map(|(_, member)| member.terms.slots.as_ref()).map(|slots| slots.max)
        };
        let there = said(|member| member.is_there).min();
        there.or_else(|| said(|member| member.queue.waits() > 0).chain(accepted).min()).unwrap_or(0)
    }

    fn sharing<'a>(&'a self, pool: &'a str) -> impl Iterator<Item = (&'a String, &'a Member)> {
        self.members.iter().filter(move |(_, member)| member.is_in(pool))
    }

    /// The names of the workflows that are in `pool` or have a job that was started in it.
    fn members_of(&self, pool: &str) -> Vec<String> {
        let concerned = self.members.iter().filter(|(_, member)| member.is_in(pool) || member.used(pool) > 0);
        concerned.map(|(name, _)| name.clone()).collect()
    }

    /// The names of the jobs to look at after a change of `workflow`: those that may start, or whose place in words has
    /// changed.
    #[must_use]
    pub(crate) fn concerned(&self, workflow: &str, freed: &Freed) -> Vec<String> {
        let mut names = self.concerned_of(workflow);
        for pool in self.pools_of(workflow, freed) {
            names.extend(self.concerned_in(&pool));
        }
        names.into_iter().collect()
    }

    fn concerned_of(&self, workflow: &str) -> BTreeSet<String> {
        let member = self.members.get(workflow).filter(|member| !member.terms.suspended);
        let Some((member, _)) = member.and_then(|member| Some((member, member.terms.seats?))) else {
            return BTreeSet::new();
        };
        let shared = member.terms.pool().map_or(usize::MAX, |pool| self.free_in(pool, None));
        let startable = member.free().min(shared);
        let turns = member.queue.turns().enumerate().filter(|(at, _)| *at < startable || is_shown(*at));
        turns.map(|(_, turn)| turn.name.clone()).collect()
    }

    fn concerned_in(&self, pool: &str) -> Vec<String> {
        let able = self.sharing(pool).flat_map(|(_, member)| member.queue.turns().take(member.free()));
        let mut turns: Vec<&Turn> = able.collect();
        turns.sort_unstable();
        let free = self.free_in(pool, None);
        let shown = turns.into_iter().enumerate().filter(|(at, _)| *at < free || is_shown(*at));
        shown.map(|(_, turn)| turn.name.clone()).collect()
    }

    fn pools_of(&self, workflow: &str, freed: &Freed) -> BTreeSet<String> {
        let current = self.members.get(workflow).and_then(|member| member.terms.pool());
        current.into_iter().chain(&freed.pool).cloned().collect()
    }

    /// The names of the workflows whose status changes with one of `workflow`: itself, and those that share slots with it.
    #[must_use]
    pub(crate) fn neighbours(&self, workflow: &str, freed: &Freed) -> BTreeSet<String> {
        let pools = self.pools_of(workflow, freed);
        let sharing = pools.iter().flat_map(|pool| self.sharing(pool)).map(|(name, _)| name.clone());
        sharing.chain([workflow.to_owned()]).collect()
    }

    /// How the pool of `workflow` is used, where it is in one.
    #[must_use]
    pub(crate) fn use_of(&self, workflow: &str) -> Option<PoolUse> {
        Some(self.pool_use(self.members.get(workflow)?.terms.pool()?))
    }

    /// How all pools are used, those included that no workflow names any more.
    #[must_use]
    pub(crate) fn pools(&self) -> Vec<PoolUse> {
        let members = self.members.values();
        let pools: BTreeSet<&String> =
            members.flat_map(|known| known.queue.pools().chain(known.terms.pool())).collect();
        pools.into_iter().map(|pool| self.pool_use(pool)).collect()
    }

    fn pool_use(&self, pool: &str) -> PoolUse {
        let there = self.sharing(pool).filter(|(_, member)| member.is_there);
        let mut said: Vec<(usize, &String)> =
            there.filter_map(|(name, member)| Some((member.terms.slots.as_ref()?.max, name))).collect();
        said.sort_unstable();
        let ends = said.first().zip(said.last()).filter(|(lowest, highest)| lowest.0 != highest.0);
        let waiting = self.sharing(pool).filter(|(_, member)| !member.terms.suspended);
        PoolUse {
            pool: pool.to_owned(),
            max: self.max_of(pool, None),
            in_use: self.in_use(pool),
            waiting: waiting.map(|(_, member)| member.queue.waits()).sum(),
            differing: ends.map(|ends| [ends.0, ends.1].map(|(max, name)| ((*name).clone(), *max))),
        }
    }

    /// Notes that a job of `workflow` waits, at its turn, and what it was accepted with.
    pub(crate) fn enter(&mut self, workflow: &str, turn: Turn, accepted: Terms) {
        self.leaving(workflow, &turn.uid, accepted);
        self.members.entry(workflow.to_owned()).or_default().queue.insert(WaitingJob { turn, told: None });
    }

    /// Notes that a job does not wait any more. Returns what it waited for, if it did.
    pub(crate) fn leave(&mut self, workflow: &str, uid: &str) -> Option<Freed> {
        let member = self.members.get_mut(workflow)?;
        let left = member.queue.remove(uid).map(|_| Freed { pool: member.terms.pool().cloned() });
        self.prune(workflow);
        left
    }

    /// Notes that a job has no pod and is not about to. Returns what was kept for it.
    pub(crate) fn give_back(&mut self, workflow: &str, uid: &str) -> Option<Freed> {
        let freed = self.members.get_mut(workflow)?.queue.give_back(uid);
        self.prune(workflow);
        freed
    }

    /// Notes that a job of `workflow` has no pod that lives, whatever was known of one. Returns what it held.
    pub(crate) fn vacate(&mut self, workflow: &str, uid: &str) -> Option<Freed> {
        let freed = self.members.get_mut(workflow)?.queue.vacate(uid);
        self.prune(workflow);
        freed
    }

    /// Notes that a job of `workflow` has a pod by its status, which need not be seen yet.
    pub(crate) fn keep(&mut self, workflow: &str, uid: &str, pool: Option<String>) {
        self.members.entry(workflow.to_owned()).or_default().queue.keep(uid, pool);
    }

    /// Notes a pod of the job with this UID, and the pool that the pod was started in. Returns what the job held in another
    /// pool.
    pub(crate) fn pod_lives(&mut self, workflow: &str, job: &str, pod: &str, pool: Option<&String>) -> Option<Freed> {
        self.members.entry(workflow.to_owned()).or_default().queue.pod_lives(job, pod, pool)
    }

    /// Notes that a pod of the job with this UID has ended. Returns what it held.
    pub(crate) fn pod_ended(&mut self, workflow: &str, job: &str, pod: &str) -> Option<Freed> {
        let freed = self.members.get_mut(workflow)?.queue.pod_ended(job, pod);
        self.prune(workflow);
        freed
    }

    /// Whether the job with this UID has a seat of `workflow`.
    #[must_use]
    pub(crate) fn is_holder(&self, workflow: &str, uid: &str) -> bool {
        self.members.get(workflow).is_some_and(|member| member.queue.is_holder(uid))
    }

    /// Whether nothing is known of the namespace.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Forgets a workflow that is gone, and of which nothing is left.
    fn prune(&mut self, workflow: &str) {
        if self.members.get(workflow).is_some_and(|member| !member.is_there && member.queue.is_empty()) {
            self.members.remove(workflow);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        api::{OmotesJob, job::Priority},
        workflow::seats::{CLASS_SECONDS, PLACE_PERIOD},
    };

    fn job(name: &str, created: i64, priority: Option<&str>) -> OmotesJob {
        let created = jiff::Timestamp::from_second(1_800_000_000 + created).unwrap().to_string();
        serde_json::from_value(json!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": created},
            "spec": {"workflowRef": {"name": "w"}, "priority": priority},
        }))
        .unwrap()
    }

    fn turn(name: &str, created: i64, priority: Option<&str>) -> Turn {
        Turn::of(&job(name, created, priority))
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn open() -> Terms {
        Terms { seats: Some(1), ..Terms::default() }
    }

    fn shared(seats: Option<usize>, pool: &str, max: usize) -> Terms {
        Terms { seats, slots: Some(PoolTerms { pool: pool.to_owned(), max }), suspended: false }
    }

    fn full(limit: Limit, ahead: usize) -> Seat {
        Seat::Full { limit, ahead, renewed: None }
    }

    /// A table, and a time that lets each place be told anew.
    struct Table(SlotTable, Timestamp);

    impl Table {
        fn new(terms: &[(&str, Terms)]) -> Self {
            let mut table = SlotTable::default();
            for (workflow, terms) in terms {
                table.set_terms(workflow, Some(terms.clone()));
            }
            Self(table, NOW)
        }

        fn ask(&mut self, workflow: &str, turn: &Turn) -> Seat {
            self.1 += PLACE_PERIOD;
            self.0.ask(workflow, turn.clone(), Terms::default(), self.1).seat
        }

        /// Takes a seat, and has a pod in `pool`.
        fn run(&mut self, workflow: &str, name: &str, pool: Option<&str>) {
            assert_eq!(self.ask(workflow, &turn(name, 0, None)), Seat::Taken, "{name}");
            self.0.pod_lives(workflow, name, "pod", pool.map(str::to_owned).as_ref());
        }
    }

    #[test]
    fn a_freed_seat_is_the_next_ones_whoever_asks_first() {
        let mut table = Table::new(&[("w", open())]);
        let (first, second, third) = (turn("a", 0, None), turn("b", 1, None), turn("c", 2, Some("High")));
        assert_eq!(table.ask("w", &first), Seat::Taken);
        assert_eq!(table.ask("w", &first), Seat::Taken, "asking again changes nothing");
        table.0.pod_lives("w", "a", "pod", None);
        assert_eq!(table.ask("w", &second), full(Limit::Workflow, 0));
        assert_eq!(table.ask("w", &third), full(Limit::Workflow, 0));
        assert_eq!(table.ask("w", &second), full(Limit::Workflow, 1));
        assert_eq!(table.0.pod_ended("w", "a", "a former pod"), None);
        assert!(table.0.pod_ended("w", "a", "pod").is_some());
        assert_eq!(table.0.concerned("w", &Freed::default()), ["b", "c"]);
        assert_eq!(table.ask("w", &second), full(Limit::Workflow, 1));
        table.0.set_terms("w", Some(Terms { suspended: true, ..open() }));
        assert_eq!(table.ask("w", &third), Seat::Suspended);
        assert!(
            table.0.concerned("w", &Freed::default()).is_empty(),
            "no start changes what a suspended job waits for"
        );
        assert_eq!(table.0.set_terms("w", Some(open())), ["c", "b"]);
        assert_eq!(table.ask("w", &third), Seat::Taken);
        assert!(table.0.give_back("w", "c").is_some() && table.0.give_back("w", "c").is_none());
        assert_eq!(table.ask("w", &second), Seat::Taken);
    }

    #[test]
    fn the_end_of_a_pod_that_is_told_late_frees_no_seat_of_the_next_attempt() {
        let mut table = Table::new(&[("w", open())]);
        table.run("w", "a", None);
        assert_eq!(table.ask("w", &turn("a", 0, None)), Seat::Taken);
        assert_eq!(table.0.pod_ended("w", "a", "pod"), None);
        assert_eq!(table.ask("w", &turn("b", 0, None)), full(Limit::Workflow, 0));
    }

    #[test]
    fn a_place_is_told_anew_after_a_while_only() {
        let mut table = Table::new(&[("w", open())]).0;
        let (names, late) = (["a", "b", "c", "d"], NOW + PLACE_PERIOD);
        for (created, name) in (0_i64..).zip(names) {
            table.ask("w", turn(name, created, None), Terms::default(), NOW);
        }
        table.leave("w", "b");
        let ask = |table: &mut SlotTable, now| table.ask("w", turn("d", 3, None), Terms::default(), now).seat;
        let held = Seat::Full { limit: Limit::Workflow, ahead: 2, renewed: Some(late) };
        assert_eq!([ask(&mut table, NOW), ask(&mut table, late - SignedDuration::from_secs(1))], [held, held]);
        assert_eq!([ask(&mut table, late), ask(&mut table, late)], [full(Limit::Workflow, 1); 2]);
        table.leave("w", "c");
        let first = ask(&mut table, late + PLACE_PERIOD);
        assert_eq!(first, full(Limit::Workflow, 0), "the first change after a long wait is told at once");
        assert!(table.give_back("w", "a").is_some());
        assert_eq!(ask(&mut table, late + PLACE_PERIOD), Seat::Taken, "a seat is given at once");
    }

    #[test]
    fn turns_are_those_of_all_workflows_of_a_pool() {
        let terms = || shared(None, "solver", 1);
        let mut table = Table::new(&[("a", terms()), ("b", terms()), ("c", terms())]);
        table.run("a", "runs", Some("solver"));
        let waiting = [
            ("b", turn("high", 50, Some("High"))),
            ("a", turn("old and low", -2 * CLASS_SECONDS, Some("Low"))),
            ("c", turn("medium", 0, None)),
            ("a", turn("low", 0, Some("Low"))),
        ];
        for (workflow, turn) in waiting.iter().rev() {
            assert!(matches!(table.ask(workflow, turn), Seat::Full { limit: Limit::Pool, .. }), "{}", turn.name);
        }
        let places: Vec<Seat> = waiting.iter().map(|(workflow, turn)| table.ask(workflow, turn)).collect();
        // Two classes of waiting are worth two classes of priority.
        assert_eq!(places, [1, 0, 2, 3].map(|ahead| full(Limit::Pool, ahead)));
        let used = PoolUse { pool: "solver".to_owned(), max: 1, in_use: 1, waiting: 4, differing: None };
        assert_eq!(["a", "b", "c"].map(|workflow| table.0.use_of(workflow)), [(); 3].map(|()| Some(used.clone())));
        table.0.pod_ended("a", "runs", "pod").unwrap();
        let next = table.0.concerned("a", &Freed::default());
        assert_eq!(next, ["high", "low", "medium", "old and low"]);
        assert_eq!(table.ask("b", &waiting[0].1), full(Limit::Pool, 1), "a job of another workflow is before it");
        assert_eq!(table.ask("a", &waiting[1].1), Seat::Taken);
    }

    #[test]
    fn a_job_that_waits_for_something_else_holds_up_no_other() {
        let mut table = Table::new(&[("a", shared(Some(1), "solver", 3)), ("b", shared(None, "solver", 3))]);
        table.run("a", "runs", Some("solver"));
        let first = turn("first", 0, Some("High"));
        assert_eq!(table.ask("a", &first), full(Limit::Workflow, 0), "its own workflow has no seat");
        table.run("b", "second", Some("solver"));
        table.0.set_terms("a", Some(Terms { suspended: true, ..shared(Some(9), "solver", 3) }));
        assert_eq!(table.ask("a", &first), Seat::Suspended);
        table.run("b", "third", Some("solver"));
        let fourth = turn("fourth", 0, None);
        assert_eq!(table.ask("b", &fourth), full(Limit::Pool, 0), "jobs of a suspended workflow have a slot");
        table.0.set_terms("a", Some(shared(Some(9), "solver", 4)));
        assert_eq!(table.ask("b", &fourth), full(Limit::Pool, 1), "b allows three yet");
        table.0.set_terms("b", Some(shared(None, "solver", 4)));
        assert_eq!(table.ask("b", &fourth), full(Limit::Pool, 1), "the first one can start now");
        assert_eq!([table.ask("a", &first), table.ask("b", &fourth)], [Seat::Taken, full(Limit::Pool, 0)]);
    }

    #[test]
    fn the_lowest_max_holds_and_is_said() {
        let mut table = Table::new(&[("a", shared(None, "solver", 3)), ("b", shared(None, "solver", 2))]);
        let differing = |table: &Table| table.0.use_of("a").map(|used| (used.max, used.differing));
        let said = [("b".to_owned(), 2), ("a".to_owned(), 3)];
        assert_eq!(differing(&table), Some((2, Some(said))));
        table.run("a", "1", Some("solver"));
        table.run("a", "2", Some("solver"));
        assert_eq!(table.ask("a", &turn("3", 0, None)), full(Limit::Pool, 0));
        assert_eq!(table.0.set_terms("b", Some(shared(None, "solver", 3))), ["3"], "jobs of the others are looked at");
        assert_eq!((differing(&table), table.ask("a", &turn("3", 0, None))), (Some((3, None)), Seat::Taken));
        table.0.set_terms("b", Some(shared(None, "solver", 1)));
        assert_eq!(table.0.use_of("b").map(|used| (used.max, used.in_use)), Some((1, 3)), "lowered, it stops no job");
    }

    #[test]
    fn jobs_that_run_count_on_when_pools_and_workflows_change() {
        let solver = || shared(None, "solver", 2);
        let mut table = Table::new(&[("a", solver()), ("b", solver())]);
        table.run("a", "1", Some("solver"));
        table.run("b", "2", Some("solver"));
        table.0.set_terms("a", Some(shared(None, "renamed", 2)));
        let in_use =
            |table: &Table| table.0.pools().into_iter().map(|used| (used.pool, used.in_use)).collect::<Vec<_>>();
        let counts = |renamed, solver| vec![("renamed".to_owned(), renamed), ("solver".to_owned(), solver)];
        assert_eq!(in_use(&table), counts(1, 2), "a job counts for the pool that it was started in, too");
        table.0.set_terms("b", Some(shared(None, "renamed", 2)));
        assert_eq!(in_use(&table), counts(2, 2), "a pool that was renamed is as full as before");
        assert_eq!(table.ask("b", &turn("3", 0, None)), full(Limit::Pool, 0));
        table.0.set_terms("a", None);
        table.0.set_terms("b", Some(solver()));
        assert_eq!(table.ask("b", &turn("3", 0, None)), full(Limit::Pool, 0), "its workflow is gone, and it runs on");
        let freed = table.0.pod_ended("a", "1", "pod").unwrap();
        assert_eq!(freed.pool.as_deref(), Some("solver"));
        assert_eq!(table.0.concerned("a", &freed), ["3"], "jobs of the pool that it was started in are next");
        assert!(table.0.neighbours("a", &freed).contains("b"));
        assert_eq!(table.ask("b", &turn("3", 0, None)), Seat::Taken);
    }

    #[test]
    fn jobs_of_a_workflow_that_is_gone_keep_to_what_they_were_accepted_with() {
        let mut table = SlotTable::default();
        let accepted = || shared(None, "solver", 1);
        table.enter("gone", turn("first", 0, None), accepted());
        table.pod_lives("gone", "runs", "pod", Some(&"solver".to_owned()));
        table.set_terms("there", Some(shared(None, "solver", 2)));
        let ask = |table: &mut SlotTable, workflow: &str, name| {
            table.ask(workflow, turn(name, 1, None), accepted(), NOW).seat
        };
        assert_eq!(ask(&mut table, "there", "second"), full(Limit::Pool, 1), "first has its turn before");
        table.set_terms("there", None);
        assert!(table.leave("there", "second").is_some());
        assert_eq!(ask(&mut table, "gone", "first"), full(Limit::Pool, 0));
        table.leave("gone", "first");
        table.pod_ended("gone", "runs", "pod");
        assert!(table.is_empty(), "nothing is left of workflows that are gone");
    }

    /// What can happen to one of six jobs, two of each of three workflows, or to such a workflow.
    #[derive(Debug, Clone)]
    enum SlotEvent {
        Ask,
        PodMade,
        PodEnded,
        GivenUp,
        Prioritized(u8),
        Edited(Terms),
        Removed,
        Restarted,
    }

    /// The cluster as it is, and what a new leader finds of it.
    #[derive(Default)]
    struct Cluster {
        jobs: Vec<OmotesJob>,
        /// What workflows that are there say …
        said: BTreeMap<String, Terms>,
        /// … and what jobs were accepted with.
        accepted: BTreeMap<String, Terms>,
        /// The pool of each holder: on its pod, or kept for it (which the end of the process forgets).
        pods: BTreeMap<String, Option<String>>,
        kept: BTreeMap<String, Option<String>>,
        waiting: BTreeMap<String, Turn>,
        table: SlotTable,
    }

    fn workflow_of(job: &str) -> String {
        format!("w{}", job.parse::<usize>().unwrap() % 3)
    }

    impl Cluster {
        fn new(created: &[i64]) -> Self {
            let jobs = created.iter().enumerate().map(|(at, created)| job(&at.to_string(), *created, None)).collect();
            Self { jobs, ..Self::default() }
        }

        fn terms_of(&self, workflow: &str) -> Terms {
            let accepted = || self.accepted.get(workflow).cloned();
            self.said.get(workflow).cloned().or_else(accepted).unwrap_or_default()
        }

        fn holders(&self) -> impl Iterator<Item = (&String, &Option<String>)> {
            self.pods.iter().chain(&self.kept)
        }

        /// How many jobs count for `pool`, looked at one by one.
        fn in_use(&self, pool: &str) -> usize {
            let is_in =
                |job: &str| self.said.get(&workflow_of(job)).and_then(Terms::pool).is_some_and(|known| known == pool);
            self.holders().filter(|(job, started)| started.as_deref() == Some(pool) || is_in(job)).count()
        }

        fn max(&self, pool: &str, turns: &BTreeSet<&Turn>) -> usize {
            let lowest = |terms: Vec<Terms>| {
                let slots = terms.into_iter().filter_map(|terms| terms.slots).filter(|slots| slots.pool == pool);
                slots.map(|slots| slots.max).min()
            };
            let waiting = || turns.iter().map(|turn| self.terms_of(&workflow_of(&turn.uid))).collect();
            lowest(self.said.values().cloned().collect()).or_else(|| lowest(waiting())).unwrap()
        }

        /// Which jobs could start now, one after the other in their turns, of those that wait and `asking`.
        fn startable(&self, asking: Option<&Turn>) -> BTreeSet<String> {
            let turns: BTreeSet<&Turn> = self.waiting.values().chain(asking).collect();
            let mut started: Vec<(String, String, Option<String>)> = Vec::new();
            for turn in &turns {
                let workflow = workflow_of(&turn.uid);
                let terms = self.terms_of(&workflow);
                let held = self.holders().filter(|(job, _)| workflow_of(job) == workflow).count()
                    + started.iter().filter(|(_, known, _)| *known == workflow).count();
                let fits = terms.pool().is_none_or(|pool| {
                    let taken = started.iter().filter(|(.., known)| known.as_ref() == Some(pool)).count();
                    self.in_use(pool) + taken < self.max(pool, &turns)
                });
                if fits && !terms.suspended && terms.seats.is_none_or(|seats| held < seats) {
                    started.push((turn.uid.clone(), workflow, terms.pool().cloned()));
                }
            }
            started.into_iter().map(|(job, ..)| job).collect()
        }

        /// Returns the jobs that are looked at because of it.
        fn happen(&mut self, at: usize, event: SlotEvent, now: Timestamp) -> Vec<String> {
            let job = at.to_string();
            let workflow = workflow_of(&job);
            match event {
                SlotEvent::Ask => self.ask(&job, now),
                SlotEvent::PodMade => {
                    if let Some(pool) = self.kept.remove(&job) {
                        self.table.pod_lives(&workflow, &job, "pod", pool.as_ref());
                        self.pods.insert(job, pool);
                    }
                    Vec::new()
                }
                SlotEvent::PodEnded => {
                    let freed = self.table.pod_ended(&workflow, &job, "pod");
                    assert_eq!(freed.is_some(), self.pods.remove(&job).is_some());
                    freed.map(|freed| self.table.concerned(&workflow, &freed)).unwrap_or_default()
                }
                SlotEvent::GivenUp => {
                    let freed = self.table.give_back(&workflow, &job);
                    assert_eq!(freed.is_some(), self.kept.remove(&job).is_some());
                    let left = self.table.leave(&workflow, &job);
                    assert_eq!(left.is_some(), self.waiting.remove(&job).is_some());
                    let freed = freed.or(left);
                    freed.map(|freed| self.table.concerned(&workflow, &freed)).unwrap_or_default()
                }
                SlotEvent::Prioritized(class) => {
                    let class = [Priority::Low, Priority::Medium, Priority::High][usize::from(class)];
                    self.jobs[at].spec.priority = Some(class);
                    vec![job]
                }
                SlotEvent::Edited(terms) => {
                    self.accepted.insert(workflow.clone(), Terms { suspended: false, ..terms.clone() });
                    self.said.insert(workflow.clone(), terms.clone());
                    self.table.set_terms(&workflow, Some(terms))
                }
                SlotEvent::Removed => {
                    self.said.remove(&workflow);
                    self.table.set_terms(&workflow, None)
                }
                SlotEvent::Restarted => self.restart(),
            }
        }

        fn ask(&mut self, job: &str, now: Timestamp) -> Vec<String> {
            // A job whose pod lives does not ask.
            if self.pods.contains_key(job) {
                return Vec::new();
            }
            let (workflow, turn) = (workflow_of(job), Turn::of(&self.jobs[job.parse::<usize>().unwrap()]));
            self.waiting.remove(job);
            let expected = self.kept.contains_key(job) || self.startable(Some(&turn)).contains(job);
            let terms = self.terms_of(&workflow);
            let accepted = self.accepted.get(&workflow).cloned().unwrap_or_default();
            let answer = self.table.ask(&workflow, turn.clone(), accepted, now);
            assert_eq!(answer.seat == Seat::Taken, expected, "{answer:?}");
            assert_eq!(answer.pool.as_ref(), terms.pool());
            if let Seat::Full { renewed: Some(due), .. } = answer.seat {
                assert!(now < due && due <= now + PLACE_PERIOD);
            }
            if expected {
                self.kept.insert(job.to_owned(), answer.pool.clone());
            } else {
                self.waiting.insert(job.to_owned(), turn);
            }
            answer.moved.map(|freed| self.table.concerned(&workflow, &freed)).unwrap_or_default()
        }

        /// What is kept for a job is forgotten; what its pod shows is not.
        fn restart(&mut self) -> Vec<String> {
            (self.table, self.kept) = (SlotTable::default(), BTreeMap::new());
            for (job, pool) in &self.pods {
                self.table.pod_lives(&workflow_of(job), job, "pod", pool.as_ref());
            }
            for (workflow, terms) in &self.said {
                self.table.set_terms(workflow, Some(terms.clone()));
            }
            for (job, turn) in &self.waiting {
                let accepted = self.accepted.get(&workflow_of(job)).cloned().unwrap_or_default();
                self.table.enter(&workflow_of(job), turn.clone(), accepted);
            }
            (0..self.jobs.len()).map(|at| at.to_string()).collect()
        }
    }

    fn terms() -> impl Strategy<Value = Terms> {
        let slots = (prop_oneof![Just("p"), Just("q")], 1_usize..4);
        let slots = slots.prop_map(|(pool, max)| PoolTerms { pool: pool.to_owned(), max });
        let slots = prop_oneof![3 => slots.prop_map(Some), 1 => Just(None)];
        let seats = prop_oneof![Just(None), (1_usize..3).prop_map(Some)];
        (seats, slots, proptest::bool::weighted(0.2)).prop_map(|(seats, slots, suspended)| Terms {
            seats,
            slots,
            suspended,
        })
    }

    proptest! {
        /// A seat is given just when the job could start in the order of all turns; a job that could not start before a change
        /// and could afterwards is looked at because of it; and all of it survives the end of the process.
        #[test]
        fn seats_and_slots_are_kept_and_given_in_turn(
            created in proptest::collection::vec(0_i64..100_000, 6),
            history in proptest::collection::vec((0_usize..6, prop_oneof![
                8 => Just(SlotEvent::Ask), 3 => Just(SlotEvent::PodMade), 3 => Just(SlotEvent::PodEnded), 1 => Just(SlotEvent::GivenUp),
                1 => (0_u8..3).prop_map(SlotEvent::Prioritized), 3 => terms().prop_map(SlotEvent::Edited),
                1 => Just(SlotEvent::Removed), 1 => Just(SlotEvent::Restarted),
            ]), 0..80),
        ) {
            let (mut cluster, mut now) = (Cluster::new(&created), NOW);
            for (at, event) in history {
                now += PLACE_PERIOD / 4;
                let before = cluster.startable(None);
                let called = cluster.happen(at, event.clone(), now);
                let missed: Vec<String> = cluster.startable(None).difference(&before).cloned().collect();
                prop_assert!(missed.iter().all(|job| called.contains(job)), "{event:?} of {at} calls {called:?}, not {missed:?}");
                for used in cluster.table.pools() {
                    prop_assert_eq!(used.in_use, cluster.in_use(&used.pool), "of {} after {:?}", used.pool, event);
                }
            }
        }
    }
}
