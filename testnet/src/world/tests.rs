//! Frames through real namespaces and devices. They need root, and say so where they are skipped.

use std::{
    io,
    net::UdpSocket,
    sync::Arc,
    time::{Duration, Instant},
};

use node::Region;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    Geography, Partition, check_rights,
    delay_line::{DelayLine, Loss},
    namespace::Namespace,
    relay::Relays,
    switch::Switch,
};

/// Where the echo listens.
const ECHO_PORT: u16 = 7;

/// A few connected namespaces without nodes in them.
struct Wires {
    geography: Geography,
    namespaces: Vec<Namespace>,
    switch: Switch,
}

/// Whether to skip, loudly.
fn skips() -> bool {
    let missing = check_rights().err();
    if let Some(cause) = &missing {
        eprintln!("SKIPPED: {cause:#}; this test needs root on Linux with iproute2");
    }
    missing.is_some()
}

impl Wires {
    fn new(nodes: usize, loss_per_million: u32) -> Self {
        let geography = Geography::new(nodes);
        let namespaces: Vec<Namespace> = (0..nodes).map(|_| Namespace::new().unwrap()).collect();
        let taps = namespaces.iter().enumerate().map(|(node, namespace)| namespace.connect(&geography, node).unwrap());
        let line = DelayLine::new(geography.one_way().to_vec(), Loss::new(loss_per_million, 1));
        let switch = Switch::start(taps.collect(), &geography, line).unwrap();
        Self { geography, namespaces, switch }
    }

    fn socket(&self, node: usize, port: u16) -> UdpSocket {
        let address = self.geography.address(node);
        let socket = self.namespaces[node].enter(|| UdpSocket::bind((address, port))).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(600))).unwrap();
        socket
    }

    /// A datagram to the echo of another node and back; the error when it does not come back.
    fn round_trip(&self, from: &UdpSocket, echo: &UdpSocket, to: usize) -> io::Result<Duration> {
        let (sent, mut bytes) = (Instant::now(), [0; 8]);
        from.send_to(b"question", (self.geography.address(to), ECHO_PORT))?;
        let (_, asker) = echo.recv_from(&mut bytes)?;
        echo.send_to(&bytes, asker)?;
        from.recv(&mut bytes)?;
        Ok(sent.elapsed())
    }
}

#[test]
fn a_round_trip_takes_what_the_table_says() {
    if skips() {
        return;
    }
    let wires = Wires::new(7, 0);
    let from = wires.socket(0, 0);
    for (to, expected_ms) in [(6, 12), (2, 80), (3, 220)] {
        let (echo, expected) = (wires.socket(to, ECHO_PORT), Duration::from_millis(expected_ms));
        let trips: Vec<Duration> = (0..5).map(|_| wires.round_trip(&from, &echo, to).unwrap()).collect();
        let best = trips.iter().min().copied().unwrap();
        eprintln!("round trip of {expected:?} by the table: {best:?} at best of {trips:?}");
        assert!(trips.iter().all(|trip| *trip >= expected), "{trips:?}");
        // The best of five: another process may hold the processor during some of them.
        assert!(best < expected + Duration::from_millis(5), "{trips:?}");
    }
    // The last frame may be there before the switch has counted it.
    assert!(wires.switch.traffic().bytes() >= (15 * 2 - 1) * 50);
    assert_eq!(wires.switch.traffic().lost(), (0, 0));
}

#[test]
fn a_partition_begins_ends_and_is_noticed() {
    if skips() {
        return;
    }
    let wires = Wires::new(3, 0);
    let (from, echo) = (wires.socket(0, 0), wires.socket(2, ECHO_PORT));
    wires.round_trip(&from, &echo, 2).unwrap();
    let regions = [Region::Na, Region::Sa, Region::Eu];
    let partition = Partition { region: Region::Eu, start_secs: 0, length_secs: 2 };
    let began = Instant::now();
    wires.switch.set_cuts(vec![partition.cut(began, &regions)]);
    // The switch looks for new partitions a few times a second, at least.
    let stopped = (0..3).map(|_| wires.round_trip(&from, &echo, 2)).find(Result::is_err);
    assert!(stopped.is_some() && wires.switch.traffic().cut() > 0);
    assert_eq!(wires.switch.traffic().contact(0), None);
    let back = (0..20).find_map(|_| wires.round_trip(&from, &echo, 2).ok());
    assert!(back.is_some() && began.elapsed() >= Duration::from_secs(2));
    // A frame may be there before the switch has counted it.
    let heard = || wires.round_trip(&from, &echo, 2).ok().and_then(|_| wires.switch.traffic().contact(0));
    let contact = (0..20).find_map(|_| heard()).expect("the sides heard each other");
    assert!(contact >= began + Duration::from_secs(2));
}

#[test]
fn what_is_lost_is_counted() {
    if skips() {
        return;
    }
    let wires = Wires::new(2, 1_000_000);
    let (from, echo) = (wires.socket(0, 0), wires.socket(1, ECHO_PORT));
    assert!(wires.round_trip(&from, &echo, 1).is_err());
    assert_eq!((wires.switch.traffic().lost(), wires.switch.traffic().bytes()), ((1, 0), 0));
}

#[tokio::test]
async fn relays_lead_in_and_out_of_a_namespace_that_reaches_nothing_else() {
    if skips() {
        return;
    }
    let namespace = Arc::new(Namespace::new().unwrap());
    namespace.connect(&Geography::new(1), 0).unwrap();
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here_address = here.local_addr().unwrap();
    let refused = namespace.enter(|| std::net::TcpStream::connect(here_address));
    assert!(refused.is_err(), "loopback of the namespace is another one");

    // In by one relay, to the entrance of the other, and out to where we listen.
    let mut relays = Relays::default();
    let entrance = relays.outwards(&namespace, here_address).unwrap();
    let outside = relays.inwards(&namespace, entrance).unwrap();
    let mut asker = TcpStream::connect(outside).await.unwrap();
    asker.write_all(b"question").await.unwrap();
    let (mut answerer, _) = here.accept().await.unwrap();
    let mut bytes = [0; 8];
    answerer.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"question");
    answerer.write_all(b"answer!!").await.unwrap();
    asker.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"answer!!");
    drop(answerer);
    assert_eq!(asker.read(&mut bytes).await.unwrap(), 0, "a side that hangs up is heard");
}
