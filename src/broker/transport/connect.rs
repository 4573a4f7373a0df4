//! Connecting with lapin.
//!
//! Ring: shell.
//!
//! Guarantees: a connection that recovers nothing by itself. Automatic recovery would declare job queues again that
//! expired in the meantime, and retry a refused password quietly; both are for the caller to decide.

use std::io;
use std::time::Duration;

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, runtime};
use rustls::pki_types::CertificateDer;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::address::Address;

/// Two missed heartbeats end a connection: an operator that lost its network frees its leader queue after 20 s.
const HEARTBEAT_SECONDS: u16 = 10;

pub(super) async fn connect(
    address: &Address,
    authorities: Option<&[CertificateDer<'static>]>,
    name: String,
    limit: Duration,
) -> lapin::Result<Connection> {
    let mut uri = address.uri().clone();
    uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
    let authority = uri.authority.clone();
    let addresses: Vec<_> = lookup_host((authority.host.as_str(), authority.port)).await?.collect();
    let tls = if address.is_encrypted() { Some(connector(authorities)?) } else { None };
    // lapin runs this on a thread of its own, where the caller's timeout does not reach.
    let connect = async move |_: AMQPUri, runtime| {
        let stream = within(limit, AsyncTcpStream::connect(&runtime, addresses.clone())).await?;
        match &tls {
            Some(tls) => Ok(within(limit, stream.into_rustls(tls, &authority.host)).await?),
            None => Ok(stream),
        }
    };
    Connection::connector(uri, runtime::default_runtime()?, connect, properties(name)).await
}

async fn within<T>(limit: Duration, connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, connecting).await.unwrap_or_else(|elapsed| Err(elapsed.into()))
}

fn properties(name: String) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(name.into())
        .with_client_property("product".into(), env!("CARGO_PKG_NAME").into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}

fn connector(authorities: Option<&[CertificateDer<'static>]>) -> io::Result<RustlsConnector> {
    let config = match authorities {
        None => RustlsConnectorConfig::new_with_native_certs().map_err(|error| no_roots(&error))?,
        Some(certificates) => RustlsConnectorConfig::default().with_parsable_certificates(certificates.to_vec()),
    };
    config.connector_with_no_client_auth()
}

fn no_roots(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the system trusts no certificate authority, name the broker's own: {error}"))
}
