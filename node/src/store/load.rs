//! From the store back to the share chain, at a start.

use std::{sync::Arc, time::Instant};

use sharechain::{CheckedShare, Effect, Origin, Params, ShareChain, ShareId, Verdict};
use tracing::{info, warn};

use super::{Marks, Store, StoreError};

/// What the store had.
#[derive(Debug)]
pub struct LoadedChain {
    /// The chain.
    pub chain: ShareChain,
    /// Shares that claim to be blocks.
    pub blocks: Vec<Arc<CheckedShare>>,
    /// Stored shares that are not part of the chain any more, as when the node was killed before it had removed them.
    pub unused: Vec<ShareId>,
}

/// Rebuilds the chain from the store.
///
/// # Errors
/// When the store cannot be read.
pub fn load(store: &dyn Store, params: &Arc<Params>) -> Result<LoadedChain, StoreError> {
    let started = Instant::now();
    let marks = store.marks()?;
    let (mut chain, is_as_marked) = begin(store, params, marks)?;
    // What the node was not on then is not adopted now, and heavier branches are kept for the operator.
    chain.guard_deep_forks();
    let (mut blocks, mut unused) = (Vec::new(), Vec::new());
    let mut foreign = 0_u64;
    let loaded = store.for_each(&mut |stored| {
        let Some(share) = stored.to_share(params).map(Arc::new) else {
            foreign += 1;
            return;
        };
        if share.is_block() {
            blocks.push(share.clone());
        }
        let id = share.id();
        if chain.handle(share, Origin::OwnStore, 0) != Verdict::Valid {
            unused.push(id);
        }
        while let Some(effect) = chain.poll_effect() {
            if let Effect::Forgotten(id) = effect {
                unused.push(id);
            }
        }
    })?;
    if loaded.damaged > 0 || foreign > 0 {
        warn!(damaged = loaded.damaged, foreign, "some stored shares cannot be used; they will be synced again");
    }
    if let Some(marks) = marks.filter(|marks| marks.tip != chain.tip().id) {
        // The operator may have chosen, and a node that caught up took the heaviest without a guard.
        chain.adopt(&marks.tip);
    }
    // What waited for an ancestor may have found it, and the first share is here already. When something went wrong, the
    // records may still be of use to somebody.
    unused.retain(|id| is_as_marked && !chain.is_linked(id));
    if chain.is_empty() {
        chain = ShareChain::new(params.clone());
    }
    let (shares, height) = (chain.len(), chain.tip().height);
    info!(shares, height, first = chain.first_height(), millis = started.elapsed().as_millis(), "share chain loaded");
    Ok(LoadedChain { chain, blocks, unused })
}

/// The chain before its shares: from the virtual genesis, or from where the kept ones begin; and whether it begins where the
/// marks say.
fn begin(store: &dyn Store, params: &Arc<Params>, marks: Option<Marks>) -> Result<(ShareChain, bool), StoreError> {
    let Some(first) = marks.map(|marks| marks.first).filter(|first| *first != params.genesis_id()) else {
        return Ok((ShareChain::new(params.clone()), true));
    };
    let share = store.get(&first)?.and_then(|stored| stored.to_share(params));
    if share.is_none() {
        warn!(%first, "the first stored share cannot be used; the share chain will be synced again");
    }
    Ok(share.map_or_else(
        || (ShareChain::new(params.clone()), false),
        |first| (ShareChain::starting_with(params.clone(), Arc::new(first)), true),
    ))
}
