//! Lies of a peer that claims a chain which nobody has.

use node::p2p::{Request, Response};
use sharechain::{
    ShareId,
    header::HEADER_LEN,
    share::SHARE_VERSION,
    sync::{SYNC_IDS_MAX, SYNC_SHARES_MAX},
};

use super::peer::{Answer, framed, polite, tip};

/// Height of the tip that liars claim.
const CLAIMED_HEIGHT: u64 = 1_000_000;
/// Bytes of an answer that is begun: more than one packet, and less than it says.
const HALF_ANSWER_LEN: usize = 20_000;
const _: () = assert!(HALF_ANSWER_LEN < 32 * SYNC_IDS_MAX);

/// How a peer lies, and with what it can be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Shows ids that nobody has, and has no shares.
    NobodysIds,
    /// Shows such ids, and answers a request for their shares with others, which are valid.
    OtherShares,
    /// Shows such ids, and answers with bytes that are no shares.
    Garbage,
    /// Answers a question for ids with something else.
    OtherAnswer,
    /// Answers with bytes that are no message.
    NoMessage,
    /// Claims, and never says more.
    Stall,
    /// Begins every answer, and never ends it.
    HalfAnswer,
}

impl Lie {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::NobodysIds,
        Self::OtherShares,
        Self::Garbage,
        Self::OtherAnswer,
        Self::NoMessage,
        Self::Stall,
        Self::HalfAnswer,
    ];

    /// The answer; `honest` are shares of the honest chain.
    pub fn answer(self, request: &Request, honest: &[Vec<u8>]) -> Answer {
        let nobodys = |number: usize| {
            let mut id = [self as u8; 32];
            id[..8].copy_from_slice(&number.to_le_bytes());
            ShareId::from_bytes(id)
        };
        let pages = || Response::Ids { ids: (0..SYNC_IDS_MAX).map(nobodys).collect(), more: true };
        let shares = |shares: Vec<Vec<u8>>| Answer::message(&Response::Shares { shares });
        match (self, request) {
            (_, Request::Hello(_)) => Answer::message(&tip(CLAIMED_HEIGHT)),
            (_, Request::Peers { .. } | Request::Ads | Request::Template(_)) => polite(request),
            (Self::Stall, _) => Answer::Silence,
            (Self::NoMessage, _) => Answer::Bytes(framed(&[9; 100])),
            (Self::OtherAnswer, _) => Answer::message(&tip(CLAIMED_HEIGHT)),
            (Self::HalfAnswer, _) => {
                let mut half = framed(&pages().encode());
                half.truncate(HALF_ANSWER_LEN);
                Answer::Bytes(half)
            }
            (_, Request::Range { .. }) => Answer::message(&pages()),
            (Self::NobodysIds, Request::Shares { .. }) => shares(Vec::new()),
            (Self::OtherShares, Request::Shares { .. }) => shares(honest.to_vec()),
            (Self::Garbage, Request::Shares { .. }) => {
                let mut garbage = vec![0x5a; 700];
                garbage[HEADER_LEN] = SHARE_VERSION;
                shares(vec![garbage; SYNC_SHARES_MAX])
            }
        }
    }
}
