//! What an administrator has to mend, for `/readyz` and metrics: each is named as long as it lasts.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A watch that fails is tried again within half a minute: what was not said again in this time is over.
const REPEATED_WITHIN: Duration = Duration::from_secs(120);

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// The apiserver does not serve this operator.
    Apiserver,
    /// The URI that couriers get cannot be used.
    CourierUri,
}

impl Topic {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apiserver => "apiserver",
            Self::CourierUri => "courier-amqp-uri",
        }
    }
}

/// The problems of one process. Bounded by the topics and by the namespaces that are to be watched.
#[derive(Debug, Default)]
pub(super) struct Problems(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_topic: BTreeMap<Topic, String>,
    unwatched: BTreeMap<String, (String, Instant)>,
}

impl Problems {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is wrong with `topic`, or that nothing is.
    pub(super) fn note(&self, topic: Topic, problem: Option<String>) {
        let mut known = self.known();
        match problem {
            Some(problem) => drop(known.by_topic.insert(topic, problem)),
            None => drop(known.by_topic.remove(&topic)),
        }
    }

    /// Notes that `namespace` cannot be watched. Tells whether that is news.
    pub(super) fn unwatched(&self, namespace: &str, problem: String) -> bool {
        let now = Instant::now();
        let before = self.known().unwatched.insert(namespace.to_owned(), (problem, now));
        before.is_none_or(|(_, at)| now > at + REPEATED_WITHIN)
    }

    /// Notes that a list of `namespace` is complete.
    pub(super) fn watched(&self, namespace: &str) {
        self.known().unwatched.remove(namespace);
    }

    /// How many namespaces cannot be watched.
    pub(super) fn count_unwatched(&self) -> usize {
        let now = Instant::now();
        self.known().unwatched.values().filter(|(_, at)| now <= *at + REPEATED_WITHIN).count()
    }

    /// All that there is to mend, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let (now, known) = (Instant::now(), self.known());
        let topics = known.by_topic.iter().map(|(topic, problem)| format!("{}: {problem}", topic.as_str()));
        let lasting = known.unwatched.iter().filter(|(_, (_, at))| now <= *at + REPEATED_WITHIN);
        let unwatched =
            lasting.map(|(namespace, (problem, _))| format!("namespace {namespace} not watched: {problem}"));
        topics.chain(unwatched).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_problem_is_named_as_long_as_it_lasts() {
        let problems = Problems::default();
        assert!(problems.unwatched("wb", "forbidden".to_owned()));
        assert!(!problems.unwatched("wb", "forbidden".to_owned()), "each kind of object is refused");
        problems.note(Topic::CourierUri, Some("no URI".to_owned()));
        assert_eq!(problems.lines(), ["courier-amqp-uri: no URI", "namespace wb not watched: forbidden"]);
        tokio::time::advance(REPEATED_WITHIN + Duration::from_secs(1)).await;
        problems.note(Topic::CourierUri, None);
        assert_eq!((problems.lines().len(), problems.count_unwatched()), (0, 0));
        assert!(problems.unwatched("wb", "forbidden".to_owned()), "after a while it is news again");
        problems.watched("wb");
        assert_eq!(problems.count_unwatched(), 0);
    }
}
