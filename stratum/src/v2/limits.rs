//! Limits of Stratum V2 beside those that it shares with V1 ([`crate::limits`]), each with the attack it stops.

use std::time::Duration;

use crate::bucket::Allowance;

/// Longest payload of a frame in bytes. Stops a header that announces 16 MB from filling memory; the longest honest message, a
/// `SetupConnection` with five full strings, has 1,291.
pub const FRAME_LEN_MAX: usize = 4_096;
/// Channels open at once on one connection. Each holds its jobs, and a new template is sent to each.
pub const CHANNELS_MAX: usize = 64;
/// New channels of one connection. Stops a client that opens and closes channels from having a coinbase sent for each time.
pub const OPENS: Allowance = Allowance { per_second: 1.0, burst: 64.0 };
/// Bytes that may wait to be sent before they have to be taken: a coinbase for every channel would be megabytes.
pub const OUTBOX_LEN_MAX: usize = 256 * 1024;
/// Longest coinbase prefix that a `NewExtendedMiningJob` can carry.
pub const COINBASE_LEN_MAX: usize = 65_535;
/// How far a client's clock may be off before it doubts our certificate. Firmware without a battery begins in the past.
pub const CERTIFICATE_SKEW: Duration = Duration::from_secs(86_400);

// Encrypted payloads come in parts of this size: what is longer than a frame may be has to show in the first.
const _: () = assert!(FRAME_LEN_MAX + 16 < framing_sv2::SV2_FRAME_CHUNK_SIZE);
