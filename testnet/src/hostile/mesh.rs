//! Frames of the gossip protocol, written by hand: the library that the nodes use refuses to write most of these.
//!
//! Source: <https://github.com/libp2p/specs/blob/master/pubsub/gossipsub/gossipsub-v1.2.md>, `message RPC`.

use sharechain::ParamsId;

/// Most bytes of a frame that the nodes read.
pub const FRAME_LEN_MAX: usize = 4_300;
/// Most bytes of control messages and subscriptions of a frame that they read.
const CONTROL_LEN_MAX: usize = 4_000;

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// Subscriptions to topics that nobody has.
    Subscribe,
    /// Messages that nobody has.
    IHave,
    /// Questions for messages that nobody has.
    IWant,
    /// Into the mesh of topics that nobody has, and of one that everybody has.
    Graft,
    /// Out of it.
    Prune,
    /// Messages that need not be sent.
    IDontWant,
}

impl Control {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Subscribe, Self::IHave, Self::IWant, Self::Graft, Self::Prune, Self::IDontWant];
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

fn field(number: usize, value: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(value.len()), value.to_vec()].concat()
}

/// A frame with its length in front.
pub fn frame(body: &[u8]) -> Vec<u8> {
    [varint(body.len()), body.to_vec()].concat()
}

/// The beginning of a frame that is longer than anybody may send.
pub fn endless_frame() -> Vec<u8> {
    varint(1 << 30)
}

/// A message on a topic.
pub fn message(topic: &str, data: &[u8]) -> Vec<u8> {
    field(2, &[field(2, data), field(4, topic.as_bytes())].concat())
}

/// The topic of shares.
pub fn shares_topic(params: ParamsId) -> String {
    node::p2p::topic_name(params)
}

/// The topic of ads.
pub fn ads_topic(params: ParamsId) -> String {
    node::p2p::nodes_topic_name(params)
}

/// One share on its topic.
pub fn share(params: ParamsId, data: &[u8]) -> Vec<u8> {
    frame(&message(&shares_topic(params), data))
}

/// About `len` bytes of frames, each with as many of the messages that `data` makes of a number.
pub fn messages(topic: &str, (len, in_a_frame): (usize, u64), data: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len + FRAME_LEN_MAX);
    for number in 0.. {
        let numbers = number * in_a_frame..(number + 1) * in_a_frame;
        bytes.extend(frame(&numbers.flat_map(|number| message(topic, &data(number))).collect::<Vec<u8>>()));
        if bytes.len() >= len {
            break;
        }
    }
    bytes
}

/// About `len` bytes of frames, full of control messages; no two say the same.
pub fn controls(control: Control, topic: &str, len: usize) -> Vec<u8> {
    filled(len, CONTROL_LEN_MAX, |number| {
        let made_up = format!("{topic}/{number}");
        let id = [&[0; 12], &number.to_le_bytes()[..]].concat();
        match control {
            Control::Subscribe => field(1, &[vec![0x08, 1], field(2, made_up.as_bytes())].concat()),
            Control::IHave => field(3, &field(1, &[field(1, topic.as_bytes()), field(2, &id)].concat())),
            Control::IWant => field(3, &field(2, &field(1, &id))),
            Control::Graft => {
                let both = [field(3, &field(1, topic.as_bytes())), field(3, &field(1, made_up.as_bytes()))];
                field(3, &both.concat())
            }
            Control::Prune => field(3, &field(4, &field(1, made_up.as_bytes()))),
            Control::IDontWant => field(3, &field(5, &field(1, &id))),
        }
    })
}

fn filled(len: usize, frame_len_max: usize, part: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    let (mut bytes, mut body) = (Vec::with_capacity(len + frame_len_max), Vec::new());
    for number in 0.. {
        let part = part(number);
        if body.len() + part.len() > frame_len_max {
            bytes.extend(frame(&body));
            body.clear();
            if bytes.len() >= len {
                break;
            }
        }
        body.extend(part);
    }
    bytes
}
