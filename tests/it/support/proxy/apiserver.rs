//! The way to the apiserver on which requests are read: plain HTTP from the operator, TLS and a token from there on.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, header},
};
use futures::StreamExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::faults::{Asked, Fault, Faults};
use crate::support::bed::{kubectl, variable};

/// So many events of one watch may be late at once.
const EVENTS: usize = 4096;

/// Serves in one of `tasks`; tells where.
pub(super) async fn serve(tasks: &mut JoinSet<()>, faults: Arc<Faults>) -> SocketAddr {
    let client = as_operator().await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            while connections.try_join_next().is_some() {}
            let (client, faults) = (client.clone(), Arc::clone(&faults));
            let answer = service_fn(move |request| answer(request, client.clone(), Arc::clone(&faults)));
            // An error of the answer ends the connection without one.
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            connections.spawn(async { drop(connection.await) });
        }
    });
    address
}

/// A client with the rights of the installed operator, which does nothing by itself.
async fn as_operator() -> Client {
    let namespace = variable("OMOTES_NAMESPACE");
    let (made, token) = kubectl(&["create", "token", "omotes-operator", "--namespace", &namespace], None);
    assert!(made, "{token}");
    let mut kubeconfig = Kubeconfig::read().unwrap();
    for user in &mut kubeconfig.auth_infos {
        user.auth_info = serde_json::from_value(json!({"token": token.trim()})).unwrap();
    }
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

async fn answer(request: Request<Incoming>, client: Client, faults: Arc<Faults>) -> io::Result<Response<Body>> {
    let (mut head, body) = request.into_parts();
    let body = to_bytes(Body::new(body), usize::MAX).await.map_err(io::Error::other)?;
    let asked = Asked::of(&head, &body);
    let fault = faults.of(&asked);
    if matches!(fault, Some(Fault::NeverArrives)) {
        return Err(io::Error::other("the request is cut"));
    }
    head.headers.remove(header::HOST);
    let answer = client.send(Request::from_parts(head, body.into())).await.map_err(io::Error::other)?;
    let (head, body) = answer.into_parts();
    if matches!(fault, Some(Fault::ReplyLost)) {
        // All of it is there: what was asked for is done.
        body.collect_bytes().await.map_err(io::Error::other)?;
        return Err(io::Error::other("the reply is cut"));
    }
    let body = Body::new(body);
    let body = if asked.is_watch() { late(body, asked.resource, faults) } else { body };
    Ok(Response::from_parts(head, body))
}

/// What a watch tells, as late as it is to be.
fn late(body: Body, resource: String, faults: Arc<Faults>) -> Body {
    let events = body.into_data_stream().map(move |event| {
        let due = Instant::now() + faults.lateness(&resource);
        async move {
            sleep_until(due).await;
            event
        }
    });
    Body::from_stream(events.buffered(EVENTS))
}
