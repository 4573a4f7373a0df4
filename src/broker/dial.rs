//! Opening one connection to a broker.
//!
//! Ring: shell. Used by the operator and by the courier, each with an [`Endpoint`] of its own.
//!
//! Guarantees: a connection that recovers nothing by itself. Automatic recovery would declare job queues again that
//! expired in the meantime, and retry a refused password quietly; both are for the caller to decide.

use std::io;
use std::time::Duration;

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, runtime};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::endpoint::{Endpoint, Trust};
use super::error::BrokerError;

/// A broker that does not answer in this time has no use for clients.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Two missed heartbeats end a connection: an operator that lost its network frees its leader queue after 20 s.
const HEARTBEAT_SECONDS: u16 = 10;

/// Opens a connection that the broker lists under `name`.
pub(crate) async fn dial(endpoint: &Endpoint, name: &str) -> Result<Connection, BrokerError> {
    let connecting = open(endpoint, name.to_owned());
    match timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(opened) => opened.map_err(|error| BrokerError::while_connecting(&error, endpoint)),
        Err(_) => Err(BrokerError::unreachable(format!("{endpoint} did not answer within {CONNECT_TIMEOUT:?}"))),
    }
}

async fn open(endpoint: &Endpoint, name: String) -> lapin::Result<Connection> {
    let mut uri = endpoint.uri().clone();
    uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
    let authority = uri.authority.clone();
    let addresses: Vec<_> = lookup_host((authority.host.as_str(), authority.port)).await?.collect();
    let tls = if endpoint.is_encrypted() { Some(connector(endpoint.trust())?) } else { None };
    // lapin runs this on a thread of its own, where the caller's timeout does not reach.
    let connect = async move |_: AMQPUri, runtime| {
        let stream = within_time(AsyncTcpStream::connect(&runtime, addresses.clone())).await?;
        match &tls {
            Some(tls) => Ok(within_time(stream.into_rustls(tls, &authority.host)).await?),
            None => Ok(stream),
        }
    };
    Connection::connector(uri, runtime::default_runtime()?, connect, properties(name)).await
}

async fn within_time<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|elapsed| Err(elapsed.into()))
}

fn properties(name: String) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(name.into())
        .with_client_property("product".into(), env!("CARGO_PKG_NAME").into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}

fn connector(trust: &Trust) -> io::Result<RustlsConnector> {
    let config = match trust {
        Trust::System => RustlsConnectorConfig::new_with_native_certs().map_err(|error| no_roots(&error))?,
        Trust::Only(certificates) => RustlsConnectorConfig::default().with_parsable_certificates(certificates.clone()),
    };
    config.connector_with_no_client_auth()
}

fn no_roots(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the system trusts no certificate authority, name the broker's own: {error}"))
}
