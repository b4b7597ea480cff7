//! Why a share is invalid, and who can be blamed for it.

use crate::{encode::DecodeError, hash::ShareId, share::VERSION_FIELD};

/// A rule that a share breaks. A share that breaks one is invalid for ever and on every node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    // Stateless: provable from the bytes alone.
    /// The bytes are not a share.
    #[error("not a share")]
    Decode(#[source] DecodeError),
    /// The format version is not one this node knows.
    #[error("share version {0} is unknown; is there a newer poolnode?")]
    Version(u8),
    /// Uncles are not ascending and unique, or name the parent.
    #[error("uncles are not ascending, unique and distinct from the parent")]
    UncleList,
    /// More uncles than the chain allows.
    #[error("{uncles} uncles, at most {uncles_max} are allowed")]
    TooManyUncles {
        /// How many it names.
        uncles: usize,
        /// The chain's limit.
        uncles_max: u8,
    },
    /// A target is not canonical or outside the chain's range.
    #[error("{field} is not a canonical target in range")]
    Bits {
        /// `base_bits` or `share_bits`.
        field: &'static str,
    },
    /// The share target is easier than the base or more than 64 times harder.
    #[error("share_bits are not between base and 64 times base")]
    ShareBitsRange,
    /// No such payout class.
    #[error("payout class {0} does not exist")]
    PayoutClass(u8),
    /// Extra outputs that the parent chain's profile does not fix.
    #[error("extra outputs are not those of the chain profile")]
    ExtraOutputs,
    /// Extra outputs take more than the coinbase has.
    #[error("extra outputs exceed the coinbase value")]
    ExtraOutputsValue,
    /// The header version's fixed bits differ from the profile.
    #[error("header version {0:08x} is outside the chain profile")]
    HeaderVersion(u32),
    /// The parent chain's first block is at height 0 and is not mined.
    #[error("block height 0")]
    BlockHeight,
    /// The coinbase tail and branch do not lead to the header's merkle root.
    #[error("the header does not commit to this share")]
    Commitment,
    /// The hash does not meet the share target.
    #[error("not enough proof of work")]
    ProofOfWork,

    // In context: a pure function of the share and its past.
    /// An ancestor is invalid, so this is.
    #[error("builds on the invalid share {0}")]
    InvalidAncestor(ShareId),
    /// An uncle is not worse than the parent in fork choice.
    #[error("uncle {0} is the better parent")]
    ParentNotBest(ShareId),
    /// An uncle is already in the parent's past.
    #[error("uncle {0} is already merged")]
    UncleMerged(ShareId),
    /// An uncle has an ancestor that is neither in the parent's past nor in the merge set.
    #[error("uncle {0} has an ancestor outside the merge set")]
    UncleNotClosed(ShareId),
    /// An uncle's branch left the selected chain too long ago.
    #[error("uncle {0} left the selected chain beyond the merge depth")]
    UncleTooDeep(ShareId),
    /// An uncle carries less than an eighth of the base work.
    #[error("uncle {0} carries less than an eighth of the base work")]
    UncleTooLight(ShareId),
    /// A number that follows from the past is another one.
    #[error("{field} does not follow from the past")]
    Position {
        /// `height`, `count`, `total_work` or `base_bits`.
        field: &'static str,
    },
    /// The header's time is before the median of its ancestors.
    #[error("header time {time} is before the median time past {median}")]
    TimeTooOld {
        /// The header's time.
        time: u32,
        /// Median of up to 11 selected ancestors.
        median: u32,
    },
    /// The coinbase before the commitment is not the one the rules give.
    #[error("the coinbase does not pay what the share chain says")]
    Prefix,
}

/// What the sender of an invalid share did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Sent bytes that break a rule checkable without context: every relay checks those before it relays.
    InvalidShare,
    /// Sent a share of a version that we do not know. Refused, but after an upgrade it is we who are behind.
    UnknownVersion,
    /// Nothing. Relays forward before they know the context, so contextual faults are the miner's and nobody else's.
    Blameless,
}

impl From<DecodeError> for ShareError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::UnknownTag { field: VERSION_FIELD, tag } => Self::Version(tag),
            other => Self::Decode(other),
        }
    }
}

