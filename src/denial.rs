//! Why the apiserver does not do what it is asked, told from its answer. The one place that reads its texts.
//!
//! Ring: core.

use kube::core::Status;

use crate::api::Reason;

/// Why the apiserver does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// A ResourceQuota is used up. It passes when other objects go, or the quota is raised.
    Quota,
    /// A LimitRange forbids the pod's requests or limits, or a ResourceQuota wants some that the pod does not have.
    Resources,
    /// An admission webhook or policy says no.
    Policy,
    /// The operator may not do it.
    Forbidden,
    /// Admission does not take the object as it is, or does not find what it names: its ServiceAccount, say.
    Unfit,
    /// The object is invalid.
    Invalid,
    /// The namespace is being removed.
    NamespaceTerminating,
    /// An admission webhook that must be asked cannot be called. It passes when its server is back.
    Webhook,
}

impl Denial {
    /// What `status` says; `None` for an answer that denies nothing, such as a conflict, a timeout or an overload.
    #[must_use]
    pub(crate) fn of(status: &Status) -> Option<Self> {
        let says = |words: &str| status.message.contains(words);
        let by_policy = says("denied the request")
            || says("denied request")
            || says("violates PodSecurity")
            || says("unable to validate against any security context constraint");
        let by_permissions = (says(" cannot ") && says("in API group")) || says("cannot set blockOwnerDeletion");
        match status.code {
            500.. if says("failed calling webhook") => Some(Self::Webhook),
            400.. if by_policy => Some(Self::Policy),
            403 if says("exceeded quota") => Some(Self::Quota),
            403 if says("failed quota") || says(" usage per ") || says("limit to request ratio per") => {
                Some(Self::Resources)
            }
            403 if says("because it is being terminated") => Some(Self::NamespaceTerminating),
            403 if by_permissions => Some(Self::Forbidden),
            403 => Some(Self::Unfit),
            400 | 422 => Some(Self::Invalid),
            _ => None,
        }
    }

    /// Whether asking again is of no use before a user changes the object, the policy or the permissions.
    #[must_use]
    pub(crate) fn is_final(self) -> bool {
        !matches!(self, Self::Quota | Self::Webhook)
    }

    /// Whether the object itself is what the apiserver refuses. Otherwise it is taken once the rest is mended.
    #[must_use]
    pub(crate) fn is_of_the_object(self) -> bool {
        matches!(self, Self::Policy | Self::Invalid | Self::Resources)
    }

    /// The reason of the condition and the Event that report it.
    #[must_use]
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Quota => Reason::QuotaExceeded,
            Self::Resources => Reason::ResourcesRefused,
            Self::Policy => Reason::PolicyDenied,
            Self::Forbidden => Reason::Forbidden,
            Self::Unfit | Self::Invalid => Reason::Invalid,
            Self::NamespaceTerminating => Reason::NamespaceTerminating,
            Self::Webhook => Reason::WebhookFailed,
        }
    }

    /// What helps.
    #[must_use]
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Quota => "Raise the namespace's ResourceQuota, or delete what it counts and is not needed",
            Self::Resources => {
                "Set requests and limits of the program in the pod template, and those of the courier by the chart's value courier.resources, so that the namespace's LimitRange and ResourceQuota allow them"
            }
            Self::Policy => "Change the object as the policy wants it, or the policy",
            Self::Forbidden => "An administrator must allow it to the operator: the chart's Role or ClusterRole does",
            Self::Unfit => "Create or correct what the message names",
            Self::Invalid => "Correct what the message names",
            Self::NamespaceTerminating => "The namespace is being deleted: create the job in another one",
            Self::Webhook => "Restore the webhook's server, or correct its configuration (service, failurePolicy)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kube-apiserver 1.34 to 1.37 words it.
    #[test]
    fn answers_are_told_apart() {
        for (code, message, expected) in [
            (
                403,
                r#"secrets "omotes-courier" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0"#,
                Some(Denial::Quota),
            ),
            (
                403,
                r#"pods "a-1" is forbidden: failed quota: q: must specify limits.cpu for: omotes-courier"#,
                Some(Denial::Resources),
            ),
            (
                403,
                r#"pods "a-1" is forbidden: minimum cpu usage per Container is 100m, but request is 10m"#,
                Some(Denial::Resources),
            ),
            (
                403,
                r#"pods "a-1" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 2Gi"#,
                Some(Denial::Resources),
            ),
            (
                403,
                r#"pods "a-1" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 5.0"#,
                Some(Denial::Resources),
            ),
            (
                403,
                r#"pods "a-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true"#,
                Some(Denial::Policy),
            ),
            (403, r#"admission webhook "x.y.z" denied the request: no"#, Some(Denial::Policy)),
            (
                422,
                r#"omotesjobs.omotes.io "bad" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"#,
                Some(Denial::Policy),
            ),
            (
                403,
                r#"secrets is forbidden: User "system:serviceaccount:a:b" cannot create resource "secrets" in API group """#,
                Some(Denial::Forbidden),
            ),
            (
                403,
                r#"pods "a-1" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>"#,
                Some(Denial::Forbidden),
            ),
            (
                403,
                r#"pods "a-1" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, provider restricted-v2: .containers[0].runAsUser: Invalid value: 999: must be in the ranges: [1000680000, 1000689999]]"#,
                Some(Denial::Policy),
            ),
            (
                403,
                r#"pods "a-1" is forbidden: error looking up service account x/solver: serviceaccount "solver" not found"#,
                Some(Denial::Unfit),
            ),
            (403, r#"pods "a-1" is forbidden: no PriorityClass with name urgent was found"#, Some(Denial::Unfit)),
            (403, r#"pods "a-1" is forbidden: pod rejected: RuntimeClass "gvisor" not found"#, Some(Denial::Unfit)),
            (
                403,
                r#"pods "a-1" is forbidden: unable to create new content in namespace x because it is being terminated"#,
                Some(Denial::NamespaceTerminating),
            ),
            (422, r#"Pod "a-1" is invalid: spec.containers[1].name: Duplicate value: "main""#, Some(Denial::Invalid)),
            (
                500,
                r#"Internal error occurred: failed calling webhook "w": failed to call webhook: Post "https://w.x.svc:443/?timeout=10s": no endpoints available for service "w""#,
                Some(Denial::Webhook),
            ),
            (500, "Internal error occurred: etcdserver: leader changed", None),
            (409, r#"pods "a-1" already exists"#, None),
            (429, "Too many requests", None),
        ] {
            let status = Status { code, message: message.to_owned(), ..Status::default() };
            assert_eq!(Denial::of(&status), expected, "{message}");
        }
    }

    #[test]
    fn only_a_missing_permission_is_mended_by_the_chart() {
        assert!(Denial::Forbidden.remedy().contains("the chart's Role or ClusterRole"));
        let unfit = Denial::Unfit;
        assert_eq!((unfit.reason(), unfit.remedy()), (Reason::Invalid, "Create or correct what the message names"));
        assert!(unfit.is_final() && !unfit.is_of_the_object(), "what it names may come later");
    }
}
