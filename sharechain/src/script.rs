//! Payout scripts: the five standard forms and nothing else.
//!
//! Other scripts would break the size classes of the coinbase or burn the reward (`docs/protocol/share.md`).

use std::{cmp::Ordering, fmt};

/// Longest payout script, bytes.
pub const PAYOUT_SCRIPT_LEN_MAX: usize = 34;

/// A script that a share may name to be paid. Ordered by its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PayoutScript {
    len: u8,
    bytes: [u8; PAYOUT_SCRIPT_LEN_MAX],
}

/// The bytes are none of P2PKH, P2SH, P2WPKH, P2WSH, P2TR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a P2PKH, P2SH, P2WPKH, P2WSH or P2TR script")]
pub struct NotPayable;

impl PayoutScript {
    /// `OP_DUP OP_HASH160 <hash> OP_EQUALVERIFY OP_CHECKSIG`.
    pub fn p2pkh(key_hash: &[u8; 20]) -> Self {
        Self::concat(&[&[0x76, 0xa9, 0x14], key_hash, &[0x88, 0xac]])
    }

    /// `OP_HASH160 <hash> OP_EQUAL` (BIP16).
    pub fn p2sh(script_hash: &[u8; 20]) -> Self {
        Self::concat(&[&[0xa9, 0x14], script_hash, &[0x87]])
    }

    /// `OP_0 <hash>` (BIP141).
    pub fn p2wpkh(key_hash: &[u8; 20]) -> Self {
        Self::concat(&[&[0x00, 0x14], key_hash])
    }

    /// `OP_0 <hash>` (BIP141).
    pub fn p2wsh(script_hash: &[u8; 32]) -> Self {
        Self::concat(&[&[0x00, 0x20], script_hash])
    }

    /// `OP_1 <key>` (BIP341).
    pub fn p2tr(output_key: &[u8; 32]) -> Self {
        Self::concat(&[&[0x51, 0x20], output_key])
    }

    /// Accepts exactly the five forms.
    ///
    /// # Errors
    /// [`NotPayable`] for everything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotPayable> {
        let payable = match bytes {
            [0x76, 0xa9, 0x14, hash @ .., 0x88, 0xac] | [0xa9, 0x14, hash @ .., 0x87] | [0x00, 0x14, hash @ ..] => {
                hash.len() == 20
            }
            [0x00 | 0x51, 0x20, hash @ ..] => hash.len() == 32,
            _ => false,
        };
        if payable { Ok(Self::concat(&[bytes])) } else { Err(NotPayable) }
    }

    /// The script.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Joins `parts`, which the callers keep within the longest form.
    fn concat(parts: &[&[u8]]) -> Self {
        let mut script = Self { len: 0, bytes: [0; PAYOUT_SCRIPT_LEN_MAX] };
        for (slot, byte) in script.bytes.iter_mut().zip(parts.iter().copied().flatten()) {
            *slot = *byte;
            script.len = script.len.saturating_add(1);
        }
        script
    }
}

impl Ord for PayoutScript {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for PayoutScript {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for PayoutScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.as_bytes()))
    }
}

impl fmt::Debug for PayoutScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayoutScript({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_forms_round_trip_and_their_neighbours_do_not() {
        let forms = [
            PayoutScript::p2pkh(&[7; 20]),
            PayoutScript::p2sh(&[7; 20]),
            PayoutScript::p2wpkh(&[7; 20]),
            PayoutScript::p2wsh(&[7; 32]),
            PayoutScript::p2tr(&[7; 32]),
        ];
        assert_eq!(forms.map(|script| script.as_bytes().len()), [25, 23, 22, 34, 34]);
        for script in forms {
            assert_eq!(PayoutScript::from_bytes(script.as_bytes()), Ok(script));
            let mut longer = script.as_bytes().to_vec();
            longer.push(0);
            assert_eq!(PayoutScript::from_bytes(&longer), Err(NotPayable));
            assert_eq!(PayoutScript::from_bytes(&script.as_bytes()[1..]), Err(NotPayable));
        }
        assert_eq!(PayoutScript::from_bytes(&[0x6a, 0x01, 0x00]), Err(NotPayable));
        assert_eq!(PayoutScript::from_bytes(&[]), Err(NotPayable));
        let text = format!("0014{}", "07".repeat(20));
        assert_eq!(forms[2].to_string(), text);
        assert_eq!(format!("{:?}", forms[2]), format!("PayoutScript({text})"));
    }
}
