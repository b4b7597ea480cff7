use std::pin::pin;

use super::*;
use crate::chain_profile::ChainProfile;

/// The task, which does what it is asked for only while somebody waits for it here, without a clock.
struct Stepped(EventsTask);

impl Stepped {
    fn new() -> (EventSender, EventsHandle, Self) {
        let (sender, handle, task) = channel(ChainProfile::find("devnet", None).unwrap().addresses);
        (sender, handle, Self(task))
    }

    /// Takes all that producers told, as one batch.
    fn step(&mut self) {
        while let Ok(input) = self.0.queue.try_recv() {
            self.0.take(input);
        }
        self.0.flush();
    }

    /// Answers readers until this is done.
    async fn until<T>(&mut self, done: impl Future<Output = T>) -> T {
        let mut done = pin!(done);
        loop {
            tokio::select! {
                biased;
                done = &mut done => return done,
                Some(read) = self.0.reads.recv() => self.0.answer(read),
            }
        }
    }

    async fn next(&mut self, reader: &mut Subscription) -> Option<Vec<u64>> {
        let batch = self.until(reader.next()).await?;
        Some(heights(reader.wanted(&batch)))
    }
}

fn tip(height: u64) -> EventInput {
    EventInput::Tip(ShareId::ZERO, height)
}

fn heights<'a>(events: impl Iterator<Item = &'a Arc<Event>>) -> Vec<u64> {
    let height = |event: &Arc<Event>| match event.happening {
        Happening::Tip { height, .. } => height,
        Happening::Gap { missed } => 1_000_000 + missed,
        _ => 0,
    };
    events.map(height).collect()
}

#[tokio::test]
async fn a_reader_takes_up_where_it_was_and_then_hears_what_happens() {
    let (sender, handle, mut task) = Stepped::new();
    let first = task.0.log.last_id() + 1;
    (1..=3).for_each(|height| sender.send(tip(height)));
    task.step();
    let mut reader = task.until(handle.subscribe(Some(first), Kinds::ALL)).await.unwrap();
    (4..=5).for_each(|height| sender.send(tip(height)));
    task.step();
    assert_eq!(task.next(&mut reader).await, Some(vec![2, 3]));
    assert_eq!(task.next(&mut reader).await, Some(vec![4, 5]), "what happens within a moment comes together, once");
    let mut newcomer = task.until(handle.subscribe(None, Kinds::ALL)).await.unwrap();
    sender.send(tip(6));
    task.step();
    assert_eq!(task.next(&mut newcomer).await, Some(vec![6]), "without a number the stream begins now");
    drop(task);
    assert!(reader.next().await.is_some() && reader.next().await.is_none(), "streams end with the node");
    assert_eq!(handle.subscribe(None, Kinds::ALL).await.err(), Some(SubscribeError::Stopping));
}

#[tokio::test]
async fn long_histories_come_in_pages_without_a_hole() {
    let (sender, handle, mut task) = Stepped::new();
    let count = u64::try_from(PAGE_LEN_MAX).unwrap() * 2 + 7;
    (1..=count).for_each(|height| sender.send(tip(height)));
    task.step();
    let mut reader = task.until(handle.subscribe(Some(0), Kinds::ALL)).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < usize::try_from(count).unwrap() {
        seen.extend(task.next(&mut reader).await.unwrap());
    }
    assert_eq!(seen, (1..=count).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_and_others_are_not() {
    let (sender, handle, mut task) = Stepped::new();
    let mut slow = task.until(handle.subscribe(None, Kinds::ALL)).await.unwrap();
    let mut quick = task.until(handle.subscribe(None, Kinds::ALL)).await.unwrap();
    let batches = u64::try_from(BATCHES_MAX).unwrap() + 1;
    for height in 1..=batches {
        sender.send(tip(height));
        task.step();
        assert_eq!(task.next(&mut quick).await, Some(vec![height]));
    }
    assert_eq!(task.next(&mut slow).await, None);
}

#[tokio::test]
async fn what_producers_tell_too_fast_is_counted_and_never_waited_for() {
    let (sender, handle, mut task) = Stepped::new();
    let told = u64::try_from(QUEUE_MAX).unwrap() + 9;
    (1..=told).for_each(|height| sender.send(tip(height)));
    task.step();
    sender.send(tip(0));
    task.step();
    let mut reader = task.until(handle.subscribe(Some(0), Kinds::parse("gap").unwrap())).await.unwrap();
    let mut seen = Vec::new();
    while seen.is_empty() {
        seen = task.next(&mut reader).await.unwrap();
    }
    assert_eq!(seen, [1_000_009]);
}

#[tokio::test]
async fn readers_have_a_bound_and_what_they_want_is_all_they_get() {
    let (sender, handle, mut task) = Stepped::new();
    let mut reader = task.until(handle.subscribe(None, Kinds::parse("warning").unwrap())).await.unwrap();
    sender.send(tip(1));
    sender.send(EventInput::Happened(Happening::Warning { text: "hot".to_owned() }));
    task.step();
    let batch = task.until(reader.next()).await.unwrap();
    let sse = String::from_utf8(reader.sse(&batch).to_vec()).unwrap();
    assert!(sse.starts_with("id: ") && sse.contains("event: warning\n") && !sse.contains("event: tip"), "{sse}");
    let mut others = Vec::new();
    while handle.subscribers() < SUBSCRIBERS_MAX {
        others.push(task.until(handle.subscribe(None, Kinds::ALL)).await.unwrap());
    }
    assert_eq!(handle.subscribe(None, Kinds::ALL).await.err(), Some(SubscribeError::TooMany));
    others.pop();
    assert!(task.until(handle.subscribe(None, Kinds::ALL)).await.is_ok());
    assert!(task.until(handle.subscribe_node(None, Kinds::ALL)).await.is_some());
}
