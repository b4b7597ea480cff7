//! Payout addresses: base58check and bech32(m) on one side, the five payable scripts on the other.
//!
//! What a chain's addresses look like is data, so every Bitcoin-format coin works alike.

use std::fmt;

use bech32::{Bech32, Bech32m, Hrp, primitives::decode::CheckedHrpstring};
use sharechain::PayoutScript;

/// Longest address: a 34-byte witness program with a long prefix.
const ADDRESS_LEN_MAX: usize = 128;

/// The address prefixes of one chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressFormat {
    /// Human-readable part of bech32 addresses; `None` on chains without segwit.
    pub bech32: Option<Hrp>,
    /// Version byte of P2PKH addresses.
    pub p2pkh: u8,
    /// Version bytes of P2SH addresses; the first one is written.
    pub p2sh: Vec<u8>,
}

/// Why a text is no payout address of the chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing, or more than any address.
    #[error("no address")]
    Empty,
    /// Neither base58check nor bech32.
    #[error("not an address, or its checksum is wrong")]
    Checksum,
    /// A well-formed address of another chain.
    #[error("the address belongs to another network")]
    WrongNetwork,
    /// A witness version or program length that cannot be paid.
    #[error("this kind of address cannot be paid")]
    Unpayable,
}

impl AddressFormat {
    /// The script an address stands for.
    ///
    /// # Errors
    /// [`AddressError`] in words for the miner's log.
    pub fn parse(&self, address: &str) -> Result<PayoutScript, AddressError> {
        if address.is_empty() || address.len() > ADDRESS_LEN_MAX {
            return Err(AddressError::Empty);
        }
        match bech32::segwit::decode(address) {
            Ok((hrp, version, program)) => {
                if self.bech32 != Some(hrp) {
                    return Err(AddressError::WrongNetwork);
                }
                witness_script(version.to_u8(), &program).ok_or(AddressError::Unpayable)
            }
            Err(_) if looks_like_bech32(address) => Err(AddressError::Unpayable),
            Err(_) => self.parse_base58(address),
        }
    }

    /// The address of a script; `None` when the chain has no address for it.
    pub fn format(&self, script: &PayoutScript) -> Option<String> {
        let base58 = |version: u8, hash: &[u8]| {
            let mut payload = vec![version];
            payload.extend_from_slice(hash);
            bs58::encode(payload).with_check().into_string()
        };
        match script.as_bytes() {
            [0x76, 0xa9, 0x14, hash @ .., 0x88, 0xac] => Some(base58(self.p2pkh, hash)),
            [0xa9, 0x14, hash @ .., 0x87] => Some(base58(*self.p2sh.first()?, hash)),
            [0x00, _, program @ ..] => bech32::segwit::encode_v0(self.bech32?, program).ok(),
            [0x51, _, program @ ..] => bech32::segwit::encode_v1(self.bech32?, program).ok(),
            _ => None,
        }
    }

    fn parse_base58(&self, address: &str) -> Result<PayoutScript, AddressError> {
        let payload = bs58::decode(address).with_check(None).into_vec().map_err(|_| AddressError::Checksum)?;
        let Some((version, hash)) = payload.split_first() else { return Err(AddressError::Checksum) };
        let Ok(hash) = <&[u8; 20]>::try_from(hash) else { return Err(AddressError::Unpayable) };
        if *version == self.p2pkh {
            Ok(PayoutScript::p2pkh(hash))
        } else if self.p2sh.contains(version) {
            Ok(PayoutScript::p2sh(hash))
        } else {
            Err(AddressError::WrongNetwork)
        }
    }
}

fn witness_script(version: u8, program: &[u8]) -> Option<PayoutScript> {
    match (version, program.len()) {
        (0, 20) => Some(PayoutScript::p2wpkh(program.try_into().ok()?)),
        (0, 32) => Some(PayoutScript::p2wsh(program.try_into().ok()?)),
        (1, 32) => Some(PayoutScript::p2tr(program.try_into().ok()?)),
        _ => None,
    }
}

/// A valid bech32 checksum over something that is no segwit address.
fn looks_like_bech32(address: &str) -> bool {
    CheckedHrpstring::new::<Bech32>(address).is_ok() || CheckedHrpstring::new::<Bech32m>(address).is_ok()
}

impl fmt::Display for AddressFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bech32 {
            Some(hrp) => write!(f, "{hrp}1..."),
            None => write!(f, "base58 version {}", self.p2pkh),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitcoin() -> AddressFormat {
        AddressFormat { bech32: Some(Hrp::parse("bc").unwrap()), p2pkh: 0, p2sh: vec![5] }
    }

    #[track_caller]
    fn check(address: &str, script: &str) {
        let parsed = bitcoin().parse(address).unwrap();
        assert_eq!(parsed.to_string(), script);
        assert_eq!(bitcoin().format(&parsed).as_deref(), Some(address));
    }

    #[test]
    fn known_addresses_of_all_five_kinds() {
        check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac");
        check("3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87");
        // BIP173 and BIP350.
        check("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "0014751e76e8199196d454941c45d1b3a323f1433bd6");
        check(
            "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
            "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
        );
        check(
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        );
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let refused = |address: &str| bitcoin().parse(address).unwrap_err();
        assert_eq!(refused(""), AddressError::Empty);
        assert_eq!(refused(&"1".repeat(200)), AddressError::Empty);
        assert_eq!(refused("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"), AddressError::Checksum);
        assert_eq!(refused("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"), AddressError::Checksum);
        assert_eq!(refused("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"), AddressError::WrongNetwork);
        assert_eq!(refused("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"), AddressError::WrongNetwork);
        // Witness version 16 is an address that nobody can spend yet.
        assert_eq!(refused("BC1SW50QGDZ25J"), AddressError::Unpayable);
        assert_eq!(refused("worker1"), AddressError::Checksum);
    }
}
