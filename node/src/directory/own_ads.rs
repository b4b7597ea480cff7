//! When this node says anew where it is, and what: every 20 minutes, and soon when something changes that matters.

use libp2p::{Multiaddr, identity::ed25519};
use sharechain::{ParamsId, UnixTime};

use super::{
    Country, NodeAd, Operator, PublicKey, SignedAd, StratumUrl,
    limits::{
        AD_TTL_SECS_MAX, ADDRESS_LEN_MAX, ADDRESSES_MAX, FAREWELL_TTL_SECS, LOAD_NEWS_PERCENT, NEARLY_FULL_PERCENT,
        OWN_AD_INTERVAL_SECS, OWN_AD_INTERVAL_SECS_MIN,
    },
};
use crate::region::Region;

/// What stays the same while a node runs.
#[derive(Clone, Debug)]
pub struct OwnNode {
    /// Its key.
    pub key: ed25519::Keypair,
    /// Its operator's key.
    pub operator: Option<ed25519::Keypair>,
    /// Where miners connect to from outside.
    pub endpoints: Vec<StratumUrl>,
    /// Where it is.
    pub region: Option<Region>,
    /// The same, closer.
    pub country: Option<Country>,
    /// What it calls itself.
    pub agent: String,
}

/// What it offers miners now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The operator's part of the jobs.
    pub fee_basis_points: u16,
    /// Connections of miners it takes.
    pub capacity: u32,
    /// Those there are.
    pub load: u32,
}

/// The schedule of a node's own ads. Without it a node announces nothing.
#[derive(Clone, Debug)]
pub struct OwnAds {
    own: OwnNode,
    operator: Option<Operator>,
    params: ParamsId,
    last: Option<NodeAd>,
}

impl OwnAds {
    /// Nothing was announced yet.
    pub fn new(own: OwnNode, params: ParamsId) -> Self {
        let operator = own.operator.as_ref().map(|pair| Operator::sign(pair, (&own.key).into(), params));
        Self { own, operator, params, last: None }
    }

    /// Our operator's key.
    pub fn operator(&self) -> Option<PublicKey> {
        self.operator.map(|operator| operator.key)
    }

    /// Our region.
    pub const fn region(&self) -> Option<Region> {
        self.own.region
    }

    /// The ad that is due, if one is. It counts as announced only with [`OwnAds::announced`]: while nobody hears us it
    /// stays due.
    pub fn next(&self, addresses: &[Multiaddr], offer: Offer, now: UnixTime) -> Option<SignedAd> {
        let ad = self.ad(addresses, offer, now);
        self.is_due(&ad).then(|| ad.sign(&self.own.key, self.params))
    }

    /// The last ad of a node that stops: it takes nobody any more, and is soon forgotten. None when nobody has heard of it.
    pub fn farewell(&self, now: UnixTime) -> Option<SignedAd> {
        let last = self.last.clone()?;
        let ad = NodeAd { issued: now, ttl_secs: FAREWELL_TTL_SECS, load: 0, capacity: 0, ..last };
        Some(ad.sign(&self.own.key, self.params))
    }

    /// The ad was told to somebody.
    pub fn announced(&mut self, ad: NodeAd) {
        self.last = Some(ad);
    }

    fn ad(&self, addresses: &[Multiaddr], offer: Offer, now: UnixTime) -> NodeAd {
        let own = &self.own;
        let Offer { fee_basis_points, capacity, load } = offer;
        let fitting = addresses.iter().filter(|address| (1..=ADDRESS_LEN_MAX).contains(&address.len()));
        NodeAd {
            node: (&own.key).into(),
            issued: now,
            ttl_secs: AD_TTL_SECS_MAX,
            region: own.region,
            country: own.country,
            fee_basis_points,
            capacity,
            load,
            agent: own.agent.clone(),
            operator: self.operator,
            addresses: fitting.take(ADDRESSES_MAX).cloned().collect(),
            endpoints: own.endpoints.clone(),
        }
    }

    fn is_due(&self, ad: &NodeAd) -> bool {
        let Some(last) = &self.last else { return true };
        // A clock that was set back makes the difference large, and the ad due.
        let since = ad.issued.abs_diff(last.issued);
        since >= OWN_AD_INTERVAL_SECS || (since >= OWN_AD_INTERVAL_SECS_MIN && is_news(last, ad))
    }
}

/// Whether readers would act otherwise.
fn is_news(last: &NodeAd, ad: &NodeAd) -> bool {
    let (before, after) = (last.fill_percent(), ad.fill_percent());
    let crosses = (before >= NEARLY_FULL_PERCENT) != (after >= NEARLY_FULL_PERCENT);
    let is_filled = crosses || before.abs_diff(after) >= LOAD_NEWS_PERCENT;
    is_filled || last.addresses != ad.addresses || last.fee_basis_points != ad.fee_basis_points
}
