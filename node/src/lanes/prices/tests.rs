use proptest::prelude::{any, prop, prop_assert, proptest};

use super::*;

const NOW: UnixTime = 1_800_000_000;

fn sample(source: &str, price: f64, age_secs: u64) -> Sample {
    Sample { source: source.to_owned(), price: Ok(price), at: NOW - age_secs }
}

fn of(samples: &[Sample]) -> Result<Quote, PriceError> {
    combine(samples, NOW, &PriceLimits::default())
}

#[test]
fn the_median_of_sources_is_the_price() {
    let quote = of(&[sample("a", 100.0, 30), sample("b", 102.0, 60), sample("c", 101.0, 0)]).unwrap();
    assert_eq!((quote.price, quote.age_secs, quote.sources), (101.0, 60, 3));
    assert!((quote.spread_percent - 200.0 / 101.0).abs() < 1e-9);
    assert_eq!(of(&[sample("a", 100.0, 0), sample("b", 102.0, 0)]).unwrap().price, 101.0);
}

#[test]
fn every_bad_price_is_refused_in_words_that_name_it() {
    let with = |price, age| of(&[sample("good", 100.0, 0), sample("bad", price, age)]).unwrap_err();
    for (error, words) in [
        (with(f64::NAN, 0), "price source bad says \"not a number\""),
        (with(f64::INFINITY, 0), "price source bad says infinity"),
        (with(0.0, 0), "price source bad says zero"),
        (with(-0.0, 0), "price source bad says zero"),
        (with(-3.0, 0), "price source bad says -3, which is negative"),
        (with(1e13, 0), "price source bad says 1e13, which is not between 1e-12 and 1e12"),
        (with(f64::MIN_POSITIVE, 0), "not between"),
        (with(100.0, 720), "the price of bad is 12 min old; at most 10 min are allowed"),
        (with(108.0, 0), "price sources are 7.7 % apart; at most 5 % are allowed"),
        (of(&[sample("good", 1.0, 0)]).unwrap_err(), "1 of 2 needed price sources can be used"),
        (of(&[]).unwrap_err(), "no source has given a price"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
        let record = serde_json::to_string(&error).map(|text| serde_json::from_str::<PriceError>(&text));
        // JSON has no infinity and no NaN, and neither has any error.
        assert_eq!(record.unwrap().unwrap(), error);
    }
    let unread = Sample { price: Err(ParseError::NoJson), ..sample("bad", 0.0, 0) };
    let error = of(&[sample("good", 100.0, 0), unread]).unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 needed price sources can be used: bad: it answers no JSON");
}

#[test]
fn of_three_sources_one_may_fail() {
    let two = [sample("a", 100.0, 0), sample("b", 101.0, 0)];
    for bad in [sample("c", f64::NAN, 0), sample("c", -1.0, 0), sample("c", 5.0, 601)] {
        assert_eq!(of(&[two[0].clone(), bad, two[1].clone()]).unwrap().price, 100.5);
    }
    assert!(matches!(of(&[two[0].clone(), sample("c", 200.0, 0), two[1].clone()]), Err(PriceError::Spread { .. })));
}

#[test]
fn limits_at_their_edges() {
    assert!(of(&[sample("a", 100.0, 600), sample("b", 100.0, 600)]).is_ok());
    assert!(of(&[sample("a", 100.0, 601), sample("b", 100.0, 0)]).is_err());
    let one = PriceLimits { sources_min: 0, ..PriceLimits::default() };
    assert!(combine(&[sample("a", 1.0, 0)], NOW, &one).is_err(), "one source is never enough");
    let nan = PriceLimits { spread_max_percent: f64::NAN, ..PriceLimits::default() };
    assert!(combine(&[sample("a", 1.0, 0), sample("b", 1.0, 0)], NOW, &nan).is_err());
}

proptest! {
    #[test]
    fn invariant_a_quote_lies_between_its_sources(prices in prop::collection::vec(any::<f64>(), 0..6)) {
        let samples: Vec<Sample> = prices.iter().map(|price| sample("x", *price, 0)).collect();
        if let Ok(quote) = of(&samples) {
            let good = || prices.iter().copied().filter(|price| (PRICE_MIN..=PRICE_MAX).contains(price));
            prop_assert!(quote.price >= good().fold(f64::MAX, f64::min) && quote.price <= good().fold(0.0, f64::max));
            prop_assert!(quote.sources >= 2 && quote.spread_percent <= 5.0 && quote.check().is_ok());
        }
    }
}
