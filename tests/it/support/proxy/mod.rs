//! A proxy between an operator and what it relies on. It does to their traffic what a test says: replies are lost, requests
//! never arrive, events come late, connections fall silent, everything is slow.
//!
//! What passes to the broker and to its management API is passed on as it is ([`Line`]). What passes to the apiserver is read
//! on its way ([`Faults`]), and goes on with the rights of the installed operator.

mod apiserver;
mod faults;
mod line;
mod operator;

pub(crate) use faults::{Asked, Fault, Faults};
pub(crate) use line::Line;
pub(crate) use operator::ProxiedOperator;

use std::{net::SocketAddr, sync::Arc};

use reqwest::Url;
use tokio::task::JoinSet;

use super::bed::variable;

/// The three ways on which an operator depends.
pub(crate) struct Proxy {
    pub apiserver: Line,
    pub broker: Line,
    pub management: Line,
    /// What becomes of single requests to the apiserver.
    pub faults: Arc<Faults>,
    broker_uri: Url,
    management_uri: Url,
    _requests: JoinSet<()>,
}

impl Proxy {
    /// One that passes on everything.
    pub(crate) async fn start() -> Self {
        let [broker, management] = ["OMOTES_OPERATOR_AMQP_URI", "OMOTES_MANAGEMENT_URI"].map(uri);
        let (faults, mut requests) = (Arc::<Faults>::default(), JoinSet::new());
        let readable = apiserver::serve(&mut requests, Arc::clone(&faults)).await;
        let [to_apiserver, to_broker, to_management] =
            [Line::to(readable).await, Line::to(place(&broker)).await, Line::to(place(&management)).await];
        Self {
            broker_uri: moved(broker, to_broker.address),
            management_uri: moved(management, to_management.address),
            apiserver: to_apiserver,
            broker: to_broker,
            management: to_management,
            faults,
            _requests: requests,
        }
    }
}

fn uri(name: &str) -> Url {
    Url::parse(&variable(name)).unwrap()
}

/// Where `uri` leads.
fn place(uri: &Url) -> SocketAddr {
    let host = uri.host_str().unwrap().parse().unwrap();
    SocketAddr::new(host, uri.port().unwrap())
}

/// `uri`, but leading to `address`.
fn moved(mut uri: Url, address: SocketAddr) -> Url {
    uri.set_host(Some(&address.ip().to_string())).unwrap();
    uri.set_port(Some(address.port())).unwrap();
    uri
}
