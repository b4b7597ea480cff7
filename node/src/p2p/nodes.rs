//! The directory beside the swarm: what the network task does with ads, in one place.
//!
//! It gives the directory what it must not have itself: the time, the addresses we are reached at, how many miners there
//! are. It never waits and sends nothing; the event loop does.

use std::{net::IpAddr, sync::Arc};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use sharechain::UnixTime;
use stratum::{Refuge, StratumHandle, server::Intake};
use tokio::sync::watch;
use tracing::debug;

use super::{Acceptance, Fault};
use crate::{
    directory::{AdVerdict, Directory, DirectoryView, NodeAd, Offer, OwnAds},
    netgroup::AddressPolicy,
};

/// See the module.
#[derive(Debug)]
pub struct Nodes {
    /// The ads of others, and ours.
    pub directory: Directory,
    /// Which addresses of ours are worth telling.
    pub hosts: AddressPolicy,
    /// Our ads; nothing is announced without.
    pub own: Option<OwnAds>,
    /// How many miners there are.
    pub stratum: StratumHandle,
    /// What others see of the directory.
    pub view: watch::Sender<Arc<DirectoryView>>,
    /// Where willing miners go when this node is too full.
    pub refuge: watch::Sender<Option<Refuge>>,
}

impl Nodes {
    /// Takes a gossiped ad; also what its sender did wrong, if anything.
    pub(super) fn on_ad(&mut self, bytes: &[u8], source: PeerId, now: UnixTime) -> (Acceptance, Option<Fault>) {
        judged(self.directory.on_ad(bytes, source, now), source)
    }

    /// Takes a record of the hash table that somebody wants kept at `key`; until when it is, and what its sender did wrong.
    pub(super) fn on_record(
        &mut self,
        (key, bytes): (&[u8], &[u8]),
        held: Option<&[u8]>,
        source: PeerId,
        now: UnixTime,
    ) -> Result<UnixTime, Option<Fault>> {
        self.directory.on_record((key, bytes), held, source, now).map_err(|verdict| judged(verdict, source).1)
    }

    /// What a peer is told that asks: as many as may be, no more of one network than an answer may name.
    pub(super) fn told(&self, count: usize) -> Vec<Vec<u8>> {
        let view = self.view.borrow();
        view.candidates(None, count).into_iter().map(|node| node.signed.encode()).collect()
    }

    /// Our ad, when one is due: its bytes, and what to call [`Nodes::announced`] with once somebody heard it.
    pub(super) fn due<'a>(
        &mut self,
        addresses: impl Iterator<Item = &'a Multiaddr>,
        now: UnixTime,
    ) -> Option<(Vec<u8>, NodeAd)> {
        let own = self.own.as_ref()?;
        let hosts = self.hosts;
        let mut told: Vec<Multiaddr> = addresses.map(without_identity).filter(|it| is_told(it, hosts)).collect();
        told.sort();
        told.dedup();
        let connections = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let capacity = connections(self.stratum.room().connections_max);
        let load = connections(self.stratum.snapshot().connections);
        let offer = Offer {
            fee_basis_points: self.stratum.fee().map_or(0, |fee| fee.basis_points),
            capacity,
            load: match self.stratum.intake() {
                Intake::Open => load,
                // Who takes nobody new is full.
                Intake::Closed => load.max(capacity),
            },
        };
        let signed = own.next(&told, offer, now)?;
        let due = (signed.encode(), signed.ad.clone());
        // In our own directory it is from now on, whether or not anybody hears it.
        self.directory.keep_own(signed, now);
        Some(due)
    }

    /// What others are told when this node stops.
    pub(super) fn farewell(&self, now: UnixTime) -> Option<Vec<u8>> {
        self.own.as_ref()?.farewell(now).map(|signed| signed.encode())
    }

    /// Somebody heard the ad.
    pub(super) fn announced(&mut self, ad: NodeAd) {
        debug!(load = ad.load, capacity = ad.capacity, "announced this node");
        if let Some(own) = &mut self.own {
            own.announced(ad);
        }
    }

    /// Forgets what is over and publishes the rest.
    pub(super) fn publish(&mut self, asn: impl Fn(IpAddr) -> Option<u32>, now: UnixTime) {
        self.directory.expire(now);
        self.view.send_replace(Arc::new(self.directory.view(asn, now)));
        let operator = self.own.as_ref().and_then(|own| Some((own.operator()?, own.region())));
        let refuge = operator.and_then(|(operator, region)| self.directory.refuge(operator, region, now));
        self.refuge.send_if_modified(|known| {
            let is_new = *known != refuge;
            *known = refuge;
            is_new
        });
    }
}

/// What becomes of an ad, and what its sender did wrong.
fn judged(verdict: AdVerdict, source: PeerId) -> (Acceptance, Option<Fault>) {
    match verdict {
        AdVerdict::Accept => (Acceptance::Accept, None),
        AdVerdict::Ignore => (Acceptance::Ignore, None),
        AdVerdict::Useless => (Acceptance::Ignore, Some(Fault::UselessAds)),
        AdVerdict::Reject(error) => {
            debug!(%source, %error, "invalid ad");
            (Acceptance::Reject, Some(Fault::Forged))
        }
    }
}

/// The address without our identity at its end, which the ad has already.
fn without_identity(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
        address.pop();
    }
    address
}

fn is_told(address: &Multiaddr, hosts: AddressPolicy) -> bool {
    let ip = match address.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(IpAddr::from(ip)),
        Some(Protocol::Ip6(ip)) => Some(IpAddr::from(ip)),
        Some(_) => None,
        None => return false,
    };
    ip.is_none_or(|ip| hosts.takes(ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_network_stay_in_it() {
        let peer = PeerId::random();
        let address = |text: &str| format!("{text}/p2p/{peer}").parse::<Multiaddr>().unwrap();
        let told = |text, hosts| is_told(&without_identity(&address(text)), hosts);
        assert_eq!(without_identity(&address("/ip4/9.9.9.9/tcp/1")), "/ip4/9.9.9.9/tcp/1".parse().unwrap());
        for text in ["/ip4/9.9.9.9/tcp/1", "/dns4/pool.example/tcp/1", "/ip6/2a00::1/udp/1/quic-v1"] {
            assert!(told(text, AddressPolicy::PublicOnly), "{text}");
        }
        for text in ["/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.7/tcp/1", "/ip6/fe80::1/tcp/1"] {
            assert!(!told(text, AddressPolicy::PublicOnly), "{text}");
            assert!(told(text, AddressPolicy::LocalToo), "{text}");
        }
        assert!(!told("/ip4/0.0.0.0/tcp/1", AddressPolicy::LocalToo), "nobody's");
    }
}
