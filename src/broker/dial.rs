//! Opening one connection to a broker.
//!
//! Ring: shell. Used by the operator and by the courier, each with an [`Endpoint`] of its own.
//!
//! Guarantees: the connection is there within [`CONNECT_TIMEOUT`], or an error that names the endpoint and no password.

use std::time::Duration;

use tokio::time::timeout;

use super::endpoint::{Endpoint, Trust};
use super::error::BrokerError;
use super::transport::{Connection, Connector};

/// A broker that does not answer in this time has no use for clients.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a connection that the broker lists under `name`.
pub(crate) async fn dial(connector: &Connector, endpoint: &Endpoint, name: &str) -> Result<Connection, BrokerError> {
    let authorities = match endpoint.trust() {
        Trust::System => None,
        Trust::Only(certificates) => Some(certificates.as_slice()),
    };
    let connecting = Connection::open(connector, endpoint.address(), authorities, name.to_owned(), CONNECT_TIMEOUT);
    match timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(opened) => opened.map_err(|error| BrokerError::while_connecting(&error, endpoint)),
        Err(_) => Err(BrokerError::unreachable(format!("{endpoint} did not answer within {CONNECT_TIMEOUT:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// `amqplib#794`: the address in the URI is dialled, not localhost's IPv4 address.
    #[tokio::test]
    async fn an_ipv6_address_is_dialled() {
        let listener = TcpListener::bind("[::1]:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint::parse(&format!("amqp://u:p@[::1]:{port}/v"), "test", Trust::System).unwrap();
        let greeted = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut greeting = [0; 4];
            stream.read_exact(&mut greeting).await.unwrap();
            greeting
        };
        let greeting = tokio::select! {
            greeting = greeted => greeting,
            dialled = dial(&Connector::Amqp, &endpoint, "test") => panic!("{dialled:?}"),
        };
        assert_eq!(&greeting, b"AMQP");
    }
}
