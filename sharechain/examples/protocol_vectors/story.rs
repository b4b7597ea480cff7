//! A share chain that is told step by step: each share, what becomes of it, and the tip afterwards.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};
use sharechain::{
    BlockHash, CheckedShare, JobContext, Origin, Params, Share, ShareChain, ShareData, ShareId, Verdict, Work,
    coinbase::CoinbaseFields,
    payout::Payout,
    testing::{GENESIS_TIME, Miner},
};

use super::{encoded, number, params};

/// Name of the virtual genesis among a story's shares.
pub(super) const GENESIS: &str = "genesis";

/// A chain, its miners and what has been told of it.
pub(super) struct Story {
    name: &'static str,
    about: &'static str,
    pub(super) chain: ShareChain,
    miners: Vec<Miner>,
    ids: BTreeMap<String, ShareId>,
    steps: Vec<Value>,
}

/// Where a share is mined, and by whom.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Index of its miner.
    pub(super) finder: usize,
    pub(super) parent: &'a str,
    pub(super) uncles: &'a [&'a str],
    /// Header time, seconds after the genesis.
    pub(super) seconds: u32,
    /// Work of its own, moved between the base's and 64 times that.
    pub(super) work: u128,
}

impl<'a> Place<'a> {
    pub(super) const fn on(parent: &'a str, seconds: u32) -> Self {
        Self { finder: 0, parent, uncles: &[], seconds, work: 0 }
    }

    pub(super) const fn by(self, finder: usize) -> Self {
        Self { finder, ..self }
    }

    pub(super) const fn merging(self, uncles: &'a [&'a str]) -> Self {
        Self { uncles, ..self }
    }

    pub(super) const fn weighing(self, work: u128) -> Self {
        Self { work, ..self }
    }
}

impl Story {
    pub(super) fn new(name: &'static str, about: &'static str, params: &Arc<Params>, miners: u64) -> Self {
        let miner = |tag| {
            let mut miner = Miner::new(params.clone(), tag);
            // Short shares: the share page has every optional part.
            miner.merkle_branch.clear();
            miner.work.coinbase_flags.clear();
            miner.work.witness_commitment = None;
            miner
        };
        Self {
            name,
            about,
            chain: ShareChain::new(params.clone()),
            miners: (1..=miners).map(miner).collect(),
            ids: BTreeMap::from([(GENESIS.to_owned(), params.genesis_id())]),
            steps: Vec::new(),
        }
    }

    pub(super) fn miner(&mut self, finder: usize) -> &mut Miner {
        &mut self.miners[finder]
    }

    pub(super) fn id(&self, name: &str) -> ShareId {
        *self.ids.get(name).unwrap_or_else(|| panic!("no share is called {name}"))
    }

    fn name(&self, id: &ShareId) -> &str {
        let named = self.ids.iter().find(|(_, known)| *known == id);
        named.map(|(name, _)| name.as_str()).expect("every share of a story has a name")
    }

    /// What a share there would have to say.
    pub(super) fn context(&mut self, place: Place<'_>) -> JobContext {
        let uncles: Vec<ShareId> = place.uncles.iter().map(|uncle| self.id(uncle)).collect();
        self.chain.context_on(&self.id(place.parent), &uncles).expect("parent and uncles are linked")
    }

    /// An honest share.
    pub(super) fn honest(&mut self, place: Place<'_>) -> Share {
        self.lying(place, |_| ())
    }

    /// A share whose data was changed before it was mined; its coinbase is the honest one.
    pub(super) fn lying(&mut self, place: Place<'_>, change: impl FnOnce(&mut ShareData)) -> Share {
        let context = self.context(place);
        self.mined(place, &context, change, |prefix| prefix)
    }

    /// A share that pays by `context`, whatever its place demands.
    pub(super) fn paying_by(&mut self, place: Place<'_>, context: impl FnOnce(&mut JobContext)) -> Share {
        let mut changed = self.context(place);
        let honest = changed.clone();
        context(&mut changed);
        let miner = &self.miners[place.finder];
        let prefix = changed.coinbase_prefix(&miner.params, &miner.data(&honest), miner.work.prev_block);
        self.mined(place, &honest, |_| (), |_| prefix)
    }

