//! The fields of getblocktemplate that are used (BIP22, BIP23, BIP9, BIP145); daemons add many more.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Raw<'a> {
    pub(super) version: i64,
    #[serde(borrow)]
    pub(super) previousblockhash: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) transactions: Vec<RawTransaction<'a>>,
    #[serde(borrow, default)]
    pub(super) coinbaseaux: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
    pub(super) coinbasevalue: u64,
    #[serde(borrow, default)]
    pub(super) longpollid: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) mintime: Option<u32>,
    pub(super) curtime: u32,
    #[serde(borrow)]
    pub(super) bits: Cow<'a, str>,
    pub(super) height: u32,
    #[serde(borrow, default)]
    pub(super) default_witness_commitment: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) mweb: Option<Cow<'a, str>>,
    /// Active and coming rules; a leading `!` means that nobody may mine without knowing it.
    #[serde(borrow, default)]
    pub(super) rules: Vec<Cow<'a, str>>,
    /// Version bits that must be set.
    #[serde(default)]
    pub(super) vbrequired: u32,
    /// What may be changed; old daemons do not say.
    #[serde(borrow, default)]
    pub(super) mutable: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    pub(super) signet_challenge: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) weightlimit: Option<u64>,
    #[serde(default)]
    pub(super) sizelimit: Option<u64>,
    #[serde(default)]
    pub(super) sigoplimit: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct RawTransaction<'a> {
    #[serde(borrow)]
    pub(super) data: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) txid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) hash: Cow<'a, str>,
    #[serde(default)]
    pub(super) fee: Option<u64>,
    #[serde(default)]
    pub(super) weight: Option<u64>,
    #[serde(default)]
    pub(super) sigops: Option<u64>,
}
