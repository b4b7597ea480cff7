//! What the server sends, encoded: one function per message, each to a whole frame.

use binary_sv2::{B064K, GetSize, Seq0255, Serialize, Sv2Option, U256};
use codec_sv2::{EncodableFrame, MessageFrame};
use common_messages_sv2::{
    CHANNEL_BIT_SETUP_CONNECTION_ERROR, CHANNEL_BIT_SETUP_CONNECTION_SUCCESS, MESSAGE_TYPE_SETUP_CONNECTION_ERROR,
    MESSAGE_TYPE_SETUP_CONNECTION_SUCCESS, SetupConnectionError, SetupConnectionSuccess,
};
use mining_sv2::{
    CHANNEL_BIT_MINING_SET_NEW_PREV_HASH, CHANNEL_BIT_NEW_EXTENDED_MINING_JOB, CHANNEL_BIT_NEW_MINING_JOB,
    CHANNEL_BIT_OPEN_EXTENDED_MINING_CHANNEL_SUCCESS, CHANNEL_BIT_OPEN_MINING_CHANNEL_ERROR,
    CHANNEL_BIT_OPEN_STANDARD_MINING_CHANNEL_SUCCESS, CHANNEL_BIT_SET_CUSTOM_MINING_JOB_ERROR, CHANNEL_BIT_SET_TARGET,
    CHANNEL_BIT_SUBMIT_SHARES_ERROR, CHANNEL_BIT_SUBMIT_SHARES_SUCCESS, CHANNEL_BIT_UPDATE_CHANNEL_ERROR,
    MESSAGE_TYPE_MINING_SET_NEW_PREV_HASH, MESSAGE_TYPE_NEW_EXTENDED_MINING_JOB, MESSAGE_TYPE_NEW_MINING_JOB,
    MESSAGE_TYPE_OPEN_EXTENDED_MINING_CHANNEL_SUCCESS, MESSAGE_TYPE_OPEN_MINING_CHANNEL_ERROR,
    MESSAGE_TYPE_OPEN_STANDARD_MINING_CHANNEL_SUCCESS, MESSAGE_TYPE_SET_CUSTOM_MINING_JOB_ERROR,
    MESSAGE_TYPE_SET_TARGET, MESSAGE_TYPE_SUBMIT_SHARES_ERROR, MESSAGE_TYPE_SUBMIT_SHARES_SUCCESS,
    MESSAGE_TYPE_UPDATE_CHANNEL_ERROR, NewExtendedMiningJob, NewMiningJob, OpenExtendedMiningChannelSuccess,
    OpenMiningChannelError, OpenStandardMiningChannelSuccess, SetCustomMiningJobError, SetNewPrevHash, SetTarget,
    SubmitSharesError, SubmitSharesSuccess, UpdateChannelError,
};
use sharechain::{MerkleRoot, Target, hash::BlockHash};

use crate::job::HeaderFields;

/// A group that no channel is ever addressed through: each has its own payout, so nothing is the same for two.
pub const GROUP_ID: u32 = 0;
/// Why an encoding never fails.
const FITS: &str = "every field is bounded far below what its length can say";

/// A frame before encryption: header and payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame(Vec<u8>);

