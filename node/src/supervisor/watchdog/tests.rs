use std::os::unix::net::UnixDatagram;

use super::*;
use crate::chain_task::ShownShares;

/// What the tasks that are watched would hold.
struct Tasks {
    chain: mpsc::Receiver<ChainInput>,
    peers: watch::Sender<Arc<PeersView>>,
    miners: watch::Sender<Arc<StratumSnapshot>>,
    health: watch::Sender<Arc<HealthView>>,
}

impl Tasks {
    fn new() -> (Self, Watchdog) {
        let (chain, inbox) = mpsc::channel(1);
        let tasks = Self {
            chain: inbox,
            peers: watch::Sender::default(),
            miners: watch::Sender::default(),
            health: watch::Sender::default(),
        };
        let lane = LanePulse { name: "main".to_owned(), chain, peers: tasks.peers.subscribe() };
        let watchdog =
            Watchdog { lanes: vec![lane], miners: tasks.miners.subscribe(), health: tasks.health.subscribe() };
        (tasks, watchdog)
    }

    fn publish(&self) {
        self.peers.send_replace(Arc::default());
        self.miners.send_replace(Arc::default());
        self.health.send_replace(Arc::default());
    }

    /// Takes a question away that nobody waits for any more.
    async fn answer_none(&mut self) {
        assert!(self.chain.recv().await.is_some());
    }

    async fn answer(&mut self) {
        if let Some(ChainInput::Query(ChainQuery::NewestShares { reply, .. })) = self.chain.recv().await {
            let shown = ShownShares { page: sharechain::chain::SharePage::default(), workers: Vec::new() };
            assert!(reply.send(shown).is_ok());
        }
    }
}

fn names(stuck: &[Stuck]) -> Vec<String> {
    stuck.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn each_task_that_shows_nothing_is_named() {
    const PATIENCE: Duration = Duration::from_millis(300);
    let (mut tasks, mut watchdog) = Tasks::new();
    assert_eq!(
        names(&watchdog.stuck(PATIENCE).await),
        ["chain of main", "network of main", "stratum", "health"],
        "nobody has begun"
    );
    // The first question still waits in the inbox.
    tasks.answer_none().await;
    tasks.publish();
    let (stuck, ()) = tokio::join!(watchdog.stuck(PATIENCE), tasks.answer());
    assert_eq!(stuck, []);
    let (stuck, ()) = tokio::join!(watchdog.stuck(PATIENCE), tasks.answer());
    assert_eq!(names(&stuck), ["network of main", "stratum", "health"], "what was published before counts once");
    tasks.publish();
    assert_eq!(names(&watchdog.stuck(PATIENCE).await), ["chain of main"]);
}

#[tokio::test]
async fn the_watchdog_is_fed_while_the_tasks_turn_and_not_when_one_is_stuck() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let listener = UnixDatagram::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    let supervisor = Arc::new(Supervisor::find(path.as_os_str(), None).unwrap());
    let (mut tasks, watchdog) = Tasks::new();
    let token = CancellationToken::new();
    let patience = Duration::from_millis(400);
    let running = tokio::spawn(watchdog.run(supervisor, patience, token.clone()));
    let mut heard = [0; 64];
    for _ in 0..3 {
        tasks.publish();
        tasks.answer().await;
        let len = loop {
            tasks.publish();
            match listener.recv(&mut heard) {
                Ok(len) => break len,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        assert_eq!(&heard[..len], b"WATCHDOG=1");
    }
    // The chain no longer answers; all others go on.
    let until = tokio::time::Instant::now() + 3 * patience;
    while tokio::time::Instant::now() < until {
        tasks.publish();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(listener.recv(&mut heard).is_err(), "a stuck chain starves the watchdog");
    token.cancel();
    running.await.unwrap();
}
