use std::collections::BTreeMap;

use mmdb_writer::Writer;
use serde::Serialize;
use tempfile::{NamedTempFile, tempdir};

use super::*;

fn write<T: Serialize>(path: &Path, record: &T) {
    let mut writer = Writer::new("Test");
    writer.insert("192.0.2.0/24".parse::<ipnet::IpNet>().unwrap(), record).unwrap();
    std::fs::write(path, writer.to_bytes().unwrap()).unwrap();
}

/// What a country database, or one of systems, with this record says of an address in it.
fn registration<T: Serialize>(record: &T) -> Registration {
    let file = NamedTempFile::new().unwrap();
    write(file.path(), record);
    let path = Some(file.path().to_owned());
    let geo = Geo::open(&GeoFiles { country_db: path.clone(), asn_db: path });
    assert_eq!(geo.registration("198.51.100.7".parse().unwrap()), Registration::default(), "not in it");
    geo.registration("192.0.2.7".parse().unwrap())
}

fn here(region: Region, country: Option<&[u8; 2]>) -> Registration {
    Registration { region: Some(region), country: country.copied(), asn: None }
}

#[test]
fn three_schemas_are_understood() {
    let nested = |outer, key, value| BTreeMap::from([(outer, BTreeMap::from([(key, value)]))]);
    assert_eq!(registration(&nested("country", "iso_code", "JP")), here(Region::As, Some(b"JP")));
    assert_eq!(registration(&nested("continent", "code", "SA")), here(Region::Sa, None));
    assert_eq!(registration(&BTreeMap::from([("country_code", "DE")])), here(Region::Eu, Some(b"DE")));
    assert_eq!(registration(&BTreeMap::from([("country", "NZ")])), here(Region::Oc, Some(b"NZ")));
    assert_eq!(registration(&BTreeMap::from([("country_code", "??")])).region, None);
    assert_eq!(registration(&BTreeMap::from([("something", "else")])), Registration::default());
    assert_eq!(registration(&BTreeMap::from([("autonomous_system_number", 64_496_u32)])).asn, Some(64_496));
    assert_eq!(registration(&BTreeMap::from([("asn", "AS64511")])).asn, Some(64_511));
}

#[test]
fn a_file_that_is_no_database_costs_its_hints_only() {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"not a database").unwrap();
    let geo = Geo::open(&GeoFiles { country_db: Some(file.path().to_owned()), asn_db: None });
    assert_eq!(geo.registration("192.0.2.7".parse().unwrap()), Registration::default());
}

#[test]
fn a_file_that_changes_or_comes_is_read_again() {
    let folder = tempdir().unwrap();
    let files = GeoFiles { country_db: Some(folder.path().join("x.mmdb")), asn_db: None };
    let path = files.country_db.as_deref().unwrap();
    let geo = Geo::open(&files);
    assert!(!geo.is_stale(&files), "there is none");
    write(path, &BTreeMap::from([("country", "NZ")]));
    assert!(geo.is_stale(&files));
    let geo = Geo::open(&files);
    assert!(!geo.is_stale(&files));
    let later = SystemTime::now() + Duration::from_secs(5);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(later).unwrap();
    assert!(geo.is_stale(&files));
    std::fs::remove_file(path).unwrap();
    assert!(!geo.is_stale(&files), "what was read stays");
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
