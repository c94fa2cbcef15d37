//! `--bandwidth-limit`, and the signals that change it while it runs.

use std::{io, num::NonZeroU64};

use oss_checkpoint::ByteCount;
use oss_resumable::driver::BandwidthLimit;
use tokio::signal::unix::{SignalKind, signal};

use crate::progress::Pen;

/// A limit of so many bytes a second; from here on SIGUSR1 halves it and SIGUSR2 doubles it. Needs a runtime.
///
/// # Errors
/// When the system does not hand the signals over.
pub(crate) fn limit(rate: NonZeroU64, pen: Pen) -> io::Result<BandwidthLimit> {
    let (mut less, mut more) = (signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?);
    let limit = BandwidthLimit::new(Some(rate));
    let changed = limit.clone();
    tokio::spawn(async move {
        loop {
            let is_less = tokio::select! {
                said = less.recv() => said.map(|()| true),
                said = more.recv() => said.map(|()| false),
            };
            let (Some(is_less), Some(rate)) = (is_less, changed.rate()) else { return };
            let rate = if is_less { halved(rate) } else { rate.saturating_mul(TWO) };
            changed.set(Some(rate));
            let words = ByteCount::new(rate.get());
            pen.note(&format!("note: from now on no more than {words} a second"));
        }
    });
    Ok(limit)
}

const TWO: NonZeroU64 = NonZeroU64::new(2).expect("2 is not 0");
/// In bytes a second. With sixteen parts in flight each then sends 64, which is one of the smallest blocks in 16 s.
pub(crate) const LEAST: NonZeroU64 = NonZeroU64::new(1024).expect("1024 is not 0");

fn halved(rate: NonZeroU64) -> NonZeroU64 {
    NonZeroU64::new(rate.get() / 2).map_or(LEAST, |half| half.max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_never_halved_away() {
        let rate = |rate| NonZeroU64::new(rate).unwrap();
        assert_eq!(halved(rate(4096)), rate(2048));
        assert_eq!(halved(rate(1025)), LEAST);
    }
}
