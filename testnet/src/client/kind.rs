//! Which clients there are, and what is known of each.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use sharechain::PowAlgorithm;

/// A client that `devminer` can play.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientKind {
    /// Itself: asks for nothing and takes everything.
    Devminer,
    /// Bitaxe, with ESP-Miner.
    Bitaxe,
    /// NerdQAxe, with its fork of ESP-Miner.
    NerdQaxe,
    /// NerdMiner, an ESP32.
    NerdMiner,
    /// SparkMiner, an ESP32.
    SparkMiner,
    /// Antminer with stock firmware, up to S19.
    Antminer,
    /// Antminer S21 and newer.
    AntminerS21,
    /// Whatsminer.
    Whatsminer,
    /// Braiins OS.
    Braiins,
    /// Avalon.
    Avalon,
    /// The rental market.
    NiceHash,
    /// cgminer.
    Cgminer,
    /// cpuminer-multi and cpuminer-opt.
    Cpuminer,
}

/// In which order the first lines go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opening {
    /// Subscribe; with the answer authorize.
    Plain,
    /// The same; with the answer to that ask for new extranonces.
    PlainWithExtranonce,
    /// Subscribe; with the answer authorize and suggest a difficulty.
    PlainWithSuggestion,
    /// Configure; with the answer subscribe; with that answer authorize.
    ConfigureFirst,
    /// Configure, subscribe and authorize at once; when authorized, suggest a difficulty.
    AllAtOnce,
}

/// The sixth parameter of a submit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum VersionBits {
    /// Never sent, never asked for.
    Never,
    /// Sent when the server allowed them.
    WhenAllowed,
    /// Always sent, if need be as zeros.
    Always,
}

/// Buffers of fixed size. What is longer is cut without a word by some, and refused by others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Buffers {
    /// The whole coinbase transaction, bytes.
    pub(super) coinbase: usize,
    /// Its part before the extranonce, bytes.
    pub(super) coinbase1: usize,
    /// Its part after the extranonce, bytes.
    pub(super) coinbase2: usize,
    /// Nodes of the Merkle branch.
    pub(super) branch: usize,
    /// Letters of a job id.
    pub(super) job_id: usize,
    /// A line of the server, bytes.
    pub(super) line: usize,
}

impl Buffers {
    /// No limit is known.
    const ANY: Self = Self {
        coinbase: usize::MAX,
        coinbase1: usize::MAX,
        coinbase2: usize::MAX,
        branch: usize::MAX,
        job_id: usize::MAX,
        line: usize::MAX,
    };

    /// Only the coinbase is limited.
    const fn coinbase(bytes: usize) -> Self {
        Self { coinbase: bytes, ..Self::ANY }
    }
}

/// What is known of a client.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Firmware {
    /// What it calls itself.
    pub(super) user_agent: &'static str,
    /// First lines.
    pub(super) opening: Opening,
    /// `version-rolling.mask` it asks for.
    pub(super) mask_asked: u32,
    /// Difficulty it asks for, by `mining.configure` or by suggestion, as it is spelt.
    pub(super) difficulty_asked: Option<&'static str>,
    /// Its submits.
    pub(super) version_bits: VersionBits,
    /// What it has room for.
    pub(super) buffers: Buffers,
    /// Lengths of an extranonce2 that it takes, bytes.
    pub(super) extranonce2: RangeInclusive<usize>,
    /// It reads the difficulty as a whole number: a fraction is cut off, and below 1 nothing is left.
    pub(super) whole_difficulty: bool,
    /// Least difficulty that it takes with SHA-256d.
    pub(super) sha256d_difficulty_min: Option<f64>,
    /// Job ids it remembers: it drops a job whose id is one of them.
    pub(super) job_ids: usize,
    /// The line after `mining.subscribe` has to be its answer.
    pub(super) reads_one_line: bool,
    /// It drops a server that says nothing for so long.
    pub(super) silence_max: Option<Duration>,
    /// It sends its suggestion again after so long without a line of its own.
    pub(super) keepalive: Option<Duration>,
    /// Letters of a user name that are sent.
    pub(super) user: usize,
}

/// cpuminer-multi, cpuminer-opt and cgminer refuse others when they subscribe (`stratum_subscribe`).
const EXTRANONCE2: RangeInclusive<usize> = 2..=16;
/// cgminer and the firmwares made from it (`stratum_rthread`).
const CGMINER_SILENCE: Duration = Duration::from_secs(90);
/// Mask of BIP320.
const BIP320: u32 = 0x1fff_e000;

