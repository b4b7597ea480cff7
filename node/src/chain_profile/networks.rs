//! The chains that this version knows, one row each. A new one is a row, and its first block's header in the test.

use std::{sync::Arc, time::Duration};

use bech32::Hrp;
use sharechain::{
    Amount, BlockHash, CompactTarget, ConsensusParams, Params, PowAlgorithm,
    params::{ExtraOutputsRule, ParentProfile},
};
use stratum::{AddressFormat, Difficulty, vardiff::VardiffConfig};

use super::{BlockTail, ChainError, ChainProfile, DaemonProfile, LOCAL_SHARE_PERIOD, Ports, SHARE_PERIOD};
use crate::defaults::STORE_GENERATION_SHARES;

/// Time of the virtual genesis share of every public share chain: 2026-11-01 00:00 UTC.
const GENESIS_TIME: u32 = 1_793_491_200;
/// Base units of a coin.
const COIN: u64 = 100_000_000;
/// Easiest share on a chain of one's own, for one slow core: 2^18 hashes of SHA-256d, 2^10 of scrypt.
const CPU_SHARE: u32 = 0x1e40_0000;
const CPU_SCRYPT_SHARE: u32 = 0x1f40_0000;

/// A known chain.
#[derive(Debug)]
pub(super) struct Network {
    /// Name in the configuration.
    pub(super) name: &'static str,
    /// `chain` of getblockchaininfo.
    chain: &'static str,
    kind: Kind,
    coin: &'static Coin,
    /// Hash of the first block.
    genesis: &'static str,
    /// Prefix of bech32 addresses, version bytes of P2PKH and of P2SH.
    addresses: (&'static str, u8, &'static [u8]),
    /// The easiest block, and the easiest share.
    bits_max: u32,
    share_bits_max: u32,
}

/// What the chains of one coin have in common.
#[derive(Debug)]
struct Coin {
    pow: PowAlgorithm,
    block_hash: PowAlgorithm,
    rules: &'static [&'static str],
    tail: BlockTail,
    /// Above what any coinbase can be worth: all coins there will ever be.
    supply: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Main,
    Test,
    /// A chain of one's own: payouts come within a minute, as on the devnet.
    Local,
}

const BITCOIN: Coin = Coin {
    pow: PowAlgorithm::Sha256d,
    block_hash: PowAlgorithm::Sha256d,
    rules: &["segwit"],
    tail: BlockTail::None,
    supply: 21_000_000,
};
const SIGNET: Coin = Coin { rules: &["segwit", "signet"], ..BITCOIN };
const LITECOIN: Coin = Coin {
    pow: PowAlgorithm::Scrypt,
    block_hash: PowAlgorithm::Sha256d,
    rules: &["segwit", "mweb"],
    tail: BlockTail::Mweb,
    supply: 84_000_000,
};

