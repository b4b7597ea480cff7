//! Encryption and framing on a socket: Noise NX as initiator, then a thread that reads frames and one that sends them.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use anyhow::{Context, bail};
use codec_sv2::{
    Decoded, Decrypted, Error, Handshake, InitiatorSent, NoiseDecoder, NoiseEncoder, SerializedFrame,
    TransportDecryptState, TransportEncryptState,
};
use noise_sv2::Initiator;

use super::{frame::Frame, message::Message, refusal::Refusal};

/// Longest encrypted frame in bytes. A job has at most two parts of a coinbase of 64 KiB and a branch of 255 nodes.
const FRAME_LEN_MAX: usize = 256 * 1024;

/// Sends frames.
pub(super) struct Writer {
    socket: TcpStream,
    encoder: NoiseEncoder,
    encrypting: TransportEncryptState,
}

/// The messages that come, until the connection ends.
pub(super) struct Messages {
    socket: TcpStream,
    decoder: NoiseDecoder,
    /// `None` after an error: nothing that follows can be decrypted.
    decrypting: Option<TransportDecryptState>,
}

/// Agrees on keys with who answers, and goes on only if a certificate of this authority key says that it may.
pub(super) fn agree(mut socket: TcpStream, key: &[u8; 32]) -> anyhow::Result<(Writer, Messages)> {
    let initiator = Initiator::from_raw_k(*key).map_err(|_| Refusal::Key)?;
    let (message, handshake) = Handshake::initiator(initiator).step_0().map_err(|_| Refusal::Key)?;
    let (mut decoder, mut encoder) = (NoiseDecoder::new(), NoiseEncoder::new());
    socket.write_all(encoder.encode_handshake(message).as_ref()).context("the pool closed the connection")?;
    let answer = loop {
        match decoder.next_handshake_frame::<InitiatorSent>().map_err(|error| anyhow::anyhow!("{error}"))? {
            Decoded::Frame(message) => break message,
            Decoded::Incomplete(_) => {
                socket.read_exact(decoder.writable()).context("no Stratum V2 endpoint answers there")?;
            }
        }
    };
    let answer = answer.payload().try_into().context("the handshake has another length")?;
    let agreed = match handshake.step_2(answer) {
        Ok(agreed) => agreed,
        Err(Error::NoiseSv2Error(noise_sv2::Error::InvalidCertificate(_))) => bail!(Refusal::Certificate),
        Err(error) => bail!("the handshake failed: {error}"),
    };
    let (encrypting, decrypting) = agreed.split();
    let messages = Messages {
        socket: socket.try_clone().context("cannot share the socket")?,
        decoder,
        decrypting: Some(decrypting),
    };
    Ok((Writer { socket, encoder, encrypting }, messages))
}

impl Writer {
    pub(super) fn send(&mut self, frame: Frame) -> anyhow::Result<()> {
        let frame = SerializedFrame::from_bytes(frame.into_bytes()).ok().context("a frame has another length")?;
        let encrypted = self.encoder.encode_transport(frame, &mut self.encrypting);
        let encrypted = encrypted.map_err(|error| anyhow::anyhow!("a frame cannot be encrypted: {error}"))?;
        self.socket.write_all(encrypted.as_ref()).context("the pool closed the connection")
    }
}

impl Messages {
    /// The next frame; `None` at the end.
    fn read(&mut self, mut state: TransportDecryptState) -> io::Result<Option<SerializedFrame>> {
        let mut len = 0;
        loop {
            match self.decoder.next_transport_frame(state).map_err(|error| io::Error::other(error.to_string()))? {
                Decrypted::Frame(frame, state) => {
                    self.decrypting = Some(state);
                    return Ok(Some(frame));
                }
                Decrypted::Incomplete(wanted, next) => {
                    (state, len) = (next, len + wanted);
                    if len > FRAME_LEN_MAX {
                        return Err(io::Error::other(format!(
                            "a frame of the pool is longer than {FRAME_LEN_MAX} bytes"
                        )));
                    }
                    match self.socket.read_exact(self.decoder.writable()) {
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                        read => read?,
                    }
                }
            }
        }
    }
}

impl Iterator for Messages {
    type Item = io::Result<Message>;

    fn next(&mut self) -> Option<io::Result<Message>> {
        let state = self.decrypting.take()?;
        let mut frame = match self.read(state) {
            Ok(frame) => frame?,
            Err(error) => return Some(Err(error)),
        };
        let header = frame.header();
        if header.ext_type_without_channel_msg() != 0 {
            return Some(Ok(Message::Other));
        }
        Some(Message::decode(header.msg_type(), frame.payload()).map_err(io::Error::other))
    }
}
