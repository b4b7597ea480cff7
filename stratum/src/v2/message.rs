//! What clients send, decoded: the messages of the mining protocol that a server has to know, in our own types.
//!
//! Fields come as the wire has them and are not judged here. What follows the fields that are known is ignored: extensions append
//! theirs (specification, section 3.4.3).

use binary_sv2::from_bytes;
use common_messages_sv2::{MESSAGE_TYPE_CHANNEL_ENDPOINT_CHANGED, MESSAGE_TYPE_SETUP_CONNECTION, SetupConnection};
use mining_sv2::{
    CloseChannel, MESSAGE_TYPE_CLOSE_CHANNEL, MESSAGE_TYPE_OPEN_EXTENDED_MINING_CHANNEL,
    MESSAGE_TYPE_OPEN_STANDARD_MINING_CHANNEL, MESSAGE_TYPE_SET_CUSTOM_MINING_JOB, MESSAGE_TYPE_SUBMIT_SHARES_EXTENDED,
    MESSAGE_TYPE_SUBMIT_SHARES_STANDARD, MESSAGE_TYPE_UPDATE_CHANNEL, OpenExtendedMiningChannel,
    OpenStandardMiningChannel, SetCustomMiningJob, SubmitSharesExtended, SubmitSharesStandard, UpdateChannel,
};
use sharechain::Target;

/// A message of a client.
#[derive(Clone, PartialEq, Debug)]
pub enum Message {
    /// Who it is, and what it wants of the protocol.
    Setup(Setup),
    /// It wants a channel.
    Open(Open),
    /// A channel's hash rate or easiest target is another one.
    Update(Update),
    /// It closes a channel.
    Close {
        /// The channel.
        channel_id: u32,
    },
    /// A hash that it found.
    Submit(Share),
    /// Somebody else is behind a channel of a proxy. That matters to extensions, and none is known here.
    EndpointChanged,
    /// It wants to mine transactions of its own choice.
    CustomJob {
        /// The channel.
        channel_id: u32,
        /// To match the answer.
        request_id: u32,
    },
}

/// `SetupConnection`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setup {
    /// Which protocol; 0 is mining.
    pub protocol: u8,
    /// The least version it speaks.
    pub version_min: u16,
    /// The greatest version it speaks.
    pub version_max: u16,
    /// What it requires.
    pub flags: u32,
    /// Vendor and firmware.
    pub agent: String,
}

/// `OpenStandardMiningChannel` and `OpenExtendedMiningChannel`.
#[derive(Clone, PartialEq, Debug)]
pub struct Open {
    /// To match the answer.
    pub request_id: u32,
    /// Which kind of channel.
    pub kind: OpenKind,
    /// Whom the work is credited to.
    pub user: String,
    /// Hashes per second; not a number, if the client likes.
    pub hashrate: f32,
    /// The easiest target that its machines take.
    pub target_max: Target,
}

/// What kind of channel is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenKind {
    /// For one machine, which varies the header alone.
    Standard,
    /// With a coinbase to vary.
    Extended {
        /// Bytes of extranonce that it needs at least.
        extranonce_len_min: u16,
    },
}

/// `UpdateChannel`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Update {
    /// The channel.
    pub channel_id: u32,
    /// Hashes per second; not a number, if the client likes.
    pub hashrate: f32,
    /// The easiest target that its machines take.
    pub target_max: Target,
}

/// `SubmitSharesStandard` and `SubmitSharesExtended`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// The channel.
    pub channel_id: u32,
    /// To match the answer.
    pub sequence: u32,
    /// The job.
    pub job_id: u32,
    /// Header nonce.
    pub nonce: u32,
    /// Header time.
    pub time: u32,
    /// The whole header version.
    pub version: u32,
    /// The miner's part of the extranonce; `None` in the message of standard channels.
    pub extranonce2: Option<Vec<u8>>,
}

/// Why a payload is no message of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MessageError {
    /// No client sends such a message.
    #[error("no client sends messages of type 0x{0:02x}")]
    UnknownType(u8),
    /// The payload is cut short or holds what its fields cannot have.
    #[error("the payload of a message of type 0x{0:02x} cannot be read")]
    Malformed(u8),
}

impl Message {
    /// Decodes the payload of a frame. The channel bit is not asked for: it is for those who pass frames on, and here they end.
    /// The payload is left as it is, though the decoder wants it mutable.
    ///
    /// # Errors
    /// [`MessageError`] when it is no message of a client.
    pub fn decode(message_type: u8, payload: &mut [u8]) -> Result<Self, MessageError> {
        let malformed = |_| MessageError::Malformed(message_type);
        Ok(match message_type {
            MESSAGE_TYPE_CHANNEL_ENDPOINT_CHANGED => Self::EndpointChanged,
            MESSAGE_TYPE_SETUP_CONNECTION => from_bytes(payload).map(Self::setup).map_err(malformed)?,
            MESSAGE_TYPE_OPEN_STANDARD_MINING_CHANNEL => from_bytes(payload).map(Self::standard).map_err(malformed)?,
            MESSAGE_TYPE_OPEN_EXTENDED_MINING_CHANNEL => from_bytes(payload).map(Self::extended).map_err(malformed)?,
            MESSAGE_TYPE_UPDATE_CHANNEL => from_bytes(payload).map(Self::update).map_err(malformed)?,
            MESSAGE_TYPE_CLOSE_CHANNEL => {
                let close: CloseChannel<'_> = from_bytes(payload).map_err(malformed)?;
                Self::Close { channel_id: close.channel_id }
            }
            MESSAGE_TYPE_SUBMIT_SHARES_STANDARD => from_bytes(payload).map(Self::standard_share).map_err(malformed)?,
            MESSAGE_TYPE_SUBMIT_SHARES_EXTENDED => from_bytes(payload).map(Self::extended_share).map_err(malformed)?,
            MESSAGE_TYPE_SET_CUSTOM_MINING_JOB => {
                let job: SetCustomMiningJob<'_> = from_bytes(payload).map_err(malformed)?;
                Self::CustomJob { channel_id: job.channel_id, request_id: job.request_id }
            }
            _ => return Err(MessageError::UnknownType(message_type)),
        })
    }

