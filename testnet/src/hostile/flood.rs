//! Floods: much of something that costs its sender nothing.

use libp2p::PeerId;
use sharechain::{header::HEADER_LEN, share::SHARE_VERSION};

use super::{
    mesh::{self, Control},
    peer::{Hostile, framed},
};

/// Streams that a hostile peer opens and does not finish.
const HALF_QUESTIONS: usize = 64;
/// Bytes of such a question, and how many of them are sent.
const HALF_QUESTION_LEN: (usize, usize) = (8_000, 7_000);
/// Messages of one frame that are read.
const READ_IN_A_FRAME: u64 = 4;
/// A version that nobody knows yet.
const UNKNOWN_VERSION: u8 = 0x7f;
const _: () = assert!(SHARE_VERSION != UNKNOWN_VERSION);

/// What a victim is flooded with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flood {
    /// Control messages and subscriptions.
    Control(Control),
    /// Shares of a version that is not known, as many in a frame as are read.
    UnknownShares,
    /// The same, with more in a frame than anybody sends.
    FullFrames,
    /// Ads of a version that is not known.
    UnknownAds,
    /// A frame that is longer than allowed.
    EndlessFrame,
    /// Questions that are begun.
    HalfQuestions,
}

impl Flood {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [Self::UnknownShares, Self::FullFrames, Self::UnknownAds, Self::EndlessFrame, Self::HalfQuestions];
        Control::ALL.into_iter().map(Self::Control).chain(others)
    }

    /// Sends about `len` bytes of it; begun questions are always as many.
    ///
    /// Made-up shares and ads are numbered from `first`: nodes judge a message that they have seen before no second time.
    pub fn start(self, hostile: &mut Hostile, victim: &PeerId, len: usize, first: u64) {
        let params = hostile.params();
        let shares = mesh::shares_topic(params);
        let numbered = |offset: usize, number: u64| {
            let version = vec![UNKNOWN_VERSION; offset + 1];
            [&version[..], &first.wrapping_add(number).to_le_bytes()].concat()
        };
        let unknown_shares =
            |in_a_frame| mesh::messages(&shares, (len, in_a_frame), |number| numbered(HEADER_LEN, number));
        let frames = match self {
            Self::Control(control) => mesh::controls(control, &shares, len),
            Self::UnknownShares => unknown_shares(READ_IN_A_FRAME),
            Self::FullFrames => unknown_shares(5 * READ_IN_A_FRAME),
            Self::UnknownAds => {
                mesh::messages(&mesh::ads_topic(params), (len, READ_IN_A_FRAME), |number| numbered(0, number))
            }
            Self::EndlessFrame => [mesh::endless_frame(), vec![0x12; len]].concat(),
            Self::HalfQuestions => {
                let (whole, sent) = HALF_QUESTION_LEN;
                let mut half = framed(&vec![2; whole]);
                half.truncate(sent);
                for _ in 0..HALF_QUESTIONS {
                    hostile.begin_to_ask(victim, half.clone());
                }
                return;
            }
        };
        hostile.gossip(victim, frames);
    }
}
