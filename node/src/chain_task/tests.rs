//! What the task tells the store and others, on a chain with short windows.

use libp2p::gossipsub::MessageId;
use sharechain::{
    ConsensusParams, Origin, Params,
    testing::{self, GENESIS_TIME, Miner},
};
use stratum::{HeaderFields, JobTemplate, submit::Found};

use super::*;
use crate::{
    chain_profile::ChainProfile,
    clock::unix_now,
    events::EventsTask,
    p2p::{Acceptance, P2pCommand},
    store::Command,
};

mod offering;

/// The task of a node without peers, and the other ends of its channels, which have to stay.
struct Alone {
    task: ChainTask,
    store: mpsc::Receiver<Command>,
    view: watch::Receiver<Arc<ChainView>>,
    _others: (mpsc::Receiver<P2pCommand>, mpsc::Receiver<BlockInput>, EventsTask),
}

fn alone(mut chain: ShareChain, adopt: Option<ShareId>) -> Alone {
    let (store, commands) = StoreHandle::channel();
    let (p2p, p2p_commands) = P2pHandle::channel();
    let (blocks, block_inputs) = mpsc::channel(16);
    let (templates, _) = mpsc::channel(16);
    let (view, views) = watch::channel(Arc::new(ChainView::of(&mut chain)));
    let (events, _, events_task) = crate::events::channel(ChainProfile::find("devnet", None).unwrap().addresses);
    let alone = AlonePolicy { expects_peers: false, solo_until_synced: false };
    Alone {
        task: ChainTask {
            chain,
            offers_own: false,
            alone,
            adopt,
            store,
            p2p,
            blocks,
            templates,
            events,
            meters: Arc::default(),
            view,
        },
        store: commands,
        view: views,
        _others: (p2p_commands, block_inputs, events_task),
    }
}

/// A guarded chain of 30 shares beside a longer branch that left at its beginning, as a store gives it back; and the tip of
/// that branch.
fn with_rival() -> (ShareChain, ShareId) {
    let params = testing::short_params(30);
    let (mut chain, mut rival) = (ShareChain::new(params.clone()), ShareChain::new(params.clone()));
    for second in 1..=30 {
        Miner::new(params.clone(), 1).extend(&mut chain, GENESIS_TIME + second);
    }
    chain.guard_deep_forks();
    for second in 1..=40 {
        let share = Miner::new(params.clone(), 2).extend(&mut rival, GENESIS_TIME + second);
        chain.handle(share, Origin::OwnStore, 0);
    }
    while chain.poll_effect().is_some() {}
    (chain, rival.tip().id)
}

/// The tip that others see when the task has begun with this command.
async fn tip_after_start(chain: ShareChain, adopt: Option<ShareId>) -> ShareId {
    let Alone { task, mut view, store: _store, _others } = alone(chain, adopt);
    let (inputs, inbox) = mpsc::channel(1);
    let (found, found_inbox) = mpsc::channel(1);
    let token = CancellationToken::new();
    let running = tokio::spawn(task.run(inbox, found_inbox, token.clone()));
    // The first view of the running task is made of what it began with.
    view.changed().await.unwrap();
    let tip = view.borrow().tip.id;
    token.cancel();
    running.await.unwrap();
    drop((inputs, found));
    tip
}

#[tokio::test]
async fn the_operator_may_choose_a_branch_that_is_in_the_store() {
    let (chain, rival) = with_rival();
    let ours = chain.tip().id;
    assert_ne!(ours, rival);
    assert_eq!(tip_after_start(chain, Some(rival)).await, rival);
    for nothing_to_do in [None, Some(ours), Some(ShareId::from_bytes([9; 32]))] {
        let (chain, _) = with_rival();
        assert_eq!(tip_after_start(chain, nothing_to_do).await, ours);
    }
}

