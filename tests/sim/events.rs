//! The event queue: time first, then the order in which events were planned, so that every run of a seed is the same run.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Millis, MinerId, NodeId, ShareNo, network::Message};

/// Something that is going to happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A miner finds its next share. The number tells whether the plan is still good.
    Find(MinerId, u64),
    /// A found share reaches the miner's node.
    Submit(MinerId, ShareNo),
    /// A message arrives; the second node is the receiver.
    Deliver(NodeId, NodeId, Message),
    /// A node looks whether a new job is due.
    JobCheck(NodeId),
    /// A node's housekeeping.
    Tick(NodeId),
    /// A node tells its neighbours its tip.
    Hello(NodeId),
    /// Somebody outside the pool finds a parent block.
    ParentBlock,
    /// A node's daemon hears of a parent block.
    DaemonHears(NodeId, usize),
    /// A node dies, with everything but its store.
    Crash(NodeId),
    /// It comes back.
    Restart(NodeId),
    /// A hostile node shows what it withheld.
    Release(NodeId, ShareNo),
    /// Hostile nodes become honest.
    AttackEnds,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Planned {
    at: Millis,
    sequence: u64,
    event: Event,
}

/// Planned events.
#[derive(Debug, Default)]
pub struct EventQueue {
    heap: BinaryHeap<Reverse<Planned>>,
    sequence: u64,
}

impl EventQueue {
    /// Plans an event.
    pub fn push(&mut self, at: Millis, event: Event) {
        self.sequence += 1;
        self.heap.push(Reverse(Planned { at, sequence: self.sequence, event }));
    }

    /// The next event, if it is not after `until`.
    pub fn pop(&mut self, until: Millis) -> Option<(Millis, Event)> {
        if self.heap.peek()?.0.at > until {
            return None;
        }
        self.heap.pop().map(|Reverse(planned)| (planned.at, planned.event))
    }
}
