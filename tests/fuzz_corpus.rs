//! Every fuzz target over its committed corpus and over mutations of it, seeded, so that a plain test run covers what
//! fuzzing once found: `cargo test -p tests --test fuzz_corpus`.
//!
//! The seeds of real bytes are written anew by `cargo test -p tests --test fuzz_corpus -- --ignored write_seeds`, for
//! when a format changes; what fuzzing found beside them stays.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sharechain::testing::Rng;

#[path = "fuzz/src/lib.rs"]
pub mod fuzz;
#[path = "fuzz/seeds.rs"]
pub mod seeds;

/// The folder of the fuzz targets.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn folder(target: &str) -> PathBuf {
    root().join("corpus").join(target)
}

/// The committed inputs of a target, by name.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("corpus of {target}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable file")).collect()
}

/// One to four small changes, and sometimes the end of another input.
fn mutated(inputs: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = inputs[rng.below(inputs.len())].clone();
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len() + 1);
        let end = bytes.len().min(at + 1 + rng.below(8));
        let noise = rng.next().to_le_bytes();
        match rng.below(8) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, noise[..rng.below(8)].to_vec())),
            2 => bytes.truncate(at),
            3 => {
                let other = &inputs[rng.below(inputs.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[rng.below(other.len() + 1)..]);
            }
            4 => bytes[at..end].iter_mut().zip(noise).for_each(|(byte, noise)| *byte = noise),
            5 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            6 => bytes[at..end].fill([0x00, 0xff, 0x7f, 0x80][rng.below(4)]),
            _ => bytes[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << (noise[0] % 8)),
        }
    }
    bytes
}

fn check(target: &fuzz::Target) {
    let inputs = corpus(target.name);
    assert!(inputs.len() >= 2, "{} has no corpus", target.name);
    inputs.iter().for_each(|input| (target.run)(input));
    let mut rng = Rng::new(1);
    for _ in 0..target.mutations {
        let input = mutated(&inputs, &mut rng);
        // Printed only when the target panics: the input to put into the corpus.
        let shown = Shown(&input);
        (target.run)(&input);
        std::mem::forget(shown);
    }
}

/// Shows the input when a panic passes by.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    #[expect(clippy::print_stderr, reason = "a test talks to whoever runs it")]
    fn drop(&mut self) {
        eprintln!("input: {}", hex::encode(self.0));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(fuzz::TARGETS.iter().find(|target| target.name == stringify!($name)).expect("a target"));
            }
        )*

        #[test]
        fn every_target_is_tested_and_fuzzed() {
            let names: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
            let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest of the fuzz targets");
            for name in names {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} has no binary");
                assert!(root().join("fuzz_targets").join(format!("{name}.rs")).exists(), "{name} has no source");
            }
        }
    };
}
targets! {
    share header_and_targets identifiers reader coinbase payout_split chain sync stratum_session stratum_submit
    stratum_username stratum_difficulty stratum_login stratum_opening stratum_v2 p2p_request p2p_response node_ad store_record
    address_book api_answer block template template_store rpc_answer devnet_rpc config
    lanes_history lanes_price
}

#[test]
#[ignore = "writes the committed seeds anew"]
fn write_seeds() {
    for (target, name, bytes) in seeds::all() {
        fs::create_dir_all(folder(target)).expect("a writable folder");
        fs::write(folder(target).join(name), bytes).expect("a writable file");
    }
}
