//! The crew against peers that these tests play themselves.

use std::net::TcpListener;

use sharechain::testing;

use super::{
    super::{BrokenQuestion, Seen, framed},
    *,
};

/// For everything.
const PATIENCE: Duration = Duration::from_secs(60);

fn params() -> ParamsId {
    testing::devnet_params().id()
}

async fn victim() -> (Hostile, Multiaddr) {
    let mut victim = Hostile::new(params(), polite).unwrap();
    let address = victim.listen().await.unwrap();
    (victim, address)
}

fn turn(way: Way) -> Turn {
    Turn { victim: 0, way, flood_len: 1, number: 1, pause: Duration::ZERO }
}

#[tokio::test]
async fn a_session_that_the_victim_ends_is_told_from_one_that_never_began() {
    let (mut greeter, address) = victim().await;
    let mut crew = Crew::new(params(), vec![address.clone()], 1);
    let turn = turn(Way::Question(BrokenQuestion::Unknown));
    // Greets as nodes do, and hangs up.
    let greets = async move {
        let Seen::Connected(peer) = greeter.next().await else { panic!("nobody came") };
        greeter.ask(&peer, framed(&Request::Hello(hello(0)).encode()));
        assert!(matches!(greeter.next().await, Seen::Taken(_)), "no answer");
    };
    let (ending, ()) = timeout(PATIENCE, async { tokio::join!(crew.take(&turn, address), greets) }).await.unwrap();
    assert_eq!(ending.unwrap(), Ending::ThrownOut);
    assert_eq!((crew.harassment.sessions, crew.identities.len()), (1, 1));

    let (mut door, address) = victim().await;
    let shuts = async move {
        door.next().await;
    };
    let (ending, ()) = timeout(PATIENCE, async { tokio::join!(crew.take(&turn, address), shuts) }).await.unwrap();
    assert_eq!(ending.unwrap(), Ending::Refused);
    assert_eq!((crew.harassment.sessions, crew.identities.len()), (1, 2));
}

#[tokio::test]
async fn it_goes_on_after_a_refusal_until_it_is_stopped() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}", closed.port()).parse().unwrap();
    let mut crew = Crew::new(params(), vec![address], 1);
    let (stop, mut lines) = (CancellationToken::new(), Vec::new());
    let harassed = crew.harass(&stop, |line| {
        lines.push(line.to_owned());
        if lines.len() == 2 {
            stop.cancel();
        }
    });
    timeout(PATIENCE, harassed).await.unwrap();
    assert_eq!(crew.harassment(), Harassment { refused: 2, ..Harassment::default() });
    assert!(lines.iter().all(|line| line.ends_with(": not let in")), "{lines:?}");
}

#[tokio::test]
async fn without_victims_it_waits_to_be_stopped() {
    let mut crew = Crew::new(params(), Vec::new(), 1);
    let stop = CancellationToken::new();
    stop.cancel();
    timeout(PATIENCE, crew.harass(&stop, |line| panic!("{line}"))).await.unwrap();
}

#[test]
fn a_multiaddress_of_tcp_is_a_socket_address() {
    let of = |text: &str| socket_address(&text.parse().unwrap());
    assert_eq!(of("/ip4/10.88.1.1/tcp/9"), Some("10.88.1.1:9".parse().unwrap()));
    assert_eq!(of("/ip6/::1/tcp/9"), Some("[::1]:9".parse().unwrap()));
    assert_eq!((of("/ip4/10.88.1.1/udp/9/quic-v1"), of("/dns4/a.example/tcp/9")), (None, None));
}