impl ClientKind {
    /// All, in the order of the help text.
    pub const ALL: [Self; 13] = [
        Self::Devminer,
        Self::Bitaxe,
        Self::NerdQaxe,
        Self::NerdMiner,
        Self::SparkMiner,
        Self::Antminer,
        Self::AntminerS21,
        Self::Whatsminer,
        Self::Braiins,
        Self::Avalon,
        Self::NiceHash,
        Self::Cgminer,
        Self::Cpuminer,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Devminer => "devminer",
            Self::Bitaxe => "bitaxe",
            Self::NerdQaxe => "nerdqaxe",
            Self::NerdMiner => "nerdminer",
            Self::SparkMiner => "sparkminer",
            Self::Antminer => "antminer",
            Self::AntminerS21 => "antminer-s21",
            Self::Whatsminer => "whatsminer",
            Self::Braiins => "braiins",
            Self::Avalon => "avalon",
            Self::NiceHash => "nicehash",
            Self::Cgminer => "cgminer",
            Self::Cpuminer => "cpuminer",
        }
    }

    /// Its name in a sentence, with an article.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Devminer => "a devminer",
            Self::Bitaxe => "a bitaxe",
            Self::NerdQaxe => "a nerdqaxe",
            Self::NerdMiner => "a nerdminer",
            Self::SparkMiner => "a sparkminer",
            Self::Antminer => "an antminer",
            Self::AntminerS21 => "an antminer-s21",
            Self::Whatsminer => "a whatsminer",
            Self::Braiins => "a braiins",
            Self::Avalon => "an avalon",
            Self::NiceHash => "nicehash",
            Self::Cgminer => "a cgminer",
            Self::Cpuminer => "a cpuminer",
        }
    }

    /// What is known of it.
    pub(super) const fn firmware(self) -> Firmware {
        match self {
            Self::Devminer => Firmware { user_agent: concat!("devminer/", env!("CARGO_PKG_VERSION")), ..SOFTWARE },
            Self::Bitaxe => ESP_MINER,
            Self::NerdQaxe => Firmware { user_agent: "NerdQAxe++/BM1370/v1.0.36", mask_asked: BIP320, ..ESP_MINER },
            Self::NerdMiner => NERDMINER,
            Self::SparkMiner => SPARKMINER,
            // 750 bytes by the DATUM project's measurements (`COINBASE_TYPE_ANTMAIN`); its firmware is made from cgminer.
            Self::Antminer => Firmware {
                user_agent: "Antminer S19j Pro+/Wed Jun 28 17:54:07 CST 2023",
                buffers: Buffers::coinbase(750),
                ..ASIC
            },
            // 2.25 KB (`COINBASE_TYPE_ANTMAIN2`).
            Self::AntminerS21 => Firmware {
                user_agent: "Antminer S21 XP Hyd./Mon Jan 6 15:07:13 CST 2025",
                buffers: Buffers::coinbase(2_250),
                ..ASIC
            },
            // 6.5 KB (`COINBASE_TYPE_RESPECTABLE`).
            Self::Whatsminer => Firmware { user_agent: "whatsminer/v1.1", buffers: Buffers::coinbase(6_500), ..ASIC },
            // DATUM sends it no more than an S21. Not made from cgminer, and how long it waits is not known.
            Self::Braiins => Firmware {
                user_agent: "2026-04-14-0-912d084c-26.04-plus;bosminer-plus-tuner 0.9.0-912d084c",
                buffers: Buffers::coinbase(2_250),
                silence_max: None,
                ..ASIC
            },
            // `AVA10_P_COINBASE_SIZE` and `AVA10_P_MERKLES_COUNT` of its cgminer, which has kept the name and says nothing of
            // Avalon. It cuts user names.
            Self::Avalon => Firmware {
                user_agent: "cgminer/4.11.1",
                buffers: Buffers { branch: 30, ..Buffers::coinbase(6 * 1_024 + 64) },
                user: 63,
                ..ASIC
            },
            // 500 bytes (`COINBASE_TYPE_SMALL`). The rest is what its pool check says.
            Self::NiceHash => Firmware {
                user_agent: "NiceHash/1.0.0",
                opening: Opening::PlainWithExtranonce,
                buffers: Buffers::coinbase(500),
                extranonce2: 4..=16,
                whole_difficulty: true,
                sha256d_difficulty_min: Some(500_000.0),
                ..SOFTWARE
            },
            Self::Cgminer => Firmware {
                user_agent: "cgminer/4.13.1",
                difficulty_asked: None,
                whole_difficulty: false,
                mask_asked: u32::MAX,
                ..ASIC
            },
            // `stratum_recv_line` waits 300 s; a coinbase of 200 kB was measured to work.
            Self::Cpuminer => Firmware {
                user_agent: "cpuminer-multi/1.3.7",
                opening: Opening::PlainWithExtranonce,
                buffers: Buffers::coinbase(200_000),
                job_ids: 1,
                reads_one_line: true,
                silence_max: Some(Duration::from_secs(300)),
                ..SOFTWARE
            },
        }
    }
}

