//! Every client at the node's own session: whatever the node says to it has to be what it takes.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use sharechain::{
    CompactTarget, ConsensusParams, Params, PayoutScript, PowAlgorithm, ShareChain, Work,
    pplns::Weights,
    testing::{self, GENESIS_TIME, Miner},
};
use stratum::{
    Action, HeaderFields, JobTemplate, LaneId, Now, Session, SessionConfig, job::NotifyLine, session::Ticket,
    vardiff::VardiffConfig,
};

use super::*;
use crate::miner::devnet_user;

/// 2^52 hashes a share. Clients that ask for a difficulty, or read whole numbers only, get what they ask for below that of a
/// share, and these are the speeds at which they are used.
const SHARE_BITS: u32 = 0x1a10_0000;
/// So hard that a share's target is never that of a block.
const BLOCK_BITS: u32 = 0x1900_ffff;

fn params(algorithm: PowAlgorithm) -> Arc<Params> {
    let raw = testing::devnet_params().raw().clone();
    let base_target_max = CompactTarget::from_bits(SHARE_BITS);
    testing::params(ConsensusParams { base_target_max, parent: testing::parent_profile(algorithm), ..raw })
}

fn session_config(algorithm: PowAlgorithm) -> SessionConfig {
    let addresses = node::ChainProfile::find("devnet", None).unwrap().addresses;
    let vardiff = VardiffConfig { start_hashes: 1e6, min_hashes: 1.0, submit_interval: Duration::from_secs(4) };
    SessionConfig::new(params(algorithm), addresses, vardiff)
}

/// What a template has, as far as it shows in a job.
struct Shape {
    /// Scripts of the longest kind that have work in the window.
    payees: u8,
    branch_len: usize,
    version: u32,
    flags: &'static [u8],
    has_witnesses: bool,
    block_height: u32,
}

/// From one without transactions and without anybody to pay to one whose coinbase is as long as a class lets it be.
const SHAPES: [Shape; 3] = [
    Shape { payees: 0, branch_len: 0, version: 4, flags: b"", has_witnesses: false, block_height: 1 },
    Shape { payees: 1, branch_len: 1, version: 0x2000_0000, flags: b"", has_witnesses: true, block_height: 900_000 },
    Shape {
        payees: 255,
        branch_len: 12,
        version: 0x2000_0000,
        flags: b"/a daemon's own flags/",
        has_witnesses: true,
        block_height: 9_000_000,
    },
];

fn template(algorithm: PowAlgorithm, shape: &Shape, serial: u32) -> Arc<JobTemplate> {
    let params = params(algorithm);
    let mut context = ShareChain::new(params.clone()).job_context().unwrap();
    let payees = (0..shape.payees).map(|tag| (PayoutScript::p2wsh(&[tag; 32]), Work::from_hashes(1 << 52)));
    context.weights = Arc::new(Weights::from_sums(payees, 1_000));
    let mut work = Miner::new(params.clone(), 1).work;
    work.block_height = shape.block_height;
    work.coinbase_flags = shape.flags.to_vec();
    work.witness_commitment = shape.has_witnesses.then_some([9; 32]);
    let header = HeaderFields {
        version: shape.version,
        bits: CompactTarget::from_bits(BLOCK_BITS),
        time: GENESIS_TIME + 100,
        time_min: GENESIS_TIME,
        merkle_branch: vec![[0x0a; 32]; shape.branch_len].into(),
    };
    Arc::new(JobTemplate::new(params, context, (work, header, Arc::default()), serial))
}

/// A client at a session of the node.
struct Table {
    session: Session,
    rules: ClientRules,
    template: Arc<JobTemplate>,
    start: Instant,
    jobs: Vec<Value>,
    refused: Option<String>,
    has_ended: bool,
}

