//! What the miner says, encoded: one function per message, each to a whole frame before encryption.

use binary_sv2::{GetSize, Serialize, Str0255};
use codec_sv2::{EncodableFrame, MessageFrame};
use common_messages_sv2::{
    CHANNEL_BIT_SETUP_CONNECTION, MESSAGE_TYPE_SETUP_CONNECTION, Protocol as Subprotocol, SetupConnection,
};
use mining_sv2::{
    CHANNEL_BIT_OPEN_EXTENDED_MINING_CHANNEL, CHANNEL_BIT_OPEN_STANDARD_MINING_CHANNEL,
    CHANNEL_BIT_SUBMIT_SHARES_EXTENDED, CHANNEL_BIT_SUBMIT_SHARES_STANDARD, MESSAGE_TYPE_OPEN_EXTENDED_MINING_CHANNEL,
    MESSAGE_TYPE_OPEN_STANDARD_MINING_CHANNEL, MESSAGE_TYPE_SUBMIT_SHARES_EXTENDED,
    MESSAGE_TYPE_SUBMIT_SHARES_STANDARD, OpenExtendedMiningChannel, OpenStandardMiningChannel, SubmitSharesExtended,
    SubmitSharesStandard,
};

use super::{ChannelKind, Endpoint, client::Terms};

/// The version of the protocol.
pub(super) const VERSION: u16 = 2;
/// To match the answer to the only channel that is opened.
pub(super) const REQUEST_ID: u32 = 1;
/// Bytes of extranonce that the miner needs: its threads are told apart by one, the others are rolled.
pub(super) const EXTRANONCE2_LEN_MIN: u16 = 4;
/// `SetupConnection.flags`: no job with a coinbase can be read.
const REQUIRES_STANDARD_JOBS: u32 = 1;
/// Any target will do.
const TARGET_MAX: [u8; 32] = [0xff; 32];
/// Longest text of a message, in bytes.
const TEXT_LEN_MAX: usize = 255;
/// Why an encoding never fails.
const FITS: &str = "every field is bounded by what its length can say";

/// A frame before encryption: header and payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Frame(Vec<u8>);

/// A nonce as it is submitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Submit<'a> {
    pub(super) channel_id: u32,
    pub(super) sequence: u32,
    pub(super) job_id: u32,
    pub(super) nonce: u32,
    pub(super) time: u32,
    pub(super) version: u32,
    /// `None` on standard channels.
    pub(super) extranonce2: Option<&'a [u8]>,
}

impl Frame {
    fn new<T: Serialize + GetSize>(message_type: u8, channel_bit: bool, message: T) -> Self {
        let frame = MessageFrame::from_message(message, message_type, 0, channel_bit).expect(FITS);
        let mut bytes = vec![0; frame.encoded_length()];
        frame.encode_into(&mut bytes).expect(FITS);
        Self(bytes)
    }

    /// Its bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// What is longer cannot be said. A user name that is cut is none, and the pool says so.
fn text(text: &str) -> Str0255<'_> {
    let mut end = text.len().min(TEXT_LEN_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].try_into().expect(FITS)
}

/// `SetupConnection`.
pub(super) fn setup(endpoint: &Endpoint, kind: ChannelKind) -> Frame {
    let message = SetupConnection {
        protocol: Subprotocol::MiningProtocol,
        min_version: VERSION,
        max_version: VERSION,
        flags: match kind {
            ChannelKind::Standard => REQUIRES_STANDARD_JOBS,
            ChannelKind::Extended => 0,
        },
        endpoint_host: text(&endpoint.host),
        endpoint_port: endpoint.port,
        vendor: text("devminer"),
        hardware_version: text("CPU"),
        firmware: text(env!("CARGO_PKG_VERSION")),
        device_id: text(""),
    };
    Frame::new(MESSAGE_TYPE_SETUP_CONNECTION, CHANNEL_BIT_SETUP_CONNECTION, message)
}

/// `OpenExtendedMiningChannel` or `OpenStandardMiningChannel`.
pub(super) fn open(terms: &Terms) -> Frame {
    match terms.kind {
        ChannelKind::Extended => {
            let message = OpenExtendedMiningChannel {
                request_id: REQUEST_ID,
                user_identity: text(&terms.user),
                nominal_hash_rate: terms.hashrate,
                max_target: (&TARGET_MAX).into(),
                min_extranonce_size: EXTRANONCE2_LEN_MIN,
            };
            let channel_bit = CHANNEL_BIT_OPEN_EXTENDED_MINING_CHANNEL;
            Frame::new(MESSAGE_TYPE_OPEN_EXTENDED_MINING_CHANNEL, channel_bit, message)
        }
        ChannelKind::Standard => {
            let message = OpenStandardMiningChannel {
                request_id: REQUEST_ID,
                user_identity: text(&terms.user),
                nominal_hash_rate: terms.hashrate,
                max_target: (&TARGET_MAX).into(),
            };
            let channel_bit = CHANNEL_BIT_OPEN_STANDARD_MINING_CHANNEL;
            Frame::new(MESSAGE_TYPE_OPEN_STANDARD_MINING_CHANNEL, channel_bit, message)
        }
    }
}

/// `SubmitSharesExtended` or `SubmitSharesStandard`.
pub(super) fn submit(submit: &Submit<'_>) -> Frame {
    let Submit { channel_id, sequence: sequence_number, job_id, nonce, time: ntime, version, extranonce2 } = *submit;
    match extranonce2 {
        Some(bytes) => {
            let extranonce = bytes.try_into().expect(FITS);
            let message =
                SubmitSharesExtended { channel_id, sequence_number, job_id, nonce, ntime, version, extranonce };
            Frame::new(MESSAGE_TYPE_SUBMIT_SHARES_EXTENDED, CHANNEL_BIT_SUBMIT_SHARES_EXTENDED, message)
        }
        None => {
            let message = SubmitSharesStandard { channel_id, sequence_number, job_id, nonce, ntime, version };
            Frame::new(MESSAGE_TYPE_SUBMIT_SHARES_STANDARD, CHANNEL_BIT_SUBMIT_SHARES_STANDARD, message)
        }
    }
}
