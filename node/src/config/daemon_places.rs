//! Where the daemons of the known chains are found when nobody changed it: port and cookie file.

use std::path::PathBuf;

use super::in_home;

/// A daemon as it is installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DaemonPlace {
    /// Port of its JSON-RPC.
    pub rpc_port: u16,
    /// Folder below that of the coin, where the network has one of its own.
    folder: &'static str,
    /// Folders of the coin: the user's, and that of the system service.
    coin_folders: &'static [&'static str],
}

const BITCOIN: &[&str] = &["~/.bitcoin", "/var/lib/bitcoind", "/var/lib/bitcoin"];
const LITECOIN: &[&str] = &["~/.litecoin", "/var/lib/litecoind", "/var/lib/litecoin"];

/// The daemon of a chain; none for the devnet, which runs inside the node, and for chains that the operator describes.
pub fn daemon_place(chain: &str) -> Option<DaemonPlace> {
    let (coin_folders, rpc_port, folder) = match chain {
        "bitcoin" => (BITCOIN, 8_332, ""),
        "bitcoin-testnet4" => (BITCOIN, 48_332, "testnet4"),
        "bitcoin-signet" => (BITCOIN, 38_332, "signet"),
        "bitcoin-regtest" => (BITCOIN, 18_443, "regtest"),
        "litecoin" => (LITECOIN, 9_332, ""),
        "litecoin-testnet" => (LITECOIN, 19_332, "testnet4"),
        "litecoin-regtest" => (LITECOIN, 19_443, "regtest"),
        _ => return None,
    };
    Some(DaemonPlace { rpc_port, folder, coin_folders })
}

impl DaemonPlace {
    /// Its JSON-RPC on this machine.
    pub fn url(self) -> String {
        format!("http://127.0.0.1:{}", self.rpc_port)
    }

    /// Where its cookie may be, the likeliest place first; `~` is the home folder.
    pub fn cookies(self) -> Vec<String> {
        let below = if self.folder.is_empty() { String::new() } else { format!("/{}", self.folder) };
        self.coin_folders.iter().map(|coin| format!("{coin}{below}/.cookie")).collect()
    }

    /// The first cookie that is there: its daemon runs, or ran until something went wrong.
    pub fn found_cookie(self) -> Option<String> {
        let is_there = |path: &String| in_home(PathBuf::from(path)).is_some_and(|path| path.exists());
        self.cookies().into_iter().find(is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain_profile::{custom, known_chains};

    #[test]
    fn every_chain_with_a_daemon_has_its_place() {
        let without: Vec<&str> = known_chains().into_iter().filter(|chain| daemon_place(chain).is_none()).collect();
        assert_eq!(without, ["devnet", custom::NAME]);
        let testnet = daemon_place("bitcoin-testnet4").unwrap();
        assert_eq!(testnet.url(), "http://127.0.0.1:48332");
        assert_eq!(testnet.cookies()[..2], ["~/.bitcoin/testnet4/.cookie", "/var/lib/bitcoind/testnet4/.cookie"]);
        assert_eq!(daemon_place("litecoin").unwrap().cookies()[0], "~/.litecoin/.cookie");
    }
}
