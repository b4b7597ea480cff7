//! The parent chain: blocks that the pool or somebody else finds, and what each node's daemon knows of them.

use sharechain::{Amount, BlockHash, ParentWork, chain::ParentBlock, hash::blake2s256};

/// Height of the first block.
const FIRST_HEIGHT: u32 = 800_000;
/// Subsidy and fees.
pub const REWARD: Amount = Amount::from_units(312_500_000);

/// One line of blocks: stale ones are not modelled, they only pay nobody.
#[derive(Clone, Debug)]
pub struct ParentChain {
    blocks: Vec<BlockHash>,
}

impl ParentChain {
    /// A chain with a few blocks.
    pub fn new() -> Self {
        let mut chain = Self { blocks: Vec::new() };
        for _ in 0..3 {
            chain.grow();
        }
        chain
    }

    /// A block is found; gives its number.
    pub fn grow(&mut self) -> usize {
        let number = self.blocks.len();
        self.blocks.push(BlockHash::from_bytes(blake2s256(&[b"block", &number.to_le_bytes()])));
        number
    }

    /// Number of the newest block.
    pub fn tip(&self) -> usize {
        self.blocks.len() - 1
    }

    /// What a daemon says of a block.
    pub fn block(&self, number: usize) -> ParentBlock {
        ParentBlock { hash: self.blocks[number], height: height(number), next_bits: None, value_max: None }
    }

    /// What a template on this block says.
    pub fn work_on(&self, number: usize) -> ParentWork {
        ParentWork {
            prev_block: self.blocks[number],
            block_height: height(number) + 1,
            coinbase_value: REWARD,
            coinbase_flags: b"sim".to_vec(),
            witness_commitment: None,
            extra_outputs: Vec::new(),
        }
    }

    /// A block that nobody has.
    pub fn invented(tag: u64) -> BlockHash {
        BlockHash::from_bytes(blake2s256(&[b"invented", &tag.to_le_bytes()]))
    }
}

impl Default for ParentChain {
    fn default() -> Self {
        Self::new()
    }
}

fn height(number: usize) -> u32 {
    FIRST_HEIGHT + u32::try_from(number).unwrap_or(u32::MAX - FIRST_HEIGHT - 1)
}
