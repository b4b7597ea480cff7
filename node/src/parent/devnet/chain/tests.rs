use sharechain::{
    Amount, PayoutScript, PowAlgorithm,
    coinbase::{self, CoinbaseFields},
    payout::Payout,
};

use stratum::BlockBody;

use super::*;
use crate::parent::{
    block::{self, Output},
    devnet::{GENESIS_TIME, genesis_hash},
};

pub(in crate::parent::devnet) const NOW: u64 = GENESIS_TIME as u64 + 1_000;

/// A miner that builds blocks by hand, so that each rule can be broken alone.
pub(in crate::parent::devnet) struct Candidate {
    header: Header,
    coinbase: Vec<u8>,
    transactions: Vec<Vec<u8>>,
}

/// What goes into the coinbase.
struct Claims {
    height: u32,
    value: u64,
    commitment: [u8; 32],
}

impl Candidate {
    fn new(chain: &DevnetChain, now: u64, change: impl FnOnce(&mut Claims, &mut Vec<PoolTransaction>)) -> Self {
        let mut template = chain.template(now);
        let mut claims =
            Claims { height: template.height, value: template.coinbase_value, commitment: template.witness_commitment };
        change(&mut claims, &mut template.transactions);
        let payouts = [Payout { script: PayoutScript::p2wpkh(&[7; 20]), amount: Amount::from_units(claims.value) }];
        let fields = CoinbaseFields {
            tx_time: None,
            block_height: claims.height,
            flags: b"",
            extra_outputs: &[],
            payouts: &payouts,
            witness_commitment: Some(&claims.commitment),
        };
        let plain = [fields.prefix(), vec![7; 44], (claims.height - 1).to_le_bytes().to_vec()].concat();
        let txids: Vec<Txid> = template.transactions.iter().map(|transaction| transaction.txid).collect();
        let merkle_root = merkle::root_of_left_path(Txid::from_bytes(sha256d(&plain)), &merkle::left_path(&txids));
        let time = u32::try_from(now).unwrap().max(template.time_min);
        Self {
            header: Header {
                version: 0x2000_0000,
                prev_block: template.prev_block,
                merkle_root,
                time,
                bits: template.bits,
                nonce: 0,
            },
            coinbase: coinbase::with_witness(&plain),
            transactions: template.transactions.into_iter().map(|transaction| transaction.bytes).collect(),
        }
    }

    pub(in crate::parent::devnet) fn honest(chain: &DevnetChain, now: u64) -> Self {
        Self::new(chain, now, |_, _| {})
    }

    pub(in crate::parent::devnet) fn bytes(&self) -> Vec<u8> {
        let transactions = self.transactions.iter().map(|transaction| transaction.as_slice().into()).collect();
        block::encode(&self.header, &self.coinbase, &BlockBody { transactions, tail: Vec::new() })
    }

    pub(in crate::parent::devnet) fn mine(mut self) -> Vec<u8> {
        let target = self.header.bits.to_target().unwrap();
        while !target.is_met_by(&PowAlgorithm::Blake2s.hash(&self.header.encode())) {
            self.header.nonce += 1;
        }
        self.bytes()
    }
}

/// A chain on which a test can mine: the real genesis target takes seconds.
pub(in crate::parent::devnet) fn easy_chain() -> DevnetChain {
    let mut chain = DevnetChain::new(Duration::from_secs(30));
    let easy = CompactTarget::from_bits(0x207f_ffff);
    chain.controller.base_target_max = easy.to_target().unwrap();
    chain.easiest = easy;
    chain
}

fn propose(chain: &DevnetChain, change: impl FnOnce(&mut Claims, &mut Vec<PoolTransaction>)) -> Outcome {
    chain.propose(&Candidate::new(chain, NOW, change).bytes(), NOW)
}

#[test]
fn a_block_by_the_template_is_accepted_once_and_becomes_the_tip() {
    let mut chain = easy_chain();
    let block = Candidate::honest(&chain, NOW).mine();
    assert_eq!(chain.submit(&block, NOW), Outcome::Accepted);
    assert_eq!(chain.height(), 1);
    assert_eq!(chain.submit(&block, NOW), Outcome::Duplicate);
    assert_eq!(chain.confirmations(&chain.tip()), 1);
    assert_eq!(chain.confirmations(&genesis_hash()), 2);
    assert_eq!(chain.entry(&genesis_hash()).unwrap().next, Some(chain.tip()));
    let next = Candidate::honest(&chain, NOW + 5);
    assert_eq!(chain.propose(&next.bytes(), NOW + 5), Outcome::Accepted);
}

