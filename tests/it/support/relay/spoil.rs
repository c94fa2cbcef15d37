//! Deeds done to the bytes of one message on their way.

use std::{
    io::{self, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::{Deed, Parting};

/// Hands the bytes of one message on.
pub(super) struct Spoiler<'a> {
    to: &'a TcpStream,
    deeds: Vec<Deed>,
    /// How many bytes of the message have come.
    at: usize,
}

impl<'a> Spoiler<'a> {
    pub(super) fn new(deeds: Vec<Deed>, to: &'a TcpStream) -> Self {
        Self { to, deeds, at: 0 }
    }

    /// The next bytes; says how the connection is to end if this is where.
    pub(super) fn pass(
        &mut self,
        mut bytes: Vec<u8>,
        has_ended: impl Fn() -> bool,
    ) -> io::Result<Option<Parting>> {
        let (from, end) = (self.at, self.at + bytes.len());
        self.at = end;
        for deed in &self.deeds {
            match *deed {
                Deed::Corrupt { at, mask } if (from..end).contains(&at) => bytes[at - from] ^= mask,
                Deed::Delay(pause) if from == 0 => wait(pause, &has_ended),
                _ => {}
            }
        }
        // Where a cut and a stall lie in one piece, the first of them in the message comes first.
        let mut stops: Vec<(usize, &Deed)> =
            self.deeds.iter().filter_map(|deed| Some((stop_of(deed)?, deed))).collect();
        stops.sort_by_key(|(at, _)| *at);
        let mut passed = from;
        for (stop, deed) in stops {
            let is_here = (from..=end).contains(&stop) && (stop < end || matches!(deed, Deed::Cut { .. }));
            if !is_here {
                continue;
            }
            self.write(&bytes[passed - from..stop - from], passed)?;
            passed = stop;
            match *deed {
                Deed::Cut { parting, .. } => return Ok(Some(parting)),
                Deed::Stall { pause, .. } => wait(pause, &has_ended),
                _ => {}
            }
        }
        if has_ended() {
            // What was held back when the connection ended never arrives.
            return Ok(Some(Parting::Reset));
        }
        self.write(&bytes[passed - from..], passed)?;
        Ok(None)
    }

    /// Writes what lies at `offset` of the message, in pieces where that was asked for.
    fn write(&self, bytes: &[u8], offset: usize) -> io::Result<()> {
        let pieces = self.deeds.iter().find_map(|deed| match *deed {
            Deed::Pieces { size, pause, up_to } => Some((size.max(1), pause, up_to)),
            _ => None,
        });
        let mut to = self.to;
        let Some((size, pause, up_to)) = pieces else { return to.write_all(bytes) };
        let (small, rest) = bytes.split_at(up_to.saturating_sub(offset).min(bytes.len()));
        for piece in small.chunks(size) {
            to.write_all(piece)?;
            thread::sleep(pause);
        }
        to.write_all(rest)
    }
}

fn stop_of(deed: &Deed) -> Option<usize> {
    match *deed {
        Deed::Cut { after, .. } | Deed::Stall { after, .. } => Some(after),
        Deed::Delay(_) | Deed::Corrupt { .. } | Deed::Pieces { .. } => None,
    }
}

/// A pause that ends early when the connection does.
fn wait(pause: Duration, has_ended: &impl Fn() -> bool) {
    const LOOK_EVERY: Duration = Duration::from_millis(20);
    let until = Instant::now() + pause;
    while let Some(left) = until.checked_duration_since(Instant::now())
        && !has_ended()
    {
        thread::sleep(left.min(LOOK_EVERY));
    }
}
