//! A crew of one attacker: somebody else each time, it goes from victim to victim until it is told to stop.
//!
//! ```text
//! turn      pure: which victim next, in which way, with how much
//! ```
//! It runs on the runtime that it is called on and starts no thread, so that a current-thread runtime in a network namespace
//! keeps all its sockets there. One session at a time, each bounded in time and bytes, with a pause after it: honest nodes run
//! on the same cores.

use std::{collections::BTreeSet, fmt, net::SocketAddr, time::Duration};

use anyhow::Context;
use libp2p::{Multiaddr, PeerId, identity::Keypair, multiaddr::Protocol};
use node::{
    netgroup::ip_of,
    p2p::{Request, Response},
};
use serde::Serialize;
use sharechain::ParamsId;
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

mod turn;

pub use turn::Way;

use super::{
    broken::without_work,
    mesh,
    peer::{Answer, Hostile, hello, polite, signed_record},
};
use turn::{Draw, Turn};

/// Identities that it uses and remembers, 52 bytes each: a few megabytes. It needs hours for as many; after that it rests,
/// because an attacker that nobody remembers would pass for an honest peer.
pub const IDENTITIES_MAX: usize = 65_536;
/// Time to be let in, over the longest lines of an emulated world.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Time until a victim that has let it in asks it something.
const GREETING_MAX: Duration = Duration::from_secs(2);
/// Time of one session.
const SESSION_MAX: Duration = Duration::from_secs(4);
/// Time that it waits when it was not let in.
const REFUSED_PAUSE: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Harassment {
    /// Sessions that began.
    pub sessions: u64,
    /// Times that it was not let in.
    pub refused: u64,
    /// Sessions that the victim ended.
    pub thrown_out: u64,
}

/// How a turn ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    /// Not let in.
    Refused,
    /// The victim hung up.
    ThrownOut,
    /// It went by itself.
    Left,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "not let in",
            Self::ThrownOut => "thrown out",
            Self::Left => "left",
        })
    }
}

/// See the module.
#[derive(Debug)]
pub struct Crew {
    params: ParamsId,
    victims: Vec<Multiaddr>,
    draw: Draw,
    /// Shares of the honest chain: none, or the last one that it was given.
    learned: Vec<Vec<u8>>,
    identities: BTreeSet<String>,
    harassment: Harassment,
}

impl Crew {
    /// Against nodes of the share chain `params` that listen on TCP at these addresses; what it does is drawn from `seed`.
    pub fn new(params: ParamsId, victims: Vec<Multiaddr>, seed: u64) -> Self {
        let draw = Draw::new(seed, victims.len());
        let (learned, identities) = (Vec::new(), BTreeSet::new());
        Self { params, victims, draw, learned, identities, harassment: Harassment::default() }
    }

    /// What came of it so far.
    pub const fn harassment(&self) -> Harassment {
        self.harassment
    }

    /// Every identity that it had so far, as nodes write it.
    pub const fn identities(&self) -> &BTreeSet<String> {
        &self.identities
    }

