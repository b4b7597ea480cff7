//! What happens at this node, as a stream that clients can follow and take up again where they left it.
//!
//! ```text
//! chain task --EventSender--+                            +--> SSE, WebSocket: a page of the log, then live
//! observer: what others     +--> EventsTask (EventLog) --+
//!   publish, compared ------+                            +--> notifications
//! ```
//! Producers never wait: what finds no room is counted and shown as `gap`. An event is turned into bytes once, whoever reads
//! it. Nothing here slows the node down, and nothing here is needed by it.

use bytes::Bytes;
use serde::Serialize;
use sharechain::UnixTime;

mod log;
mod observed;
mod observer;
mod task;

pub use log::{EventLog, Page};
pub use observer::Observer;
pub use task::{
    Batch, EventInput, EventSender, EventsHandle, EventsTask, SUBSCRIBERS_MAX, SubscribeError, Subscription, channel,
};

/// What happened. Its serialisation is that of the API: `{"kind": .., "data": {..}}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Happening {
    /// A share became part of the chain.
    Share {
        /// Its id.
        id: String,
        /// The share it is built on.
        parent: String,
        /// The shares it merges.
        uncles: Vec<String>,
        /// Its height.
        height: u64,
        /// Expected hashes that it took.
        work_hashes: u128,
        /// Whom it is credited to; null for a script without an address.
        address: Option<String>,
        /// Whether a miner of this node found it.
        own: bool,
        /// That miner's worker.
        worker: Option<String>,
    },
    /// A share off the best chain was merged.
    Uncle {
        /// Its id.
        id: String,
        /// The share that merged it.
        merged_by: String,
    },
    /// The best share is another one.
    Tip {
        /// Its id.
        id: String,
        /// Its height.
        height: u64,
    },
    /// A block of the pool was found.
    BlockFound {
        /// Its hash.
        hash: String,
        /// Its height.
        height: u32,
        /// Whether a miner of this node found it.
        own: bool,
    },
    /// A block of the pool is on the main chain.
    BlockConfirmed {
        /// Its hash.
        hash: String,
        /// Its height.
        height: u32,
        /// Blocks on the main chain from it on, itself included.
        confirmations: i64,
    },
    /// A block of the pool is not on the main chain, or not any more.
    BlockOrphaned {
        /// Its hash.
        hash: String,
        /// Its height.
        height: u32,
    },
    /// A confirmed block pays an address that is mined for at this node.
    Payout {
        /// The block's hash.
        block: String,
        /// Its height.
        height: u32,
        /// Who is paid.
        address: String,
        /// Base units.
        amount: u64,
    },
    /// A worker has its first connection.
    WorkerOn {
        /// Whom it mines for.
        address: String,
        /// Its name.
        worker: String,
        /// What its client calls itself.
        agent: String,
    },
    /// A worker has no connection any more.
    WorkerOff {
        /// Whom it mined for.
        address: String,
        /// Its name.
        worker: String,
    },
    /// A peer connected.
    PeerOn {
        /// Its identity.
        peer_id: String,
        /// Where it seems to be.
        region: Option<String>,
        /// `inbound` or `outbound`.
        direction: &'static str,
    },
    /// A peer is gone.
    PeerOff {
        /// Its identity.
        peer_id: String,
    },
    /// The parent daemon has another template.
    Template {
        /// Height of the block that is mined.
        height: u32,
        /// Its transactions besides the coinbase.
        transactions: usize,
        /// Subsidy and fees, base units.
        coinbase_value: u64,
    },
    /// Something is wrong that was not wrong before.
    Warning {
        /// What, and a hint.
        text: String,
    },
    /// Events that this reader does not get.
    Gap {
        /// How many, at least.
        missed: u64,
    },
}

/// The kinds of events, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u16);

/// Every kind by its name, in the order of the bits.
const NAMES: [&str; 14] = [
    "share",
    "uncle",
    "tip",
    "block_found",
    "block_confirmed",
    "block_orphaned",
    "payout",
    "worker_on",
    "worker_off",
    "peer_on",
    "peer_off",
    "template",
    "warning",
    "gap",
];
const GAP: u16 = 1 << 13;

impl Happening {
    /// Its place among the names.
    const fn number(&self) -> usize {
        match self {
            Self::Share { .. } => 0,
            Self::Uncle { .. } => 1,
            Self::Tip { .. } => 2,
            Self::BlockFound { .. } => 3,
            Self::BlockConfirmed { .. } => 4,
            Self::BlockOrphaned { .. } => 5,
            Self::Payout { .. } => 6,
            Self::WorkerOn { .. } => 7,
            Self::WorkerOff { .. } => 8,
            Self::PeerOn { .. } => 9,
            Self::PeerOff { .. } => 10,
            Self::Template { .. } => 11,
            Self::Warning { .. } => 12,
            Self::Gap { .. } => 13,
        }
    }

    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        NAMES[self.number()]
    }
}

