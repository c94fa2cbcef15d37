//! The byte stream under hyper: TCP, or TLS over it, and the notes that it leaves in the [`Flow`].

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper_rustls::MaybeHttpsStream;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::flow::Flow;

/// A TCP stream that notes each byte which the kernel takes.
pub(super) struct Metered {
    stream: TcpStream,
    flow: Arc<Flow>,
}

/// What hyper reads from and writes to. Counts what was received above TLS, what was taken below it.
pub(super) struct Wire {
    stream: TokioIo<MaybeHttpsStream<TokioIo<Metered>>>,
    flow: Arc<Flow>,
}

impl Metered {
    pub(super) fn new(stream: TcpStream, flow: Arc<Flow>) -> Self {
        if let Ok(local) = stream.local_addr() {
            flow.is_from(local);
        }
        Self { stream, flow }
    }

    fn note(&self, taken: io::Result<usize>, offered: usize) -> Poll<io::Result<usize>> {
        match taken {
            Ok(count) => {
                self.flow.wrote(count);
                Poll::Ready(Ok(count))
            }
            Err(error) => match self.flow.write_failed(error) {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Ready(Ok(offered)),
            },
        }
    }
}

impl Wire {
    /// `stream`, whose notes are in `flow`.
    pub(super) fn new(stream: MaybeHttpsStream<TokioIo<Metered>>, flow: Arc<Flow>) -> Self {
        Self { stream: TokioIo::new(stream), flow }
    }
}

impl Connection for Metered {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.flow.is_stopped() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let taken = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.note(taken, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = slices.iter().map(|slice| slice.len()).sum();
        if self.flow.is_stopped() {
            return Poll::Ready(Ok(offered));
        }
        let taken = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        self.note(taken, offered)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.flow.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.flow.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
