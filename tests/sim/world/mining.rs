//! Jobs and finds: what a real node's work task and its miners do.

use std::sync::Arc;

use sharechain::{JobContext, Origin, Verdict};

use super::{World, tell};
use crate::sim::{
    Millis, MinerId, NodeId, ShareNo,
    chance::{happens, waiting_time},
    events::Event,
    hostile::{self, Attack, Forgery, Publish},
    job::{self, Job},
    ledger::{Fate, FoundBlock, Mined},
    miner::{Draft, hashes},
    parent_chain::REWARD,
    scenario::{BLOCK_SECS, POOL_HASHRATE},
};
use node::work::refresh::{Change, RefreshPolicy};

/// A miner without work looks again after this time.
const IDLE_MS: Millis = 1_000;

impl World {
    /// Plans the next find of a miner on the work it has now: the past does not matter to a search.
    pub(super) fn plan_find(&mut self, miner: MinerId) {
        let finder = &mut self.miners[miner];
        let Some(plan) = finder.plan.checked_add(1) else { return };
        finder.plan = plan;
        let node = &self.nodes[finder.node];
        let job = finder.job(node.jobs.iter(), self.now);
        finder.planned = job.map_or(0.0, |job| finder.chosen.unwrap_or_else(|| finder.share_hashes(&job.context)));
        let wait = if finder.planned > 0.0 {
            waiting_time(&mut self.rng, finder.planned / finder.hashrate * 1_000.0)
        } else {
            IDLE_MS
        };
        self.events.push(self.now + wait.max(1), Event::Find(miner, plan));
    }

    /// Whether what was planned is enough work for a share on this context: jobs change while a miner searches.
    fn is_found(&mut self, miner: MinerId, context: &JobContext) -> bool {
        let needed = self.miners[miner].share_hashes(context);
        let planned = self.miners[miner].planned;
        planned >= needed || happens(&mut self.rng, planned / needed)
    }

    pub(super) fn on_find(&mut self, miner: MinerId, plan: u64) {
        if self.miners[miner].plan != plan {
            return;
        }
        let node = self.miners[miner].node;
        let job = self.miners[miner].job(self.nodes[node].jobs.iter(), self.now).cloned();
        if let Some(job) = job.filter(|_| self.nodes[node].is_up && !self.is_resting(miner)) {
            match self.attack_of(miner) {
                Some(attack) => {
                    if let Some(forgery) = hostile::forge(self, node, miner, attack, &job) {
                        self.miners[miner].chosen = Some(self.miners[miner].share_hashes(&forgery.context));
                        if self.is_found(miner, &forgery.context) {
                            self.mine_forgery(node, miner, forgery);
                        }
                    }
                }
                None => {
                    self.miners[miner].chosen = None;
                    if self.is_found(miner, &job.context) {
                        self.mine_honestly(node, miner, &job);
                    }
                }
            }
        }
        self.plan_find(miner);
    }

    /// A switching miner has twice its part of the work, half of the time; before and after its attack it finds half of what
    /// it could.
    fn is_resting(&mut self, miner: MinerId) -> bool {
        let switches = self.nodes[self.miners[miner].node].attack == Some(Attack::HashSwitch);
        if self.is_under_attack() {
            switches && hostile::is_switched_off(self.now)
        } else {
            switches && happens(&mut self.rng, 0.5)
        }
    }

    fn mine_honestly(&mut self, node: NodeId, miner: MinerId, job: &Arc<Job>) {
        let unix = u32::try_from(self.nodes[node].unix(self.now)).unwrap_or(u32::MAX);
        let forgery = Forgery {
            context: job.context.clone(),
            work: job.work.clone(),
            on_block: Some(job.on_block),
            time: unix.max(job.context.median_time),
            class: self.miners[miner].builder.payout_class,
            publish: Publish::Now,
        };
        let share = self.find(node, miner, &forgery, Some(job));
        self.events.push(self.now + self.miners[miner].submit_latency, Event::Submit(miner, share));
    }

    fn mine_forgery(&mut self, node: NodeId, miner: MinerId, forgery: Forgery) {
        let share = self.find(node, miner, &forgery, None);
        let unix = self.nodes[node].unix(self.now);
        let checked = self.ledger.share(share).clone();
        let hidden = self.nodes[node].private.is_some() && forgery.publish == Publish::Withhold;
        if let Some(private) = &mut self.nodes[node].private {
            let _verdict = private.handle(checked.clone(), Origin::OwnStore, unix);
            while private.poll_effect().is_some() {}
        }
        if !hidden {
            let verdict = self.nodes[node].chain.handle(checked, Origin::OwnStore, unix);
            self.ledger.shares[share].fate = match verdict {
                Verdict::Invalid(_) => Fate::Refused,
                _ => Fate::Acknowledged,
            };
        }
        self.nodes[node].sees(share);
        match forgery.publish {
            Publish::Now => self.relay(node, share, None),
            Publish::After(wait) => self.events.push(self.now + wait, Event::Release(node, share)),
            Publish::Withhold => self.nodes[node].withheld.push(share),
        }
        self.drain(node);
    }

