//! Who is connected: subscription, a session taken up again, authorization.

use std::{fmt, time::Instant};

use super::{Action, Parked, Session};
use crate::{
    client::ClientProfile,
    error::Reject,
    extranonce::{EXTRANONCE1_LEN, EXTRANONCE2_LEN},
    guard::Conduct,
    lane::{LaneScripts, Lanes},
    limits::WORKERS_MAX,
    message::{self, Request},
    options::LoginOptions,
    username::Username,
};

/// The id of our question for the client's name, as JSON.
const VERSION_ID: &str = r#""version""#;

/// A session's place, and the proof that it is its miner's: whoever knows the id may take the session up again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket {
    /// The server's part of the extranonce, unique among open and kept sessions.
    pub extranonce1: [u8; EXTRANONCE1_LEN],
    /// Not to be guessed.
    pub tag: u64,
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:016x}", hex::encode(self.extranonce1), self.tag)
    }
}

impl std::str::FromStr for Ticket {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; EXTRANONCE1_LEN + 8];
        hex::decode_to_slice(text, &mut bytes)?;
        let (extranonce1, tag) = bytes.split_first_chunk().ok_or(hex::FromHexError::InvalidStringLength)?;
        let tag = tag.first_chunk().map(|tag| u64::from_be_bytes(*tag)).unwrap_or_default();
        Ok(Self { extranonce1: *extranonce1, tag })
    }
}

impl Session {
    pub(super) fn on_subscribe(&mut self, request: &Request<'_>, now: Instant) -> Vec<Action> {
        let (user_agent, session_id) = message::subscription(request);
        let profile = ClientProfile::of(&user_agent);
        if let Some(scripts) = &self.scripts
            && let Err(reject) = self.fits(&profile, scripts)
        {
            return vec![Action::Send(request.refuse(&reject)), Action::Disconnect("no payout class fits")];
        }
        self.profile = profile;
        self.miner.set_profile(&profile, now);
        self.user_agent = user_agent;
        // Its own id again, or a second subscription: there is nothing to look for.
        let other = session_id.filter(|id| !self.subscribed && *id != self.ticket.to_string());
        match other {
            Some(session_id) => {
                self.resuming = Some(request.id().to_owned());
                vec![Action::Resume { session_id }]
            }
            None => self.subscribed(request.id()),
        }
    }

    /// What was found of the session that the miner asked for: its place, and what was kept.
    pub fn handle_resume(&mut self, found: Option<(Ticket, Parked)>) -> Vec<Action> {
        let Some(request_id) = self.resuming.take() else { return Vec::new() };
        if let Some((ticket, parked)) = found {
            self.ticket = ticket;
            (self.miner, self.version_mask) = (parked.miner, parked.version_mask);
        }
        self.subscribed(&request_id)
    }

    fn subscribed(&mut self, request_id: &str) -> Vec<Action> {
        self.subscribed = true;
        // cpuminer begins again at difficulty 1 with every subscription.
        self.miner.forget_told();
        let (id, extranonce1) = (&self.ticket, hex::encode(self.ticket.extranonce1));
        let reply = format!(
            r#"{{"id":{request_id},"result":[[["mining.set_difficulty","{id}"],["mining.notify","{id}"]],"{extranonce1}",{EXTRANONCE2_LEN}],"error":null}}"#
        );
        vec![Action::Send(reply), Action::Agent(self.user_agent.clone()), Action::Renew]
    }

    pub(super) fn on_authorize(&mut self, request: &Request<'_>, now: Instant) -> Vec<Action> {
        let (is_first, followed, pinned) = (self.scripts.is_none(), self.follows, self.pin);
        match self.authorize(request, now) {
            Ok((username, is_new)) => {
                let mut actions = vec![Action::Send(request.reply("true"))];
                actions.extend(self.notices(username.is_nameless).map(|text| show_message(&text)));
                if is_first && self.user_agent.is_empty() {
                    actions.push(Action::Send(message::question(VERSION_ID, "client.get_version")));
                }
                if is_new {
                    actions.push(Action::Authorized(username));
                }
                if is_first || self.pin != pinned {
                    actions.push(Action::Renew);
                }
                if self.follows != followed {
                    actions.push(Action::Follows(self.follows));
                }
                actions
            }
            Err(reject) => {
                let conduct = (reject == Reject::WrongPassword).then_some(Action::Misbehaved(Conduct::WrongPassword));
                let refused = Action::Send(request.refuse(&reject));
                let closed = matches!(reject, Reject::CoinbaseTooLong { .. })
                    .then_some(Action::Disconnect("no payout class fits"));
                [Some(refused), conduct, closed].into_iter().flatten().collect()
            }
        }
    }

