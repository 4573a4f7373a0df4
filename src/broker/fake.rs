//! A broker for tests, which speaks just enough AMQP to refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::endpoint::{Endpoint, Trust};
use super::management::Management;

/// Class and method, as AMQP numbers them.
pub(crate) type Method = (u16, u16);
/// A method and its arguments.
pub(crate) type Answer = (Method, Vec<u8>);

pub(crate) const CHANNEL_CLOSE: Method = (20, 40);
pub(crate) const EXCHANGE_DECLARE: Method = (40, 10);
pub(crate) const QUEUE_DECLARE: Method = (50, 10);
pub(crate) const QUEUE_BIND: Method = (50, 20);
pub(crate) const QUEUE_PURGE: Method = (50, 30);
pub(crate) const PUBLISH: Method = (60, 40);
const NOTHING: Method = (0, 0);

/// A broker that answers as the test says, and as usual where the test says nothing.
pub(crate) struct FakeBroker {
    port: u16,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FakeBroker {
    /// A broker that asks `answer` first.
    pub(crate) async fn start(answer: impl Fn(Method) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let answer = Arc::clone(&answer);
                // Ends with an error when the client goes.
                tokio::spawn(async move { drop(serve(stream, &*answer).await) });
            }
        });
        Self { port, connections, task }
    }

    pub(crate) fn uri(&self) -> String {
        format!("amqp://user:s3cret@127.0.0.1:{}/omotes", self.port)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::parse(&self.uri(), "test", Trust::System).unwrap()
    }

    /// How many there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for FakeBroker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: &(dyn Fn(Method) -> Option<Answer> + Sync)) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 8]).await?;
    let start = [&[0, 9][..], &long(""), &long("PLAIN"), &long("en_US")].concat();
    send(&mut stream, 0, ((10, 10), start)).await?;
    loop {
        let kind = stream.read_u8().await?;
        let channel = stream.read_u16().await?;
        let mut payload = vec![0; stream.read_u32().await? as usize];
        stream.read_exact(&mut payload).await?;
        stream.read_u8().await?;
        let method = match kind {
            1 => (u16::from_be_bytes([payload[0], payload[1]]), u16::from_be_bytes([payload[2], payload[3]])),
            3 => PUBLISH,
            _ => continue,
        };
        if (kind, method) == (1, PUBLISH) {
            continue;
        }
        let answer = answer(method).or_else(|| usual(method));
        if let Some(answer) = answer.filter(|(method, _)| *method != NOTHING) {
            send(&mut stream, channel, answer).await?;
        }
    }
}

fn usual((class, method): Method) -> Option<Answer> {
    let arguments = match (class, method) {
        (10, 11) => return Some(((10, 30), [&[7, 255][..], &[0, 2, 0, 0], &[0, 0]].concat())),
        (10, 40) => vec![0],
        (20, 10) => long(""),
        QUEUE_PURGE => vec![0; 4],
        QUEUE_DECLARE => [&short("q")[..], &[0; 8]].concat(),
        (10, 50) | CHANNEL_CLOSE | EXCHANGE_DECLARE | QUEUE_BIND | (85, 10) => vec![],
        _ => return None,
    };
    Some(((class, method + 1), arguments))
}

async fn send(stream: &mut TcpStream, channel: u16, ((class, method), arguments): Answer) -> std::io::Result<()> {
    let mut frame = vec![1];
    frame.extend(channel.to_be_bytes());
    frame.extend(u32::try_from(4 + arguments.len()).unwrap().to_be_bytes());
    frame.extend([class.to_be_bytes(), method.to_be_bytes()].concat());
    frame.extend(arguments);
    frame.push(0xce);
    stream.write_all(&frame).await
}

/// The management API at `listener`.
pub(super) fn management_at(listener: &TcpListener, endpoint: &Endpoint) -> Management {
    let file = std::env::temp_dir().join(format!("omotes-management-{:016x}", fastrand::u64(..)));
    std::fs::write(&file, format!("http://user:s3cret@{}", listener.local_addr().unwrap())).unwrap();
    let management = Management::read(&file, None, endpoint, false).unwrap();
    std::fs::remove_file(file).unwrap();
    management
}

/// The end of a channel, with the broker's reason.
pub(crate) fn refused(code: u16, text: &str) -> Answer {
    let cause = [0, 0, 0, 0];
    (CHANNEL_CLOSE, [&code.to_be_bytes()[..], &short(text), &cause].concat())
}

/// No answer at all.
pub(crate) fn silence() -> Answer {
    (NOTHING, vec![])
}

/// The confirmation of the first message of a channel.
pub(crate) fn confirmed() -> Answer {
    ((60, 80), [&1_u64.to_be_bytes()[..], &[0]].concat())
}

/// The refusal of the first message of a channel.
pub(crate) fn nacked() -> Answer {
    ((60, 120), [&1_u64.to_be_bytes()[..], &[0]].concat())
}

fn long(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn short(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
}
