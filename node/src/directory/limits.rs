//! Every bound of the directory, with the attack it stops. The byte bounds are part of the format
//! (`docs/protocol/directory.md`); the others are policy of this node.

/// Longest life of an ad in seconds. What is not said again within an hour is forgotten, so a node that is gone is not
/// probed for long, and nothing old can be replayed.
pub const AD_TTL_SECS_MAX: u16 = 3_600;
/// Multiaddresses of one ad. Stops one small message from making every reader dial the whole network.
pub const ADDRESSES_MAX: usize = 8;
/// Bytes of a multiaddress. The longest honest one, through a relay by name, stays below.
pub const ADDRESS_LEN_MAX: usize = 128;
/// Stratum endpoints of one ad. Each is probed five times by whoever looks for a pool.
pub const ENDPOINTS_MAX: usize = 4;
/// Bytes of a host name. Names of DNS may have 253; nobody types those into a miner.
pub const HOST_LEN_MAX: usize = 128;
/// Characters of a Stratum V2 authority key, which has 51 or 52.
pub const AUTHORITY_KEY_LEN_MAX: usize = 64;
/// Longest ad: all of the above at their bounds.
pub const AD_LEN_MAX: usize = FIXED_LEN_MAX
    + 1
    + ADDRESSES_MAX * (1 + ADDRESS_LEN_MAX)
    + 1
    + ENDPOINTS_MAX * (1 + 1 + HOST_LEN_MAX + 2 + 1 + AUTHORITY_KEY_LEN_MAX);
/// Version, key, times, region, country, fee, capacity, load, agent, operator, signature.
const FIXED_LEN_MAX: usize = 1 + 32 + 8 + 2 + 2 + 3 + 2 + 4 + 4 + (1 + crate::defaults::AGENT_LEN_MAX) + (1 + 96) + 64;

/// Ads kept. A key costs nothing, so one host can announce any number of nodes; this bounds the memory, and the room
/// goes to the network that has least of it.
pub const ADS_MAX: usize = 2_048;
/// Seconds between two accepted ads of one node. Stops a node from having everybody relay its mood.
pub const AD_INTERVAL_SECS_MIN: u64 = 60;
/// Ads that one peer may send us in [`SOURCE_WINDOW_SECS`]; further ones are ignored before their signature is looked
/// at. Stops made-up keys from having us verify; a network of a thousand nodes says fifty a minute.
pub const ADS_PER_SOURCE_MAX: u32 = 240;
/// Ads in that window from which on the peer is to blame for more. A relay passes on what is news, which each node has at
/// most once a minute, so nobody honest gets there.
pub const ADS_PER_SOURCE_HONEST: u32 = 10 * ADS_PER_SOURCE_MAX;
const _: () = assert!(ADS_PER_SOURCE_HONEST as usize > ADS_MAX && SOURCE_WINDOW_SECS <= AD_INTERVAL_SECS_MIN);
/// Window of that rate, seconds.
pub const SOURCE_WINDOW_SECS: u64 = 60;
/// Senders counted in one window. Stops reconnecting under new identities from growing the count; ads of further
/// senders are ignored.
pub const SOURCES_MAX: usize = 1_024;
/// How far ahead of our clock an ad may be issued, as shares may be.
pub const AD_AHEAD_SECS_MAX: u64 = sharechain::chain::FUTURE_TIME_MAX_SECS;
/// Nodes of one network (/24, /48, domain or AS) in an answer. Stops one landlord from being the whole answer.
pub const ADS_PER_NETWORK_MAX: usize = 3;
/// Nodes in one answer of the API.
pub const ANSWER_LEN_MAX: usize = 256;

/// Seconds between two own ads while nothing changes: three are heard in an ad's life.
pub const OWN_AD_INTERVAL_SECS: u64 = 1_200;
/// Seconds between two own ads at most, with room for clocks that differ and slow relays.
pub const OWN_AD_INTERVAL_SECS_MIN: u64 = 75;
/// Life of the last ad of a node that stops: long enough for slow relays and clocks that differ. Until then it is listed as full.
pub const FAREWELL_TTL_SECS: u16 = 120;
/// A load that changed by this part of the capacity is news, in percent.
pub const LOAD_NEWS_PERCENT: u32 = 10;
/// From this part of the capacity on a node is nearly full, in percent: nobody is sent there any more.
pub const NEARLY_FULL_PERCENT: u32 = 80;

const _: () = assert!(AD_LEN_MAX <= crate::defaults::GOSSIP_LEN_MAX);
const _: () = assert!(OWN_AD_INTERVAL_SECS_MIN > AD_INTERVAL_SECS_MIN);
const _: () = assert!(OWN_AD_INTERVAL_SECS * 2 < AD_TTL_SECS_MAX as u64);
