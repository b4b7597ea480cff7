//! The world: nodes, miners, network and parent chain, and what happens to them, one event after the other.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use sharechain::{CheckedShare, Effect, Params, testing::Rng};

use super::{
    Attack, Millis, MinerId, NodeId, Scenario, ShareNo,
    chance::{between, waiting_time},
    events::{Event, EventQueue},
    ledger::Ledger,
    miner::Miner,
    network::{Message, Network},
    node::{Node, UNDECIDED_MS},
    parent_chain::ParentChain,
    scenario::{BLOCK_SECS, MinerPlan, SETTLE_MS, SILENCE_MS},
};

mod gossip;
mod mining;

/// Time between two looks of a node at time-outs.
const TICK_MS: Millis = 1_000;
/// Time between two greetings.
const HELLO_MS: Millis = 5_000;
/// A daemon hears of a new block within this time.
const DAEMON_MS: (Millis, Millis) = (100, 2_500);

/// A running world.
#[derive(Debug)]
pub struct World {
    /// What it was made of.
    pub scenario: Scenario,
    /// The share chain's rules.
    pub params: Arc<Params>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Miners.
    pub miners: Vec<Miner>,
    /// Everything mined.
    pub ledger: Ledger,
    /// Honest nodes that an honest node blamed for something.
    pub honest_penalties: u64,
    /// The parent chain.
    pub parent: ParentChain,
    network: Network,
    events: EventQueue,
    rng: Rng,
    now: Millis,
    /// Hash of everything that has happened, for comparing runs.
    log: DefaultHasher,
    /// Whether to tell what happens.
    pub is_loud: bool,
}

impl World {
    /// A world at its beginning.
    pub fn new(scenario: Scenario) -> Self {
        let mut rng = Rng::new(scenario.request.seed);
        let params = scenario.params.clone();
        let parent = ParentChain::new();
        let attack = |node| scenario.hostile.iter().find(|(hostile, _)| *hostile == node).map(|(_, attack)| *attack);
        let nodes = (0..scenario.request.nodes)
            .map(|node| Node::new(&params, scenario.clocks[node], attack(node), parent.tip()));
        let nodes = nodes.collect();
        let miner = |(number, plan): (usize, &MinerPlan)| Miner::new(plan, number, &params, attack(plan.node));
        let miners = scenario.miners.iter().enumerate().map(miner).collect();
        let network = Network::new(scenario.request.nodes, scenario.loss, scenario.cuts.clone(), &mut rng);
        let mut world = Self {
            params,
            nodes,
            miners,
            ledger: Ledger::default(),
            honest_penalties: 0,
            parent,
            network,
            events: EventQueue::default(),
            rng,
            now: 0,
            log: DefaultHasher::new(),
            is_loud: false,
            scenario,
        };
        world.plan_beginning();
        world
    }

    /// Runs to the end: mining for the record, then time to merge and agree, then silence.
    pub fn run(&mut self) {
        let mining_ends = self.scenario.request.mining_ends();
        self.run_until(mining_ends);
        // The very last share is heard of by nothing but its own gossip.
        self.network.heal();
        self.run_until(mining_ends + SETTLE_MS);
        for miner in &mut self.miners {
            miner.plan = u64::MAX;
        }
        self.run_until(mining_ends + SETTLE_MS + SILENCE_MS);
    }

    /// Hash of everything that happened: equal for two runs of one seed by one build.
    pub fn log_hash(&self) -> u64 {
        self.log.finish()
    }

    /// Virtual time.
    pub const fn now(&self) -> Millis {
        self.now
    }

    /// The world's draws.
    pub const fn rng_mut(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Whether the node follows the rules.
    pub fn is_honest(&self, node: NodeId) -> bool {
        self.nodes[node].attack.is_none()
    }

    /// Whether hostile nodes are hostile now.
    fn is_under_attack(&self) -> bool {
        let (from, to) = self.scenario.request.attack_span();
        (from..to).contains(&self.now)
    }

    fn plan_beginning(&mut self) {
        for node in 0..self.nodes.len() {
            self.tell_daemon_blocks(node);
            let offset = between(&mut self.rng, 0, TICK_MS);
            self.events.push(offset, Event::Tick(node));
            self.events.push(offset, Event::Hello(node));
            self.events.push(0, Event::JobCheck(node));
        }
        for miner in 0..self.miners.len() {
            self.plan_find(miner);
        }
        let first = self.next_foreign_block();
        self.events.push(first, Event::ParentBlock);
        self.events.push(self.scenario.request.attack_span().1, Event::AttackEnds);
        for (node, from, to) in self.scenario.crashes.clone() {
            self.events.push(from, Event::Crash(node));
            self.events.push(to, Event::Restart(node));
        }
    }

    fn run_until(&mut self, until: Millis) {
        while let Some((at, event)) = self.events.pop(until) {
            self.now = at;
            (at, &event).hash(&mut self.log);
            if self.is_loud {
                tell(&format!("{at} {event:?}"));
            }
            self.happen(event);
        }
        self.now = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Find(miner, plan) => self.on_find(miner, plan),
            Event::Submit(miner, share) => self.on_submit(miner, share),
            Event::Deliver(from, to, message) => self.on_message(from, to, message),
            Event::JobCheck(node) => self.on_job_check(node),
            Event::Tick(node) => self.on_tick(node),
            Event::Hello(node) => self.on_hello_due(node),
            Event::ParentBlock => self.on_foreign_block(),
            Event::DaemonHears(node, block) => self.on_daemon_hears(node, block),
            Event::Crash(node) => self.nodes[node].crash(&self.params),
            Event::Restart(node) => self.on_restart(node),
            Event::Release(node, share) => self.relay(node, share, None),
            Event::AttackEnds => self.release_everything(),
        }
    }

