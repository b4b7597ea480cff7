//! The switch: one thread that reads frames from the TAP devices of all nodes and writes each to its receiver's when the
//! delay line says so. It passes on nothing but unicast frames from one node to another, and decides nothing itself.

use std::{
    collections::BTreeMap,
    io,
    os::fd::AsFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
    sys::time::TimeSpec,
};
use tappers::Tap;

use super::{
    delay_line::{DelayLine, Dropped},
    geography::Geography,
    namespace::MTU,
    partition::Cut,
};
use crate::load::histogram::Histogram;

/// Ethernet header: to, from, type.
const HEADER_LEN: usize = 14;
/// Frames read from one device before the others have their turn.
const BURST_MAX: usize = 64;
/// Longest sleep: how soon a stop or a new partition is seen.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// A running switch; it stops when this is dropped.
#[derive(Debug)]
pub(super) struct Switch {
    traffic: Arc<Traffic>,
    cuts: mpsc::Sender<Vec<Cut>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What went through. Counters only grow.
#[derive(Debug)]
pub(super) struct Traffic {
    /// Bytes that arrived, Ethernet headers included.
    bytes: AtomicU64,
    lost: AtomicU64,
    cut: AtomicU64,
    full: AtomicU64,
    /// How long after its time a frame was passed on.
    lateness: Histogram,
    /// When the sides of each partition were in contact again. Held for one copy at a time.
    contacts: Mutex<Vec<Option<Instant>>>,
}

impl Switch {
    /// Joins these devices, in the order of their nodes.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(taps: Vec<Tap>, geography: &Geography, line: DelayLine) -> io::Result<Self> {
        let ports = (0..geography.len()).map(|node| (geography.mac(node), node)).collect();
        let (traffic, stop) = (Arc::new(Traffic::new()), Arc::new(AtomicBool::new(false)));
        let (cuts, new_cuts) = mpsc::channel();
        let mut wires = Wires { taps, ports, line, traffic: traffic.clone(), new_cuts };
        let stopped = stop.clone();
        let work = move || {
            while !stopped.load(Ordering::Relaxed) {
                wires.turn();
            }
        };
        let thread = std::thread::Builder::new().name("switch".to_owned()).spawn(work)?;
        Ok(Self { traffic, cuts, stop, thread: Some(thread) })
    }

    /// Partitions from now on.
    pub(super) fn set_cuts(&self, cuts: Vec<Cut>) {
        // The thread ends only with this value.
        let _gone = self.cuts.send(cuts);
    }

    /// What went through so far.
    pub(super) fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed when it happened.
            drop(thread.join());
        }
    }
}

impl Traffic {
    fn new() -> Self {
        Self {
            bytes: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            full: AtomicU64::new(0),
            lateness: Histogram::new(),
            contacts: Mutex::new(Vec::new()),
        }
    }

    /// Bytes that arrived at all nodes together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Frames that were lost by chance, and by want of room.
    pub(super) fn lost(&self) -> (u64, u64) {
        (self.lost.load(Ordering::Relaxed), self.full.load(Ordering::Relaxed))
    }

    /// Frames that a partition stopped.
    pub(super) fn cut(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }

    /// How long after its time a frame was passed on, by this many of 1,000 at most.
    pub(super) fn lateness(&self, per_mille: u64) -> Duration {
        self.lateness.quantile(per_mille).unwrap_or_default()
    }

    /// Forgets how late frames were: while nodes start the machine is busy.
    pub(super) fn forget_lateness(&self) {
        self.lateness.clear();
    }

    /// When the sides of a partition were in contact again.
    pub(super) fn contact(&self, cut: usize) -> Option<Instant> {
        self.contacts.lock().unwrap_or_else(PoisonError::into_inner).get(cut).copied().flatten()
    }
}

/// What the thread works with.
struct Wires {
    taps: Vec<Tap>,
    ports: BTreeMap<[u8; 6], usize>,
    line: DelayLine,
    traffic: Arc<Traffic>,
    new_cuts: mpsc::Receiver<Vec<Cut>>,
}

impl Wires {
    /// Passes on what is due, sleeps until something happens, and takes what came.
    fn turn(&mut self) {
        while let Ok(cuts) = self.new_cuts.try_recv() {
            self.line.set_cuts(cuts);
        }
        self.deliver();
        for node in self.readable() {
            self.read(node);
        }
    }

    fn deliver(&mut self) {
        let mut moved = false;
        loop {
            let now = Instant::now();
            let Some(flight) = self.line.take_due(now) else { break };
            moved = true;
            self.traffic.lateness.record(now - flight.due);
            // A device whose queue is full, or whose node is gone, loses the frame like any other.
            match self.taps[flight.to].send(&flight.frame) {
                Ok(_) => self.traffic.bytes.fetch_add(flight.frame.len() as u64, Ordering::Relaxed),
                Err(_) => self.traffic.full.fetch_add(1, Ordering::Relaxed),
            };
        }
        if moved {
            let contacts = self.line.contacts().collect();
            *self.traffic.contacts.lock().unwrap_or_else(PoisonError::into_inner) = contacts;
        }
    }

    /// Devices with a frame, at the latest when the next one is due.
    fn readable(&self) -> Vec<usize> {
        let mut polled: Vec<PollFd<'_>> =
            self.taps.iter().map(|tap| PollFd::new(tap.as_fd(), PollFlags::POLLIN)).collect();
        let until_due = self.line.next_due().map(|due| due.saturating_duration_since(Instant::now()));
        let sleep = until_due.unwrap_or(SLEEP_MAX).min(SLEEP_MAX);
        match ppoll(&mut polled, Some(TimeSpec::from_duration(sleep)), None) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Nothing can be read for now; what is due goes on.
            Err(_) => std::thread::sleep(sleep),
        }
        let ready = polled.iter().enumerate().filter(|(_, fd)| fd.any() == Some(true));
        ready.map(|(node, _)| node).collect()
    }

    fn read(&mut self, from: usize) {
        let mut frame = [0; HEADER_LEN + MTU];
        for _ in 0..BURST_MAX {
            // Until it has no more: a device that is not ready says so with an error.
            let Ok(len) = self.taps[from].recv(&mut frame) else { return };
            self.take(from, &frame[..len.min(frame.len())]);
        }
    }

    fn take(&mut self, from: usize, frame: &[u8]) {
        let receiver = frame.first_chunk::<6>().and_then(|mac| self.ports.get(mac));
        // Multicast does not cross the Internet.
        let Some(to) = receiver.copied().filter(|to| *to != from) else { return };
        let dropped = match self.line.send(Instant::now(), from, to, frame) {
            Ok(()) => return,
            Err(Dropped::Lost) => &self.traffic.lost,
            Err(Dropped::Cut) => &self.traffic.cut,
            Err(Dropped::Full) => &self.traffic.full,
        };
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}
