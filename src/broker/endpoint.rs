//! Where the broker is and how it is trusted, without ever showing the password.
//!
//! Ring: shell.
//!
//! Guarantees: no `Display`, `Debug` or error of this module contains a password. TLS always verifies the broker's
//! name and certificate.

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::transport::Address;
use crate::words::masked;

/// The address of a broker, with the credentials for it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    address: Address,
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
        "{source_name} holds no AMQP URI: write amqp(s)://user:password@host:port/vhost, with special characters of user, password and vhost percent-encoded, and an IPv6 address in brackets"
    )]
    NotAnUri { source_name: String },
    #[error(
        "{source_name} names the empty virtual host: write the vhost's name after the last slash (%2F for the default one), or leave that slash out"
    )]
    EmptyVhost { source_name: String },
    #[error("{source_name} holds no certificate in PEM form")]
    NotACertificate { source_name: String },
    #[error(
        "{source_name} has a URI that is not encrypted, and broker.requireTls is on: write {scheme}:// and the port for TLS, or turn broker.requireTls off"
    )]
    NotEncrypted { source_name: String, scheme: &'static str },
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
        let source_name = || source_name.to_owned();
        let not_an_uri = || EndpointError::NotAnUri { source_name: source_name() };
        if hides_a_password(uri) {
            return Err(not_an_uri());
        }
        // The parsers' own errors repeat the URI with its password.
        let parsed = Address::parse(uri.trim()).ok_or_else(not_an_uri)?;
        let host = host(uri.trim(), parsed.host().to_owned()).ok_or_else(not_an_uri)?;
        if parsed.vhost().is_empty() {
            return Err(EndpointError::EmptyVhost { source_name: source_name() });
        }
        Ok(Self { address: parsed.at(host), trust })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn user(&self) -> &str {
        self.address.user()
    }

    pub(crate) fn vhost(&self) -> &str {
        self.address.vhost()
    }

    /// Whether `other` is the same user in the same vhost of the same broker.
    pub(super) fn leads_where(&self, other: &Self) -> bool {
        self.place() == other.place()
    }

    /// Scheme, host, port, user and vhost.
    fn place(&self) -> (&str, &str, u16, &str, &str) {
        let address = &self.address;
        (address.scheme(), address.host(), address.port(), address.user(), address.vhost())
    }

    /// This endpoint, where it may be used: one that is not encrypted may not where that `is_required`.
    pub(crate) fn encrypted(self, is_required: bool, source: &Path) -> Result<Self, EndpointError> {
        if self.is_encrypted() || !is_required {
            return Ok(self);
        }
        Err(EndpointError::NotEncrypted { source_name: source.display().to_string(), scheme: "amqps" })
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.address.is_encrypted()
    }

    /// `text` without the password, should it be in it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        match self.address.password() {
            "" => masked(text),
            password => masked(&text.replace(password, "***")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, port, user, vhost) = self.place();
        let host = match host {
            address if address.contains(':') => format!("[{address}]"),
            name => name.to_owned(),
        };
        write!(formatter, "{scheme}://{user}@{host}:{port}, vhost {vhost}")
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A file that is there now: a Secret may get it later, or lose it.
pub(super) fn there(file: Option<&Path>) -> Option<&Path> {
    file.filter(|file| file.exists())
}

impl Trust {
    pub(super) fn read(path: &Path) -> Result<Self, EndpointError> {
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

/// Whether a part of the password is taken for host, path or query, and would be shown: it has a `/`, `?` or `#` that is
/// not percent-encoded.
fn hides_a_password(uri: &str) -> bool {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split_once(['/', '?', '#']).is_some_and(|(_, behind)| behind.contains('@'))
}

/// The host of an AMQP URI, an IPv6 address without its brackets. The AMQP parser knows domain names only (`name`) and takes
/// localhost for any other host.
fn host(uri: &str, name: String) -> Option<String> {
    let url: reqwest::Url = uri.parse().ok()?;
    let given = url.host_str().filter(|given| !given.is_empty())?;
    let address = given.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    Some(address.map_or(name, str::to_owned))
}

fn read(path: &Path) -> Result<String, EndpointError> {
    std::fs::read_to_string(path)
        .map_err(|error| EndpointError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}

/// Reads the URI of an HTTP API, which is as secret as that of a broker.
pub(super) fn read_http_uri(path: &Path) -> Result<reqwest::Url, EndpointError> {
    let not_an_uri = || EndpointError::NotAnUri { source_name: path.display().to_string() };
    let text = read(path)?;
    let url: reqwest::Url = text.trim().parse().map_err(|_| not_an_uri())?;
    if url.cannot_be_a_base() || hides_a_password(&text) { Err(not_an_uri()) } else { Ok(url) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "amqps://operator:s3cr%2Ft@broker.example:5671/omotes";

    fn endpoint() -> Endpoint {
        Endpoint::parse(URI, "test", Trust::System).unwrap()
    }

    #[test]
    fn what_is_not_encrypted_is_refused_where_tls_is_required() {
        let file = Path::new("/etc/broker/amqp-uri");
        let open = || Endpoint::parse("amqp://u:s3cret@h/v", "test", Trust::System).unwrap();
        assert!(open().encrypted(false, file).is_ok() && endpoint().encrypted(true, file).is_ok());
        let words = open().encrypted(true, file).unwrap_err().to_string();
        assert!(words.starts_with("/etc/broker/amqp-uri has a URI that is not encrypted"), "{words}");
        assert!(words.contains("write amqps://") && !words.contains("s3cret"), "{words}");
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
        for uri in [
            "",
            "operator:s3cr/t",
            "http://a:s3cr/t@b/",
            "amqp://operator:s3cr/t@host/v",
            "amqp://operator:12/s3cr@host/v",
            "amqp://o:1?s3cr@h/v",
            "amqp://operator:s3cr@::1:5672/v",
            "amqp:///v",
        ] {
            let error = Endpoint::parse(uri, "/etc/broker/uri", Trust::System).unwrap_err().to_string();
            assert!(error.starts_with("/etc/broker/uri holds no AMQP URI"), "{error}");
            assert!(!error.contains("s3cr"), "{error}");
        }
    }

    #[test]
    fn an_address_is_the_one_that_is_written() {
        for (uri, host, shown) in [
            ("amqp://u:p@[::1]:5672/v", "::1", "amqp://u@[::1]:5672, vhost v"),
            ("amqps://u:p@[fd00::a]/v", "fd00::a", "amqps://u@[fd00::a]:5671, vhost v"),
            ("amqp://u:p@10.0.0.1/%2f", "10.0.0.1", "amqp://u@10.0.0.1:5672, vhost /"),
            ("amqp://u:p@br%6Fker", "broker", "amqp://u@broker:5672, vhost /"),
        ] {
            let endpoint = Endpoint::parse(uri, "test", Trust::System).unwrap();
            assert_eq!((endpoint.address().host(), endpoint.to_string().as_str()), (host, shown));
        }
    }

    #[test]
    fn an_empty_vhost_is_refused_with_its_remedy() {
        let error = Endpoint::parse("amqp://u:p@host/", "/etc/broker/uri", Trust::System).unwrap_err();
        assert!(error.to_string().contains("/etc/broker/uri names the empty virtual host: write"), "{error}");
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
