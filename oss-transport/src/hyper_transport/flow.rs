//! What a connection has done for the exchange that it carries, and what is due next.
//!
//! The wire, the body and the exchange look at one [`Flow`]: the wire notes bytes, the body its end, and the
//! exchange asks which clock runs.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::StatusCode;
use tokio::{sync::Notify, time::Instant};

use super::fault::Fault;
use crate::{BoxError, Timeouts};

/// Most informational answers (1xx) before a final one.
const MAX_INFORMATIONAL: u32 = 16;

/// How long a request with `Expect: 100-continue` waits for the go-ahead before it sends its body all the same
/// (RFC 9110, 10.1.1, leaves the time open; curl takes the same second).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// How long nothing has to move before it is looked whether this end of the connection is still there, and how long between two
/// looks.
const LOOK_AFTER: Duration = Duration::from_secs(2);

/// The state of one connection's current exchange; see the module.
pub(super) struct Flow {
    /// This end of the connection.
    local: OnceLock<SocketAddr>,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    begun: bool,
    progress: Instant,
    looked: Instant,
    written: u64,
    body: BodyIs,
    sent: Option<Instant>,
    head: Option<Instant>,
    stopped: bool,
    held_until: Option<Instant>,
    body_waker: Option<Waker>,
    informational: u32,
    write_error: Option<io::Error>,
    body_error: Option<BoxError>,
}

/// Where the rest of a body is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyIs {
    /// Asked for when the connection has room for it.
    Here,
    /// Being made where that may block.
    Away,
    /// Handed over whole.
    Over,
}

/// The next thing that happens if nothing else does.
pub(super) struct Due {
    pub(super) at: Instant,
    pub(super) what: Step,
}

/// What to do when something is due.
pub(super) enum Step {
    /// The body goes out without a go-ahead.
    ReleaseBody,
    /// It is looked whether this machine still has the address.
    LookAt(SocketAddr),
    /// The exchange is dead.
    GiveUp(Fault),
}

impl State {
    fn fresh(begun: bool) -> Self {
        Self {
            begun,
            progress: Instant::now(),
            looked: Instant::now(),
            written: 0,
            body: BodyIs::Here,
            sent: None,
            head: None,
            stopped: false,
            held_until: None,
            body_waker: None,
            informational: 0,
            write_error: None,
            body_error: None,
        }
    }
}

impl Flow {
    pub(super) fn new() -> Self {
        Self { local: OnceLock::new(), state: Mutex::new(State::fresh(false)), changed: Notify::new() }
    }

    /// The connection begins at this address of this machine.
    pub(super) fn is_from(&self, local: SocketAddr) {
        let _ = self.local.set(local);
    }

    /// The address was looked at, and is there.
    pub(super) fn looked(&self) {
        self.state().looked = Instant::now();
    }

    /// A new exchange starts on this connection.
    pub(super) fn begin(&self, body_is_empty: bool, waits_for_continue: bool) {
        let mut state = self.state();
        *state = State::fresh(true);
        if body_is_empty {
            state.body = BodyIs::Over;
        }
        state.held_until = (waits_for_continue && !body_is_empty).then(|| state.progress + CONTINUE_WAIT);
    }

    /// The wire took `count` bytes.
    pub(super) fn wrote(&self, count: usize) {
        let mut state = self.state();
        state.written += count as u64;
        // It lies ahead while the body waits.
        state.progress = state.progress.max(Instant::now());
    }

