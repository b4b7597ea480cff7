//! From the store back to the share chain, at a start.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use sharechain::{CheckedShare, Effect, Origin, Params, ShareChain, ShareId, Verdict};
use tracing::{info, warn};

use super::{Loaded, Marks, Store, StoreError, refuse_other_journal};

/// What the store had.
#[derive(Debug)]
pub struct LoadedChain {
    /// The chain.
    pub chain: ShareChain,
    /// Shares that claim to be blocks.
    pub blocks: Vec<Arc<CheckedShare>>,
    /// Stored shares that are not part of the chain any more, as when the node was killed before it had removed them.
    pub unused: Vec<ShareId>,
    /// Stored shares that are not part of the chain and stay: they may link when peers have brought what is missing.
    pub kept: usize,
}

/// Refuses a store whose shares are of another share chain, by the newest one that is marked; without one by the newest own share
/// of the journal, which a start would store. Nothing else ties a folder to a chain, and shares link without their past where a chain begins in the middle: a node whose password was changed would go on
/// paying the miners of its old pool, and show peers shares that are a lie under the new name.
///
/// # Errors
/// [`StoreError::OtherChain`], or when the store cannot be read.
pub fn refuse_other_chain(store: &dyn Store, journal: &Path, params: &Params) -> Result<(), StoreError> {
    for id in store.marks()?.into_iter().flat_map(|Marks { first, tip }| [tip, first]) {
        if let Some(stored) = store.get(&id)? {
            let refused = StoreError::OtherChain { held: "its shares", wanted: params.id() };
            return if stored.is_of(params) { Ok(()) } else { Err(refused) };
        }
    }
    refuse_other_journal(journal, params)
}

/// Rebuilds the chain from the store.
///
/// # Errors
/// When the store cannot be read.
pub fn load(store: &dyn Store, params: &Arc<Params>) -> Result<LoadedChain, StoreError> {
    let started = Instant::now();
    let marks = store.marks()?;
    let (chain, is_as_marked) = begin(store, params, marks)?;
    let mut filled = Filled { chain, unlinked: BTreeMap::new(), waiting: Vec::new() };
    // What the node was not on then is not adopted now, and heavier branches are kept for the operator.
    filled.chain.guard_deep_forks();
    let mut blocks = Vec::new();
    let mut foreign = 0_u64;
    let Loaded { damaged, .. } = store.for_each(&mut |stored| {
        let Some(share) = stored.to_share(params).map(Arc::new) else {
            foreign += 1;
            return;
        };
        if share.is_block() {
            blocks.push(share.clone());
        }
        filled.take(share);
    })?;
    filled.take_waiting_again(store, params)?;
    let Filled { mut chain, mut unlinked, .. } = filled;
    if let Some(marks) = marks.filter(|marks| marks.tip != chain.tip().id) {
        // The operator may have chosen, and a node that caught up took the heaviest without a guard.
        chain.adopt(&marks.tip);
    }
    // What waited for an ancestor may have found it, and the first share is here already.
    unlinked.retain(|id, _| !chain.is_linked(id));
    let is_whole = is_as_marked && damaged == 0 && foreign == 0;
    // When something is lost, what does not link may be all that was built on it. Above the tip it is that: what was forgotten
    // lies below. So the loss shows even where the engine does not know of it. Below the beginning nothing was ever built on.
    let (first, tip) = (chain.first_height(), chain.tip().height);
    let is_unused = |height| is_whole && height <= tip || is_as_marked && height < first;
    let (unused, kept): (Vec<_>, Vec<_>) = unlinked.into_iter().partition(|(_, height)| is_unused(*height));
    let (unused, kept) = (unused.into_iter().map(|(id, _)| id).collect(), kept.len());
    if damaged > 0 || foreign > 0 || kept > 0 {
        warn!(
            event = "store_not_whole",
            damaged,
            foreign,
            begins_as_marked = is_as_marked,
            kept,
            "some stored shares are lost; they will be synced again, and those that do not link without them are kept"
        );
    }
    if chain.is_empty() {
        chain = ShareChain::new(params.clone());
    }
    let (shares, height) = (chain.len(), chain.tip().height);
    info!(shares, height, first = chain.first_height(), millis = started.elapsed().as_millis(), "share chain loaded");
    Ok(LoadedChain { chain, blocks, unused, kept })
}

/// A chain that is being filled with what was stored.
struct Filled {
    chain: ShareChain,
    /// Shares that were not linked when they came, or were forgotten later, with their heights.
    unlinked: BTreeMap<ShareId, u64>,
    /// Those of them that an ancestor was missing of.
    waiting: Vec<ShareId>,
}

impl Filled {
    fn take(&mut self, share: Arc<CheckedShare>) {
        let (id, height) = (share.id(), share.share().data.height);
        match self.chain.handle(share, Origin::OwnStore, 0) {
            Verdict::Valid => {}
            Verdict::Missing(_) => {
                self.unlinked.insert(id, height);
                self.waiting.push(id);
            }
            Verdict::Known | Verdict::Invalid(_) | Verdict::NotYet(_) | Verdict::OutOfReach => {
                self.unlinked.insert(id, height);
            }
        }
        while let Some(effect) = self.chain.poll_effect() {
            if let Effect::Forgotten(id) = effect {
                // It was linked, so it is below the tip.
                self.unlinked.entry(id).or_default();
            }
        }
    }

    /// Shares that came out of the journal are stored before their ancestors, and the chain lets only the newest ones wait.
    fn take_waiting_again(&mut self, store: &dyn Store, params: &Params) -> Result<(), StoreError> {
        if self.chain.is_empty() {
            return Ok(());
        }
        for id in std::mem::take(&mut self.waiting) {
            if !self.chain.is_linked(&id)
                && let Some(share) = store.get(&id)?.and_then(|stored| stored.to_share(params))
            {
                self.take(Arc::new(share));
            }
        }
        Ok(())
    }
}

/// The chain before its shares: from the virtual genesis, or from where the kept ones begin; and whether marks say that it
/// begins there.
fn begin(store: &dyn Store, params: &Arc<Params>, marks: Option<Marks>) -> Result<(ShareChain, bool), StoreError> {
    let Some(marks) = marks else { return Ok((ShareChain::new(params.clone()), false)) };
    if marks.first == params.genesis_id() {
        return Ok((ShareChain::new(params.clone()), true));
    }
    let get = |id: &ShareId| Ok::<_, StoreError>(store.get(id)?.and_then(|stored| stored.to_share(params)));
    let marked = get(&marks.first)?;
    let is_as_marked = marked.is_some();
    let first = match marked {
        Some(first) => Some(first),
        None => oldest_below(&marks.tip, params, get)?,
    };
    let chain = first.map(|first| ShareChain::starting_with(params.clone(), Arc::new(first)));
    Ok((chain.unwrap_or_else(|| ShareChain::new(params.clone())), is_as_marked))
}

/// The oldest share that a share was built on and that is there: where the chain begins when its marked beginning is lost.
fn oldest_below(
    tip: &ShareId,
    params: &Params,
    get: impl Fn(&ShareId) -> Result<Option<CheckedShare>, StoreError>,
) -> Result<Option<CheckedShare>, StoreError> {
    let mut oldest = get(tip)?;
    while let Some(parent) = oldest.as_ref().map(|share| share.share().data.parent) {
        // Nothing is lost between here and the virtual genesis, and the chain begins there by itself.
        if parent == params.genesis_id() {
            return Ok(None);
        }
        match get(&parent)? {
            Some(share) => oldest = Some(share),
            None => break,
        }
    }
    Ok(oldest)
}
