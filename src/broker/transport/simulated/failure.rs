//! What a test lets fail.
//!
//! Ring: shell; plain values.

/// What a client asks of the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// To open a connection.
    Connect,
    /// To open a channel.
    OpenChannel,
    /// To confirm what is published on a channel.
    ConfirmSelect,
    /// To declare an exchange.
    DeclareExchange,
    /// To declare a queue.
    DeclareQueue,
    /// To look at a queue: a passive declaration.
    LookAtQueue,
    /// To bind a queue.
    BindQueue,
    /// To purge a queue.
    PurgeQueue,
    /// To delete a queue.
    DeleteQueue,
    /// To fetch one message.
    Get,
    /// To bound what comes to a consumer.
    Qos,
    /// To consume a queue.
    Consume,
    /// To publish a message; the reply is its confirmation.
    Publish,
    /// To acknowledge or reject a message.
    Settle,
    /// To close a channel or the connection.
    Close,
}

/// Who asks for what, as a judge hears it before it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationAsked {
    /// `connection` is the name that the client gave it.
    pub connection: String,
    /// `operation` that it asks for.
    pub operation: Operation,
}

/// Decides for each operation whether it fails.
pub(super) type Judge = Box<dyn FnMut(&OperationAsked) -> Option<Failure> + Send>;

/// How an operation fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connection breaks before the operation has an effect.
    BeforeEffect,
    /// The operation has its effect, and the connection breaks before the reply.
    ReplyLost,
    /// It waits on its way, with all that the connection sends after it, until
    /// [`unblock`](super::SimulatedBroker::unblock).
    Late,
    /// The broker refuses the operation.
    Refused {
        /// AMQP's reply code, which says whether the channel or the connection ends.
        code: u16,
        /// The broker's words, such as `PRECONDITION_FAILED - queue limit in vhost 'v' (3) is reached`.
        text: String,
    },
}
