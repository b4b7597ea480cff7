//! What the coin of a chain is called, and how its amounts are written.

use super::dto::Coin;

/// Decimals of every Bitcoin-format coin that is known here.
const DECIMALS: u8 = 8;

/// The coin of a chain; of one that is described in the configuration only the chain's name is known.
pub(crate) fn of_chain(chain: &str) -> Coin {
    let (name, symbol) = match chain {
        "bitcoin" => ("Bitcoin", "BTC"),
        "bitcoin-testnet4" | "bitcoin-signet" | "bitcoin-regtest" => ("Bitcoin (test)", "tBTC"),
        "litecoin" => ("Litecoin", "LTC"),
        "litecoin-testnet" | "litecoin-regtest" => ("Litecoin (test)", "tLTC"),
        "devnet" => ("Devnet coin", "DEV"),
        other => (other, other),
    };
    Coin { name: name.to_owned(), symbol: symbol.to_owned(), decimals: DECIMALS }
}

/// Base units as whole coins, for software that wants a number with a point.
#[expect(clippy::cast_precision_loss, reason = "for people and graphs, not for accounts")]
pub(super) fn coins(units: u64) -> f64 {
    units as f64 / 10_f64.powi(DECIMALS.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain_profile::{custom, known_chains};

    #[test]
    fn every_chain_of_this_version_has_a_coin() {
        for chain in known_chains() {
            assert_eq!(of_chain(chain).symbol == chain, chain == custom::NAME, "{chain}");
        }
    }

    #[test]
    fn amounts_are_whole_coins() {
        assert_eq!(serde_json::json!(coins(5_000_000_001)).to_string(), "50.00000001");
        assert_eq!(serde_json::json!(coins(1)).to_string(), "1e-8");
    }
}
