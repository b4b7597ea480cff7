//! The task that keeps the ledger: for each block of the pool that a daemon has on its main chain, it asks the share chain for the
//! window, proves the payouts to itself as a stranger would, and writes the proof. What a file proves is in the ledger again after
//! a restart. It never decides anything: without it blocks pay as they do.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sharechain::{BlockHash, ShareId};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    ledger::{Ledger, PaidBlock},
    proof::{PROOF_LEN_MAX, PayoutProof},
};
use crate::{
    blocks::{BlocksView, PoolBlock, PoolBlockStatus},
    chain_profile::ChainProfile,
    chain_task::{ChainInput, ChainQuery},
    data_dir::write_durably,
    defaults::QUERY_TIMEOUT,
    store::StoreHandle,
};

/// What a proof's file ends in.
const EXTENSION: &str = "json";
/// What the empty file beside it ends in that says that its block left the main chain. The proof is for others, and stays as it is.
const ORPHANED: &str = "orphaned";

/// What the task works with.
#[derive(Clone, Debug)]
pub struct PayoutSources {
    /// The chain.
    pub profile: Arc<ChainProfile>,
    /// Shares.
    pub store: StoreHandle,
    /// Questions about the share chain.
    pub queries: mpsc::Sender<ChainInput>,
    /// The pool's blocks.
    pub blocks: watch::Receiver<Arc<BlocksView>>,
}

/// See the module.
#[derive(Debug)]
pub struct PayoutsTask {
    folder: PathBuf,
    ledger: Ledger,
    sources: PayoutSources,
    view: watch::Sender<Arc<Ledger>>,
}

/// What others ask of payouts.
#[derive(Clone, Debug)]
pub struct PayoutsHandle {
    sources: PayoutSources,
    folder: Arc<Path>,
    view: watch::Receiver<Arc<Ledger>>,
}

impl PayoutsHandle {
    /// Whom the pool's blocks paid.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.view.borrow().clone()
    }

    /// The same, as it changes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Ledger>> {
        self.view.clone()
    }

    /// The proof of a block: the one that is kept, or a new one from the share chain.
    ///
    /// # Errors
    /// [`Unproven`].
    pub async fn proof(&self, hash: BlockHash) -> Result<PayoutProof, Unproven> {
        let path = proof_file(&self.folder, &hash);
        // A file that cannot be read is made anew.
        match spawn_blocking(move || read_proof(&path).ok()).await {
            Ok(Some(kept)) => Ok(kept),
            Ok(None) | Err(_) => prove(&self.sources, hash).await,
        }
    }
}

fn proof_file(folder: &Path, hash: &BlockHash) -> PathBuf {
    folder.join(format!("{hash}.{EXTENSION}"))
}

