//! Encryption and framing of one connection: Noise NX as responder, then frames. Bytes in and out; the socket is somebody else's.

use codec_sv2::{
    Decrypted, Handshake, NoiseDecoder, NoiseEncoder, SerializedFrame, Transport as Agreed, TransportDecryptState,
    TransportEncryptState,
};
use noise_sv2::{ELLSWIFT_ENCODING_SIZE, Responder};
use secp256k1::rand::thread_rng;

use super::{
    keys::{AuthorityKeys, seconds},
    limits::{CERTIFICATE_SKEW, FRAME_LEN_MAX},
    reply::Frame,
};

/// Bytes that the client's handshake has.
pub(crate) const HANDSHAKE_LEN: usize = ELLSWIFT_ENCODING_SIZE;
/// The code of authentication after each encrypted part.
const MAC_LEN: usize = 16;

/// Why a connection cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// The handshake came to nothing.
    #[error("the handshake failed")]
    Handshake,
    /// What came was not encrypted with the agreed key.
    #[error("a frame cannot be decrypted")]
    Decrypt,
    /// The header announces more than a frame may have.
    #[error("a frame is longer than {FRAME_LEN_MAX} bytes")]
    TooLong,
    /// A frame of ours did not go through; a bug.
    #[error("a frame cannot be encrypted")]
    Encrypt,
}

/// See the module.
pub(crate) struct Transport {
    decoder: NoiseDecoder,
    encoder: NoiseEncoder,
    /// `None` when a frame could not be decrypted: nothing after it can.
    decrypting: Option<TransportDecryptState>,
    encrypting: TransportEncryptState,
}

impl Transport {
    /// Answers the handshake of a client: what to send, and the transport for what follows. `unix` is the time in seconds.
    pub(crate) fn accept(
        keys: &AuthorityKeys,
        theirs: [u8; HANDSHAKE_LEN],
        unix: u64,
    ) -> Result<(Vec<u8>, Self), TransportError> {
        let unix = u32::try_from(unix).unwrap_or(u32::MAX);
        let valid_from = unix.saturating_sub(seconds(CERTIFICATE_SKEW));
        let handshake: Handshake<Responder> = keys.handshake();
        let agreed = handshake.step_1_with_now_rng(theirs, valid_from, &mut thread_rng());
        let (ours, agreed) = agreed.map_err(|_| TransportError::Handshake)?;
        Ok((ours.payload().to_vec(), Self::new(agreed)))
    }

    fn new(agreed: Agreed) -> Self {
        let (encrypting, decrypting) = agreed.split();
        let (decoder, encoder) = (NoiseDecoder::new(), NoiseEncoder::new());
        Self { decoder, encoder, decrypting: Some(decrypting), encrypting }
    }

    /// The next frame of what was read; `None` when it is not whole yet. What was used is taken from the input.
    pub(crate) fn decode(&mut self, input: &mut &[u8]) -> Result<Option<SerializedFrame>, TransportError> {
        loop {
            let wanted = self.decoder.writable_len();
            if wanted > FRAME_LEN_MAX.saturating_add(MAC_LEN) {
                return Err(TransportError::TooLong);
            }
            let Some((bytes, rest)) = input.split_at_checked(wanted) else { return Ok(None) };
            *input = rest;
            self.decoder.writable().copy_from_slice(bytes);
            let state = self.decrypting.take().ok_or(TransportError::Decrypt)?;
            match self.decoder.next_transport_frame(state).map_err(|_| TransportError::Decrypt)? {
                Decrypted::Frame(frame, state) => {
                    self.decrypting = Some(state);
                    return Ok(Some(frame));
                }
                Decrypted::Incomplete(_, state) => self.decrypting = Some(state),
            }
        }
    }

    /// A frame as it is sent.
    pub(crate) fn encode(&mut self, frame: Frame) -> Result<Vec<u8>, TransportError> {
        let frame = SerializedFrame::from_bytes(frame.into_bytes()).map_err(|_| TransportError::Encrypt)?;
        self.encoder.encode_transport(frame, &mut self.encrypting).map_err(|_| TransportError::Encrypt)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn whatever_comes_is_no_frame_without_the_key(
            theirs in proptest::collection::vec(any::<u8>(), HANDSHAKE_LEN),
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let keys = AuthorityKeys::from_secret(&[1; 32]).unwrap();
            let accepted = Transport::accept(&keys, theirs.try_into().unwrap(), 1_800_000_000);
            let (ours, mut transport) = accepted.unwrap();
            prop_assert_eq!(ours.len(), 234);
            let (mut input, is_header) = (&bytes[..], bytes.len() >= 22);
            let decoded = transport.decode(&mut input).map(|frame| frame.is_some());
            prop_assert_eq!(decoded, if is_header { Err(TransportError::Decrypt) } else { Ok(false) });
            if is_header {
                // Nothing after it counts, whatever it is.
                prop_assert_eq!(transport.decode(&mut &bytes[..]).map(drop), Err(TransportError::Decrypt));
            }
        }
    }
}
