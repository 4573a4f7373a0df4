//! Which requests a test means.

/// Which requests are meant: those of a client, a verb and a resource, where these are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    client: Option<String>,
    verb: Option<String>,
    resource: Option<String>,
}

impl Requests {
    /// Those of the client called so.
    pub(crate) fn of(client: &str) -> Self {
        Self { client: Some(client.to_owned()), ..Self::default() }
    }

    /// Those with this verb, as the audit log calls it.
    pub(crate) fn verb(self, verb: &str) -> Self {
        Self { verb: Some(verb.to_owned()), ..self }
    }

    /// Those for this resource, such as `pods` or `pods/status`.
    pub(crate) fn on(self, resource: &str) -> Self {
        Self { resource: Some(resource.to_owned()), ..self }
    }

    pub(super) fn include(&self, client: &str, verb: &str, resource: &str) -> bool {
        let is = |wanted: &Option<String>, given: &str| wanted.as_ref().is_none_or(|wanted| wanted == given);
        is(&self.client, client) && is(&self.verb, verb) && is(&self.resource, resource)
    }
}
