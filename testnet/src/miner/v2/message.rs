//! What the pool says, decoded: the messages that a miner has to know, in our own types. Fields come as the wire has them and are
//! not judged here.

use binary_sv2::{Deserialize, from_bytes};
use common_messages_sv2::{
    MESSAGE_TYPE_SETUP_CONNECTION_ERROR, MESSAGE_TYPE_SETUP_CONNECTION_SUCCESS, SetupConnectionError,
    SetupConnectionSuccess,
};
use mining_sv2::{
    CloseChannel, MESSAGE_TYPE_CLOSE_CHANNEL, MESSAGE_TYPE_MINING_SET_NEW_PREV_HASH,
    MESSAGE_TYPE_NEW_EXTENDED_MINING_JOB, MESSAGE_TYPE_NEW_MINING_JOB,
    MESSAGE_TYPE_OPEN_EXTENDED_MINING_CHANNEL_SUCCESS, MESSAGE_TYPE_OPEN_MINING_CHANNEL_ERROR,
    MESSAGE_TYPE_OPEN_STANDARD_MINING_CHANNEL_SUCCESS, MESSAGE_TYPE_SET_EXTRANONCE_PREFIX, MESSAGE_TYPE_SET_TARGET,
    MESSAGE_TYPE_SUBMIT_SHARES_ERROR, MESSAGE_TYPE_SUBMIT_SHARES_SUCCESS, NewExtendedMiningJob, NewMiningJob,
    OpenExtendedMiningChannelSuccess, OpenMiningChannelError, OpenStandardMiningChannelSuccess, SetExtranoncePrefix,
    SetNewPrevHash, SetTarget, SubmitSharesError, SubmitSharesSuccess,
};
use sharechain::Target;

/// A message of the pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Message {
    /// The connection is set up.
    SetUp { version: u16, flags: u32 },
    /// It is not, for this reason.
    SetupRefused { code: String },
    /// The channel is open.
    Opened(Opened),
    /// It is not, for this reason.
    OpenRefused { code: String },
    /// A job.
    Job { channel_id: u32, job: Job },
    /// A job begins, on a new parent block.
    PrevHash { channel_id: u32, job_id: u32, block: Block, time: u32 },
    /// Another target.
    Target { channel_id: u32, target: Target },
    /// Another part of the extranonce that is the pool's.
    ExtranoncePrefix { channel_id: u32, prefix: Vec<u8> },
    /// So many submits count.
    Accepted { count: u32 },
    /// A submit does not, for this reason.
    Refused { code: String },
    /// The channel is closed, for this reason.
    Closed { channel_id: u32, code: String },
    /// What a miner need not know.
    Other,
}

/// `OpenExtendedMiningChannel.Success` and `OpenStandardMiningChannel.Success`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Opened {
    pub(super) request_id: u32,
    pub(super) channel_id: u32,
    pub(super) group_id: u32,
    pub(super) target: Target,
    pub(super) extranonce_prefix: Vec<u8>,
    /// Bytes of the miner's part; `None` on standard channels.
    pub(super) extranonce2_len: Option<usize>,
}

/// `NewExtendedMiningJob` and `NewMiningJob`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Job {
    pub(super) id: u32,
    /// Least header time; `None` for a job that waits for its parent block.
    pub(super) time: Option<u32>,
    pub(super) version: u32,
    pub(super) content: Content,
}

/// What the merkle root comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Root([u8; 32]),
    /// The coinbase before and after the whole extranonce.
    Coinbase {
        begin: Vec<u8>,
        end: Vec<u8>,
        branch: Vec<[u8; 32]>,
        is_rolling: bool,
    },
}

/// What a new parent block changes in headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Block {
    pub(super) prev_block: [u8; 32],
    pub(super) bits: u32,
}

/// The payload of a known message cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a message of type 0x{0:02x} of the pool cannot be read")]
pub(super) struct Malformed(u8);

