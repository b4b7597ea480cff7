//! What `payouts` and `verify` take.

use std::path::PathBuf;

use clap::Subcommand;

use super::ListArgs;
use crate::listing::Output;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct PayoutsArgs {
    #[command(flatten)]
    pub(crate) list: ListArgs,
    #[command(subcommand)]
    pub(crate) command: Option<PayoutsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PayoutsCommand {
    /// What an address can expect of the next block, and within a day.
    Estimate {
        /// A payout address of the chain.
        address: String,
    },
    /// Whom the pool's blocks paid, the newest first.
    History(HistoryArgs),
    /// The same as CSV, all of it.
    Export(HistoryArgs),
    /// Compare what a block pays with what the share chain says that it has to.
    Audit(AuditArgs),
    /// Write the proof of a block's payouts, which anybody can check with `poolnode verify`.
    Prove(ProveArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// Only payouts of this address.
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Only those of blocks from this time on, Unix seconds.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<u64>,
    /// Only those of blocks before this time, Unix seconds.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<u64>,
    /// How it is printed; --json stands for json.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AuditArgs {
    /// Hash of a block of the pool, as `poolnode blocks --json` gives it.
    pub(crate) block: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProveArgs {
    /// Whose payout it is about.
    pub(crate) address: String,
    /// Hash of the block (default: the newest that pays the address).
    #[arg(long, value_name = "HASH")]
    pub(crate) block: Option<String>,
    /// Where to write it (default: stdout).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The proof.
    pub(crate) file: PathBuf,
    /// What this address gets; all outputs without.
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Configuration with the chain, for one that is described there.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
