//! Work under a clock, on a thread that a slow disk may have held up.

use std::{
    future::{Future, poll_fn},
    io,
    net::{SocketAddr, UdpSocket},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::{
    task::yield_now,
    time::{Instant, sleep_until},
};

use super::{
    fault::Fault,
    flow::{Flow, Step},
};
use crate::Timeouts;

/// Runs `work` under whichever clock of `timeouts` the flow says.
pub(super) async fn watched<F: Future>(
    work: F,
    flow: &Flow,
    timeouts: &Timeouts,
) -> Result<F::Output, Fault> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            output = &mut work => return Ok(output),
            () = flow.changed() => continue,
            () = sleep_until(flow.due(timeouts).at) => {}
        }
        catch_up().await;
        let due = flow.due(timeouts);
        if due.at > Instant::now() {
            continue;
        }
        match due.what {
            Step::ReleaseBody => flow.release_body(),
            Step::LookAt(local) if is_gone(local) => {
                return now(work.as_mut()).await.ok_or(Fault::AddressGone(local.ip()));
            }
            Step::LookAt(_) => flow.looked(),
            Step::GiveUp(fault) => return now(work.as_mut()).await.ok_or(fault),
        }
    }
}

/// Runs `work` for at most `limit`; `None` when it takes longer.
pub(super) async fn limited<F: Future>(work: F, limit: Duration) -> Option<F::Output> {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        output = &mut work => return Some(output),
        () = sleep_until(Instant::now() + limit) => {}
    }
    catch_up().await;
    now(work).await
}

/// Whether this machine no longer has an address, so that nothing can come to it: a cable or another network does that, and no
/// connection is told.
fn is_gone(local: SocketAddr) -> bool {
    let any_port = SocketAddr::new(local.ip(), 0);
    UdpSocket::bind(any_port).is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}

/// While a body's read held the thread, no connection on it was looked at: what the kernel has for them is not
/// late, only unread. Two turns of the runtime read it.
async fn catch_up() {
    yield_now().await;
    yield_now().await;
}

async fn now<F: Future>(mut work: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