    /// The worker, and whether it is new on this connection.
    fn authorize(&mut self, request: &Request<'_>, now: Instant) -> Result<(Username, bool), Reject> {
        let params: Vec<serde_json::Value> = request.params("[user, password]")?;
        let text = |place: usize| params.get(place).and_then(serde_json::Value::as_str).unwrap_or_default();
        let (user, options) = (text(0), LoginOptions::parse(text(1))?);
        if let Some(password) = &self.config.password
            && !is_same(password, &options.password)
        {
            return Err(Reject::WrongPassword);
        }
        let username = login(user, &options, &self.config.lanes)?;
        if self.subscribed {
            self.fits(&self.profile, &username.scripts)?;
        }
        if self.scripts.as_ref().is_some_and(|scripts| *scripts != username.scripts) {
            return Err(Reject::SecondAddress);
        }
        let is_new = !self.workers.iter().any(|known| known == user);
        if is_new && self.workers.len() >= WORKERS_MAX {
            return Err(Reject::TooManyWorkers);
        }
        if is_new {
            self.workers.push(user.to_owned());
        }
        // One worker that wants to stay keeps all: they share the connection.
        self.follows = options.follows && (self.follows || self.scripts.is_none());
        // A worker that asks for nothing leaves the others where they want to be.
        self.pin = username.pin.or(self.pin);
        self.scripts = Some(username.scripts.clone());
        self.miner.set_options(&options, now);
        Ok((username, is_new))
    }

    /// Whether such a client takes the coinbases of some lane that can pay these scripts.
    fn fits(&self, profile: &ClientProfile, scripts: &LaneScripts) -> Result<(), Reject> {
        let lanes = scripts.lanes().filter_map(|lane| self.config.lanes.get(lane));
        let mut outcomes = lanes.map(|lane| profile.payout_class(&lane.params));
        let first = outcomes.next().unwrap_or(Ok(0));
        if first.is_ok() || outcomes.any(|outcome| outcome.is_ok()) { Ok(()) } else { first.map(|_| ()) }
    }

    /// What a miner should read when it logs in.
    fn notices(&self, is_nameless: bool) -> impl Iterator<Item = String> + use<> {
        let nameless = is_nameless.then(|| {
            "WARNING: your user name is no payout address, so your work is credited to the operator of this node; \
             set ADDRESS.worker as user name"
                .to_owned()
        });
        let fee = self.config.lanes.first().fee;
        let fee = fee.map(|fee| format!("This node's operator takes {} of the jobs", fee.percent()));
        [nameless, fee].into_iter().flatten()
    }

    /// The client's answer to the question for its name.
    pub(super) fn on_reply(&mut self, request: &Request<'_>, now: Instant) -> Vec<Action> {
        let Some(version) = request.answer_to(VERSION_ID) else { return Vec::new() };
        let user_agent = message::user_agent(&version);
        let profile = ClientProfile::of(&user_agent);
        if self.scripts.as_ref().is_none_or(|scripts| self.fits(&profile, scripts).is_ok()) {
            self.profile = profile;
            self.miner.set_profile(&profile, now);
        }
        self.user_agent.clone_from(&user_agent);
        vec![Action::Agent(user_agent)]
    }
}

/// Who a miner is, and the lane it asks for, where it then has to be payable.
pub(crate) fn login(user: &str, options: &LoginOptions, lanes: &Lanes) -> Result<Username, Reject> {
    let pin = options.pin(lanes)?;
    let username = Username { pin, ..Username::parse(user, options, lanes)? };
    if let Some(terms) = pin.and_then(|pin| lanes.get(pin))
        && pin.is_some_and(|pin| username.scripts.on(pin).is_none())
    {
        // Why not.
        terms.addresses.parse(user.split(['.', '_']).next().unwrap_or_default().trim())?;
    }
    Ok(username)
}

fn show_message(text: &str) -> Action {
    Action::Send(message::notification("client.show_message", &format!("[{}]", message::quoted(text))))
}

/// Compares in a time that does not tell how much is right.
pub(crate) fn is_same(password: &str, given: &str) -> bool {
    let differing = password.bytes().zip(given.bytes()).fold(0, |all, (ours, theirs)| all | (ours ^ theirs));
    password.len() == given.len() && differing == 0
}