/// Easiest shares of public chains are a few seconds of the smallest miners that are worth their power there; the controller
/// does the rest.
pub(super) const NETWORKS: &[Network] = &[
    Network {
        name: "bitcoin",
        chain: "main",
        kind: Kind::Main,
        coin: &BITCOIN,
        genesis: "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
        addresses: ("bc", 0, &[5]),
        bits_max: 0x1d00_ffff,
        share_bits_max: 0x1c03_fffc,
    },
    Network {
        name: "bitcoin-testnet4",
        chain: "testnet4",
        kind: Kind::Test,
        coin: &BITCOIN,
        genesis: "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
        addresses: ("tb", 111, &[196]),
        bits_max: 0x1d00_ffff,
        share_bits_max: 0x1d00_ffff,
    },
    Network {
        name: "bitcoin-signet",
        chain: "signet",
        kind: Kind::Test,
        coin: &SIGNET,
        genesis: "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
        addresses: ("tb", 111, &[196]),
        bits_max: 0x1e03_77ae,
        share_bits_max: CPU_SHARE,
    },
    Network {
        name: "bitcoin-regtest",
        chain: "regtest",
        kind: Kind::Local,
        coin: &BITCOIN,
        genesis: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
        addresses: ("bcrt", 111, &[196]),
        bits_max: 0x207f_ffff,
        share_bits_max: CPU_SHARE,
    },
    Network {
        name: "litecoin",
        chain: "main",
        kind: Kind::Main,
        coin: &LITECOIN,
        genesis: "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
        // 5 is how P2SH addresses were written before 50.
        addresses: ("ltc", 48, &[50, 5]),
        bits_max: 0x1e0f_ffff,
        share_bits_max: 0x1d10_0000,
    },
    Network {
        name: "litecoin-testnet",
        chain: "test",
        kind: Kind::Test,
        coin: &LITECOIN,
        genesis: "4966625a4b2851d9fdee139e56211a0d88575f59ed816ff5e6a63deb4e3e29a0",
        addresses: ("tltc", 111, &[58, 196]),
        bits_max: 0x1e0f_ffff,
        share_bits_max: CPU_SCRYPT_SHARE,
    },
    Network {
        name: "litecoin-regtest",
        chain: "regtest",
        kind: Kind::Local,
        coin: &LITECOIN,
        genesis: "530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9",
        addresses: ("rltc", 111, &[58, 196]),
        bits_max: 0x207f_ffff,
        share_bits_max: CPU_SCRYPT_SHARE,
    },
];

impl Network {
    pub(super) fn profile(&self, password: Option<String>) -> Result<ChainProfile, ChainError> {
        let parent = ParentProfile {
            // A hash that does not parse is zero, which no daemon has; the test below looks at every row.
            genesis: self.genesis.parse().unwrap_or(BlockHash::ZERO),
            pow: self.coin.pow,
            block_hash: self.coin.block_hash,
            version_mask: 0,
            version_value: 0,
            tx_time: false,
            extra_outputs: ExtraOutputsRule::Forbidden,
        };
        let share_bits_max = CompactTarget::from_bits(self.share_bits_max);
        let (hrp, p2pkh, p2sh) = self.addresses;
        Ok(ChainProfile {
            name: self.name.to_owned(),
            params: Arc::new(Params::new(ConsensusParams {
                password,
                ..share_chain(self.name, parent, share_bits_max, GENESIS_TIME, self.kind == Kind::Local)
            })?),
            addresses: AddressFormat { bech32: Hrp::parse(hrp).ok(), p2pkh, p2sh: p2sh.to_vec() },
            daemon: Arc::new(DaemonProfile {
                chain: Some(self.chain.to_owned()),
                bits_max: CompactTarget::from_bits(self.bits_max),
                value_max: Amount::from_units(self.coin.supply.saturating_mul(COIN)),
                rules: self.coin.rules.iter().map(ToString::to_string).collect(),
                arguments: Vec::new(),
                output_fields: Vec::new(),
                signature_key: None,
                tail: self.coin.tail,
                maturity: 100,
            }),
            ports: if self.kind == Kind::Main { Ports::MAIN } else { Ports::TEST },
            vardiff: vardiff(share_bits_max, self.coin.pow, self.kind == Kind::Main),
            share_period: if self.kind == Kind::Local { LOCAL_SHARE_PERIOD } else { SHARE_PERIOD },
            generation_shares: STORE_GENERATION_SHARES,
            is_local: self.kind == Kind::Local,
        })
    }
}

/// The share chain on a parent chain; `short` depths are those of the devnet.
pub(super) fn share_chain(
    name: &str,
    parent: ParentProfile,
    share_bits_max: CompactTarget,
    genesis_time: u32,
    short: bool,
) -> ConsensusParams {
    if !short {
        return ConsensusParams::main(name, parent, share_bits_max, genesis_time);
    }
    let devnet = ConsensusParams::devnet(parent, genesis_time);
    ConsensusParams { name: name.to_owned(), base_target_max: share_bits_max, ..devnet }
}