impl Message {
    /// Decodes the payload of a frame.
    pub(super) fn decode(message_type: u8, payload: &mut [u8]) -> Result<Self, Malformed> {
        Ok(match message_type {
            MESSAGE_TYPE_SETUP_CONNECTION_SUCCESS => {
                let message: SetupConnectionSuccess = read(message_type, payload)?;
                Self::SetUp { version: message.used_version, flags: message.flags }
            }
            MESSAGE_TYPE_SETUP_CONNECTION_ERROR => {
                let message: SetupConnectionError<'_> = read(message_type, payload)?;
                Self::SetupRefused { code: text(message.error_code.as_bytes()) }
            }
            MESSAGE_TYPE_OPEN_EXTENDED_MINING_CHANNEL_SUCCESS => Self::extended(read(message_type, payload)?),
            MESSAGE_TYPE_OPEN_STANDARD_MINING_CHANNEL_SUCCESS => Self::standard(read(message_type, payload)?),
            MESSAGE_TYPE_OPEN_MINING_CHANNEL_ERROR => {
                let message: OpenMiningChannelError<'_> = read(message_type, payload)?;
                Self::OpenRefused { code: text(message.error_code.as_bytes()) }
            }
            MESSAGE_TYPE_SUBMIT_SHARES_SUCCESS => {
                let message: SubmitSharesSuccess = read(message_type, payload)?;
                Self::Accepted { count: message.new_submits_accepted_count }
            }
            MESSAGE_TYPE_SUBMIT_SHARES_ERROR => {
                let message: SubmitSharesError<'_> = read(message_type, payload)?;
                Self::Refused { code: text(message.error_code.as_bytes()) }
            }
            MESSAGE_TYPE_CLOSE_CHANNEL => {
                let message: CloseChannel<'_> = read(message_type, payload)?;
                Self::Closed { channel_id: message.channel_id, code: text(message.reason_code.as_bytes()) }
            }
            _ => Self::decode_work(message_type, payload)?,
        })
    }

    fn decode_work(message_type: u8, payload: &mut [u8]) -> Result<Self, Malformed> {
        Ok(match message_type {
            MESSAGE_TYPE_NEW_EXTENDED_MINING_JOB => Self::extended_job(read(message_type, payload)?),
            MESSAGE_TYPE_NEW_MINING_JOB => {
                let message: NewMiningJob<'_> = read(message_type, payload)?;
                let (channel_id, content) = (message.channel_id, Content::Root(message.merkle_root.to_array()));
                let time = message.min_ntime.into_inner();
                Self::Job { channel_id, job: Job { id: message.job_id, time, version: message.version, content } }
            }
            MESSAGE_TYPE_MINING_SET_NEW_PREV_HASH => {
                let message: SetNewPrevHash<'_> = read(message_type, payload)?;
                let (channel_id, job_id, time) = (message.channel_id, message.job_id, message.min_ntime);
                let block = Block { prev_block: message.prev_hash.to_array(), bits: message.nbits };
                Self::PrevHash { channel_id, job_id, block, time }
            }
            MESSAGE_TYPE_SET_TARGET => {
                let message: SetTarget<'_> = read(message_type, payload)?;
                let target = Target::from_le_bytes(message.maximum_target.as_array());
                Self::Target { channel_id: message.channel_id, target }
            }
            MESSAGE_TYPE_SET_EXTRANONCE_PREFIX => {
                let message: SetExtranoncePrefix<'_> = read(message_type, payload)?;
                let prefix = message.extranonce_prefix.as_bytes().to_vec();
                Self::ExtranoncePrefix { channel_id: message.channel_id, prefix }
            }
            _ => Self::Other,
        })
    }

    fn extended(message: OpenExtendedMiningChannelSuccess<'_>) -> Self {
        Self::Opened(Opened {
            request_id: message.request_id,
            channel_id: message.channel_id,
            group_id: message.group_channel_id,
            target: Target::from_le_bytes(message.target.as_array()),
            extranonce_prefix: message.extranonce_prefix.as_bytes().to_vec(),
            extranonce2_len: Some(message.extranonce_size.into()),
        })
    }

    fn standard(message: OpenStandardMiningChannelSuccess<'_>) -> Self {
        Self::Opened(Opened {
            request_id: message.request_id,
            channel_id: message.channel_id,
            group_id: message.group_channel_id,
            target: Target::from_le_bytes(message.target.as_array()),
            extranonce_prefix: message.extranonce_prefix.as_bytes().to_vec(),
            extranonce2_len: None,
        })
    }

    fn extended_job(message: NewExtendedMiningJob<'_>) -> Self {
        let content = Content::Coinbase {
            begin: message.coinbase_tx_prefix.as_bytes().to_vec(),
            end: message.coinbase_tx_suffix.as_bytes().to_vec(),
            branch: message.merkle_path.into_inner().iter().map(|node| *node.as_array()).collect(),
            is_rolling: message.version_rolling_allowed,
        };
        let time = message.min_ntime.into_inner();
        let job = Job { id: message.job_id, time, version: message.version, content };
        Self::Job { channel_id: message.channel_id, job }
    }
}

fn read<'a, T: Deserialize<'a>>(message_type: u8, payload: &'a mut [u8]) -> Result<T, Malformed> {
    from_bytes(payload).map_err(|_| Malformed(message_type))
}

/// What is no text becomes replacement characters.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