    /// A share is found: drawn whether it is a block, built, and written down.
    fn find(&mut self, node: NodeId, miner: MinerId, forgery: &Forgery, job: Option<&Arc<Job>>) -> ShareNo {
        let finder = &self.miners[miner];
        let share_work = finder.share_hashes(&forgery.context);
        let is_block = happens(&mut self.rng, share_work / (POOL_HASHRATE * BLOCK_SECS));
        let script = finder.builder.script;
        let prefix = match job {
            Some(job) => job.prefix(&self.params, forgery.class, script),
            None => forgery.prefix(&self.params, script),
        };
        let draft = Draft {
            context: &forgery.context,
            work: forgery.work.clone(),
            time: forgery.time,
            class: forgery.class,
            prefix,
            is_block,
        };
        let params = self.params.clone();
        let share = self.miners[miner].build(&params, draft);
        let is_sound = forgery.on_block == Some(self.parent.tip());
        let payouts = || forgery.context.payouts(&params, &share.share().data, share.share().header.prev_block);
        let drawn_part = || {
            let payouts = payouts();
            let own = payouts.iter().find(|payout| payout.script == script);
            own.map_or(0.0, |payout| units(payout.amount.units()) / units(REWARD.units()))
        };
        let chooses_draw = hostile::chooses_draws(self.attack_of(miner));
        let mined = Mined {
            miner,
            found_at: self.now,
            fate: Fate::Unheard,
            is_sound,
            payout_share: forgery.context.payout_share,
            drawn_part: chooses_draw.then(drawn_part),
            share: share.clone(),
        };
        let number = self.ledger.add(mined, &forgery.context.weights);
        if is_block && is_sound {
            self.ledger.blocks.push(FoundBlock { share: number, payouts: payouts() });
            self.announce_block(Some(node));
        }
        number
    }

    pub(super) fn on_submit(&mut self, miner: MinerId, share: ShareNo) {
        let node = self.miners[miner].node;
        if !self.nodes[node].is_up {
            return;
        }
        let unix = self.nodes[node].unix(self.now);
        let checked = self.ledger.share(share).clone();
        let verdict = self.nodes[node].chain.handle(checked, Origin::OwnStore, unix);
        if verdict == Verdict::Valid {
            self.ledger.shares[share].fate = Fate::Acknowledged;
            self.relay(node, share, None);
        } else {
            self.ledger.shares[share].fate = Fate::Refused;
        }
        if self.is_loud {
            tell(&format!("{} miner {miner}: share {share} {verdict:?}", self.now));
        }
        self.drain(node);
    }

    /// Attacks are over: whoever still hides something shows it.
    pub(super) fn release_everything(&mut self) {
        for node in 0..self.nodes.len() {
            self.nodes[node].private = None;
            for share in std::mem::take(&mut self.nodes[node].withheld) {
                let unix = self.nodes[node].unix(self.now);
                let checked = self.ledger.share(share).clone();
                let _verdict = self.nodes[node].chain.handle(checked, Origin::OwnStore, unix);
                self.relay(node, share, None);
            }
            self.drain(node);
        }
    }

    /// Looks at jobs at the earliest time at which one could be due.
    pub(super) fn check_job_soon(&mut self, node: NodeId) {
        let policy = self.refresh_policy();
        let at = if self.has_new_block(node) {
            self.now
        } else {
            self.now.max(self.nodes[node].job_at + job::wait(&policy, Change::Shares { mergeable: usize::MAX }))
        };
        self.check_job_at(node, at);
    }

    fn check_job_at(&mut self, node: NodeId, at: Millis) {
        if self.nodes[node].check_at.is_none_or(|planned| at < planned || planned < self.now) {
            self.nodes[node].check_at = Some(at);
            self.events.push(at, Event::JobCheck(node));
        }
    }

    pub(super) fn on_job_check(&mut self, node: NodeId) {
        if self.nodes[node].check_at.is_some_and(|planned| planned > self.now) || !self.nodes[node].is_up {
            return;
        }
        self.nodes[node].check_at = None;
        let policy = self.refresh_policy();
        let context = if self.nodes[node].may_mine(self.now) { self.nodes[node].chain.job_context() } else { None };
        let Some(context) = context else { return self.check_job_at(node, self.now + IDLE_MS) };
        let change = if self.has_new_block(node) {
            Change::ParentBlock
        } else if self.nodes[node].is_dirty {
            Change::Shares { mergeable: context.mergeable }
        } else {
            Change::Nothing
        };
        let due = self.nodes[node].job_at + job::wait(&policy, change);
        if due > self.now && !self.nodes[node].jobs.is_empty() {
            return self.check_job_at(node, due);
        }
        let on_block = self.nodes[node].daemon_tip;
        let class = self.miners[0].builder.payout_class;
        let job = Job::new(self.now, context, self.parent.work_on(on_block), on_block, &self.params, &[class]);
        self.nodes[node].give(Arc::new(job));
        self.check_job_at(node, self.now + job::wait(&policy, Change::Nothing));
    }

    fn has_new_block(&self, node: NodeId) -> bool {
        self.nodes[node].jobs.back().is_none_or(|job| job.on_block != self.nodes[node].daemon_tip)
    }

    fn refresh_policy(&self) -> RefreshPolicy {
        let refresh = std::time::Duration::from_millis(self.scenario.request.refresh_ms);
        RefreshPolicy { refresh, ..RefreshPolicy::default() }
    }

    /// Whether the node tells its neighbours nothing, not to show what it withholds.
    pub(super) fn is_silent(&self, node: NodeId) -> bool {
        self.is_under_attack() && self.nodes[node].attack.is_some_and(hostile::withholds)
    }

    /// Work of a share as a number.
    pub fn share_hashes(&self, share: ShareNo) -> f64 {
        hashes(self.ledger.share(share).work())
    }
}

/// Base units as a number, for parts only.
fn units(units: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a part in 2^53 decides nothing")]
    let units = units as f64;
    units
}
