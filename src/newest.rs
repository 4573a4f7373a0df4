//! A map that keeps its newest entries.
//!
//! Ring: core.

use std::{
    borrow::Borrow,
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// The newest `MOST` entries, by when their key was first put.
#[derive(Debug)]
pub(crate) struct Newest<K, V, const MOST: usize> {
    values: HashMap<K, V>,
    oldest_first: VecDeque<K>,
}

impl<K, V, const MOST: usize> Default for Newest<K, V, MOST> {
    fn default() -> Self {
        Self { values: HashMap::new(), oldest_first: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone, V, const MOST: usize> Newest<K, V, MOST> {
    /// Puts an entry, and forgets the oldest where there are too many.
    pub(crate) fn put(&mut self, key: K, value: V) {
        if self.values.insert(key.clone(), value).is_some() {
            return;
        }
        self.oldest_first.push_back(key);
        if self.oldest_first.len() > MOST
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.values.remove(&oldest);
        }
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(key)
    }

    /// Forgets an entry, which takes as long as there are entries.
    pub(crate) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if self.values.remove(key).is_some() {
            self.oldest_first.retain(|known| known.borrow() != key);
        }
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.values_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_where_there_are_too_many() {
        let mut newest = Newest::<_, _, 2>::default();
        for key in ["a", "b", "a"] {
            newest.put(key, 1);
        }
        newest.put("c", 1);
        assert_eq!(["a", "b", "c"].map(|key| newest.get(key).is_some()), [false, true, true]);
        newest.remove("b");
        newest.put("b", 2);
        newest.put("d", 2);
        assert_eq!(["b", "c", "d"].map(|key| newest.get(key).is_some()), [true, false, true], "b is newer than c now");
    }
}
