//! Where the broker is and how it is trusted, without ever showing the password.
//!
//! Ring: shell.
//!
//! Guarantees: no `Display`, `Debug` or error of this module contains a password. TLS always verifies the broker's
//! name and certificate.

use std::fmt;
use std::path::{Path, PathBuf};

use lapin::uri::{AMQPScheme, AMQPUri};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The address of a broker, with the credentials for it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    uri: AMQPUri,
    trust: Trust,
}

/// Whose certificates are believed.
#[derive(Clone)]
pub(crate) enum Trust {
    /// Those that the system trusts.
    System,
    /// Those signed by one of these, and no others.
    Only(Vec<CertificateDer<'static>>),
}

/// What was given does not lead to a broker. The texts name the place to mend and never a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("cannot read {}: {reason}; is the Secret with the broker's URI mounted there?", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error(
        "{source_name} holds no AMQP URI: write amqp(s)://user:password@host:port/vhost, with special characters of user, password and vhost percent-encoded"
    )]
    NotAnUri { source_name: String },
    #[error("{source_name} holds no certificate in PEM form")]
    NotACertificate { source_name: String },
}

impl Endpoint {
    /// Reads URI and trust from files that may change at any time, as mounted Secrets do.
    pub(crate) fn read(uri_file: &Path, ca_file: Option<&Path>) -> Result<Self, EndpointError> {
        let uri = read(uri_file)?;
        let trust = ca_file.map_or(Ok(Trust::System), Trust::read)?;
        Self::parse(&uri, &uri_file.display().to_string(), trust)
    }

    /// The endpoint in a URI; `source_name` says in errors where the URI comes from.
    pub(crate) fn parse(uri: &str, source_name: &str, trust: Trust) -> Result<Self, EndpointError> {
        // The parser's own error repeats the URI with its password.
        let uri = uri.trim().parse().map_err(|_| EndpointError::NotAnUri { source_name: source_name.to_owned() })?;
        Ok(Self { uri, trust })
    }

    pub(crate) fn uri(&self) -> &AMQPUri {
        &self.uri
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn user(&self) -> &str {
        &self.uri.authority.userinfo.username
    }

    pub(crate) fn vhost(&self) -> &str {
        &self.uri.vhost
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.uri.scheme == AMQPScheme::AMQPS
    }

    /// `text` without the password, should it be in it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        match self.uri.authority.userinfo.password.as_str() {
            "" => text.to_owned(),
            password => text.replace(password, "***"),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.uri;
        write!(
            formatter,
            "{scheme}://{}@{}:{}, vhost {vhost}",
            authority.userinfo.username, authority.host, authority.port
        )
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Trust {
    fn read(path: &Path) -> Result<Self, EndpointError> {
        Self::from_pem(&read(path)?, &path.display().to_string())
    }

    /// Trust in the certificates of a PEM text alone; `source_name` says in errors where the text comes from.
    pub(crate) fn from_pem(pem: &str, source_name: &str) -> Result<Self, EndpointError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Self::Only(certificates)),
            _ => Err(EndpointError::NotACertificate { source_name: source_name.to_owned() }),
        }
    }
}

fn read(path: &Path) -> Result<String, EndpointError> {
    std::fs::read_to_string(path)
        .map_err(|error| EndpointError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}

/// Reads the URI of an HTTP API, which is as secret as that of a broker.
pub(super) fn read_http_uri(path: &Path) -> Result<reqwest::Url, EndpointError> {
    let not_an_uri = || EndpointError::NotAnUri { source_name: path.display().to_string() };
    let url: reqwest::Url = read(path)?.trim().parse().map_err(|_| not_an_uri())?;
    if url.cannot_be_a_base() { Err(not_an_uri()) } else { Ok(url) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "amqps://operator:s3cr%2Ft@broker.example:5671/omotes";

    fn endpoint() -> Endpoint {
        Endpoint::parse(URI, "test", Trust::System).unwrap()
    }

    #[test]
    fn the_password_is_never_shown() {
        for text in [endpoint().to_string(), format!("{:?}", endpoint())] {
            assert_eq!(text, "amqps://operator@broker.example:5671, vhost omotes");
        }
        assert_eq!(endpoint().scrub("refused: s3cr/t"), "refused: ***");
    }

    #[test]
    fn a_broken_uri_is_named_by_its_place_only() {
        for uri in ["", "operator:s3cr/t", "http://a:s3cr/t@b/", "amqp://operator:s3cr/t@host/v"] {
            let error = Endpoint::parse(uri, "/etc/broker/uri", Trust::System).unwrap_err().to_string();
            assert!(error.starts_with("/etc/broker/uri holds no AMQP URI"), "{error}");
            assert!(!error.contains("s3cr"), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Endpoint::read(Path::new("/no/such/file"), None).unwrap_err();
        assert!(error.to_string().starts_with("cannot read /no/such/file: "), "{error}");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in ["", "certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"] {
            assert!(matches!(Trust::from_pem(pem, "ca"), Err(EndpointError::NotACertificate { .. })));
        }
    }
}
