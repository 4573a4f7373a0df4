//! Nodes whose clock is wrong and was reported.
//!
//! Ring: shell. Bounded by [`MAX_NODES`].

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// Nodes whose reports are remembered; with more, all of them may be reported again.
const MAX_NODES: usize = 1000;

/// The nodes that were reported.
#[derive(Default)]
pub(crate) struct SkewedNodes(Mutex<HashSet<String>>);

impl SkewedNodes {
    /// Notes the node, and tells whether it was not known.
    pub(crate) fn is_news(&self, node: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_NODES {
            known.clear();
        }
        known.insert(node.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_reported_once_and_the_memory_is_bounded() {
        let nodes = SkewedNodes::default();
        assert!(nodes.is_news("a") && !nodes.is_news("a"));
        assert!((0..2 * MAX_NODES).all(|number| nodes.is_news(&number.to_string())));
        assert!(nodes.0.lock().unwrap().len() <= MAX_NODES);
    }
}
