//! What keeps an object after its deletion. Their names are in [`super::names`].
//!
//! Ring: api.

use kube::ResourceExt;

/// Whether `object` has that finalizer.
#[must_use]
pub fn has(object: &impl ResourceExt, finalizer: &str) -> bool {
    object.finalizers().iter().any(|known| known == finalizer)
}

/// Whether `object`, as a write answered, is gone with that write: it was deleted, and nothing keeps it any more.
#[must_use]
pub(crate) fn is_gone(object: &impl ResourceExt) -> bool {
    object.meta().deletion_timestamp.is_some() && object.finalizers().is_empty()
}