impl ShareError {
    /// The rule's name in the protocol's pages and vectors; it never changes.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Version(_) => "version",
            Self::Decode(_) => "encoding",
            Self::TooManyUncles { .. } => "uncle_count",
            Self::UncleList => "uncle_list",
            Self::Bits { .. } => "target",
            Self::ShareBitsRange => "share_bits",
            Self::BlockHeight => "block_height",
            Self::PayoutClass(_) => "payout_class",
            Self::ExtraOutputsValue => "extra_outputs_value",
            Self::ExtraOutputs => "extra_outputs",
            Self::HeaderVersion(_) => "header_version",
            Self::Commitment => "commitment",
            Self::ProofOfWork => "proof_of_work",
            Self::InvalidAncestor(_) => "ancestor",
            Self::ParentNotBest(_) => "parent_not_best",
            Self::UncleTooDeep(_) => "uncle_too_deep",
            Self::UncleMerged(_) => "uncle_merged",
            Self::UncleNotClosed(_) => "uncle_not_closed",
            Self::UncleTooLight(_) => "uncle_too_light",
            // `height`, `count`, `total_work` or `base_bits`.
            Self::Position { field } => field,
            Self::TimeTooOld { .. } => "time",
            Self::Prefix => "prefix",
        }
    }

    /// Whether the peer that sent the share can be blamed.
    pub const fn misbehaviour(&self) -> Misbehaviour {
        match self {
            Self::Version(_) => Misbehaviour::UnknownVersion,
            Self::Decode(_)
            | Self::UncleList
            | Self::TooManyUncles { .. }
            | Self::Bits { .. }
            | Self::ShareBitsRange
            | Self::PayoutClass(_)
            | Self::ExtraOutputs
            | Self::ExtraOutputsValue
            | Self::HeaderVersion(_)
            | Self::BlockHeight
            | Self::Commitment
            | Self::ProofOfWork => Misbehaviour::InvalidShare,
            Self::InvalidAncestor(_)
            | Self::ParentNotBest(_)
            | Self::UncleMerged(_)
            | Self::UncleNotClosed(_)
            | Self::UncleTooDeep(_)
            | Self::UncleTooLight(_)
            | Self::Position { .. }
            | Self::TimeTooOld { .. }
            | Self::Prefix => Misbehaviour::Blameless,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::json;

    /// One error of each kind, as the protocol page lists them.
    fn one_of_each() -> Vec<ShareError> {
        let id = ShareId::ZERO;
        vec![
            ShareError::Version(2),
            ShareError::Decode(DecodeError::Trailing { extra: 1 }),
            ShareError::TooManyUncles { uncles: 65, uncles_max: 64 },
            ShareError::UncleList,
            ShareError::Bits { field: "base_bits" },
            ShareError::ShareBitsRange,
            ShareError::BlockHeight,
            ShareError::PayoutClass(9),
            ShareError::ExtraOutputsValue,
            ShareError::ExtraOutputs,
            ShareError::HeaderVersion(0),
            ShareError::Commitment,
            ShareError::ProofOfWork,
            ShareError::InvalidAncestor(id),
            ShareError::ParentNotBest(id),
            ShareError::UncleTooDeep(id),
            ShareError::UncleMerged(id),
            ShareError::UncleNotClosed(id),
            ShareError::UncleTooLight(id),
            ShareError::Position { field: "height" },
            ShareError::Position { field: "count" },
            ShareError::Position { field: "total_work" },
            ShareError::Position { field: "base_bits" },
            ShareError::TimeTooOld { time: 0, median: 1 },
            ShareError::Prefix,
        ]
    }

    #[test]
    fn rules_are_named_and_blamed_as_the_protocol_page_says() {
        let cases = json::cases(include_str!("../../docs/protocol/validation.md"), "rules");
        let errors = one_of_each();
        assert_eq!(cases.len(), errors.len());
        for (case, error) in cases.iter().zip(errors) {
            assert_eq!(error.rule(), case["rule"]);
            let fault = error.misbehaviour();
            assert_eq!(fault == Misbehaviour::InvalidShare, case["sender_blamed"] == true, "{case}");
            assert_eq!(fault == Misbehaviour::Blameless, case["needs_past"] == true, "{case}");
        }
    }
}