#[tokio::test]
async fn nothing_is_removed_from_the_store_that_its_newest_mark_names() {
    let params = testing::short_params(30);
    let Alone { task, mut store, view: _view, _others } = alone(ShareChain::new(params.clone()), None);
    let mut running = Running::new(task);
    let mut miner = Miner::new(params.clone(), 1);
    let (mut first, mut removed) = (params.genesis_id(), 0);
    for second in 1..=300 {
        miner.extend(&mut running.task.chain, GENESIS_TIME + second);
        running.drain_effects(None).await;
        while let Ok(command) = store.try_recv() {
            match command {
                Command::Mark(marks) => first = marks.first,
                Command::Remove { ids } => {
                    assert!(!ids.contains(&first), "a kill now would leave a mark that names nothing");
                    removed += ids.len();
                }
                _ => {}
            }
        }
    }
    assert!(removed > 100, "{removed}");
}

/// A running task that is told of shares by one peer.
struct Gossiped {
    running: Running,
    source: PeerId,
    store: mpsc::Receiver<Command>,
    commands: mpsc::Receiver<P2pCommand>,
    /// How often the peer was blamed.
    faults: usize,
    _others: (watch::Receiver<Arc<ChainView>>, mpsc::Receiver<BlockInput>, EventsTask),
}

impl Gossiped {
    /// On a chain that began a minute ago, and when that was: the task goes by the clock of the system.
    fn new() -> (Self, Arc<Params>, u32) {
        let genesis_time = u32::try_from(unix_now()).unwrap() - 60;
        let raw = testing::devnet_params().raw().clone();
        let params = testing::params(ConsensusParams { genesis_time, ..raw });
        (Self::on(params.clone()), params, genesis_time)
    }

    fn on(params: Arc<Params>) -> Self {
        let Alone { task, store, view, _others: (commands, blocks, events) } = alone(ShareChain::new(params), None);
        let _others = (view, blocks, events);
        Self { running: Running::new(task), source: PeerId::random(), store, commands, faults: 0, _others }
    }

    /// The peer gossips a share; whether it goes on to others.
    async fn relays(&mut self, share: &Arc<CheckedShare>) -> bool {
        let ticket = GossipTicket { message: MessageId::new(share.id().as_bytes()), source: self.source };
        self.running.on_input(ChainInput::Gossip { share: share.clone(), ticket }).await;
        while self.store.try_recv().is_ok() {}
        let mut relays = false;
        while let Ok(command) = self.commands.try_recv() {
            relays |= matches!(command, P2pCommand::Verdict { acceptance: Acceptance::Accept, .. });
            self.faults += usize::from(matches!(command, P2pCommand::Fault { peer, .. } if peer == self.source));
        }
        relays
    }
}

#[tokio::test]
async fn attack_p3_a_flood_of_one_script_is_neither_relayed_nor_linked() {
    let (mut gossiped, params, began) = Gossiped::new();
    let (mut flooder, mut other) = (Miner::new(params.clone(), 1), Miner::new(params, 2));
    let first = flooder.mine(&mut gossiped.running.task.chain, began + 1);
    assert!(gossiped.relays(&first).await);
    let mut mine = |miner: &mut Miner| miner.mine(&mut gossiped.running.task.chain, began + 2);
    let (flood, honest): (Vec<_>, _) = ((0..64).map(|_| mine(&mut flooder)).collect(), mine(&mut other));
    // What is known is soon judged, and is counted like the rest.
    for _ in 0..1_000 {
        assert!(!gossiped.relays(&first).await);
    }
    let mut relayed = 0;
    for share in &flood {
        let relays = gossiped.relays(share).await;
        assert_eq!(gossiped.running.task.chain.contains(&share.id()), relays);
        relayed += usize::from(relays);
    }
    // Some a second are let through meanwhile.
    assert!(relayed < flood.len() / 2, "{relayed} were relayed");
    assert!(gossiped.relays(&honest).await, "who floods nothing is not concerned");
    assert_eq!(gossiped.faults, 0, "a relay passes on what others found");
}