/// A proof from its file.
///
/// # Errors
/// When it cannot be read, is too long, or is none.
pub fn read_proof(path: &Path) -> io::Result<PayoutProof> {
    let length = fs::metadata(path)?.len();
    if length > PROOF_LEN_MAX as u64 {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{length} bytes are too many for a proof")));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

impl PayoutsTask {
    /// Keeps proofs in this folder; those of earlier runs are taken up when it runs.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: PathBuf, sources: PayoutSources) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, ledger: Ledger::default(), sources, view: watch::Sender::default() })
    }

    /// For those who ask.
    pub fn handle(&self) -> PayoutsHandle {
        let (sources, folder) = (self.sources.clone(), self.folder.as_path().into());
        PayoutsHandle { sources, folder, view: self.view.subscribe() }
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, token: CancellationToken) {
        // Beside the node's start, which waits for nothing of it: thousands of proofs take seconds.
        let (folder, profile, stop) = (self.folder.clone(), self.sources.profile.clone(), token.clone());
        match spawn_blocking(move || read_proofs(&folder, &profile, &stop)).await {
            Ok(Ok(paid)) => paid.into_iter().for_each(|block| self.remember(block)),
            Ok(Err(cause)) => warn!(%cause, "what earlier blocks paid cannot be read; it is proven again"),
            Err(_) => return,
        }
        self.publish();
        // Blocks that were tried for good, whatever came of it.
        let mut settled = BTreeSet::new();
        loop {
            let view = self.sources.blocks.borrow_and_update().clone();
            let is_due = |block: &&PoolBlock| {
                let is_known = self.ledger.contains(block.height, &block.hash) || settled.contains(&block.hash);
                block.is_confirmed() && !is_known
            };
            for block in view.blocks.iter().filter(is_due).cloned().collect::<Vec<_>>() {
                let proving = prove(&self.sources, block.hash);
                let Some(proof) = token.run_until_cancelled(proving).await else { return };
                match proof {
                    Ok(proof) => self.keep(proof).await,
                    Err(Unproven::Gone) => {
                        info!(hash = %block.hash, "the share of this block is not kept any more; its payouts cannot be proven");
                    }
                    Err(Unproven::Busy) => {
                        debug!(hash = %block.hash, "nobody answered; it is tried again");
                        continue;
                    }
                }
                settled.insert(block.hash);
            }
            self.note(&view).await;
            settled.retain(|hash| view.blocks.iter().any(|block| block.hash == *hash));
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                changed = self.sources.blocks.changed() => if changed.is_err() {
                    return token.cancelled().await;
                },
            }
        }
    }

    async fn keep(&mut self, proof: PayoutProof) {
        let proven = match proof.verify(&self.sources.profile) {
            Ok(proven) => proven,
            Err(cause) => return warn!(%cause, "a block pays something else than the share chain says"),
        };
        let path = proof_file(&self.folder, &proven.share.id().into());
        let written = spawn_blocking(move || {
            let bytes = serde_json::to_vec(&proof)?;
            write_durably(&path, &bytes)
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => warn!(%cause, "the proof of a block's payouts is not kept over a restart"),
            Err(_) => return,
        }
        self.remember(PaidBlock::from(&proven));
        self.publish();
    }

    /// Keeps with the blocks which of them are off the main chain: those who follow blocks forget old ones.
    async fn note(&mut self, view: &BlocksView) {
        let is_orphaned = |block: &PoolBlock| block.status == PoolBlockStatus::Orphaned;
        let ledger = &mut self.ledger;
        let news =
            view.blocks.iter().filter(|block| ledger.set_orphaned(block.height, &block.hash, is_orphaned(block)));
        let news: Vec<_> = news.map(|block| (proof_file(&self.folder, &block.hash), is_orphaned(block))).collect();
        if news.is_empty() {
            return;
        }
        self.publish();
        let written =
            spawn_blocking(move || news.iter().try_for_each(|(proof, is_orphaned)| mark(proof, *is_orphaned)));
        if let Ok(Err(cause)) = written.await {
            warn!(%cause, "what became of a block is not kept over a restart");
        }
    }

    fn publish(&self) {
        self.view.send_replace(Arc::new(self.ledger.clone()));
    }

    fn remember(&mut self, block: PaidBlock) {
        for hash in self.ledger.insert(block) {
            // It may never have been written.
            let proof = proof_file(&self.folder, &hash);
            let _gone = fs::remove_file(&proof);
            let _unmarked = fs::remove_file(proof.with_extension(ORPHANED));
        }
    }
}

/// Says beside a proof whether its block left the main chain.
fn mark(proof: &Path, is_orphaned: bool) -> io::Result<()> {
    let marker = proof.with_extension(ORPHANED);
    if is_orphaned {
        return write_durably(&marker, &[]);
    }
    match fs::remove_file(&marker) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What the proofs of a folder prove. What proves nothing is named and left alone.
fn read_proofs(folder: &Path, profile: &ChainProfile, stop: &CancellationToken) -> io::Result<Vec<PaidBlock>> {
    let mut paid = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if stop.is_cancelled() {
            break;
        }
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let proven = read_proof(&path).map_err(|cause| cause.to_string());
        match proven.and_then(|proof| proof.verify(profile).map_err(|cause| cause.to_string())) {
            Ok(proven) => {
                let is_orphaned = path.with_extension(ORPHANED).exists();
                paid.push(PaidBlock { is_orphaned, ..PaidBlock::from(&proven) });
            }
            Err(cause) => warn!(path = %path.display(), cause, "this file proves no payouts; it is left alone"),
        }
    }
    Ok(paid)
}

/// Why there is no proof now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// The share or its past is not kept.
    Gone,
    /// Nobody answered in time.
    Busy,
}

/// The proof of a block's share, from the share chain.
async fn prove(sources: &PayoutSources, hash: BlockHash) -> Result<PayoutProof, Unproven> {
    let id = ShareId::from(hash);
    let stored = sources.store.read(vec![id]).await.map_err(|_| Unproven::Busy)?;
    let stored = stored.into_iter().next().flatten().ok_or(Unproven::Gone)?;
    let share = stored.to_share(&sources.profile.params).ok_or(Unproven::Gone)?;
    let (reply, answer) = oneshot::channel();
    let query = ChainQuery::PaidWindow { share: Box::new(share.clone()), reply };
    let exchange = async {
        sources.queries.send(ChainInput::Query(query)).await.ok()?;
        answer.await.ok()
    };
    let window = timeout(QUERY_TIMEOUT, exchange).await.ok().flatten().ok_or(Unproven::Busy)?;
    Ok(PayoutProof::of(&share, &window.ok_or(Unproven::Gone)?, &sources.profile))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payouts::proof::tests::proven_block;

    #[test]
    fn what_became_of_a_block_is_known_after_a_restart_and_its_proof_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (profile, _, newest, proof) = proven_block();
        let path = proof_file(folder.path(), &newest.id().into());
        fs::write(&path, serde_json::to_vec(&proof).unwrap()).unwrap();
        let orphaned = || {
            let paid = read_proofs(folder.path(), &profile, &CancellationToken::new()).unwrap();
            paid.iter().map(|block| block.is_orphaned).collect::<Vec<_>>()
        };
        assert_eq!(orphaned(), [false]);
        mark(&path, true).unwrap();
        assert_eq!(orphaned(), [true]);
        for _ in 0..2 {
            mark(&path, false).unwrap();
            assert_eq!(orphaned(), [false]);
        }
    }
}