/// Difficulty of miners where the easiest share is this one: connections start at 16 of them on a main network, whose
/// miners are ASICs, and find their own pace from there.
pub(super) fn vardiff(share_bits_max: CompactTarget, pow: PowAlgorithm, is_main: bool) -> VardiffConfig {
    let easiest = share_bits_max.to_target().map_or(1.0, |target| Difficulty::covering(target, pow).hashes(pow));
    VardiffConfig {
        start_hashes: if is_main { easiest * 16.0 } else { easiest },
        min_hashes: (easiest / 64.0).max(1.0),
        submit_interval: Duration::from_secs(if is_main { 10 } else { 4 }),
    }
}

#[cfg(test)]
mod tests {
    use sharechain::{Header, header::HEADER_LEN};

    use super::*;

    /// Version 1, no previous block, merkle root (as it is printed), time, bits, nonce.
    fn genesis_header(merkle_root: &str, time: u32, bits: u32, nonce: u32) -> [u8; HEADER_LEN] {
        let mut root = hex::decode(merkle_root).unwrap();
        root.reverse();
        let fields = [time, bits, nonce].map(u32::to_le_bytes).concat();
        let header = [&1_u32.to_le_bytes()[..], &[0; 32], &root, &fields].concat();
        header.try_into().unwrap()
    }

    #[test]
    fn first_blocks_have_the_hash_of_the_table_and_a_target_that_it_allows() {
        const SATOSHI: &str = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b";
        const TESTNET4: &str = "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e";
        const LEE: &str = "97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9";
        let headers = [
            ("bitcoin", genesis_header(SATOSHI, 1_231_006_505, 0x1d00_ffff, 2_083_236_893)),
            ("bitcoin-testnet4", genesis_header(TESTNET4, 1_714_777_860, 0x1d00_ffff, 393_743_547)),
            ("bitcoin-signet", genesis_header(SATOSHI, 1_598_918_400, 0x1e03_77ae, 52_613_770)),
            ("bitcoin-regtest", genesis_header(SATOSHI, 1_296_688_602, 0x207f_ffff, 2)),
            ("litecoin", genesis_header(LEE, 1_317_972_665, 0x1e0f_fff0, 2_084_524_493)),
            ("litecoin-testnet", genesis_header(LEE, 1_486_949_366, 0x1e0f_fff0, 293_345)),
            ("litecoin-regtest", genesis_header(LEE, 1_296_688_602, 0x207f_ffff, 0)),
        ];
        assert_eq!(headers.map(|(name, _)| name).as_slice(), NETWORKS.iter().map(|row| row.name).collect::<Vec<_>>());
        for (name, bytes) in headers {
            let profile = ChainProfile::find(name, None).unwrap();
            let parent = profile.params.parent();
            assert_eq!(BlockHash::from_bytes(*parent.block_hash.hash(&bytes).as_bytes()), parent.genesis, "{name}");
            let header = Header::decode(&bytes);
            let target = header.bits.to_target().unwrap();
            assert!(target.is_met_by(&parent.pow.hash(&bytes)), "{name}");
            assert!(target <= profile.daemon.bits_max.to_target().unwrap(), "{name}");
        }
    }

    #[test]
    fn addresses_of_each_chain_are_its_own() {
        let script = sharechain::PayoutScript::p2wpkh(&[7; 20]);
        let written = |name: &str| ChainProfile::find(name, None).unwrap().addresses.format(&script).unwrap();
        for (name, prefix) in [
            ("bitcoin", "bc1q"),
            ("bitcoin-signet", "tb1q"),
            ("bitcoin-regtest", "bcrt1q"),
            ("litecoin", "ltc1q"),
            ("litecoin-testnet", "tltc1q"),
            ("litecoin-regtest", "rltc1q"),
        ] {
            assert!(written(name).starts_with(prefix), "{name}");
        }
        let litecoin = ChainProfile::find("litecoin", None).unwrap().addresses;
        let p2sh = sharechain::PayoutScript::p2sh(&[7; 20]);
        assert!(litecoin.format(&p2sh).unwrap().starts_with('M'));
        let old = AddressFormat { p2sh: vec![5], ..litecoin.clone() }.format(&p2sh).unwrap();
        assert_eq!(litecoin.parse(&old), Ok(p2sh), "the old way to write it is understood");
    }
}
