//! Two lanes: the oldest channel says on which the connection is, and every channel has to be payable there.

use super::*;
use crate::{
    lane::WHOLE,
    session::tests::lanes::{SECOND, plan, second, second_address, template_of_second, two_lanes},
};

/// A client that is set up at an endpoint with two lanes.
fn table() -> Table {
    let mut table = Table::with(two_lanes(), HARD);
    table.send(setup(0));
    table
}

/// Who can be paid on both lanes, with these options.
fn on_both(options: &str) -> String {
    format!("{} {SECOND}={},{options}", user(), second_address())
}

/// The lanes by two plans: everybody on the first, everybody on the second.
fn lanes(table: &Table) -> [Option<LaneId>; 2] {
    [[WHOLE, 0], [0, WHOLE]].map(|weights| table.session.lane(&plan(weights), (0, None)))
}

#[test]
fn the_oldest_channel_says_which_lane_the_connection_is_on() {
    let mut table = table();
    assert_eq!(lanes(&table), [None; 2], "nobody is here");
    for (options, id) in ["c=second", "c=main", "c=second", "c=main"].into_iter().zip(1..) {
        assert_eq!(table.send(open_extended(&on_both(options), 4))[0], Seen::Opened(id));
        assert_eq!(lanes(&table), [Some(second()); 2], "the first channel's, not that of number {id}");
    }
    for (closed, oldest) in [(3, Some(second())), (1, Some(LaneId::FIRST)), (2, Some(LaneId::FIRST)), (4, None)] {
        assert_eq!(table.send(close(closed)), []);
        assert_eq!(lanes(&table), [oldest; 2], "without number {closed}");
    }
    assert_eq!(table.send(open_extended(&on_both(""), 4))[0], Seen::Opened(5));
    assert_eq!(lanes(&table), [Some(LaneId::FIRST), Some(second())], "by the plan, where it asks for nothing");
}

#[test]
fn a_channel_that_cannot_be_paid_on_a_lane_keeps_the_connection_from_it() {
    let mut table = table();
    assert_eq!(table.send(open_extended(&on_both("c=second"), 4))[0], Seen::Opened(1));
    assert_eq!(lanes(&table), [Some(second()); 2]);
    assert_eq!(table.send(open_extended(&user(), 4))[0], Seen::Opened(2));
    assert_eq!(lanes(&table), [Some(LaneId::FIRST); 2], "whatever the oldest asks for");
    // There is no lane on which all three could be paid.
    let of_second = format!("{}.rig", second_address());
    let refused = table.send(open_extended(&of_second, 4));
    assert!(matches!(refused[..], [Seen::OpenError(_)]), "{refused:?}");
    assert_eq!(table.send(close(2)), []);
    assert_eq!(lanes(&table), [Some(second()); 2]);
    assert_eq!(table.send(open_extended(&of_second, 4))[0], Seen::Opened(3));
    assert_eq!(table.send(open_extended(&on_both("c=main"), 4))[0], Seen::Opened(4));
    assert_eq!(table.send(close(1)), []);
    assert_eq!(lanes(&table), [Some(second()); 2], "where the oldest can be paid");
    assert_eq!(table.send(close(3)), []);
    assert_eq!(lanes(&table), [Some(LaneId::FIRST); 2]);
}

#[test]
fn a_channel_that_is_being_opened_counts_already() {
    let mut table = table();
    let begin = |table: &mut Table, user: &str| {
        let (message_type, _, mut payload) = open_extended(user, 4);
        let message = Message::decode(message_type, &mut payload).unwrap();
        table.session.handle_message(message, at(table.start, 0))
    };
    for (user, id, lane) in [(on_both("c=second"), 1, second()), (user(), 2, LaneId::FIRST)] {
        let actions = begin(&mut table, &user);
        assert!(matches!(actions[..], [Action::Reserve]), "{user}");
        assert_eq!(lanes(&table), [Some(lane); 2], "its first job is of the lane that it will be on: {user}");
        assert_eq!(table.perform(actions)[0], Seen::Opened(id));
    }
}

#[test]
fn a_move_is_a_new_block_for_every_channel_and_no_job_comes_again() {
    let mut table = table();
    let opened = [open_standard(&on_both(""), 0.0, [0xff; 32]), open_extended(&on_both(""), 4)];
    let ids = opened.map(|sent| match table.send(sent).first() {
        Some(Seen::Opened(id)) => *id,
        other => panic!("{other:?}"),
    });
    let varied = Varied::default();
    let before = ids.map(|id| table.client.channels[&id].active.unwrap());
    let late = ids.map(|id| {
        let nonce = table.client.grind(id, true, 0, &varied);
        table.client.share(id, nonce, &varied)
    });
    let first = std::mem::replace(&mut table.template, template_of_second(1));
    let offer = |table: &mut Table, id: u32| {
        let seen = table.offer(id);
        assert!(seen.ends_with(&[Seen::FutureJob, Seen::PrevHash]), "though lanes may have one parent block: {seen:?}");
    };
    for id in ids {
        offer(&mut table, id);
    }
    for sent in late {
        let seen = table.send(sent);
        assert!(matches!(seen.last(), Some(Seen::Accepted { .. })), "{seen:?}");
    }
    for id in ids {
        table.mine(id, 0, &varied);
    }
    let credited: Vec<_> =
        table.found().iter().map(|found| (found.template.lane(), found.data.payout_script)).collect();
    let expected = [[(LaneId::FIRST, testing::script(1)); 2], [(second(), testing::script(2)); 2]].concat();
    assert_eq!(credited, expected, "where it was mined, to the address that is the lane's");
    table.template = first;
    for id in ids {
        offer(&mut table, id);
    }
    let after = ids.map(|id| table.client.channels[&id].active.unwrap());
    assert_eq!(after, before.map(|id| id + 1));
}
