//! Network namespaces without a name, each with one TAP device: they go when the last process in them does. Linux, root.

use std::{
    fs::File,
    io::{self, Write},
    net::Ipv4Addr,
    os::fd::AsRawFd,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use nix::sched::{CloneFlags, setns, unshare};
use tappers::{Interface, Tap};

use super::geography::Geography;

/// The device of every node, alone in its namespace.
const DEVICE: &str = "wan0";
/// Where all nodes are.
const NODES: &str = "10.88.0.0/16";
/// Largest IP packet, as on Ethernet.
pub(super) const MTU: usize = 1_500;

/// A network namespace that is kept alive by its file.
#[derive(Debug)]
pub(super) struct Namespace {
    file: File,
}

impl Namespace {
    /// A new one, in which nothing is up.
    ///
    /// # Errors
    /// Without the right to make one.
    pub(super) fn new() -> io::Result<Self> {
        // A thread of its own: it ends, and nothing else has moved.
        let made = std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        });
        made.join().map_err(|_| io::Error::other("a thread panicked"))?.map(|file| Self { file })
    }

    /// Does something that opens sockets or starts processes, in the namespace.
    ///
    /// # Errors
    /// When the system does not let us in.
    pub(super) fn enter<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(&self.file, CloneFlags::CLONE_NEWNET)?;
                work()
            });
            inside.join().map_err(|_| io::Error::other("a thread panicked"))?
        })
    }

    /// Where others find it while this process lives.
    pub(super) fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// Gives the namespace the device of a node, with its address and the place of everybody else.
    ///
    /// # Errors
    /// When the device cannot be made or set up.
    pub(super) fn connect(&self, geography: &Geography, node: usize) -> anyhow::Result<Tap> {
        let tap = self.enter(|| {
            let mut tap = Tap::new_named(Interface::new(DEVICE)?)?;
            tap.set_nonblocking(true)?;
            Ok(tap)
        });
        let tap = tap.context("cannot make a TAP device; is /dev/net/tun there?")?;
        self.enter(|| Ok(configure(&set_up(geography, node))))
            .context("cannot enter a namespace")?
            .with_context(|| format!("cannot set up the network of node {}", node + 1))?;
        Ok(tap)
    }

    /// From now on connections from here come from this address, which is one of an outsider's.
    ///
    /// # Errors
    /// When the system does not let us.
    pub(super) fn come_from(&self, address: Ipv4Addr) -> anyhow::Result<()> {
        let command = format!("route replace {NODES} dev {DEVICE} proto kernel scope link src {address}\n");
        self.enter(|| Ok(configure(&command))).context("cannot enter a namespace")?.context("cannot move an outsider")
    }
}

/// Commands of `ip` that bring a node's device up. Neighbours are written down, so that nobody has to ask for them.
fn set_up(geography: &Geography, node: usize) -> String {
    let mut commands = format!(
        "link set lo up\nlink set {DEVICE} address {} mtu {MTU} addrgenmode none\nlink set {DEVICE} up\naddr add {}/16 dev {DEVICE}\n",
        mac_text(geography.mac(node)),
        geography.address(node),
    );
    for other in (0..geography.len()).filter(|other| *other != node) {
        let (address, mac) = (geography.address(other), mac_text(geography.mac(other)));
        commands.push_str(&format!("neigh add {address} lladdr {mac} dev {DEVICE} nud permanent\n"));
    }
    // Whoever comes from outside does so from many addresses: all of its network are its own, and everybody's way there.
    for (outsider, network) in geography.outsiders() {
        let net = Geography::outside(network, 0);
        if outsider == node {
            commands.push_str(&format!("route add local {net}/24 dev lo\n"));
        } else {
            commands.push_str(&format!("route add {net}/24 via {} dev {DEVICE}\n", geography.address(outsider)));
        }
    }
    commands
}

fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// Runs commands of `ip` where it is called.
fn configure(commands: &str) -> anyhow::Result<()> {
    let mut ip = Command::new("ip");
    ip.args(["-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut ip = ip.spawn().context("cannot run ip; is iproute2 installed?")?;
    let mut stdin = ip.stdin.take().context("ip has no input")?;
    stdin.write_all(commands.as_bytes()).context("ip does not listen")?;
    drop(stdin);
    let done = ip.wait_with_output().context("cannot wait for ip")?;
    if !done.status.success() {
        bail!("ip: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

/// Whether this process may make namespaces and TAP devices.
///
/// # Errors
/// What is missing.
pub fn check_rights() -> anyhow::Result<()> {
    let world = Geography::new(1);
    let namespace = Namespace::new().context("cannot make a network namespace")?;
    namespace.connect(&world, 0).map(drop)
}
