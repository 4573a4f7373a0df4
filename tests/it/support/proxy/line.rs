//! A way by TCP to one server, which can be slow, and can fall silent.

use std::{
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// What is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// So many chunks may be on their way on one connection; then the sender waits.
const CHUNKS: usize = 256;

/// A way to one server.
pub(crate) struct Line {
    /// Where it begins.
    pub address: SocketAddr,
    traffic: Arc<Traffic>,
    _accepting: JoinSet<()>,
}

/// How things pass.
#[derive(Clone, Copy, Default)]
struct State {
    /// How often all connections were broken; those of before pass nothing any more.
    breaks: u32,
    /// Whether new connections wait.
    is_dark: bool,
    /// Whether what the server sends is kept back.
    is_mute: bool,
    /// How long each way takes.
    delay: Duration,
}

#[derive(Default)]
struct Traffic {
    state: watch::Sender<State>,
    /// After what the line falls mute.
    last_words: Mutex<Option<Vec<u8>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    ToServer,
    ToClient,
}

impl Line {
    /// A line to `server` that passes everything on at once.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, traffic) = (listener.local_addr().unwrap(), Arc::<Traffic>::default());
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, server, Arc::clone(&traffic)));
        Self { address, traffic, _accepting: accepting }
    }

    /// From now on everything takes `delay` longer, in both directions.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.traffic.state.send_modify(|state| state.delay = delay);
    }

    /// The connections that there are pass nothing any more, and neither end is told: not even that the other one has closed
    /// its own. New ones are as usual.
    pub(crate) fn forget(&self) {
        self.traffic.state.send_modify(|state| *state = State { breaks: state.breaks + 1, is_mute: false, ..*state });
    }

    /// The same, and new ones wait.
    pub(crate) fn go_dark(&self) {
        self.forget();
        self.traffic.state.send_modify(|state| state.is_dark = true);
    }

    /// New connections pass again, also those that wait.
    pub(crate) fn heal(&self) {
        self.traffic.state.send_modify(|state| state.is_dark = false);
    }

    /// Once a client has sent `words`, nothing comes back to any.
    pub(crate) fn mute_after(&self, words: Vec<u8>) {
        *self.traffic.last_words.lock().unwrap() = Some(words);
    }

    /// Waits until nothing comes back any more.
    pub(crate) async fn muted(&self) {
        self.traffic.state.subscribe().wait_for(|state| state.is_mute).await.map(drop).unwrap();
    }
}

impl Traffic {
    /// Waits until a connection of that many breaks ago may pass something on; for ever where it is broken.
    async fn passes(&self, way: Way, breaks: u32) {
        let mut state = self.state.subscribe();
        let decided = |state: &State| state.breaks != breaks || way == Way::ToServer || !state.is_mute;
        let is_whole = state.wait_for(decided).await.is_ok_and(|state| state.breaks == breaks);
        if !is_whole {
            pending::<()>().await;
        }
    }

    /// Looks at what a client sends; `before` is what it has sent last.
    fn read(&self, bytes: &[u8], before: &mut Vec<u8>) {
        let mut last_words = self.last_words.lock().unwrap();
        let Some(words) = &*last_words else { return before.clear() };
        before.extend_from_slice(bytes);
        if before.windows(words.len()).any(|window| window == words) {
            *last_words = None;
            self.state.send_modify(|state| state.is_mute = true);
            return before.clear();
        }
        // The words may be in two chunks.
        let rest = before.len().saturating_sub(words.len() - 1);
        before.drain(..rest);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, traffic: Arc<Traffic>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        while connections.try_join_next().is_some() {}
        connections.spawn(connect(client, server, Arc::clone(&traffic)));
    }
}

async fn connect(client: TcpStream, server: SocketAddr, traffic: Arc<Traffic>) {
    let mut state = traffic.state.subscribe();
    let Ok(breaks) = state.wait_for(|state| !state.is_dark).await.map(|state| state.breaks) else { return };
    // Refused: the client's end closes, too.
    let Ok(server) = TcpStream::connect(server).await else { return };
    for end in [&client, &server] {
        end.set_nodelay(true).unwrap();
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(
        pass_on(from_client, to_server, &traffic, Way::ToServer, breaks),
        pass_on(from_server, to_client, &traffic, Way::ToClient, breaks),
    );
}

async fn pass_on(from: OwnedReadHalf, to: OwnedWriteHalf, traffic: &Traffic, way: Way, breaks: u32) {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    tokio::join!(take_in(from, sender, traffic, way), give_out(chunks, to, traffic, way, breaks));
}

async fn take_in(mut from: OwnedReadHalf, sender: mpsc::Sender<(Instant, Vec<u8>)>, traffic: &Traffic, way: Way) {
    let (mut buffer, mut before) = (vec![0; CHUNK_BYTES], Vec::new());
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer[..count].to_vec();
        if way == Way::ToServer {
            traffic.read(&bytes, &mut before);
        }
        let due = Instant::now() + traffic.state.borrow().delay;
        if sender.send((due, bytes)).await.is_err() {
            return;
        }
    }
}

async fn give_out(
    mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut to: OwnedWriteHalf,
    traffic: &Traffic,
    way: Way,
    breaks: u32,
) {
    while let Some((due, bytes)) = chunks.recv().await {
        sleep_until(due).await;
        traffic.passes(way, breaks).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // The end of a connection is passed on as all else.
    traffic.passes(way, breaks).await;
    drop(to.shutdown().await);
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    /// Long enough for loopback on a busy machine, and what a silent connection is listened to.
    const SOON: Duration = Duration::from_secs(10);
    const SILENCE: Duration = Duration::from_millis(300);

    /// A server that sends back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    /// Whether `stream` sends these bytes back.
    async fn answers(stream: &mut TcpStream, bytes: &[u8]) -> bool {
        stream.write_all(bytes).await.unwrap();
        hears(stream, bytes, SOON).await
    }

    async fn is_silent(stream: &mut TcpStream, bytes: &[u8]) -> bool {
        stream.write_all(bytes).await.unwrap();
        !hears(stream, bytes, SILENCE).await
    }

    async fn hears(stream: &mut TcpStream, bytes: &[u8], limit: Duration) -> bool {
        let mut heard = vec![0; bytes.len()];
        let read = timeout(limit, stream.read_exact(&mut heard)).await;
        read.is_ok_and(|read| read.is_ok() && heard == bytes)
    }

    #[tokio::test]
    async fn a_line_is_broken_for_those_that_are_there_and_dark_for_all() {
        let line = Line::to(echo().await).await;
        let dial = || TcpStream::connect(line.address);
        let mut early = dial().await.unwrap();
        assert!(answers(&mut early, b"one").await);
        line.forget();
        assert!(is_silent(&mut early, b"two").await);
        let mut late = dial().await.unwrap();
        assert!(answers(&mut late, b"three").await);
        line.go_dark();
        let mut waiting = dial().await.unwrap();
        assert!(is_silent(&mut waiting, b"four").await);
        line.heal();
        assert!(hears(&mut waiting, b"four", SOON).await);
        assert!(is_silent(&mut late, b"five").await && is_silent(&mut early, b"six").await);
    }

    #[tokio::test]
    async fn nothing_comes_back_after_the_last_words() {
        let line = Line::to(echo().await).await;
        let mut stream = TcpStream::connect(line.address).await.unwrap();
        line.mute_after(b"good-bye".to_vec());
        assert!(answers(&mut stream, b"hello, good").await);
        assert!(is_silent(&mut stream, b"-bye").await);
        timeout(SOON, line.muted()).await.unwrap();
    }
}
