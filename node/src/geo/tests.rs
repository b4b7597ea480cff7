use std::collections::BTreeMap;

use mmdb_writer::Writer;
use serde::Serialize;

use super::*;

fn database<T: Serialize>(record: &T) -> CountryDb {
    let mut writer = Writer::new("Test");
    writer.insert("192.0.2.0/24".parse::<ipnet::IpNet>().unwrap(), record).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), writer.to_bytes().unwrap()).unwrap();
    CountryDb::open(file.path()).unwrap()
}

#[track_caller]
fn check<T: Serialize>(record: &T, expected: Option<Region>) {
    let countries = database(record);
    assert_eq!(countries.region("192.0.2.7".parse().unwrap()), expected);
    assert_eq!(countries.region("198.51.100.7".parse().unwrap()), None);
}

#[test]
fn three_schemas_are_understood() {
    let nested = |outer, key, value| BTreeMap::from([(outer, BTreeMap::from([(key, value)]))]);
    check(&nested("country", "iso_code", "JP"), Some(Region::As));
    check(&nested("continent", "code", "SA"), Some(Region::Sa));
    check(&BTreeMap::from([("country_code", "DE")]), Some(Region::Eu));
    check(&BTreeMap::from([("country", "NZ")]), Some(Region::Oc));
    check(&BTreeMap::from([("country_code", "??")]), None);
    check(&BTreeMap::from([("something", "else")]), None);
}

#[test]
fn a_file_that_is_no_database_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"not a database").unwrap();
    assert!(CountryDb::open(file.path()).is_err());
}

#[test]
fn every_country_has_one_continent() {
    let lists = [COUNTRIES_NA, COUNTRIES_SA, COUNTRIES_EU, COUNTRIES_AF, COUNTRIES_AS, COUNTRIES_OC, COUNTRIES_AN];
    let mut codes: Vec<&str> = lists.iter().flat_map(|list| list.split(' ')).collect();
    assert!(codes.iter().all(|code| code.len() == 2));
    codes.sort_unstable();
    assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(codes.len(), 250);
}