    /// Goes on until it is stopped; a line for each turn goes to `say`.
    pub async fn harass(&mut self, stop: &CancellationToken, mut say: impl FnMut(&str)) {
        let mut closed_door = None;
        while self.identities.len() < IDENTITIES_MAX {
            let Some(turn) = self.draw.turn(closed_door) else { break };
            let Some(victim) = self.victims.get(turn.victim).cloned() else { break };
            let Some(ended) = stop.run_until_cancelled(self.take(&turn, victim.clone())).await else { return };
            let pause = match &ended {
                Ok(ending) => {
                    say(&format!("{:?} at {victim}: {ending}", turn.way));
                    self.count(*ending);
                    closed_door = (*ending == Ending::Refused).then_some(turn.victim);
                    if *ending == Ending::Refused { REFUSED_PAUSE } else { turn.pause }
                }
                // A session that went wrong says nothing of the next one.
                Err(error) => {
                    say(&format!("{:?} at {victim}: {error:#}", turn.way));
                    turn.pause
                }
            };
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
        stop.cancelled().await;
    }

    const fn count(&mut self, ending: Ending) {
        match ending {
            Ending::Refused => self.harassment.refused += 1,
            Ending::ThrownOut => self.harassment.thrown_out += 1,
            Ending::Left => {}
        }
    }

    /// One turn, as a new identity.
    async fn take(&mut self, turn: &Turn, victim: Multiaddr) -> anyhow::Result<Ending> {
        if turn.way == Way::NoHandshake {
            return self.say_nothing(&victim).await;
        }
        let key = Keypair::generate_ed25519();
        let answers = self.answers(turn.way, signed_record(&key)?);
        let mut hostile = Hostile::with_key(key, self.params, answers)?;
        self.identities.insert(hostile.id());
        let Ok(Ok(victim)) = timeout(CONNECT_MAX, hostile.connect(victim)).await else { return Ok(Ending::Refused) };
        // Limits are looked at after the handshake: who is over them is connected for a moment.
        if timeout(GREETING_MAX, hostile.is_let_in()).await == Ok(false) {
            return Ok(Ending::Refused);
        }
        self.harassment.sessions += 1;
        let session = async {
            self.act(turn, &mut hostile, &victim).await?;
            hostile.until_thrown_out().await
        };
        match timeout(SESSION_MAX, session).await {
            Ok(ended) => ended.map(|_| Ending::ThrownOut),
            Err(_) => Ok(Ending::Left),
        }
    }

    /// How it answers questions; `record` is its own.
    fn answers(&self, way: Way, record: Vec<u8>) -> impl FnMut(&Request) -> Answer + Send + use<> {
        let learned = self.learned.clone();
        move |request| match way {
            Way::Answers(broken) => broken.answer(request, &record),
            Way::Lie(lie) => lie.answer(request, &learned),
            Way::Silence => Answer::Silence,
            Way::Flood(_) | Way::Gossip(_) | Way::Question(_) | Way::WithoutWork | Way::NoHandshake => polite(request),
        }
    }

    /// What it does of itself.
    async fn act(&mut self, turn: &Turn, hostile: &mut Hostile, victim: &PeerId) -> anyhow::Result<()> {
        match turn.way {
            Way::Flood(flood) => flood.start(hostile, victim, turn.flood_len, turn.number),
            Way::Gossip(broken) => hostile.gossip(victim, broken.frames(self.params, turn.number)),
            Way::Question(broken) => hostile.ask(victim, broken.bytes()),
            Way::WithoutWork => {
                let share = best_share(hostile, victim).await?;
                let [low, high, ..] = turn.number.to_le_bytes();
                let worthless = without_work(&share, u16::from_le_bytes([low, high]))?;
                hostile.gossip(victim, mesh::share(self.params, &worthless));
                self.learned = vec![share];
            }
            Way::Answers(_) | Way::Lie(_) | Way::Silence | Way::NoHandshake => {}
        }
        Ok(())
    }

    /// Opens a connection and never begins the handshake.
    async fn say_nothing(&mut self, victim: &Multiaddr) -> anyhow::Result<Ending> {
        let address = socket_address(victim).with_context(|| format!("{victim} is no address of TCP"))?;
        let Ok(Ok(mut stream)) = timeout(CONNECT_MAX, TcpStream::connect(address)).await else {
            return Ok(Ending::Refused);
        };
        let closed = async {
            let mut bytes = [0; 64];
            while matches!(stream.read(&mut bytes).await, Ok(1..)) {}
        };
        // Newcomers have longer than a session for their handshake: whose connection ends before was not let in.
        if timeout(SESSION_MAX, closed).await.is_ok() {
            return Ok(Ending::Refused);
        }
        self.harassment.sessions += 1;
        Ok(Ending::Left)
    }
}

/// The best share of a node.
async fn best_share(hostile: &mut Hostile, victim: &PeerId) -> anyhow::Result<Vec<u8>> {
    let Response::Hello(greeting) = hostile.answer_of(victim, &Request::Hello(hello(0))).await? else {
        anyhow::bail!("no greeting")
    };
    let question = Request::Shares { ids: vec![greeting.tip.id] };
    let Response::Shares { mut shares } = hostile.answer_of(victim, &question).await? else {
        anyhow::bail!("no shares")
    };
    shares.pop().context("the victim has no share")
}

fn socket_address(address: &Multiaddr) -> Option<SocketAddr> {
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    Some((ip_of(address)?, port?).into())
}

#[cfg(test)]
mod tests;
