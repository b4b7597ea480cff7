//! Channels come and go: opening with a payout address, changed wishes, closing.

use std::{sync::Arc, time::Instant};

use mining_sv2::{
    ERROR_CODE_OPEN_MINING_CHANNEL_CHANNEL_CAPACITY_EXHAUSTED,
    ERROR_CODE_OPEN_MINING_CHANNEL_EXTENDED_CHANNELS_NOT_SUPPORTED_FOR_STANDARD_JOBS,
    ERROR_CODE_OPEN_MINING_CHANNEL_INVALID_NOMINAL_HASHRATE, ERROR_CODE_OPEN_MINING_CHANNEL_INVALID_USER_IDENTITY,
    ERROR_CODE_OPEN_MINING_CHANNEL_MAX_TARGET_OUT_OF_RANGE,
    ERROR_CODE_OPEN_MINING_CHANNEL_MIN_EXTRANONCE_SIZE_TOO_LARGE, ERROR_CODE_OPEN_MINING_CHANNEL_UNKNOWN_USER,
    ERROR_CODE_UPDATE_CHANNEL_INVALID_CHANNEL_ID, ERROR_CODE_UPDATE_CHANNEL_INVALID_NOMINAL_HASHRATE,
    ERROR_CODE_UPDATE_CHANNEL_MAX_TARGET_OUT_OF_RANGE,
};
use sharechain::Target;

use super::{Action, Client, Session};
use crate::{
    client::ClientProfile,
    extranonce::{EXTRANONCE1_LEN, EXTRANONCE2_LEN},
    guard::Conduct,
    job::JobTemplate,
    lane::{LaneId, LaneTerms},
    miner::{Payee, Rates},
    options::LoginOptions,
    session::{is_same, login},
    username::Username,
    v2::{
        channel::{Channel, Kind, Terms},
        limits::{CHANNELS_MAX, COINBASE_LEN_MAX, OPENS},
        message::{Open, OpenKind, Update},
        reply,
    },
};

/// A channel that is granted and waits for its extranonce.
#[derive(Debug)]
pub(super) struct Opening {
    request_id: u32,
    pub(super) terms: Terms,
}