impl Kinds {
    /// All of them.
    pub const ALL: Self = Self((1 << NAMES.len()) - 1);

    /// Their names.
    pub const fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// Those that a list names, separated by commas. A gap is always told.
    ///
    /// # Errors
    /// The first name that is none.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut kinds = GAP;
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let number = NAMES.iter().position(|known| *known == name).ok_or_else(|| name.to_owned())?;
            kinds |= 1 << number;
        }
        Ok(Self(kinds))
    }

    /// Whether this is one of them.
    pub const fn has(self, happening: &Happening) -> bool {
        self.0 & (1 << happening.number()) != 0
    }
}

/// An event with its number, in bytes once for everybody.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Grows from event to event, over restarts too.
    pub id: u64,
    /// Unix seconds.
    pub time: UnixTime,
    /// What happened.
    pub happening: Happening,
    /// As server-sent event.
    sse: Bytes,
    /// The object alone.
    json: Bytes,
}

#[derive(Serialize)]
struct Wire<'a> {
    id: u64,
    time: UnixTime,
    #[serde(flatten)]
    happening: &'a Happening,
}

impl Event {
    /// Numbers what happened.
    pub fn new(id: u64, time: UnixTime, happening: Happening) -> Self {
        // Strings and numbers only: it cannot fail.
        let json = serde_json::to_string(&Wire { id, time, happening: &happening }).unwrap_or_default();
        let head = format!("id: {id}\nevent: {}\ndata: ", happening.kind());
        let sse = Bytes::from(format!("{head}{json}\n\n"));
        let json = sse.slice(head.len()..head.len() + json.len());
        Self { id, time, happening, sse, json }
    }

    /// The whole server-sent event with its empty line.
    pub const fn sse(&self) -> &Bytes {
        &self.sse
    }

    /// The JSON object.
    pub const fn json(&self) -> &Bytes {
        &self.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_shape_of_the_api() {
        let happening = Happening::Payout { block: "ab".to_owned(), height: 7, address: "dn1q".to_owned(), amount: 50 };
        let event = Event::new(123, 1_795, happening);
        let json =
            r#"{"id":123,"time":1795,"kind":"payout","data":{"block":"ab","height":7,"address":"dn1q","amount":50}}"#;
        assert_eq!(event.json(), json.as_bytes());
        assert_eq!(event.sse(), format!("id: 123\nevent: payout\ndata: {json}\n\n").as_bytes());
        let share = Happening::Share {
            id: "01".to_owned(),
            parent: "00".to_owned(),
            uncles: vec!["02".to_owned()],
            height: 3,
            work_hashes: u128::MAX,
            address: None,
            own: true,
            worker: Some("rig".to_owned()),
        };
        let shown = String::from_utf8(Event::new(1, 2, share).json().to_vec()).unwrap();
        let wanted = r#"{"id":1,"time":2,"kind":"share","data":{"id":"01","parent":"00","uncles":["02"],"height":3,"work_hashes":340282366920938463463374607431768211455,"address":null,"own":true,"worker":"rig"}}"#;
        assert_eq!(shown, wanted);
    }

    #[test]
    fn the_name_of_a_kind_is_the_one_in_its_json() {
        let happenings = [
            Happening::Uncle { id: String::new(), merged_by: String::new() },
            Happening::Tip { id: String::new(), height: 0 },
            Happening::BlockFound { hash: String::new(), height: 0, own: false },
            Happening::BlockConfirmed { hash: String::new(), height: 0, confirmations: 0 },
            Happening::BlockOrphaned { hash: String::new(), height: 0 },
            Happening::WorkerOn { address: String::new(), worker: String::new(), agent: String::new() },
            Happening::WorkerOff { address: String::new(), worker: String::new() },
            Happening::PeerOn { peer_id: String::new(), region: None, direction: "inbound" },
            Happening::PeerOff { peer_id: String::new() },
            Happening::Template { height: 0, transactions: 0, coinbase_value: 0 },
            Happening::Warning { text: String::new() },
            Happening::Gap { missed: 0 },
        ];
        for happening in happenings {
            let kind = happening.kind();
            let json: serde_json::Value = serde_json::from_slice(Event::new(0, 0, happening).json()).unwrap();
            assert_eq!(json["kind"], kind);
        }
    }

    #[test]
    fn kinds_are_named_and_a_gap_is_always_told() {
        let (gap, tip) = (Happening::Gap { missed: 1 }, Happening::Tip { id: String::new(), height: 0 });
        let kinds = Kinds::parse("tip, warning").unwrap();
        assert!(kinds.has(&gap) && kinds.has(&tip) && !kinds.has(&Happening::PeerOff { peer_id: String::new() }));
        assert_eq!(Kinds::parse("tip,tips"), Err("tips".to_owned()));
        assert!(Kinds::ALL.has(&gap) && Kinds::ALL.has(&tip));
    }
}
