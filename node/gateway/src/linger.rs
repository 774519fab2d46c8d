//! A connection whose end waits for the other side.
//!
//! A client that still sends a body nobody wants would be reset by a plain close, and lose the answer that says why (RFC 9112,
//! section 9.6). So shutting down ends what is written, and then reads on for a while.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// How long a connection that is done is read on while nothing comes, and how long at most.
const PAUSE: Duration = Duration::from_secs(2);
const MAX: Duration = Duration::from_secs(10);
/// How much is read at once meanwhile.
const SCRAP_BYTES: usize = 16 << 10;

/// See the module.
pub(crate) struct Lingering {
    stream: TcpStream,
    end: End,
}

enum End {
    Open,
    Reading { pause: Pin<Box<Sleep>>, until: Instant },
    Over,
}

impl Lingering {
    /// Wraps an open connection.
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, end: End::Open }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        loop {
            match &mut this.end {
                End::Open => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.end = End::Reading { pause: Box::pin(sleep(PAUSE)), until: Instant::now() + MAX };
                }
                End::Reading { pause, until } => {
                    let mut scrap = [0; SCRAP_BYTES];
                    let mut buf = ReadBuf::new(&mut scrap);
                    match Pin::new(&mut this.stream).poll_read(cx, &mut buf) {
                        Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                            // What still comes after that is the client's own loss.
                            let next = (Instant::now() + PAUSE).min(*until);
                            pause.as_mut().reset(next);
                            if Instant::now() >= *until {
                                this.end = End::Over;
                            }
                        }
                        Poll::Ready(_) => this.end = End::Over,
                        Poll::Pending => {
                            ready!(pause.as_mut().poll(cx));
                            this.end = End::Over;
                        }
                    }
                }
                End::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}