    /// A share whose coinbase pays something else.
    pub(super) fn paying(&mut self, place: Place<'_>, change: impl FnOnce(&mut Vec<Payout>)) -> Share {
        let context = self.context(place);
        let miner = &self.miners[place.finder];
        let data = miner.data(&context);
        let mut payouts = context.payouts(&miner.params, &data, miner.work.prev_block);
        change(&mut payouts);
        let fields = CoinbaseFields {
            tx_time: miner.params.parent().tx_time.then_some(context.median_time),
            block_height: data.block_height,
            flags: &data.coinbase_flags,
            extra_outputs: &data.extra_outputs,
            payouts: &payouts,
            witness_commitment: data.witness_commitment.as_ref(),
        };
        let prefix = fields.prefix();
        self.mined(place, &context, |_| (), |_| prefix)
    }

    fn mined(
        &mut self,
        place: Place<'_>,
        context: &JobContext,
        change: impl FnOnce(&mut ShareData),
        replace: impl FnOnce(Vec<u8>) -> Vec<u8>,
    ) -> Share {
        let miner = &mut self.miners[place.finder];
        miner.share_work = Work::from_hashes(place.work);
        let mut data = miner.data(context);
        let prefix = replace(context.coinbase_prefix(&miner.params, &data, miner.work.prev_block));
        change(&mut data);
        miner.mine_prefix(data, &prefix, GENESIS_TIME + place.seconds)
    }

    /// Sets the parent block that all miners build on: the draw of payouts.
    pub(super) fn set_prev_block(&mut self, tag: u8) {
        for miner in &mut self.miners {
            miner.work.prev_block = BlockHash::from_bytes([tag; 32]);
        }
    }

    /// Mines an honest share and tells that it is valid.
    pub(super) fn grow(&mut self, name: &str, about: &str, place: Place<'_>) {
        let share = self.honest(place);
        self.valid(name, about, &share);
    }

    pub(super) fn valid(&mut self, name: &str, about: &str, share: &Share) {
        self.tell(name, about, share, &json!("valid"));
    }

    pub(super) fn invalid(&mut self, name: &str, rule: &str, about: &str, share: &Share) {
        self.tell(name, about, share, &json!({ "invalid": rule }));
    }

    /// Tells a share that waits for another one, whose name and id come later.
    pub(super) fn missing(&mut self, name: &str, about: &str, share: &Share, missing: (&str, ShareId)) {
        self.ids.insert(missing.0.to_owned(), missing.1);
        self.tell(name, about, share, &json!({ "missing": [missing.0] }));
    }

    /// Hands the share to the chain and writes down what becomes of it, which must be what is expected.
    pub(super) fn tell(&mut self, name: &str, about: &str, share: &Share, expected: &Value) {
        let params = self.chain.params().clone();
        let checked = Arc::new(CheckedShare::check(share.clone(), &params).expect("the stateless rules hold"));
        self.ids.insert(name.to_owned(), checked.id());
        let verdict = self.chain.handle(checked.clone(), Origin::OwnStore, 0);
        let verdict = if let Verdict::Invalid(error) = verdict {
            json!({ "invalid": error.rule() })
        } else if let Verdict::Missing(ids) = verdict {
            json!({ "missing": ids.iter().map(|id| self.name(id)).collect::<Vec<_>>() })
        } else {
            let is_new = verdict != Verdict::Known;
            assert!(!is_new || verdict == Verdict::Valid, "{name}: {verdict:?}");
            json!(if is_new { "valid" } else { "known" })
        };
        assert_eq!(verdict, *expected, "{name}: {about}");
        let mut step = json!({
            "name": name,
            "about": about,
            "share": encoded(share),
            "id": hex::encode(checked.id().as_bytes()),
            "verdict": verdict,
            "tip": self.name(&self.chain.tip().id),
        });
        if verdict == "valid" {
            let payouts = self.chain.payouts(&checked).expect("linked");
            let payouts = payouts.iter().map(|payout| (payout.script.to_string(), json!(payout.amount.units())));
            step["payouts"] = json!(payouts.collect::<Map<_, _>>());
        }
        self.steps.push(step);
    }

    pub(super) fn is_tip(&self, name: &str) -> bool {
        self.chain.tip().id == self.id(name)
    }

    /// Everything told, and where it ends.
    pub(super) fn end(self) -> Value {
        let tip = self.chain.tip();
        let order = self.chain.order_after(&[self.chain.params().genesis_id()], usize::MAX);
        json!({
            "name": self.name,
            "about": self.about,
            "params": params(self.chain.params()),
            "steps": self.steps,
            "end": {
                "height": tip.height,
                "count": tip.count,
                "total_work": number(tip.total_work.hashes()),
                "order": order.iter().map(|id| self.name(id)).collect::<Vec<_>>(),
            },
        })
    }
}