    fn on_tick(&mut self, node: NodeId) {
        self.events.push(self.now + TICK_MS, Event::Tick(node));
        if !self.nodes[node].is_up {
            return;
        }
        let unix = self.nodes[node].unix(self.now);
        self.nodes[node].ticks += 1;
        self.nodes[node].mark = self.nodes[node].chain.tip().id;
        self.nodes[node].chain.handle_timeout(unix);
        let now = self.now;
        self.nodes[node].undecided.retain(|(_, since)| now < since + UNDECIDED_MS);
        self.drain(node);
        self.go_on_syncing(node);
        self.request_missing(node);
    }

    fn on_restart(&mut self, node: NodeId) {
        self.nodes[node].is_up = true;
        self.nodes[node].up_since = self.now;
        self.nodes[node].daemon_tip = self.parent.tip();
        let mark = self.nodes[node].mark;
        let shares: Vec<Arc<CheckedShare>> =
            self.nodes[node].store.iter().map(|share| self.ledger.share(*share).clone()).collect();
        let chain = &mut self.nodes[node].chain;
        chain.guard_deep_forks();
        for share in shares {
            let _verdict = chain.handle(share, sharechain::Origin::OwnStore, 0);
        }
        chain.adopt(&mark);
        while chain.poll_effect().is_some() {}
        self.tell_daemon_blocks(node);
        self.check_job_soon(node);
    }

    fn next_foreign_block(&mut self) -> Millis {
        self.now + waiting_time(&mut self.rng, BLOCK_SECS * 1_000.0)
    }

    fn on_foreign_block(&mut self) {
        self.announce_block(None);
        let next = self.next_foreign_block();
        self.events.push(next, Event::ParentBlock);
    }

    /// A parent block is there; its finder's daemon has it at once.
    fn announce_block(&mut self, finder: Option<NodeId>) {
        let block = self.parent.grow();
        for node in 0..self.nodes.len() {
            let delay = if finder == Some(node) { 0 } else { between(&mut self.rng, DAEMON_MS.0, DAEMON_MS.1) };
            self.events.push(self.now + delay, Event::DaemonHears(node, block));
        }
    }

    fn on_daemon_hears(&mut self, node: NodeId, block: usize) {
        let newest = self.nodes[node].daemon_tip.max(block);
        self.nodes[node].daemon_tip = newest;
        if self.nodes[node].is_up {
            let unix = self.nodes[node].unix(self.now);
            self.nodes[node].chain.on_parent_block(self.parent.block(block), unix);
            self.drain(node);
            self.check_job_soon(node);
        }
    }

    fn tell_daemon_blocks(&mut self, node: NodeId) {
        let unix = self.nodes[node].unix(self.now);
        for block in 0..=self.nodes[node].daemon_tip {
            self.nodes[node].chain.on_parent_block(self.parent.block(block), unix);
        }
    }

    /// Does what a node's chain says.
    fn drain(&mut self, node: NodeId) {
        while let Some(effect) = self.nodes[node].chain.poll_effect() {
            match effect {
                Effect::Linked(share) => {
                    let Some(number) = self.ledger.number(&share.id()) else { continue };
                    self.nodes[node].store.push(number);
                    let waited = self.nodes[node].undecided.iter().position(|(share, _)| *share == number);
                    if waited.and_then(|at| self.nodes[node].undecided.remove(at)).is_some() {
                        self.relay(node, number, None);
                    }
                    self.nodes[node].is_dirty = true;
                    self.check_job_soon(node);
                }
                Effect::TipChanged { .. } => {
                    self.nodes[node].is_dirty = true;
                    self.check_job_soon(node);
                }
                Effect::Forgotten(_)
                | Effect::Refused { .. }
                | Effect::RivalBranch(_)
                | Effect::Overruled { .. }
                | Effect::UpgradeDecided { .. } => {}
            }
        }
    }

    /// An honest node that an honest node blames is one too many.
    fn blame(&mut self, by: NodeId, peer: NodeId) {
        self.honest_penalties += u64::from(self.is_honest(by) && self.is_honest(peer));
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: Message) {
        if let Some(arrival) = self.network.arrival(from, to, self.now, &mut self.rng) {
            self.events.push(arrival, Event::Deliver(from, to, message));
        }
    }

    /// Gives a share to every neighbour that did not give it to us.
    fn relay(&mut self, node: NodeId, share: ShareNo, source: Option<NodeId>) {
        self.nodes[node].sees(share);
        for neighbour in self.network.neighbours(node).to_vec() {
            if Some(neighbour) != source {
                self.send(node, neighbour, Message::Share(share));
            }
        }
    }

    /// Attack of the miner's node, while attacks are on.
    fn attack_of(&self, miner: MinerId) -> Option<Attack> {
        self.nodes[self.miners[miner].node].attack.filter(|_| self.is_under_attack())
    }
}

#[expect(clippy::print_stderr, reason = "the step log of one seed, when it is asked for")]
fn tell(line: &str) {
    eprintln!("{line}");
}
