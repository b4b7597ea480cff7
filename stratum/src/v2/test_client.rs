//! A Stratum V2 miner for tests: knows the protocol from its messages alone, and nothing of how the server makes them.

use std::collections::BTreeMap;

use binary_sv2::{GetSize, Serialize, from_bytes, to_bytes};
use common_messages_sv2::{Protocol, SetupConnection, SetupConnectionError, SetupConnectionSuccess};
use mining_sv2::{
    CloseChannel, NewExtendedMiningJob, NewMiningJob, OpenExtendedMiningChannel, OpenExtendedMiningChannelSuccess,
    OpenMiningChannelError, OpenStandardMiningChannel, OpenStandardMiningChannelSuccess, SetCustomMiningJobError,
    SetNewPrevHash, SetTarget, SubmitSharesError, SubmitSharesExtended, SubmitSharesStandard, SubmitSharesSuccess,
    UpdateChannel, UpdateChannelError,
};
use sharechain::{PowAlgorithm, Target, hash::sha256d};

/// A message to the server: type, channel bit, payload.
pub(crate) type Sent = (u8, bool, Vec<u8>);

/// What the server said.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Seen {
    SetUp { flags: u32 },
    SetupError { flags: u32, code: String },
    Opened(u32),
    OpenError(String),
    UpdateError(String),
    CustomJobError(String),
    Target,
    FutureJob,
    Job,
    PrevHash,
    Accepted { sequence: u32, count: u32, sum: u64 },
    Refused { sequence: u32, code: String },
}

#[derive(Clone, Debug)]
enum Root {
    Fixed([u8; 32]),
    Coinbase { prefix: Vec<u8>, suffix: Vec<u8>, path: Vec<[u8; 32]> },
}

#[derive(Clone, Debug)]
struct Job {
    version: u32,
    root: Root,
    target: [u8; 32],
    is_rolling: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Channel {
    pub(crate) target: [u8; 32],
    pub(crate) extranonce_prefix: Vec<u8>,
    extranonce_size: Option<u16>,
    jobs: BTreeMap<u32, Job>,
    pub(crate) active: Option<u32>,
    prev_hash: [u8; 32],
    nbits: u32,
    pub(crate) time: u32,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) algorithm: PowAlgorithm,
    pub(crate) channels: BTreeMap<u32, Channel>,
    sequence: u32,
}

/// What is varied of a share beside the nonce.
#[derive(Clone, Debug, Default)]
pub(crate) struct Varied {
    pub(crate) version_bits: u32,
    pub(crate) extranonce: u64,
    pub(crate) seconds: u32,
}

fn sent<T: Serialize + GetSize>(message_type: u8, channel_bit: bool, message: T) -> Sent {
    (message_type, channel_bit, to_bytes(message).unwrap())
}

pub(crate) fn setup_as(vendor: &str, protocol: Protocol, versions: (u16, u16), flags: u32) -> Sent {
    let message = SetupConnection {
        protocol,
        min_version: versions.0,
        max_version: versions.1,
        flags,
        endpoint_host: "localhost".try_into().unwrap(),
        endpoint_port: 3336,
        vendor: vendor.try_into().unwrap(),
        hardware_version: "7".try_into().unwrap(),
        firmware: "firmware 2.9".try_into().unwrap(),
        device_id: "".try_into().unwrap(),
    };
    sent(0x00, false, message)
}

pub(crate) fn setup(flags: u32) -> Sent {
    setup_as("acme", Protocol::MiningProtocol, (2, 2), flags)
}

pub(crate) fn open_standard(user: &str, hashrate: f32, target_max: [u8; 32]) -> Sent {
    let message = OpenStandardMiningChannel {
        request_id: 7,
        user_identity: user.try_into().unwrap(),
        nominal_hash_rate: hashrate,
        max_target: (&target_max).into(),
    };
    sent(0x10, false, message)
}

pub(crate) fn open_extended(user: &str, extranonce_size_min: u16) -> Sent {
    let message = OpenExtendedMiningChannel {
        request_id: 7,
        user_identity: user.try_into().unwrap(),
        nominal_hash_rate: 0.0,
        max_target: (&[0xff; 32]).into(),
        min_extranonce_size: extranonce_size_min,
    };
    sent(0x13, false, message)
}

pub(crate) fn update(channel_id: u32, hashrate: f32, target_max: [u8; 32]) -> Sent {
    let maximum_target = (&target_max).into();
    sent(0x16, true, UpdateChannel { channel_id, nominal_hash_rate: hashrate, maximum_target })
}