#[tokio::test]
async fn attack_p7_whoever_relays_what_is_too_old_is_told_of() {
    let (mut gossiped, params, began) = Gossiped::new();
    let (mut miner, mut hostile) = (Miner::new(params.clone(), 1), Miner::new(params.clone(), 2));
    let old = hostile.mine(&mut gossiped.running.task.chain, began + 1);
    for second in 1..=params.raw().merge_depth + 1 {
        let share = miner.mine(&mut gossiped.running.task.chain, began + second);
        assert!(gossiped.relays(&share).await);
    }
    assert_eq!(gossiped.faults, 0);
    assert!(!gossiped.relays(&old).await);
    assert_eq!(gossiped.faults, 1);
}

#[tokio::test]
async fn peers_hear_a_share_whose_block_is_not_kept_here_and_its_miner_hears_why() {
    let params = testing::short_params(30);
    let Alone { task, _others: (mut p2p, ..), .. } = alone(ShareChain::new(params.clone()), None);
    let mut running = Running::new(task);
    let share = Miner::new(params, 1).extend(&mut running.task.chain, GENESIS_TIME + 1);
    let ((durable, is_durable), (kept, block), (reply, mut answer)) =
        (oneshot::channel(), oneshot::channel(), oneshot::channel());
    running.answer_when_kept(Some(share), Some(block), Some(is_durable), reply);
    durable.send(Ok(())).unwrap();
    let stored = running.unstored.next().await.unwrap();
    running.on_stored(stored).await;
    assert!(matches!(p2p.try_recv(), Ok(P2pCommand::Publish(_))), "they can hand the block to their daemons");
    assert!(answer.try_recv().is_err());
    kept.send(Err("the disk is full".to_owned())).unwrap();
    let stored = running.unstored.next().await.unwrap();
    running.on_stored(stored).await;
    assert_eq!(answer.await.unwrap(), Err("the disk is full".to_owned()));
    assert!(p2p.try_recv().is_err());
}

/// What the endpoint hands over for a share, and where its miner hears of it.
fn found(miner: &Miner, share: &Arc<CheckedShare>) -> (FoundShare, oneshot::Receiver<Result<(), String>>) {
    let context = ShareChain::new(miner.params.clone()).job_context().unwrap();
    let header = HeaderFields {
        version: 0x2000_0000,
        bits: miner.block_bits,
        time: GENESIS_TIME,
        time_min: GENESIS_TIME,
        merkle_branch: Arc::default(),
    };
    let template = JobTemplate::new(miner.params.clone(), context, (miner.work.clone(), header, Arc::default()), 1);
    let found = Found {
        share: Some(share.clone()),
        header: share.share().header,
        extranonce: share.share().extranonce,
        data: share.share().data.clone(),
        template: Arc::new(template),
        is_block: false,
    };
    let (stored, heard) = oneshot::channel();
    (FoundShare { found: Box::new(found), worker: "rig".to_owned(), stored }, heard)
}

#[tokio::test]
async fn a_share_that_is_found_twice_is_acknowledged_when_it_is_on_the_disk() {
    let params = testing::short_params(30);
    let Alone { task, mut store, view: _view, _others } = alone(ShareChain::new(params.clone()), None);
    let mut running = Running::new(task);
    let mut miner = Miner::new(params, 1);
    let share = miner.mine(&mut running.task.chain, GENESIS_TIME + 1);
    for round in ["new", "known"] {
        let (own, mut heard) = found(&miner, &share);
        running.on_found(own).await;
        let durable = std::iter::from_fn(|| store.try_recv().ok()).find_map(|command| match command {
            Command::Append { id, durable, .. } if id == share.id() => durable,
            _ => None,
        });
        let durable = durable.unwrap_or_else(|| panic!("{round}: nobody writes it"));
        assert!(heard.try_recv().is_err(), "{round}: not before it is written");
        durable.send(Ok(())).unwrap();
        let stored = running.unstored.next().await.unwrap();
        running.on_stored(stored).await;
        assert_eq!(heard.await, Ok(Ok(())), "{round}");
    }
}
