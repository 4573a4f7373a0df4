//! Which of the watched namespaces are known completely.
//!
//! Ring: shell (an index over the watches).
//!
//! # Guarantees
//! - No job is decided on before its namespace is listed: a job whose pod was not listed yet looks as if it had none. Nor before
//!   each other namespace is listed or refused: whose a `jobId` is depends on all of them.
//! - A namespace that the apiserver refuses to list holds up no other. Once it is listed it is worked on like the others.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Jobs, pods, workflows and revisions.
const LISTS: usize = 4;

/// A namespace that is watched; `None` is all of them.
pub(crate) type Scope = Option<String>;

/// How far the lists of each scope are.
#[derive(Default)]
pub(crate) struct Lists(Mutex<HashMap<Scope, Listing>>);

struct Listing {
    /// So many lists are not complete yet.
    left: usize,
    /// The apiserver refuses one of them.
    refused: bool,
}

impl Lists {
    /// Nothing is listed yet; all `scopes` are to be.
    pub(crate) fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let listings = scopes.into_iter().map(|scope| (scope, Listing { left: LISTS, refused: false }));
        Self(Mutex::new(listings.collect()))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Scope, Listing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that one more list of `scope` is complete. Tells whether it was the last of them.
    pub(crate) fn complete_one(&self, scope: &Scope) -> bool {
        let mut known = self.known();
        let Some(listing) = known.get_mut(scope) else { return false };
        listing.left = listing.left.saturating_sub(1);
        listing.left == 0
    }

    /// Notes that the apiserver refuses a list of `scope`. Tells whether nothing was known of the scope before.
    pub(crate) fn refuse(&self, scope: &Scope) -> bool {
        let mut known = self.known();
        let Some(listing) = known.get_mut(scope) else { return false };
        listing.left > 0 && !std::mem::replace(&mut listing.refused, true)
    }

    /// Whether each scope is listed or refused, and at least one is listed.
    pub(crate) fn are_decided(&self) -> bool {
        are_decided(&self.known())
    }

    /// Whether jobs of `namespace` can be decided on.
    pub(crate) fn is_complete(&self, namespace: &str) -> bool {
        let known = self.known();
        let listing = known.get(&None).or_else(|| known.get(&Some(namespace.to_owned())));
        listing.is_some_and(|listing| listing.left == 0) && are_decided(&known)
    }
}

fn are_decided(known: &HashMap<Scope, Listing>) -> bool {
    known.values().all(|listing| listing.left == 0 || listing.refused)
        && known.values().any(|listing| listing.left == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(lists: &Lists, scope: &Scope) {
        let last: Vec<bool> = (0..LISTS).map(|_| lists.complete_one(scope)).collect();
        assert_eq!(last, [false, false, false, true]);
    }

    #[test]
    fn a_missing_namespace_holds_up_no_other() {
        let [wa, wb] = ["wa", "wb"].map(|name| Some(name.to_owned()));
        let lists = Lists::new([wa.clone(), wb.clone()]);
        complete(&lists, &wa);
        assert!(!lists.is_complete("wa"), "a job of wb may have the same id");
        assert!(lists.refuse(&wb) && !lists.refuse(&wb));
        assert_eq!([lists.is_complete("wa"), lists.is_complete("wb")], [true, false]);
        complete(&lists, &wb);
        assert!(lists.is_complete("wb"), "it was made again");
        assert!(!lists.refuse(&wb) && lists.is_complete("wb"), "what was known before it went is still known");
    }

    #[test]
    fn without_any_list_nothing_is_known() {
        let lists = Lists::new([None]);
        lists.refuse(&None);
        assert!(!lists.are_decided() && !lists.is_complete("any"));
        complete(&lists, &None);
        assert!(lists.are_decided() && lists.is_complete("any"));
    }
}