impl Frame {
    fn new<T: Serialize + GetSize>(message_type: u8, channel_bit: bool, message: T) -> Self {
        let frame = MessageFrame::from_message(message, message_type, 0, channel_bit).expect(FITS);
        let mut bytes = vec![0; frame.encoded_length()];
        frame.encode_into(&mut bytes).expect(FITS);
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// `SetupConnection.Success`.
pub(super) fn setup_success(flags: u32) -> Frame {
    let message = SetupConnectionSuccess { used_version: super::session::VERSION, flags };
    Frame::new(MESSAGE_TYPE_SETUP_CONNECTION_SUCCESS, CHANNEL_BIT_SETUP_CONNECTION_SUCCESS, message)
}

/// `SetupConnection.Error`.
pub(super) fn setup_error(flags: u32, code: &str) -> Frame {
    let message = SetupConnectionError { flags, error_code: code.try_into().expect(FITS) };
    Frame::new(MESSAGE_TYPE_SETUP_CONNECTION_ERROR, CHANNEL_BIT_SETUP_CONNECTION_ERROR, message)
}

/// `OpenStandardMiningChannel.Success`.
pub(super) fn standard_opened(request_id: u32, channel_id: u32, target: Target, extranonce: &[u8]) -> Frame {
    let target = target.to_le_bytes();
    let message = OpenStandardMiningChannelSuccess {
        request_id,
        channel_id,
        target: (&target).into(),
        extranonce_prefix: extranonce.try_into().expect(FITS),
        group_channel_id: GROUP_ID,
    };
    let channel_bit = CHANNEL_BIT_OPEN_STANDARD_MINING_CHANNEL_SUCCESS;
    Frame::new(MESSAGE_TYPE_OPEN_STANDARD_MINING_CHANNEL_SUCCESS, channel_bit, message)
}

/// `OpenExtendedMiningChannel.Success`.
pub(super) fn extended_opened(
    request_id: u32,
    channel_id: u32,
    target: Target,
    (prefix, extranonce_size): (&[u8], u16),
) -> Frame {
    let target = target.to_le_bytes();
    let message = OpenExtendedMiningChannelSuccess {
        request_id,
        channel_id,
        target: (&target).into(),
        extranonce_size,
        extranonce_prefix: prefix.try_into().expect(FITS),
        group_channel_id: GROUP_ID,
    };
    let channel_bit = CHANNEL_BIT_OPEN_EXTENDED_MINING_CHANNEL_SUCCESS;
    Frame::new(MESSAGE_TYPE_OPEN_EXTENDED_MINING_CHANNEL_SUCCESS, channel_bit, message)
}

/// `OpenMiningChannel.Error`.
pub(super) fn open_error(request_id: u32, code: &str) -> Frame {
    let message = OpenMiningChannelError { request_id, error_code: code.try_into().expect(FITS) };
    Frame::new(MESSAGE_TYPE_OPEN_MINING_CHANNEL_ERROR, CHANNEL_BIT_OPEN_MINING_CHANNEL_ERROR, message)
}

/// `UpdateChannel.Error`.
pub(super) fn update_error(channel_id: u32, code: &str) -> Frame {
    let message = UpdateChannelError { channel_id, error_code: code.try_into().expect(FITS) };
    Frame::new(MESSAGE_TYPE_UPDATE_CHANNEL_ERROR, CHANNEL_BIT_UPDATE_CHANNEL_ERROR, message)
}

/// `SetCustomMiningJob.Error`.
pub(super) fn custom_job_error(channel_id: u32, request_id: u32, code: &str) -> Frame {
    let message = SetCustomMiningJobError { channel_id, request_id, error_code: code.try_into().expect(FITS) };
    Frame::new(MESSAGE_TYPE_SET_CUSTOM_MINING_JOB_ERROR, CHANNEL_BIT_SET_CUSTOM_MINING_JOB_ERROR, message)
}

/// `SetTarget`.
pub(super) fn set_target(channel_id: u32, target: Target) -> Frame {
    let target = target.to_le_bytes();
    let message = SetTarget { channel_id, maximum_target: (&target).into() };
    Frame::new(MESSAGE_TYPE_SET_TARGET, CHANNEL_BIT_SET_TARGET, message)
}

/// Which job of which channel, and when it begins: at once from a time on, or with the parent block that follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct JobHead {
    pub(super) channel_id: u32,
    pub(super) job_id: u32,
    pub(super) time_min: Option<u32>,
}

/// `NewMiningJob`.
pub(super) fn standard_job(head: JobHead, version: u32, root: MerkleRoot) -> Frame {
    let JobHead { channel_id, job_id, time_min } = head;
    let min_ntime = Sv2Option::new(time_min);
    let message = NewMiningJob { channel_id, job_id, min_ntime, version, merkle_root: root.as_bytes().into() };
    Frame::new(MESSAGE_TYPE_NEW_MINING_JOB, CHANNEL_BIT_NEW_MINING_JOB, message)
}

/// `NewExtendedMiningJob`; the coinbase comes as what is before and what is after the extranonce.
pub(super) fn extended_job(
    head: JobHead,
    fields: &HeaderFields,
    version_rolling_allowed: bool,
    (prefix, suffix): (&[u8], &[u8]),
) -> Frame {
    let path: Vec<U256<'_>> = fields.merkle_branch.iter().map(U256::from).collect();
    let message = NewExtendedMiningJob {
        channel_id: head.channel_id,
        job_id: head.job_id,
        min_ntime: Sv2Option::new(head.time_min),
        version: fields.version,
        version_rolling_allowed,
        merkle_path: Seq0255::new(path).expect(FITS),
        coinbase_tx_prefix: B064K::new(prefix).expect(FITS),
        coinbase_tx_suffix: B064K::new(suffix).expect(FITS),
    };
    Frame::new(MESSAGE_TYPE_NEW_EXTENDED_MINING_JOB, CHANNEL_BIT_NEW_EXTENDED_MINING_JOB, message)
}

/// `SetNewPrevHash`: the channel's job begins now, on this parent block.
pub(super) fn new_prev_hash(channel_id: u32, job_id: u32, prev_block: &BlockHash, fields: &HeaderFields) -> Frame {
    let message = SetNewPrevHash {
        channel_id,
        job_id,
        prev_hash: prev_block.as_bytes().into(),
        min_ntime: fields.time,
        nbits: fields.bits.to_bits(),
    };
    Frame::new(MESSAGE_TYPE_MINING_SET_NEW_PREV_HASH, CHANNEL_BIT_MINING_SET_NEW_PREV_HASH, message)
}

/// `SubmitShares.Success` for `count` submits up to number `sequence`, whose difficulties sum up to `sum`.
pub(super) fn shares_accepted(channel_id: u32, sequence: u32, count: u32, sum: u64) -> Frame {
    let message = SubmitSharesSuccess {
        channel_id,
        last_sequence_number: sequence,
        new_submits_accepted_count: count,
        new_shares_sum: sum,
    };
    Frame::new(MESSAGE_TYPE_SUBMIT_SHARES_SUCCESS, CHANNEL_BIT_SUBMIT_SHARES_SUCCESS, message)
}

/// `SubmitShares.Error`.
pub(super) fn share_refused(channel_id: u32, sequence: u32, code: &str) -> Frame {
    let message = SubmitSharesError { channel_id, sequence_number: sequence, error_code: code.try_into().expect(FITS) };
    Frame::new(MESSAGE_TYPE_SUBMIT_SHARES_ERROR, CHANNEL_BIT_SUBMIT_SHARES_ERROR, message)
}