#[test]
fn every_rule_has_its_word() {
    let chain = easy_chain();
    assert_eq!(propose(&chain, |_, _| {}), Outcome::Accepted);
    assert_eq!(propose(&chain, |claims, _| claims.value += 1), Outcome::Refused("bad-cb-amount"));
    assert_eq!(propose(&chain, |claims, _| claims.value -= 1), Outcome::Accepted, "burning is allowed");
    assert_eq!(propose(&chain, |claims, _| claims.height += 1), Outcome::Refused("bad-cb-height"));
    assert_eq!(propose(&chain, |claims, _| claims.commitment[0] ^= 1), Outcome::Refused("bad-witness-merkle-match"));
    let unpaid = propose(&chain, |_, transactions| drop(transactions.pop()));
    assert_eq!(unpaid, Outcome::Refused("bad-witness-merkle-match"));
    let stranger = |_: &mut Claims, transactions: &mut Vec<PoolTransaction>| {
        transactions[0] = transactions::transaction(BlockHash::ZERO, 0);
    };
    assert_eq!(propose(&chain, stranger), Outcome::Refused("bad-txns-inputs-missingorspent"));
    let twice = |_: &mut Claims, transactions: &mut Vec<PoolTransaction>| transactions[1] = transactions[0].clone();
    assert_eq!(propose(&chain, twice), Outcome::Refused("bad-txns-inputs-missingorspent"));
}

#[test]
fn every_header_field_has_its_word() {
    let chain = easy_chain();
    let refused = |change: fn(&mut Candidate)| {
        let mut candidate = Candidate::honest(&chain, NOW);
        change(&mut candidate);
        chain.propose(&candidate.bytes(), NOW)
    };
    assert_eq!(refused(|block| block.header.version = 3), Outcome::Refused("bad-version"));
    assert_eq!(
        refused(|block| block.header.merkle_root = sharechain::MerkleRoot::ZERO),
        Outcome::Refused("bad-txnmrklroot")
    );
    assert_eq!(refused(|block| block.header.time = GENESIS_TIME), Outcome::Refused("time-too-old"));
    assert_eq!(refused(|block| block.header.time += 7_201), Outcome::Refused("time-too-new"));
    assert_eq!(
        refused(|block| block.header.bits = CompactTarget::from_bits(0x1d00_ffff)),
        Outcome::Refused("bad-diffbits")
    );
    assert_eq!(
        refused(|block| block.header.prev_block = BlockHash::ZERO),
        Outcome::Refused("inconclusive-not-best-prevblk")
    );
    assert_eq!(refused(|block| block.coinbase = vec![0; 10]), Outcome::Refused("block-decode-failed"));
    let mut chain = easy_chain();
    let mut orphan = Candidate::honest(&chain, NOW);
    orphan.header.prev_block = BlockHash::ZERO;
    assert_eq!(chain.submit(&orphan.mine(), NOW), Outcome::Refused("prev-blk-not-found"));
}

#[test]
fn a_block_without_work_is_refused() {
    let mut chain = DevnetChain::new(Duration::from_secs(30));
    let block = Candidate::honest(&chain, NOW).bytes();
    assert_eq!(chain.submit(&block, NOW), Outcome::Refused("high-hash"));
}

#[test]
fn the_longer_branch_wins_and_the_other_is_told_apart() {
    let mut chain = easy_chain();
    let (a, b) = (Candidate::honest(&chain, NOW).mine(), Candidate::honest(&chain, NOW + 1).mine());
    assert_eq!(chain.submit(&a, NOW), Outcome::Accepted);
    let first = chain.tip();
    assert_eq!(chain.submit(&b, NOW + 1), Outcome::Inconclusive);
    let second = block_hash(&Block::decode(&b).unwrap().header);
    assert_eq!((chain.tip(), chain.confirmations(&second)), (first, -1));
    // A block on the second one: built on a chain that knows only that.
    let mut other = easy_chain();
    assert_eq!(other.submit(&b, NOW + 1), Outcome::Accepted);
    let next = Candidate::honest(&other, NOW + 9).mine();
    assert_eq!(chain.submit(&next, NOW + 9), Outcome::Accepted);
    assert_eq!(chain.height(), 2);
    assert_eq!((chain.confirmations(&first), chain.confirmations(&second)), (-1, 2));
    assert_eq!(chain.hash_at(1), Some(second));
    assert_eq!(chain.entry(&second).unwrap().next, Some(chain.tip()));
}