    fn setup(setup: SetupConnection<'_>) -> Self {
        let agent = format!("{} {}", text(setup.vendor.as_bytes()), text(setup.firmware.as_bytes()));
        Self::Setup(Setup {
            protocol: setup.protocol as u8,
            version_min: setup.min_version,
            version_max: setup.max_version,
            flags: setup.flags,
            agent: agent.trim().to_owned(),
        })
    }

    fn standard(open: OpenStandardMiningChannel<'_>) -> Self {
        Self::Open(Open {
            request_id: open.request_id,
            kind: OpenKind::Standard,
            user: text(open.user_identity.as_bytes()),
            hashrate: open.nominal_hash_rate,
            target_max: Target::from_le_bytes(open.max_target.as_array()),
        })
    }

    fn extended(open: OpenExtendedMiningChannel<'_>) -> Self {
        Self::Open(Open {
            request_id: open.request_id,
            kind: OpenKind::Extended { extranonce_len_min: open.min_extranonce_size },
            user: text(open.user_identity.as_bytes()),
            hashrate: open.nominal_hash_rate,
            target_max: Target::from_le_bytes(open.max_target.as_array()),
        })
    }

    fn update(update: UpdateChannel<'_>) -> Self {
        Self::Update(Update {
            channel_id: update.channel_id,
            hashrate: update.nominal_hash_rate,
            target_max: Target::from_le_bytes(update.maximum_target.as_array()),
        })
    }

    const fn standard_share(share: SubmitSharesStandard) -> Self {
        Self::Submit(Share {
            channel_id: share.channel_id,
            sequence: share.sequence_number,
            job_id: share.job_id,
            nonce: share.nonce,
            time: share.ntime,
            version: share.version,
            extranonce2: None,
        })
    }

    fn extended_share(share: SubmitSharesExtended<'_>) -> Self {
        Self::Submit(Share {
            channel_id: share.channel_id,
            sequence: share.sequence_number,
            job_id: share.job_id,
            nonce: share.nonce,
            time: share.ntime,
            version: share.version,
            extranonce2: Some(share.extranonce.as_bytes().to_vec()),
        })
    }
}

/// At most 255 bytes, as text: what is none becomes a replacement character, which no name keeps.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPES: [u8; 8] = [0x00, 0x10, 0x13, 0x16, 0x18, 0x1a, 0x1b, 0x22];

    proptest! {
        #[test]
        fn whatever_comes_is_a_message_or_an_error(
            message_type: u8,
            known in 0..TYPES.len(),
            mut payload in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            for message_type in [message_type, TYPES[known]] {
                let decoded = Message::decode(message_type, &mut payload);
                let again = Message::decode(message_type, &mut payload);
                // Text, because a hash rate that is not a number is equal to none.
                prop_assert_eq!(format!("{decoded:?}"), format!("{again:?}"), "decoding changes nothing");
            }
        }

        #[test]
        fn a_message_that_is_cut_short_is_none(cut in 0_usize..40, extension in proptest::collection::vec(any::<u8>(), 0..9)) {
            // Channel 1, sequence 2, job 3, nonce 4, time 5, version 6, eight bytes of extranonce.
            let mut payload: Vec<u8> = (1..=6_u32).flat_map(u32::to_le_bytes).collect();
            payload.extend([8, 1, 2, 3, 4, 5, 6, 7, 8]);
            let whole = payload.len();
            let share = Share {
                channel_id: 1,
                sequence: 2,
                job_id: 3,
                nonce: 4,
                time: 5,
                version: 6,
                extranonce2: Some(vec![1, 2, 3, 4, 5, 6, 7, 8]),
            };
            let mut cut = payload[..cut.min(whole - 1)].to_vec();
            prop_assert_eq!(Message::decode(0x1b, &mut cut), Err(MessageError::Malformed(0x1b)));
            payload.extend(extension);
            prop_assert_eq!(Message::decode(0x1b, &mut payload), Ok(Message::Submit(share)), "extensions may follow");
        }
    }

    #[test]
    fn who_the_client_is_comes_from_vendor_and_firmware() {
        let mut payload = vec![0, 2, 0, 2, 0, 5, 0, 0, 0, 1, b'h', 1, 0];
        for text in ["bitaxe", "BM1370", "esp-miner-v2.9", ""] {
            payload.push(u8::try_from(text.len()).unwrap());
            payload.extend(text.as_bytes());
        }
        let setup =
            Setup { protocol: 0, version_min: 2, version_max: 2, flags: 5, agent: "bitaxe esp-miner-v2.9".to_owned() };
        assert_eq!(Message::decode(0x00, &mut payload), Ok(Message::Setup(setup)));
        payload[0] = 9;
        assert_eq!(Message::decode(0x00, &mut payload), Err(MessageError::Malformed(0)), "no such protocol");
        assert_eq!(Message::decode(0x15, &mut []), Err(MessageError::UnknownType(0x15)), "servers send jobs");
    }
}
