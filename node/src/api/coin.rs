//! What the coin of a chain is called, and how its amounts are written.

use super::dto::Coin;

/// Decimals of every Bitcoin-format coin that is known here.
const DECIMALS: u8 = 8;

/// The coin of a chain; of one that is described in the configuration only the chain's name is known.
pub(super) fn of_chain(chain: &str) -> Coin {
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
}