#[test]
fn difficulty_follows_the_time_blocks_take() {
    let work_after = |seconds: u64| {
        let mut chain = easy_chain();
        for block in 1..=20 {
            let now = NOW + block * seconds;
            let block = Candidate::honest(&chain, now).mine();
            assert_eq!(chain.submit(&block, now), Outcome::Accepted);
        }
        chain.next_bits(&chain.tip()).to_target().unwrap().work().unwrap().hashes()
    };
    // 18 retargets: on time nothing moves; twice as fast is 2^(18 x 15 / 120) = 4.8 times the work.
    assert_eq!(work_after(30), 2);
    assert!((8..=11).contains(&work_after(15)), "{}", work_after(15));
    assert_eq!(work_after(60), 2, "never easier than the easiest");
}

#[test]
fn two_cpu_miners_find_a_block_about_every_half_minute() {
    let DevnetChain { controller, easiest, .. } = DevnetChain::new(Duration::from_secs(30));
    let mut random = sharechain::testing::Rng::new(1);
    let (mut early, mut late) = (0.0, 0.0);
    for _run in 0..200 {
        let mut bits = easiest;
        for block in 0..60 {
            let target = bits.to_target().unwrap();
            #[expect(clippy::cast_precision_loss, reason = "a simulation")]
            let (work, uniform) =
                (target.work().unwrap().hashes() as f64, (random.next() >> 11) as f64 / (1_u64 << 53) as f64);
            // Two miners of 1 MH/s.
            let seconds = -(1.0 - uniform).ln() * work / 2e6;
            *(if block < 20 { &mut early } else { &mut late }) += seconds;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "header times are whole seconds"
            )]
            let now = Progress { count: 1, median_time: seconds.round() as u32 };
            bits = controller.base_bits(target, Progress { count: 0, median_time: 0 }, now);
        }
    }
    let (early, late) = (early / (200.0 * 20.0), late / (200.0 * 40.0));
    assert!((10.0..30.0).contains(&early), "the first blocks come sooner: {early}");
    assert!((27.0..33.0).contains(&late), "{late}");
}

#[test]
fn the_file_gives_the_chain_back_and_a_torn_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blocks");
    let mut chain = easy_chain();
    let mut file = super::super::file::BlockFile::open(path.clone(), &mut chain).unwrap();
    for block in 1..=3 {
        let block = Candidate::honest(&chain, NOW + block).mine();
        assert_eq!(chain.submit(&block, NOW + 10), Outcome::Accepted);
        file.append(&block).unwrap();
    }
    // One process writes a chain at a time: the file is locked while it is open.
    let mut second = easy_chain();
    assert!(super::super::file::BlockFile::open(path.clone(), &mut second).is_err());
    drop(file);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let mut reloaded = easy_chain();
    drop(super::super::file::BlockFile::open(path.clone(), &mut reloaded).unwrap());
    assert_eq!(reloaded.height(), 2);
    assert_eq!(reloaded.tip(), chain.hash_at(2).unwrap());
    // Blocks made under other rules are not damage: nothing is cut off.
    let mut other = DevnetChain::new(Duration::from_secs(30));
    let error = super::super::file::BlockFile::open(path.clone(), &mut other).unwrap_err();
    assert!(error.to_string().contains("bad-diffbits"), "{error}");
    let mut again = easy_chain();
    drop(super::super::file::BlockFile::open(path, &mut again).unwrap());
    assert_eq!(again.height(), 2);
}

#[test]
fn a_coinbase_pays_what_it_says() {
    let chain = easy_chain();
    let block = Block::decode(&Candidate::honest(&chain, NOW).bytes()).unwrap();
    let paid: Vec<&Output> = block.transactions[0].outputs.iter().filter(|output| output.value > 0).collect();
    assert_eq!(paid.len(), 1);
    assert!(paid[0].value > SUBSIDY, "fees are paid out");
}
