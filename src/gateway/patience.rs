//! The waits of one message, until what it asks for is done.
//!
//! Ring: shell.

use std::time::Duration;

use tokio::time::sleep;
use tracing::{debug, warn};

use crate::backoff::Backoff;

use super::{delay::Delay, line::Place, shared::Gateway};

/// The first wait for what is not there, and the longest.
pub(super) const DELAYS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Between two looks for room in a quota at most: jobs take longer than that.
const MOST_ROOM_DELAY: Duration = Duration::from_secs(10);

/// The waits of one message.
pub(super) struct Patience<'a> {
    gateway: &'a Gateway,
    place: Place,
    backoff: Backoff,
    said: String,
}

impl<'a> Patience<'a> {
    pub(super) fn new(gateway: &'a Gateway, place: Place) -> Self {
        Self { gateway, place, backoff: Backoff::new(DELAYS.0, DELAYS.1), said: String::new() }
    }

    /// Tries `again` and again until it is done.
    pub(super) async fn persist<T, F: Future<Output = Result<T, Delay>>>(
        &mut self,
        what: &'static str,
        mut again: impl FnMut() -> F,
    ) -> T {
        loop {
            match again().await {
                Ok(done) => return done,
                Err(delay) => self.wait(what, delay).await,
            }
        }
    }

    async fn wait(&mut self, what: &'static str, delay: Delay) {
        self.tell(what, &delay);
        self.place.hold(delay.lets_pass().map(|reason| self.gateway.hold(reason)));
        let pause = self.backoff.next_delay();
        let number = self.place.number();
        if !matches!(delay, Delay::NoRoom(_)) {
            return sleep(pause).await;
        }
        number.wait_for_room();
        if number.is_first() { sleep(pause.min(MOST_ROOM_DELAY)).await } else { number.turn(DELAYS.1).await }
    }

    fn tell(&mut self, what: &'static str, delay: &Delay) {
        let text = delay.to_string();
        match delay {
            Delay::TooEarly | Delay::InHand => debug!(what, %delay, "waiting"),
            _ if text == self.said => debug!(what, %delay, "still waiting"),
            _ => warn!(%delay, "{what} waits; the operator tries again"),
        }
        self.said = text;
    }
}
