//! A node, and whether its kubelet reaches the apiserver.

use super::watched::Watched;

/// A node.
pub(super) struct Node {
    pub name: String,
    pub ip: String,
    /// How many pods it takes.
    pub places: usize,
    facts: Watched<Facts>,
}

/// What is with a node.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub reach: Reach,
    /// Whether the control plane takes it for ready.
    pub is_ready: bool,
    /// How often its reach changed.
    pub changes: u32,
    /// Why its kubelet refuses new pods: a reason and a message.
    pub rejection: Option<(String, String)>,
}

/// Whether a kubelet reaches the apiserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Up,
    /// Its containers go on.
    Cut,
    /// The machine is gone.
    Removed,
}

impl Node {
    pub(super) fn new(number: usize, name: &str, places: usize) -> Self {
        let facts = Facts { reach: Reach::Up, is_ready: true, changes: 0, rejection: None };
        let ip = format!("10.0.0.{}", number + 1);
        Self { name: name.to_owned(), ip, places, facts: Watched::new(facts) }
    }

    pub(super) fn facts(&self) -> Facts {
        self.facts.get()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Facts)) {
        self.facts.change(change);
    }

    /// Changes the reach of its kubelet; returns how often that was done.
    pub(super) fn set_reach(&self, reach: Reach) -> u32 {
        self.change(|facts| {
            facts.reach = reach;
            facts.changes += 1;
        });
        self.facts().changes
    }

    pub(super) fn is_up(&self) -> bool {
        self.facts.look(|facts| facts.reach == Reach::Up)
    }

    /// Waits until its kubelet reaches the apiserver.
    pub(super) async fn until_up(&self) {
        self.facts.until(|facts| facts.reach == Reach::Up).await;
    }

    pub(super) fn takes_pods(&self) -> bool {
        self.facts.look(|facts| facts.is_ready && facts.reach != Reach::Removed)
    }
}
