//! Messages over a stream of bytes.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use flowork_protocol::peer::{self, Message};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};

/// Why there is no message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The other end closed the stream.
    #[error("the other node closed the stream")]
    Closed,
    /// Nothing came in time.
    #[error("the other node sent nothing for {} s", .0.as_secs())]
    Late(Duration),
    /// The stream broke.
    #[error("the stream to the other node broke")]
    Io(#[from] std::io::Error),
    /// Bytes that are no messages.
    #[error("the other node does not keep to the protocol")]
    Form(#[from] peer::Error),
}

impl Error {
    /// A message that does not belong here now.
    pub(crate) fn out_of_turn() -> Self {
        Self::malformed("it came out of turn")
    }

    /// A message that says what it may not.
    pub(crate) fn malformed(why: impl Into<String>) -> Self {
        Self::Form(peer::Error::Form(why.into()))
    }
}

/// Both halves of a stream.
pub(crate) fn split<S: AsyncRead + AsyncWrite>(stream: S) -> (Reader<ReadHalf<S>>, Writer<WriteHalf<S>>) {
    let (reader, writer) = tokio::io::split(stream);
    (Reader { reader, buffer: BytesMut::new(), most: usize::MAX }, Writer { writer })
}

/// Reads messages.
pub(crate) struct Reader<R> {
    reader: R,
    buffer: BytesMut,
    most: usize,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Takes no longer messages than this from now on, whatever their protocol allows.
    pub(crate) fn at_most(&mut self, bytes: usize) {
        self.most = bytes;
    }

    /// The next message. Cancel-safe: what was read stays in the buffer.
    pub(crate) async fn next<M: Message>(&mut self) -> Result<M, Error> {
        loop {
            if let Some(said) = self.buffer.first_chunk::<4>()
                && u32::from_be_bytes(*said) as usize > self.most
            {
                let bytes = u32::from_be_bytes(*said) as usize;
                return Err(peer::Error::Length { bytes, limit: self.most }.into());
            }
            if let Some((message, took)) = peer::decode(&self.buffer)? {
                self.buffer.advance(took);
                return Ok(message);
            }
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return Err(if self.buffer.is_empty() {
                    Error::Closed
                } else {
                    std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()
                });
            }
        }
    }

    /// The next message, within a time.
    pub(crate) async fn next_within<M: Message>(&mut self, time: Duration) -> Result<M, Error> {
        tokio::time::timeout(time, self.next()).await.map_err(|_| Error::Late(time))?
    }
}

/// Writes messages.
pub(crate) struct Writer<W> {
    writer: W,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes a message; waits while the other end takes nothing.
    pub(crate) async fn write<M: Message>(&mut self, message: &M) -> Result<(), Error> {
        self.writer.write_all(&peer::encode(message)?).await?;
        self.writer.flush().await?;
        Ok(())
    }

    /// Says that nothing more comes.
    pub(crate) async fn close(&mut self) {
        // Who is gone already need not be told.
        let _ = self.writer.shutdown().await;
    }
}

/// One message from what is buffered already; nothing behind it is taken.
pub(crate) async fn read_one<M: Message>(reader: &mut (impl AsyncRead + Unpin)) -> Result<M, Error> {
    let mut bytes = vec![0; 4];
    reader.read_exact(&mut bytes).await?;
    loop {
        if let Some((message, _)) = peer::decode(&bytes)? {
            return Ok(message);
        }
        // The length has been checked by now.
        let said = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        bytes.resize(4 + said, 0);
        reader.read_exact(&mut bytes[4..]).await?;
    }
}

/// Writes one message before other bytes.
pub(crate) async fn write_one<M: Message>(writer: &mut (impl AsyncWrite + Unpin), message: &M) -> std::io::Result<()> {
    writer.write_all(&peer::encode(message).map_err(std::io::Error::other)?).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use flowork_protocol::peer::call::Frame;

    use super::*;

    #[tokio::test]
    async fn messages_cross_a_stream_that_passes_a_few_bytes_at_a_time() {
        let (one, other) = tokio::io::duplex(3);
        let (_, mut writer) = split(one);
        let (mut reader, _other) = split(other);
        let sent = [Frame::Ping(1), Frame::Cancel("enough".to_owned()), Frame::Credit(u64::MAX)];
        let sending = async {
            for frame in &sent {
                writer.write(frame).await.unwrap();
            }
        };
        let reading = async {
            for frame in &sent {
                assert_eq!(&reader.next::<Frame>().await.unwrap(), frame);
            }
        };
        tokio::join!(sending, reading);
    }

    #[tokio::test]
    async fn half_a_message_is_an_error_and_none_is_the_end() {
        let (one, other) = tokio::io::duplex(64);
        let (mut reader, _other) = split(other);
        let (_, mut writer) = split(one);
        writer.write(&Frame::Ping(1)).await.unwrap();
        writer.writer.write_all(&[0, 0]).await.unwrap();
        writer.close().await;
        drop(writer);
        assert_eq!(reader.next::<Frame>().await.unwrap(), Frame::Ping(1));
        assert!(matches!(reader.next::<Frame>().await, Err(Error::Io(_))));
    }
}