/// Takes everything that makes sense.
const SOFTWARE: Firmware = Firmware {
    user_agent: "",
    opening: Opening::Plain,
    mask_asked: 0,
    difficulty_asked: None,
    version_bits: VersionBits::Never,
    buffers: Buffers::ANY,
    extranonce2: EXTRANONCE2,
    whole_difficulty: false,
    sha256d_difficulty_min: None,
    job_ids: 0,
    reads_one_line: false,
    silence_max: None,
    keepalive: None,
    user: usize::MAX,
};

/// Firmware made from cgminer.
const ASIC: Firmware = Firmware {
    opening: Opening::ConfigureFirst,
    mask_asked: BIP320,
    difficulty_asked: Some("2048"),
    version_bits: VersionBits::WhenAllowed,
    // DATUM sends ePIC and Vnish, which are made from cgminer, 16 KB; cgminer itself allocates what it gets.
    buffers: Buffers::coinbase(16_000),
    whole_difficulty: true,
    reads_one_line: true,
    silence_max: Some(CGMINER_SILENCE),
    ..SOFTWARE
};

/// ESP-Miner: `stratum_task.c` and `stratum_api.c`. The difficulty is cJSON's `valueint`. DATUM sends it 6.5 KB.
const ESP_MINER: Firmware = Firmware {
    user_agent: "bitaxe/BM1370/v2.9.0",
    opening: Opening::AllAtOnce,
    mask_asked: u32::MAX,
    difficulty_asked: Some("1000"),
    version_bits: VersionBits::Always,
    buffers: Buffers::coinbase(6_500),
    extranonce2: 1..=32,
    whole_difficulty: true,
    job_ids: 16,
    silence_max: Some(Duration::from_secs(180)),
    ..SOFTWARE
};

/// NerdMiner: 512 bytes with the hexadecimal digits of the coinbase and their end (issue #809), a JSON document of 4 KB
/// (`BUFFER_JSON_DOC`), and extranonce2 of 2, 4 or 8 bytes.
const NERDMINER: Firmware = Firmware {
    user_agent: "NerdMinerV2/1.8.3",
    opening: Opening::PlainWithSuggestion,
    difficulty_asked: Some("0.00015"),
    buffers: Buffers { line: 4_096, ..Buffers::coinbase(255) },
    extranonce2: 2..=8,
    reads_one_line: true,
    keepalive: Some(Duration::from_secs(30)),
    ..SOFTWARE
};

/// SparkMiner before the fix of its issue #25: `stratum_types.h`, which counts hexadecimal digits and their end.
const SPARKMINER: Firmware = Firmware {
    user_agent: "SparkMiner/v2.9.2",
    opening: Opening::PlainWithSuggestion,
    difficulty_asked: Some("0.0014"),
    buffers: Buffers { coinbase1: 255, coinbase2: 127, branch: 16, job_id: 31, ..Buffers::ANY },
    extranonce2: 2..=8,
    reads_one_line: true,
    ..SOFTWARE
};

impl Firmware {
    /// Least difficulty that it takes.
    pub(super) fn difficulty_min(&self, algorithm: PowAlgorithm) -> f64 {
        match algorithm {
            PowAlgorithm::Sha256d => self.sha256d_difficulty_min.unwrap_or_default(),
            PowAlgorithm::Blake2s | PowAlgorithm::Scrypt => 0.0,
        }
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such client.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no such client; there are {}", ClientKind::ALL.map(ClientKind::name).join(", "))]
pub struct UnknownClient;

impl FromStr for ClientKind {
    type Err = UnknownClient;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownClient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_is_found_by_its_name() {
        for kind in ClientKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert!(kind.noun().ends_with(kind.name()), "{kind}");
        }
        assert!("bitax".parse::<ClientKind>().unwrap_err().to_string().contains("bitaxe"));
    }

    #[test]
    fn what_is_asked_for_fits_what_is_sent() {
        for kind in ClientKind::ALL {
            let firmware = kind.firmware();
            let configures = matches!(firmware.opening, Opening::ConfigureFirst | Opening::AllAtOnce);
            assert_eq!(configures, firmware.mask_asked != 0, "{kind}");
            assert_eq!(configures, firmware.version_bits != VersionBits::Never, "{kind}");
            assert!(firmware.keepalive.is_none() || firmware.difficulty_asked.is_some(), "{kind}");
            assert!(
                firmware
                    .difficulty_asked
                    .is_none_or(|asked| !firmware.whole_difficulty || asked.parse::<u64>().is_ok())
            );
        }
    }

    #[test]
    fn only_rented_sha256d_has_a_least_difficulty() {
        assert_eq!(ClientKind::NiceHash.firmware().difficulty_min(PowAlgorithm::Sha256d), 500_000.0);
        assert_eq!(ClientKind::NiceHash.firmware().difficulty_min(PowAlgorithm::Blake2s), 0.0);
        assert_eq!(ClientKind::Antminer.firmware().difficulty_min(PowAlgorithm::Sha256d), 0.0);
    }
}
