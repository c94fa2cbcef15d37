//! One TCP connection as the server sees it: what can be slowed, cut short and torn down while hyper speaks over it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::faults::Parting;

/// Bytes that are still read from a client that was answered before it had sent all.
const LINGER_BYTES: usize = 8 << 20;
/// How long for.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// The orders for a connection, given by whoever handles its requests.
#[derive(Debug)]
pub(crate) struct Line {
    /// Bytes a second; 0 is no limit.
    read_rate: AtomicU64,
    write_rate: AtomicU64,
    /// What may still be written.
    write_left: AtomicU64,
    /// 0: to be ended in order; 1: to be reset.
    parting: AtomicU8,
}

impl Line {
    pub(crate) fn new(bandwidth: Option<u64>) -> Arc<Self> {
        let rate = bandwidth.unwrap_or(0);
        Arc::new(Self {
            read_rate: AtomicU64::new(rate),
            write_rate: AtomicU64::new(rate),
            write_left: AtomicU64::new(u64::MAX),
            parting: AtomicU8::new(0),
        })
    }

    /// As the settings have it, whatever a rule asked for at an earlier request.
    pub(crate) fn restore_rates(&self, bandwidth: Option<u64>) {
        self.throttle_reads(bandwidth.unwrap_or(0));
        self.throttle_writes(bandwidth.unwrap_or(0));
    }

    /// From now on at most `rate` bytes a second are read.
    pub(crate) fn throttle_reads(&self, rate: u64) {
        self.read_rate.store(rate, Ordering::Relaxed);
    }

    /// From now on at most `rate` bytes a second are written.
    pub(crate) fn throttle_writes(&self, rate: u64) {
        self.write_rate.store(rate, Ordering::Relaxed);
    }

    /// After `bytes` more the connection ends.
    pub(crate) fn cut_writes(&self, bytes: u64, parting: Parting) {
        self.part(parting);
        self.write_left.store(bytes, Ordering::Relaxed);
    }

    /// How the connection ends when it does.
    pub(crate) fn part(&self, parting: Parting) {
        self.parting.store(u8::from(parting == Parting::Reset), Ordering::Relaxed);
    }
}

/// The stream of a connection, under the orders of its [`Line`].
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    line: Arc<Line>,
    reads: Pace,
    writes: Pace,
}

impl Stream {
    pub(crate) fn new(tcp: TcpStream, line: Arc<Line>) -> Self {
        Self { tcp, line, reads: Pace::default(), writes: Pace::default() }
    }

    /// Ends the connection as it was ordered to. In order: what the client is still sending is read for a while, since bytes
    /// that nobody read make the system send a reset, which can overtake the answer.
    pub(crate) async fn end(mut self) {
        if self.line.parting.load(Ordering::Relaxed) == 1 {
            if let Err(error) = self.tcp.set_zero_linger() {
                tracing::debug!(%error, "no reset");
            }
            return;
        }
        let _ = tokio::time::timeout(LINGER_TIME, async {
            self.tcp.shutdown().await?;
            let mut block = vec![0; 64 << 10];
            let mut left = LINGER_BYTES;
            loop {
                match self.tcp.read(&mut block).await? {
                    0 => return Ok::<_, io::Error>(()),
                    read => left = left.saturating_sub(read),
                }
                if left == 0 {
                    return Ok(());
                }
            }
        })
        .await;
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let rate = this.line.read_rate.load(Ordering::Relaxed);
        if rate == 0 {
            return Pin::new(&mut this.tcp).poll_read(cx, buf);
        }
        ready!(this.reads.poll_due(cx));
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(buf.remaining().min(share_of(rate))));
        ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buf.advance(read);
        this.reads.spent(read, rate);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let rate = this.line.write_rate.load(Ordering::Relaxed);
        let left = this.line.write_left.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if rate > 0 {
            ready!(this.writes.poll_due(cx));
        }
        let most = if rate > 0 { share_of(rate) } else { bytes.len() };
        let most = bytes.len().min(most).min(usize::try_from(left).unwrap_or(usize::MAX));
        let written = ready!(Pin::new(&mut this.tcp).poll_write(cx, &bytes[..most]))?;
        if left != u64::MAX {
            this.line.write_left.store(left - written as u64, Ordering::Relaxed);
        }
        if rate > 0 {
            this.writes.spent(written, rate);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let line = &self.line;
        if line.write_rate.load(Ordering::Relaxed) == 0 && line.write_left.load(Ordering::Relaxed) == u64::MAX
        {
            return Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| &**slice);
        self.poll_write(cx, first)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    /// Left to [`Stream::end`].
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Bytes at a time under a rate: a twentieth of a second of it.
fn share_of(rate: u64) -> usize {
    usize::try_from(rate.div_ceil(20)).unwrap_or(usize::MAX)
}

/// When the next bytes are due.
#[derive(Debug, Default)]
struct Pace {
    due: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.due.filter(|due| *due > Instant::now()) else { return Poll::Ready(()) };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx)
    }

    fn spent(&mut self, bytes: usize, rate: u64) {
        let now = Instant::now();
        let start = self.due.map_or(now, |due| due.max(now));
        let nanoseconds = bytes as u128 * 1_000_000_000 / u128::from(rate);
        self.due = Some(start + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)));
    }
}
