//! `[[price]]`: where the prices of coins are read.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::in_home;
use crate::lanes::{
    limits::PRICE_SOURCES_MAX,
    prices::{Place, Source},
};

/// `[[price]]` as it is written: one of `file`, `command` and `url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawPrice {
    /// The coin.
    pub coin: String,
    /// What the source is called.
    pub name: Option<String>,
    /// A file that somebody writes.
    pub file: Option<PathBuf>,
    /// A program and its arguments.
    pub command: Option<Vec<String>>,
    /// What answers.
    pub url: Option<String>,
    /// Where the price is in JSON.
    pub pointer: Option<String>,
}

/// Why a source is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceSourceError {
    /// Nothing says whose price it is.
    #[error("price.coin: is missing in number {0}")]
    Coin(usize),
    /// Not exactly one place.
    #[error("price: number {0} needs one of file, command and url")]
    Place(usize),
    /// Not an address.
    #[error("price.url: number {0} is not an address like https://example.com/ticker")]
    Url(usize),
    /// Not a JSON pointer.
    #[error("price.pointer: number {0} is not a JSON pointer like /result/last (RFC 6901)")]
    Pointer(usize),
    /// More than are asked.
    #[error("price: {0} has more than {PRICE_SOURCES_MAX} sources")]
    TooMany(String),
    /// There is no home folder.
    #[error("price.file: no home directory is known, so it must be given in full")]
    NoHome,
}

/// The sources by coin.
pub(super) fn resolve(prices: Vec<RawPrice>) -> Result<BTreeMap<String, Vec<Source>>, PriceSourceError> {
    let mut coins = BTreeMap::<String, Vec<Source>>::new();
    for (price, number) in prices.into_iter().zip(1..) {
        let RawPrice { coin, name, file, command, url, pointer } = price;
        if coin.is_empty() {
            return Err(PriceSourceError::Coin(number));
        }
        if pointer.as_ref().is_some_and(|pointer| !pointer.starts_with('/')) {
            return Err(PriceSourceError::Pointer(number));
        }
        let place = match (file, command, url) {
            (Some(file), None, None) => Place::File(in_home(file).ok_or(PriceSourceError::NoHome)?),
            (None, Some(command), None) if !command.is_empty() => Place::Command(command),
            (None, None, Some(url)) if url.starts_with("http://") || url.starts_with("https://") => Place::Http(url),
            (None, None, Some(_)) => return Err(PriceSourceError::Url(number)),
            _ => return Err(PriceSourceError::Place(number)),
        };
        let name = name.unwrap_or_else(|| format!("{coin} {number}"));
        let sources = coins.entry(coin.clone()).or_default();
        if sources.len() >= PRICE_SOURCES_MAX {
            return Err(PriceSourceError::TooMany(coin));
        }
        sources.push(Source { name, place, pointer });
    }
    Ok(coins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_place_of_one_coin() {
        let usual = || RawPrice { coin: "BTC".to_owned(), file: Some("/tmp/btc".into()), ..RawPrice::default() };
        let resolved = resolve(vec![usual(), RawPrice { name: Some("mine".to_owned()), ..usual() }]).unwrap();
        let names: Vec<&str> = resolved["BTC"].iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["BTC 1", "mine"]);
        let refused = |price: RawPrice| resolve(vec![usual(), price]).unwrap_err();
        assert_eq!(refused(RawPrice::default()), PriceSourceError::Coin(2));
        assert_eq!(refused(RawPrice { file: None, ..usual() }), PriceSourceError::Place(2));
        assert_eq!(refused(RawPrice { url: Some("http://x".to_owned()), ..usual() }), PriceSourceError::Place(2));
        assert_eq!(refused(RawPrice { file: None, command: Some(Vec::new()), ..usual() }), PriceSourceError::Place(2));
        let ftp = RawPrice { file: None, url: Some("ftp://x".to_owned()), ..usual() };
        assert_eq!(refused(ftp), PriceSourceError::Url(2));
        assert_eq!(refused(RawPrice { pointer: Some("last".to_owned()), ..usual() }), PriceSourceError::Pointer(2));
        assert_eq!(resolve(vec![usual(); 17]), Err(PriceSourceError::TooMany("BTC".to_owned())));
    }
}