pub(crate) fn close(channel_id: u32) -> Sent {
    sent(0x18, true, CloseChannel { channel_id, reason_code: "done".try_into().unwrap() })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl Client {
    pub(crate) fn new(algorithm: PowAlgorithm) -> Self {
        Self { algorithm, channels: BTreeMap::new(), sequence: 0 }
    }

    /// Takes a frame: six bytes of header and the payload.
    pub(crate) fn read(&mut self, frame: &[u8]) -> Seen {
        let (header, payload) = frame.split_at(6);
        let len = u32::from_le_bytes([header[3], header[4], header[5], 0]);
        assert_eq!(usize::try_from(len).unwrap(), payload.len());
        let is_channel_message = matches!(header[2], 0x15 | 0x17 | 0x1c | 0x1d | 0x1f | 0x20 | 0x21 | 0x24);
        assert_eq!([header[0], header[1]], [0, if is_channel_message { 0x80 } else { 0 }], "type {:02x}", header[2]);
        self.understand(header[2], &mut payload.to_vec())
    }

    fn understand(&mut self, message_type: u8, payload: &mut [u8]) -> Seen {
        match message_type {
            0x01 => {
                let message: SetupConnectionSuccess = from_bytes(payload).unwrap();
                assert_eq!(message.used_version, 2);
                Seen::SetUp { flags: message.flags }
            }
            0x02 => {
                let message: SetupConnectionError<'_> = from_bytes(payload).unwrap();
                Seen::SetupError { flags: message.flags, code: text(message.error_code.as_bytes()) }
            }
            0x11 => {
                let message: OpenStandardMiningChannelSuccess<'_> = from_bytes(payload).unwrap();
                let prefix = message.extranonce_prefix.as_bytes();
                self.opened(message.channel_id, message.target.to_array(), prefix, None)
            }
            0x14 => {
                let message: OpenExtendedMiningChannelSuccess<'_> = from_bytes(payload).unwrap();
                let (prefix, size) = (message.extranonce_prefix.as_bytes(), Some(message.extranonce_size));
                self.opened(message.channel_id, message.target.to_array(), prefix, size)
            }
            0x12 => {
                let message: OpenMiningChannelError<'_> = from_bytes(payload).unwrap();
                assert_eq!(message.request_id, 7);
                Seen::OpenError(text(message.error_code.as_bytes()))
            }
            0x17 => {
                Seen::UpdateError(text(from_bytes::<UpdateChannelError<'_>>(payload).unwrap().error_code.as_bytes()))
            }
            0x24 => {
                let message: SetCustomMiningJobError<'_> = from_bytes(payload).unwrap();
                Seen::CustomJobError(text(message.error_code.as_bytes()))
            }
            0x1c => {
                let message: SubmitSharesSuccess = from_bytes(payload).unwrap();
                let count = message.new_submits_accepted_count;
                Seen::Accepted { sequence: message.last_sequence_number, count, sum: message.new_shares_sum }
            }
            0x1d => {
                let message: SubmitSharesError<'_> = from_bytes(payload).unwrap();
                Seen::Refused { sequence: message.sequence_number, code: text(message.error_code.as_bytes()) }
            }
            _ => self.work(message_type, payload),
        }
    }

    fn opened(&mut self, id: u32, target: [u8; 32], prefix: &[u8], extranonce_size: Option<u16>) -> Seen {
        assert_ne!(id, 0, "that is the group's");
        let channel = Channel { target, extranonce_prefix: prefix.to_vec(), extranonce_size, ..Channel::default() };
        assert!(self.channels.insert(id, channel).is_none());
        Seen::Opened(id)
    }

    fn work(&mut self, message_type: u8, payload: &mut [u8]) -> Seen {
        match message_type {
            0x15 => {
                let message: NewMiningJob<'_> = from_bytes(payload).unwrap();
                let root = Root::Fixed(message.merkle_root.to_array());
                let (id, time) = (message.job_id, message.min_ntime.into_inner());
                self.job(message.channel_id, id, time, (message.version, true, root))
            }
            0x1f => {
                let message: NewExtendedMiningJob<'_> = from_bytes(payload).unwrap();
                let root = Root::Coinbase {
                    prefix: message.coinbase_tx_prefix.as_bytes().to_vec(),
                    suffix: message.coinbase_tx_suffix.as_bytes().to_vec(),
                    path: message.merkle_path.into_inner().iter().map(|node| *node.as_array()).collect(),
                };
                let rolling = message.version_rolling_allowed;
                let (id, time) = (message.job_id, message.min_ntime.into_inner());
                self.job(message.channel_id, id, time, (message.version, rolling, root))
            }
            0x20 => {
                let message: SetNewPrevHash<'_> = from_bytes(payload).unwrap();
                let channel = self.channels.get_mut(&message.channel_id).unwrap();
                channel.jobs.retain(|id, _| *id == message.job_id);
                assert!(!channel.jobs.is_empty(), "a future job comes before its block");
                channel.jobs.values_mut().for_each(|job| job.target = channel.target);
                channel.active = Some(message.job_id);
                channel.prev_hash = message.prev_hash.to_array();
                (channel.nbits, channel.time) = (message.nbits, message.min_ntime);
                Seen::PrevHash
            }
            0x21 => {
                let message: SetTarget<'_> = from_bytes(payload).unwrap();
                self.channels.get_mut(&message.channel_id).unwrap().target = message.maximum_target.to_array();
                Seen::Target
            }
            other => panic!("type {other:02x}"),
        }
    }

    fn job(
        &mut self,
        channel_id: u32,
        job_id: u32,
        time: Option<u32>,
        (version, is_rolling, root): (u32, bool, Root),
    ) -> Seen {
        let channel = self.channels.get_mut(&channel_id).unwrap();
        let job = Job { version, root, target: channel.target, is_rolling };
        assert!(channel.jobs.insert(job_id, job).is_none());
        match time {
            Some(time) => {
                (channel.active, channel.time) = (Some(job_id), time);
                Seen::Job
            }
            None => Seen::FutureJob,
        }
    }

    /// Whether the channel's newest job lets its version be rolled.
    pub(crate) fn is_rolling(&self, channel_id: u32) -> bool {
        let channel = &self.channels[&channel_id];
        channel.jobs[&channel.active.unwrap()].is_rolling
    }

    pub(crate) fn header(&self, channel_id: u32, nonce: u32, varied: &Varied) -> [u8; 80] {
        let channel = &self.channels[&channel_id];
        let job = &channel.jobs[&channel.active.unwrap()];
        let root = match &job.root {
            Root::Fixed(root) => *root,
            Root::Coinbase { prefix, suffix, path } => {
                let extranonce = varied.extranonce.to_le_bytes();
                assert_eq!(channel.extranonce_size, Some(8));
                let coinbase = [prefix, &channel.extranonce_prefix, &extranonce[..], suffix].concat();
                path.iter().fold(sha256d(&coinbase), |root, node| sha256d(&[root, *node].concat()))
            }
        };
        let fields = [channel.time + varied.seconds, channel.nbits, nonce].map(u32::to_le_bytes);
        let version = (job.version ^ varied.version_bits).to_le_bytes();
        [&version[..], &channel.prev_hash, &root, &fields[0], &fields[1], &fields[2]].concat().try_into().unwrap()
    }

    /// The first nonce from `from` on whose hash meets, or fails, the target of its job.
    pub(crate) fn grind(&self, channel_id: u32, meets: bool, from: u32, varied: &Varied) -> u32 {
        let channel = &self.channels[&channel_id];
        let target = Target::from_le_bytes(&channel.jobs[&channel.active.unwrap()].target);
        let hash = |nonce| self.algorithm.hash(&self.header(channel_id, nonce, varied));
        (from..).find(|nonce| target.is_met_by(&hash(*nonce)) == meets).unwrap()
    }

    /// The message that submits a nonce for the newest job.
    pub(crate) fn share(&mut self, channel_id: u32, nonce: u32, varied: &Varied) -> Sent {
        self.sequence += 1;
        let channel = &self.channels[&channel_id];
        let job_id = channel.active.unwrap();
        let job = &channel.jobs[&job_id];
        let (sequence_number, ntime) = (self.sequence, channel.time + varied.seconds);
        let version = job.version ^ varied.version_bits;
        if channel.extranonce_size.is_none() {
            return sent(
                0x1a,
                true,
                SubmitSharesStandard { channel_id, sequence_number, job_id, nonce, ntime, version },
            );
        }
        let extranonce = varied.extranonce.to_le_bytes();
        let message = SubmitSharesExtended {
            channel_id,
            sequence_number,
            job_id,
            nonce,
            ntime,
            version,
            extranonce: (&extranonce[..]).try_into().unwrap(),
        };
        sent(0x1b, true, message)
    }
}