impl Table {
    fn new(kind: ClientKind, algorithm: PowAlgorithm, template: Arc<JobTemplate>) -> Self {
        let start = Instant::now();
        let ticket = Ticket { extranonce1: [0, 0, 0, 1], tag: 5 };
        let session = Session::new(Arc::new(session_config(algorithm)), ticket, now(start));
        let rules = ClientRules::new(kind, algorithm, &devnet_user("rig").unwrap(), start);
        Self { session, rules, template, start, jobs: Vec::new(), refused: None, has_ended: false }
    }

    /// Each says what it has to say until both are silent.
    fn talk(&mut self) -> Result<(), Violation> {
        loop {
            let lines = self.rules.take_lines(self.start);
            if lines.is_empty() {
                return Ok(());
            }
            for line in lines {
                if !self.has_ended {
                    let actions = self.session.handle_line(&line, now(self.start));
                    self.perform(actions)?;
                }
            }
        }
    }

    fn perform(&mut self, actions: Vec<Action>) -> Result<(), Violation> {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(line) => self.hear(&line)?,
                Action::SendJob(line) => self.hear(&as_sent(line))?,
                Action::Renew => actions.extend(self.offer()),
                Action::Disconnect(_) => self.has_ended = true,
                Action::Judged(_) | Action::Authorized(_) | Action::Follows(_) | Action::Agent(_) => {}
                Action::Found { .. } | Action::Resume { .. } | Action::Misbehaved(_) => panic!("{action:?}"),
            }
        }
        Ok(())
    }

    fn offer(&mut self) -> Vec<Action> {
        // The miners of the address are so fast that its shares are as hard as they may be.
        let script = self.session.scripts().and_then(|scripts| scripts.on(LaneId::FIRST));
        let rates = script.map(|script| ((LaneId::FIRST, script), 1e18)).into_iter().collect();
        self.session.handle_template(&self.template, &rates, now(self.start))
    }

    fn hear(&mut self, line: &str) -> Result<(), Violation> {
        match self.rules.handle_line(line, self.start)? {
            Heard::Job(params) => self.jobs.push(params),
            Heard::RefusedClient(reason) | Heard::RefusedUser(reason) => self.refused = Some(reason),
            Heard::Nothing | Heard::Extranonce { .. } | Heard::Difficulty(_) => {}
            heard @ (Heard::Judged(_) | Heard::Stale) => panic!("nothing was submitted: {heard:?}"),
        }
        Ok(())
    }
}

fn now(instant: Instant) -> Now {
    Now { instant, unix: u64::from(GENESIS_TIME) + 100 }
}

/// The line of a job as it goes over the wire, without its end.
fn as_sent(line: NotifyLine) -> String {
    let sent = String::from_utf8(line.into_parts().concat()).unwrap();
    let line = sent.strip_suffix('\n').expect("a line has an end");
    assert!(!line.contains('\n') && line.is_ascii(), "{line}");
    line.to_owned()
}

#[test]
fn attack_m10_no_line_of_the_node_is_one_that_a_client_cannot_take() {
    for algorithm in PowAlgorithm::ALL {
        for kind in ClientKind::ALL {
            let [first, others @ ..] = &SHAPES;
            let mut table = Table::new(kind, algorithm, template(algorithm, first, 1));
            table.talk().unwrap_or_else(|violation| panic!("{algorithm:?}: {violation}"));
            // Who has room for no coinbase of the pool is told so, and gets none.
            let is_too_small = matches!(kind, ClientKind::NerdMiner | ClientKind::SparkMiner);
            assert_eq!(table.refused.is_some(), is_too_small, "{kind}: {:?}", table.refused);
            assert_eq!(table.jobs.is_empty(), is_too_small, "{kind}");
            for (shape, serial) in others.iter().zip(2..) {
                let before = table.jobs.len();
                table.template = template(algorithm, shape, serial);
                let actions = table.offer();
                table.perform(actions).unwrap_or_else(|violation| panic!("{algorithm:?}: {violation}"));
                assert_eq!(table.jobs.len(), before + usize::from(!is_too_small), "{kind}");
            }
        }
    }
}
