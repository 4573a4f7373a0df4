//! The kinds that are served, and how they differ.

/// A kind of objects.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    /// Such as `Pod`.
    pub name: &'static str,
    pub nature: Nature,
    /// What a field selector may name, beside `metadata.name` and `metadata.namespace`.
    pub fields: &'static [&'static str],
}

/// What is special about a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// One of a CustomResourceDefinition with a status subresource.
    Custom,
    /// Deleted with a grace period.
    Pod,
    /// What all else is in.
    Namespace,
    /// Updated only with a resource version.
    Lease,
    Plain,
}

const CUSTOM: &str = "omotes.io";
const EVENT_FIELDS: &[&str] =
    &["reason", "type", "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid"];

static KINDS: [Kind; 9] = [
    Kind::new("", "v1", "namespaces", "Namespace", Nature::Namespace, &["status.phase"]),
    Kind::new("", "v1", "pods", "Pod", Nature::Pod, &["spec.nodeName", "status.phase"]),
    Kind::new("", "v1", "secrets", "Secret", Nature::Plain, &["type"]),
    Kind::new("", "v1", "configmaps", "ConfigMap", Nature::Plain, &[]),
    Kind::new("apps", "v1", "controllerrevisions", "ControllerRevision", Nature::Plain, &[]),
    Kind::new("coordination.k8s.io", "v1", "leases", "Lease", Nature::Lease, &[]),
    Kind::new("events.k8s.io", "v1", "events", "Event", Nature::Plain, EVENT_FIELDS),
    Kind::new(CUSTOM, "v1alpha1", "omotesjobs", "OmotesJob", Nature::Custom, &[]),
    Kind::new(CUSTOM, "v1alpha1", "omotesworkflows", "OmotesWorkflow", Nature::Custom, &[]),
];

impl Kind {
    const fn new(
        group: &'static str,
        version: &'static str,
        plural: &'static str,
        name: &'static str,
        nature: Nature,
        fields: &'static [&'static str],
    ) -> Self {
        Self { group, version, plural, name, nature, fields }
    }

    /// The kind that is served there.
    pub(super) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| (kind.group, kind.version, kind.plural) == (group, version, plural))
    }

    /// The kind with this plural.
    pub(super) fn of_plural(plural: &str) -> &'static Self {
        KINDS.iter().find(|kind| kind.plural == plural).unwrap_or_else(|| panic!("{plural} are not simulated"))
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `name.group`, as errors have it.
    pub(super) fn qualified(&self, name: &str) -> String {
        if self.group.is_empty() { name.to_owned() } else { format!("{name}.{}", self.group) }
    }

    pub(super) fn is_namespaced(&self) -> bool {
        self.nature != Nature::Namespace
    }

    /// Whether the status is written by its subresource alone.
    pub(super) fn has_status(&self) -> bool {
        matches!(self.nature, Nature::Custom | Nature::Pod | Nature::Namespace)
    }

    /// Whether `metadata.generation` counts the changes of the spec.
    pub(super) fn has_generation(&self) -> bool {
        matches!(self.nature, Nature::Custom | Nature::Pod)
    }

    /// Whether an update that names no resource version holds for any.
    pub(super) fn is_updated_unconditionally(&self) -> bool {
        !matches!(self.nature, Nature::Custom | Nature::Lease)
    }
}