/// Why a channel is not opened, and what it says of the client.
type Refusal = (&'static str, Option<Conduct>);

impl Session {
    pub(super) fn on_open(&mut self, open: &Open, client: Client, now: Instant) -> Vec<Action> {
        match self.grant(open, client, now) {
            Ok(opening) => {
                self.opening = Some(opening);
                vec![Action::Reserve]
            }
            Err((code, conduct)) => {
                let refused = Action::Send(reply::open_error(open.request_id, code));
                [Some(refused), conduct.map(Action::Misbehaved)].into_iter().flatten().collect()
            }
        }
    }

    /// The extranonce1 that was asked for, or `None` when there is none to be had; and what to make the first job of, if there is
    /// something to mine.
    pub fn handle_reserved(
        &mut self,
        extranonce1: Option<[u8; EXTRANONCE1_LEN]>,
        work: Option<(&Arc<JobTemplate>, &Rates)>,
        now: Instant,
    ) -> Vec<Action> {
        let Some(Opening { request_id, terms }) = self.opening.take() else { return Vec::new() };
        let Some(extranonce1) = extranonce1 else {
            let code = ERROR_CODE_OPEN_MINING_CHANNEL_CHANNEL_CAPACITY_EXHAUSTED;
            return vec![Action::Send(reply::open_error(request_id, code))];
        };
        let mut channel = Channel::new(&self.config, extranonce1, &terms, now);
        let first = work.map(|(template, rates)| channel.begin(template, rates, now)).unwrap_or_default();
        let mut actions = vec![Action::Send(channel.opened(request_id)), Action::Authorized(terms.username)];
        actions.extend(first.into_iter().map(Action::Send));
        self.channel_id_last = terms.id;
        self.channels.insert(terms.id, channel);
        actions
    }

    /// What a channel is opened with.
    fn grant(&mut self, open: &Open, client: Client, now: Instant) -> Result<Opening, Refusal> {
        let refuse = |code| Err((code, None));
        if self.channels.len() >= CHANNELS_MAX || !self.opens.take(OPENS, now) {
            return refuse(ERROR_CODE_OPEN_MINING_CHANNEL_CHANNEL_CAPACITY_EXHAUSTED);
        }
        let kind = match open.kind {
            OpenKind::Standard => Kind::Standard,
            OpenKind::Extended { .. } if client.is_standard_only => {
                return refuse(ERROR_CODE_OPEN_MINING_CHANNEL_EXTENDED_CHANNELS_NOT_SUPPORTED_FOR_STANDARD_JOBS);
            }
            OpenKind::Extended { extranonce_len_min } if usize::from(extranonce_len_min) > EXTRANONCE2_LEN => {
                return refuse(ERROR_CODE_OPEN_MINING_CHANNEL_MIN_EXTRANONCE_SIZE_TOO_LARGE);
            }
            OpenKind::Extended { .. } => Kind::Extended,
        };
        if !is_hashrate(open.hashrate) {
            return refuse(ERROR_CODE_OPEN_MINING_CHANNEL_INVALID_NOMINAL_HASHRATE);
        }
        if !is_target_max(open.target_max) {
            return refuse(ERROR_CODE_OPEN_MINING_CHANNEL_MAX_TARGET_OUT_OF_RANGE);
        }
        let (username, mut options) = self.login(&open.user)?;
        if options.hashrate.is_none() && open.hashrate > 0.0 {
            options.hashrate = Some(open.hashrate.into());
        }
        let payees = self.payees(&username, client.profile, kind)?;
        let terms = Terms {
            // Half a decade at one a second.
            id: self.channel_id_last.saturating_add(1),
            kind,
            worker: self.vacant_worker(),
            payees,
            username,
            profile: client.profile,
            options,
            hashrate: open.hashrate,
            target_max: open.target_max,
            version_mask: self.version_mask,
        };
        Ok(Opening { request_id: open.request_id, terms })
    }

    /// `ADDRESS.worker`; after a blank, what Stratum V1 says in its password.
    fn login(&self, user: &str) -> Result<(Username, LoginOptions), Refusal> {
        let (user, password) = user.split_once(' ').unwrap_or((user, ""));
        let options =
            LoginOptions::parse(password).map_err(|_| (ERROR_CODE_OPEN_MINING_CHANNEL_INVALID_USER_IDENTITY, None))?;
        if let Some(password) = &self.config.password
            && !is_same(password, &options.password)
        {
            return Err((ERROR_CODE_OPEN_MINING_CHANNEL_INVALID_USER_IDENTITY, Some(Conduct::WrongPassword)));
        }
        let username = login(user, &options, &self.config.lanes)
            .map_err(|_| (ERROR_CODE_OPEN_MINING_CHANNEL_UNKNOWN_USER, None))?;
        Ok((username, options))
    }

    /// Whom the shares of a channel are credited to on each lane. Machines on standard channels never see the coinbase.
    fn payees(&self, username: &Username, profile: ClientProfile, kind: Kind) -> Result<Vec<Option<Payee>>, Refusal> {
        let coinbase_max = match kind {
            Kind::Standard => usize::MAX,
            Kind::Extended => profile.coinbase_max.min(COINBASE_LEN_MAX),
        };
        let profile = ClientProfile { coinbase_max, ..profile };
        let payee = |(lane, terms): (LaneId, &LaneTerms)| {
            let payout_class = profile.payout_class(&terms.params).ok()?;
            Some(Payee { script: username.scripts.on(lane)?, payout_class })
        };
        let payees: Vec<Option<Payee>> = self.config.lanes.iter().map(payee).collect();
        // A connection moves as a whole, so each of its channels has to be payable on one lane with all others.
        let common = |place: usize| {
            self.channels.values().all(|channel| LaneId::new(place).and_then(|lane| channel.payee(lane)).is_some())
        };
        let is_payable = payees.iter().enumerate().any(|(place, payee)| payee.is_some() && common(place));
        match payees.iter().any(Option::is_some) {
            _ if is_payable => Ok(payees),
            true => Err(("no-lane-in-common-with-other-channels", None)),
            false => Err(("coinbase-too-long-for-firmware", None)),
        }
    }

    fn vacant_worker(&self) -> usize {
        let is_taken = |worker: &usize| self.channels.values().any(|channel| channel.worker() == *worker);
        (0..CHANNELS_MAX).find(|worker| !is_taken(worker)).unwrap_or(CHANNELS_MAX)
    }

    pub(super) fn on_update(&mut self, update: &Update, now: Instant) -> Vec<Action> {
        let channel_id = update.channel_id;
        let refuse = |code| vec![Action::Send(reply::update_error(channel_id, code))];
        let (algorithm, interval) = (self.config.algorithm(), self.config.vardiff.submit_interval);
        let Some(channel) = self.channels.get_mut(&channel_id) else {
            return refuse(ERROR_CODE_UPDATE_CHANNEL_INVALID_CHANNEL_ID);
        };
        if !is_hashrate(update.hashrate) {
            return refuse(ERROR_CODE_UPDATE_CHANNEL_INVALID_NOMINAL_HASHRATE);
        }
        if !is_target_max(update.target_max) {
            return refuse(ERROR_CODE_UPDATE_CHANNEL_MAX_TARGET_OUT_OF_RANGE);
        }
        channel.limit(update.target_max, algorithm, now);
        channel.suggest(update.hashrate, interval, now);
        // Some repeat themselves: only what changes something costs a job.
        let tightened = channel.tighten();
        let is_other = tightened.is_some() || channel.miner().wants_other_difficulty();
        let renew = is_other.then_some(Action::Renew(channel_id));
        tightened.map(Action::Send).into_iter().chain(renew).collect()
    }

    /// The group stands for all channels. What is closed already needs no answer.
    pub(super) fn on_close(&mut self, channel_id: u32, now: Instant) -> Vec<Action> {
        let closed = if channel_id == reply::GROUP_ID {
            std::mem::take(&mut self.channels).into_values().collect()
        } else {
            Vec::from_iter(self.channels.remove(&channel_id))
        };
        if self.channels.is_empty() && !closed.is_empty() {
            self.idle_since = now;
        }
        let left = |mut channel: Channel| Action::Left {
            worker: channel.worker(),
            extranonce1: channel.miner().extranonce1(),
        };
        closed.into_iter().map(left).collect()
    }
}

/// Whether it can be a hash rate; 0 when there is no machine yet.
fn is_hashrate(rate: f32) -> bool {
    rate.is_finite() && rate >= 0.0
}

/// Whether there can be shares as hard as that.
fn is_target_max(target: Target) -> bool {
    target >= Target::HARDEST_SHARE
}
