use sharechain::PowAlgorithm;

use super::*;
use crate::{
    job::JobTemplate,
    session::tests::{HARD, config, parked, template},
};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Test {
    registry: Registry,
    template: Arc<JobTemplate>,
    start: Instant,
}

impl Test {
    fn new() -> Self {
        let (_, room) = watch::channel(Room { connections_max: 8, shed_above: Some(1) }.into());
        let (_, terms) = watch::channel(Arc::new(config(PowAlgorithm::Blake2s)));
        let registry = Registry::new(Vec::new(), (room, terms), CancellationToken::new());
        Self { registry, template: template(PowAlgorithm::Blake2s, 1, HARD), start: Instant::now() }
    }

    fn handle(&mut self, event: Event) {
        self.handle_at(event, 0);
    }

    fn handle_at(&mut self, event: Event, seconds: u64) {
        self.registry.handle(event, self.start + Duration::from_secs(seconds));
    }

    fn open(&mut self, number: u64) -> (SessionId, Ticket) {
        let (id, leave) = (SessionId(number), CancellationToken::new());
        let ticket = Ticket { extranonce1: self.registry.extranonces.allocate(), tag: number };
        let open = Open {
            address: ADDRESS,
            is_counted: false,
            ticket,
            leave,
            invitation: Invitation::new(CancellationToken::new()),
            reserved: Vec::new(),
            heir: None,
        };
        self.registry.open.insert(id, open);
        self.registry.accounts.open(id, Protocol::V1);
        (id, ticket)
    }

    /// A connection that mined, and is lost; its ticket.
    fn lose(&mut self, number: u64, seconds: u64) -> Ticket {
        let (id, ticket) = self.open(number);
        let parked = Some(Box::new(parked(&self.template)));
        self.handle_at(Event::Closed { id, parked }, seconds);
        ticket
    }

    /// Whether a new connection can take up the session, which is then its own.
    fn resumes(&mut self, number: u64, ticket: Ticket) -> bool {
        let (id, _) = self.open(number);
        let (answer, mut outcome) = oneshot::channel();
        self.handle(Event::Resume { id, ticket, answer });
        outcome.try_recv().unwrap().is_some_and(|(kept, _)| kept == ticket)
    }
}

#[test]
fn a_channels_extranonce_is_free_again_when_it_or_its_connection_is_closed() {
    let mut test = Test::new();
    let (id, ticket) = test.open(1);
    let mut reserve = || {
        let (answer, mut outcome) = oneshot::channel();
        test.handle(Event::Reserve { id, answer });
        outcome.try_recv().unwrap()
    };
    let [first, second] = [reserve(), reserve()];
    assert!(first != second && first != ticket.extranonce1);
    assert_eq!(test.registry.extranonces.taken(), 3);
    test.handle(Event::Left { id, worker: 1, extranonce1: first });
    // Neither twice, nor what belongs to the connection.
    test.handle(Event::Left { id, worker: 1, extranonce1: first });
    test.handle(Event::Left { id, worker: 0, extranonce1: ticket.extranonce1 });
    assert_eq!(test.registry.extranonces.taken(), 2);
    test.handle(Event::Closed { id, parked: None });
    assert_eq!(test.registry.extranonces.taken(), 0);
}

#[test]
fn a_kept_session_waits_its_time_and_frees_its_extranonce() {
    let mut test = Test::new();
    let [first, second] = [test.lose(1, 0), test.lose(2, 1)];
    test.registry.forget_kept(test.start + PARKED_TIME);
    assert_eq!(test.registry.extranonces.taken(), 1);
    assert!(!test.resumes(3, first));
    assert!(test.resumes(4, second));
    // What was taken up is not forgotten at the time of what was kept.
    test.registry.forget_kept(test.start + PARKED_TIME * 2);
    assert_eq!(test.registry.extranonces.taken(), 2);
}

#[test]
fn the_oldest_kept_sessions_go_when_there_are_too_many() {
    let mut test = Test::new();
    let tickets: Vec<Ticket> = (0..=PARKED_MAX as u64).map(|number| test.lose(number, number)).collect();
    assert_eq!((test.registry.kept.len(), test.registry.extranonces.taken()), (PARKED_MAX, PARKED_MAX));
    assert!(!test.resumes(1 << 32, tickets[0]));
    assert!(test.resumes(1 << 33, tickets[1]));
}

#[test]
fn as_many_willing_miners_as_are_too_many_are_pointed_elsewhere_the_newest_first() {
    let mut test = Test::new();
    for number in 1..=6 {
        let (id, _) = test.open(number);
        test.handle(Event::Follows { id, follows: number != 5 });
    }
    (_, test.registry.doors) = watch::channel(Room { connections_max: 8, shed_above: Some(3) }.into());
    let mut known = Vec::new();
    let mut invited = |test: &mut Test, seconds| -> Vec<u64> {
        test.registry.shed(test.start + Duration::from_secs(seconds));
        let asked = test.registry.open.iter().filter(|(_, open)| open.invitation.is_given());
        let new: Vec<u64> = asked.map(|(id, _)| id.0).filter(|id| !known.contains(id)).collect();
        known.extend(&new);
        new
    };
    assert_eq!(invited(&mut test, 0), [3, 4, 6], "three too many, and 5 wants to stay");
    assert_eq!(invited(&mut test, 14), [0; 0], "they may still be on their way");
    test.handle(Event::Closed { id: SessionId(6), parked: None });
    assert_eq!(invited(&mut test, 15), [1, 2], "two have stayed, and are not asked again");
    assert_eq!(invited(&mut test, 30), [0; 0]);
}

#[test]
fn who_takes_nobody_new_answers_at_a_full_door_and_points_everybody_willing_elsewhere() {
    let room = Room { connections_max: 2, shed_above: None };
    let (open, closed) = (Doors::from(room), Doors { room, intake: Intake::Closed });
    assert_eq!([1, 2].map(|inside| open.answer(inside)), [true, false], "a full house lets the kernel hold who comes");
    assert_eq!([1, 2].map(|inside| closed.answer(inside)), [true, true], "to be turned away at once");
    let mut test = Test::new();
    for number in 1..=3 {
        let (id, _) = test.open(number);
        test.handle(Event::Follows { id, follows: number != 2 });
    }
    for (doors, expected) in [(open, vec![]), (closed, vec![1, 3])] {
        (_, test.registry.doors) = watch::channel(doors);
        test.registry.shed(test.start);
        let asked = test.registry.open.iter().filter(|(_, open)| open.invitation.is_given());
        assert_eq!(asked.map(|(id, _)| id.0).collect::<Vec<_>>(), expected);
    }
}