    /// The wire has handed everything over that it was given.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        if state.body == BodyIs::Over && state.written > 0 && state.sent.is_none() {
            state.sent = Some(Instant::now());
            self.changed.notify_one();
        }
    }

    /// The wire could not write. Inside an exchange reading goes on, since an answer may already lie there: the
    /// error is kept, and `None` comes back.
    pub(super) fn write_failed(&self, error: io::Error) -> Option<io::Error> {
        let mut state = self.state();
        if !state.begun {
            return Some(error);
        }
        state.write_error.get_or_insert(error);
        state.stopped = true;
        None
    }

    /// Bytes of an answer came in.
    pub(super) fn received(&self) {
        let mut state = self.state();
        if state.begun && state.head.is_none() {
            state.head = Some(Instant::now());
            self.changed.notify_one();
        }
    }

    /// An informational answer was read.
    pub(super) fn informed(&self, status: StatusCode) {
        let mut state = self.state();
        state.informational += 1;
        state.head = None;
        if status == StatusCode::CONTINUE {
            release(&mut state);
        }
        self.changed.notify_one();
    }

    /// The body goes out, go-ahead or not.
    pub(super) fn release_body(&self) {
        release(&mut self.state());
    }

    /// Ready when the body may go on.
    pub(super) fn poll_body(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.stopped {
            return Poll::Pending;
        }
        if state.held_until.is_some() {
            state.body_waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// The body is made where that may block; however long it takes, that is not the connection's time.
    pub(super) fn body_is_away(&self) {
        self.state().body = BodyIs::Away;
    }

    /// The body made a piece; the time that took is not the connection's.
    pub(super) fn body_moved(&self, ended: bool) {
        let mut state = self.state();
        state.progress = Instant::now();
        state.body = if ended { BodyIs::Over } else { BodyIs::Here };
    }

    /// The body wants to wait so long.
    pub(super) fn body_waits(&self, wait: Duration) {
        let mut state = self.state();
        state.progress = state.progress.max(Instant::now() + wait);
    }

    /// The body could not be made.
    pub(super) fn body_failed(&self, error: BoxError) {
        self.state().body_error.get_or_insert(error);
    }

    /// Nothing more is sent on this connection.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Whether more informational answers came than anybody needs.
    pub(super) fn is_flooded(&self) -> bool {
        self.state().informational > MAX_INFORMATIONAL
    }

    /// Whether the request went out whole.
    pub(super) fn is_sent(&self) -> bool {
        let state = self.state();
        state.sent.is_some() && !state.stopped
    }

    /// Whether not one byte of the request was taken.
    pub(super) fn is_untouched(&self) -> bool {
        self.state().written == 0
    }

    pub(super) fn take_body_error(&self) -> Option<BoxError> {
        self.state().body_error.take()
    }

    pub(super) fn take_write_error(&self) -> Option<io::Error> {
        self.state().write_error.take()
    }

    /// Waits until another clock may be the one that runs.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The clock that runs now.
    pub(super) fn due(&self, timeouts: &Timeouts) -> Due {
        let due = self.due_by_clocks(timeouts);
        let state = self.state();
        let look = state.progress.max(state.looked) + LOOK_AFTER;
        match self.local.get() {
            Some(local) if state.begun && look < due.at => Due { at: look, what: Step::LookAt(*local) },
            _ => due,
        }
    }

    fn due_by_clocks(&self, timeouts: &Timeouts) -> Due {
        let state = self.state();
        if state.informational > MAX_INFORMATIONAL {
            return Due { at: state.progress, what: Step::GiveUp(Fault::TooManyInformational) };
        }
        if let Some(begun) = state.head {
            return Due { at: begun + timeouts.head, what: Step::GiveUp(Fault::HeadTooSlow(timeouts.head)) };
        }
        if let Some(sent) = state.sent {
            return Due { at: sent + timeouts.answer, what: Step::GiveUp(Fault::NoAnswer(timeouts.answer)) };
        }
        if let Some(until) = state.held_until {
            return Due { at: until, what: Step::ReleaseBody };
        }
        let idle_since = if state.body == BodyIs::Away { Instant::now() } else { state.progress };
        Due {
            at: idle_since + timeouts.write_idle,
            what: Step::GiveUp(Fault::WriteIdle(timeouts.write_idle)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn release(state: &mut State) {
    if state.held_until.take().is_some() {
        state.progress = Instant::now();
        if let Some(waker) = state.body_waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::time::advance;

    use super::*;

    const CLOCKS: Timeouts = Timeouts {
        connect: Duration::from_secs(1),
        write_idle: Duration::from_secs(20),
        answer: Duration::from_mins(5),
        head: Duration::from_secs(4000),
        body: Duration::from_secs(5),
    };

    /// Runs `test` in a time that only moves when it says so.
    fn in_still_time<F: Future>(test: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(test)
    }

    async fn after(seconds: u64) {
        advance(Duration::from_secs(seconds)).await;
    }

    /// In how many seconds the exchange is given up.
    fn left(flow: &Flow) -> u64 {
        flow.due(&CLOCKS).at.duration_since(Instant::now()).as_secs()
    }

    fn may_go_on(flow: &Flow) -> bool {
        flow.poll_body(&Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn each_clock_starts_where_it_says() {
        in_still_time(async {
            let flow = Flow::new();
            flow.begin(false, false);
            after(5).await;
            assert_eq!(left(&flow), 15, "nothing was taken yet");
            flow.wrote(10);
            assert_eq!(left(&flow), 20, "a byte was taken");
            after(19).await;
            flow.body_moved(true);
            assert_eq!(left(&flow), 20, "making the piece took the time, not the connection");
            flow.body_moved(false);
            flow.body_is_away();
            after(100).await;
            assert_eq!(left(&flow), 20, "nor does the connection wait for a disk");
            flow.body_moved(true);
            after(1).await;
            flow.wrote(10);
            flow.flushed();
            after(100).await;
            flow.flushed();
            assert_eq!(left(&flow), 200, "the answer is due since the first time that all was handed over");
            flow.received();
            after(1000).await;
            flow.received();
            assert_eq!(left(&flow), 3000, "the head is due since its first byte");
        });
    }

    // Rows: 19
    #[test]
    fn informational_answers_do_not_put_the_answer_off() {
        in_still_time(async {
            let flow = Flow::new();
            flow.begin(true, false);
            flow.wrote(10);
            flow.flushed();
            after(200).await;
            flow.received();
            flow.informed(StatusCode::PROCESSING);
            assert_eq!(left(&flow), 100);
            for _ in 1..MAX_INFORMATIONAL {
                flow.informed(StatusCode::PROCESSING);
            }
            assert!(!flow.is_flooded());
            flow.informed(StatusCode::PROCESSING);
            assert!(flow.is_flooded());
            assert_eq!(left(&flow), 0);
        });
    }

    // Rows: 18
    #[test]
    fn a_held_body_goes_out_after_a_second() {
        in_still_time(async {
            let flow = Flow::new();
            flow.begin(false, true);
            flow.wrote(10);
            flow.flushed();
            assert!(!may_go_on(&flow));
            assert!(matches!(flow.due(&CLOCKS).what, Step::ReleaseBody));
            assert_eq!(left(&flow), 1);
            after(1).await;
            flow.release_body();
            assert!(may_go_on(&flow));
            assert_eq!(left(&flow), 20, "the time of waiting is not the connection's");
        });
    }

    // Rows: 16
    #[test]
    fn a_failed_write_stops_the_body_and_leaves_reading_alone() {
        in_still_time(async {
            let flow = Flow::new();
            assert!(
                flow.write_failed(io::ErrorKind::BrokenPipe.into()).is_some(),
                "outside an exchange it is an error"
            );
            flow.begin(false, false);
            flow.wrote(10);
            assert!(may_go_on(&flow));
            assert!(flow.write_failed(io::ErrorKind::BrokenPipe.into()).is_none());
            assert!(!may_go_on(&flow));
            assert!(!flow.is_untouched() && !flow.is_sent());
            assert!(flow.take_write_error().is_some());
            flow.begin(false, false);
            assert!(may_go_on(&flow) && flow.is_untouched(), "the next exchange starts afresh");
        });
    }
}
