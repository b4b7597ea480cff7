//! From the store back to the share chain, at a start.

use std::{sync::Arc, time::Instant};

use sharechain::{CheckedShare, Origin, Params, ShareChain};
use tracing::{info, warn};

use super::{Marks, Store, StoreError};

/// Rebuilds the chain from the store, and finds the shares that claim to be blocks.
///
/// # Errors
/// When the store cannot be read.
pub fn load(store: &dyn Store, params: &Arc<Params>) -> Result<(ShareChain, Vec<Arc<CheckedShare>>), StoreError> {
    let started = Instant::now();
    let marks = store.marks()?;
    let mut chain = begin(store, params, marks)?;
    // What the node was not on then is not adopted now, and heavier branches are kept for the operator.
    chain.guard_deep_forks();
    let mut blocks = Vec::new();
    let mut foreign = 0_u64;
    let loaded = store.for_each(&mut |stored| {
        let Some(share) = stored.to_share(params).map(Arc::new) else {
            foreign += 1;
            return;
        };
        if share.is_block() {
            blocks.push(share.clone());
        }
        let _verdict = chain.handle(share, Origin::OwnStore, 0);
        while chain.poll_effect().is_some() {}
    })?;
    if loaded.damaged > 0 || foreign > 0 {
        warn!(damaged = loaded.damaged, foreign, "some stored shares cannot be used; they will be synced again");
    }
    if let Some(marks) = marks.filter(|marks| marks.tip != chain.tip().id) {
        // The operator may have chosen, and a node that caught up took the heaviest without a guard.
        chain.adopt(&marks.tip);
    }
    if chain.is_empty() {
        chain = ShareChain::new(params.clone());
    }
    let (shares, height) = (chain.len(), chain.tip().height);
    info!(shares, height, first = chain.first_height(), millis = started.elapsed().as_millis(), "share chain loaded");
    Ok((chain, blocks))
}

/// The chain before its shares: from the virtual genesis, or from where the kept ones begin.
fn begin(store: &dyn Store, params: &Arc<Params>, marks: Option<Marks>) -> Result<ShareChain, StoreError> {
    let Some(first) = marks.map(|marks| marks.first).filter(|first| *first != params.genesis_id()) else {
        return Ok(ShareChain::new(params.clone()));
    };
    let share = store.get(&first)?.and_then(|stored| stored.to_share(params));
    if share.is_none() {
        warn!(%first, "the first stored share cannot be used; the share chain will be synced again");
    }
    Ok(share.map_or_else(
        || ShareChain::new(params.clone()),
        |first| ShareChain::starting_with(params.clone(), Arc::new(first)),
    ))
}
