//! What this machine has no more of, for the moment: open files, ports, threads. Fewer transfers at once need less.

use std::{error::Error, io, time::Duration};

use super::in_flight::{Done, InFlight};
use crate::{Event, FaultClass};

/// A transfer that is alone and still lacks something is tried so often before that is the end: in about 1.5 seconds.
const ALONE: u32 = 6;
/// A part that is read for its checksum waits so long, so often, for transfers to end.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);
pub(crate) const PAUSES: u32 = 50;

/// Whether it failed for want of something that others on this machine, or we ourselves, hold.
pub(crate) fn is_scarce(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(lacks) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn lacks(error: &io::Error) -> bool {
    // errno(3): the same numbers on every Unix.
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE) if cfg!(unix))
        || matches!(
            error.kind(),
            // No thread; no port.
            io::ErrorKind::WouldBlock | io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory
        )
}

/// Watches whether fewer transfers at once help.
#[derive(Debug, Default)]
pub(crate) struct Scarcity {
    alone: u32,
}

impl Scarcity {
    /// Where even one transfer lacks something again and again, this machine will not do it.
    pub(crate) fn judge(&mut self, mut done: Done, in_flight: &InFlight) -> Done {
        match &mut done.event {
            Event::Failed { fault, .. } if fault.class == FaultClass::Scarce => {
                self.alone = if in_flight.is_reading() { 0 } else { self.alone + 1 };
                if self.alone >= ALONE {
                    fault.class = FaultClass::Local;
                }
            }
            Event::PartUploaded { .. } => self.alone = 0,
            _ => {}
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_found_beneath_other_errors() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot open it")]
        struct Outer(#[source] io::Error);

        let check = |error: io::Error, expected: bool| {
            assert_eq!(is_scarce(&Outer(error)), expected);
        };
        for number in [23, 24] {
            check(io::Error::from_raw_os_error(number), true);
        }
        check(io::ErrorKind::AddrNotAvailable.into(), true);
        check(io::ErrorKind::WouldBlock.into(), true);
        check(io::ErrorKind::NotFound.into(), false);
        check(io::ErrorKind::ConnectionRefused.into(), false);
    }
}
