//! What is known of a client by its name: how large a coinbase its firmware takes, and how it likes its difficulty.
//!
//! Payouts are outputs of the coinbase, and firmware with too small a buffer cuts it without a word: such a miner would mine
//! for nobody. So every session has the largest payout class that its client is known to take, and is refused in words when
//! there is none. A name that nobody knows gets [`UNKNOWN`].

use sharechain::Params;

use crate::error::Reject;

/// One kind of client.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ClientProfile {
    /// What it is called here.
    pub name: &'static str,
    /// Longest coinbase transaction it takes, bytes.
    pub coinbase_max: usize,
    /// Least difficulty of its submits; 0 where anything goes. Machines that do terahashes would otherwise begin with a flood, and
    /// fall to a crawl of the smallest difficulties after a pause (public-pool #120).
    pub difficulty_min: f64,
    /// Whether it gets whole numbers as difficulty, where they are 1 or more.
    pub whole_difficulty: bool,
}

/// How a name is told.
#[derive(Clone, Copy, Debug)]
enum Name {
    Begins(&'static str),
    Contains(&'static str),
}

/// Buffers of 512 hexadecimal digits (NerdMiner_v2 #809, SparkMiner #25).
const TINY: usize = 255;
/// The buffer of Canaan's cgminer, which Avalon machines run without saying so.
const CANAAN: usize = 6_208;
/// Coinbase sizes that firmwares take (measured by the DATUM project, `datum_stratum.h`).
const SMALL: usize = 500;
const STOCK: usize = 750;
const MEDIUM: usize = 2_250;
const LARGE: usize = 6_500;
const HUGE: usize = 16_000;
/// No limit was found: cpuminer takes 200 kB.
const ANY: usize = 200_000;
/// What NiceHash asks of a pool.
const RENTED: f64 = 500_000.0;

const fn asic(name: &'static str, coinbase_max: usize) -> ClientProfile {
    ClientProfile { name, coinbase_max, difficulty_min: 1.0, whole_difficulty: true }
}

const fn software(name: &'static str, coinbase_max: usize) -> ClientProfile {
    ClientProfile { name, coinbase_max, difficulty_min: 0.0, whole_difficulty: false }
}

/// Whose name nobody knows. Firmware with less room than this is known by name.
pub const UNKNOWN: ClientProfile = software("unknown", MEDIUM);

/// The first that fits counts. Names are compared in lower case.
const CLIENTS: [(Name, ClientProfile); 22] = [
    (Name::Contains("bosminer"), asic("Braiins OS", MEDIUM)),
    (Name::Contains("braiins"), asic("Braiins OS", MEDIUM)),
    (Name::Contains("luxminer"), asic("LuxOS", MEDIUM)),
    (Name::Begins("antminer s21"), asic("Antminer S21", MEDIUM)),
    (Name::Begins("antminer"), asic("Antminer", STOCK)),
    (Name::Begins("bmminer"), asic("Antminer", STOCK)),
    (Name::Begins("whatsminer"), asic("Whatsminer", LARGE)),
    (Name::Begins("btminer"), asic("Whatsminer", LARGE)),
    (Name::Contains("vnish"), asic("Vnish", HUGE)),
    (Name::Begins("xminer-1."), asic("Vnish", HUGE)),
    (Name::Contains("epic"), asic("ePIC", HUGE)),
    (Name::Contains("avalon"), asic("Avalon", MEDIUM)),
    (Name::Begins("nicehash"), ClientProfile { difficulty_min: RENTED, ..asic("NiceHash", SMALL) }),
    (Name::Contains("nerdqaxe"), asic("NerdQAxe", LARGE)),
    (Name::Contains("bitaxe"), asic("Bitaxe", LARGE)),
    (Name::Contains("nerdminer"), software("NerdMiner", TINY)),
    (Name::Contains("sparkminer"), software("SparkMiner", TINY)),
    (Name::Begins("cpuminer"), software("cpuminer", ANY)),
    (Name::Begins("cgminer"), software("cgminer", CANAAN)),
    (Name::Begins("bfgminer"), software("bfgminer", HUGE)),
    (Name::Begins("sgminer"), software("sgminer", HUGE)),
    (Name::Begins("devminer"), software("devminer", ANY)),
];

/// Coinbase bytes beside payouts: version, input with a full scriptSig, counts, a witness commitment, the commitment of the
/// share, and the lock time.
const COINBASE_LEN: usize = 4 + 1 + 36 + 1 + 100 + 4 + 3 + 47 + 55 + 4;
/// Longest payout output: value, length, and a script of 34 bytes.
const OUTPUT_LEN_MAX: usize = 8 + 1 + 34;

impl ClientProfile {
    /// The profile of a client that calls itself `user_agent`.
    pub fn of(user_agent: &str) -> Self {
        let agent = user_agent.trim_start().to_ascii_lowercase();
        let fits = |name: &Name| match name {
            Name::Begins(text) => agent.starts_with(text),
            Name::Contains(text) => agent.contains(text),
        };
        CLIENTS.iter().find(|(name, _)| fits(name)).map_or(UNKNOWN, |(_, profile)| *profile)
    }

    /// The payout class with the most outputs whose coinbase it takes.
    ///
    /// # Errors
    /// [`Reject::CoinbaseTooLong`] when there is none.
    pub fn payout_class(&self, params: &Params) -> Result<u8, Reject> {
        let classes = params.raw().payout_classes.iter().zip(0..);
        let fitting = classes.filter(|(outputs, _)| coinbase_len_max(**outputs) <= self.coinbase_max);
        fitting.max_by_key(|(outputs, _)| **outputs).map(|(_, class)| class).ok_or_else(|| {
            let smallest = params.raw().payout_classes.iter().min().copied().unwrap_or_default();
            let needed = coinbase_len_max(smallest);
            Reject::CoinbaseTooLong { client: self.name, coinbase_max: self.coinbase_max, needed }
        })
    }
}

/// Longest coinbase of a class with so many outputs.
pub fn coinbase_len_max(outputs: u16) -> usize {
    COINBASE_LEN.saturating_add(usize::from(outputs).saturating_mul(OUTPUT_LEN_MAX))
}

#[cfg(test)]
mod tests {
    use sharechain::testing;

    use super::*;

    #[test]
    fn names_in_the_field_are_told_apart() {
        for (agent, name) in [
            ("cpuminer-multi/1.3.7", "cpuminer"),
            ("cpuminer-opt-26.1-x64L", "cpuminer"),
            ("bitaxe/BM1370/v2.9.0", "Bitaxe"),
            ("NerdQAxe++/BM1370/v1.0.36", "NerdQAxe"),
            ("NerdMinerV2/1.8.3", "NerdMiner"),
            ("2026-04-14-0-912d084c-26.04-plus;bosminer-plus-tuner 0.9.0-912d084c", "Braiins OS"),
            ("Antminer S19j Pro+/Wed Jun 28 17:54:07 CST 2023", "Antminer"),
            ("Antminer S21 XP Hyd./Mon Jan 6 15:07:13 CST 2025", "Antminer S21"),
            ("bmminer/2.0.0", "Antminer"),
            ("whatsminer/v1.1", "Whatsminer"),
            ("xminer-1.2.6", "Vnish"),
            ("NiceHash/1.0.0", "NiceHash"),
            ("cgminer/4.11.1", "cgminer"),
            ("", "unknown"),
            ("Mozilla/5.0", "unknown"),
        ] {
            assert_eq!(ClientProfile::of(agent).name, name, "{agent}");
        }
    }

    #[test]
    fn every_client_has_the_largest_class_it_takes() {
        let devnet = testing::devnet_params();
        let class = |agent: &str| ClientProfile::of(agent).payout_class(&devnet).ok();
        assert_eq!(class("SparkMiner/1.0"), None, "even four outputs are too many");
        assert_eq!(class("NerdMinerV2/1.8.3"), None);
        assert_eq!(class("cgminer/4.11.1"), Some(2));
        assert_eq!(class("NiceHash/1.0.0"), Some(0));
        assert_eq!(class("bmminer/2.0.0"), Some(1));
        assert_eq!(class("whoever"), Some(2));
        assert_eq!(class("bitaxe/BM1368/v2"), Some(3));
        assert_eq!(class("cpuminer-multi/1.3.7"), Some(4));
        let main = testing::main_params();
        let refused = ClientProfile::of("NiceHash/1.0.0").payout_class(&main).unwrap_err().to_string();
        assert!(refused.starts_with("NiceHash takes a coinbase of 500 bytes, this pool"), "{refused}");
        assert_eq!(ClientProfile::of("whoever").payout_class(&main), Ok(0));
    }

    #[test]
    fn classes_are_as_large_as_the_firmware_limits_they_are_for() {
        for (outputs, limit) in [(4, SMALL), (11, STOCK), (45, MEDIUM), (141, LARGE), (362, HUGE)] {
            assert!(coinbase_len_max(outputs) <= limit, "{outputs}: {}", coinbase_len_max(outputs));
        }
    }
}
