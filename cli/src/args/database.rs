//! What `poolnode db` takes.

use std::path::PathBuf;

use clap::Subcommand;

use super::RunArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct DatabaseArgs {
    #[command(subcommand)]
    pub(crate) command: DatabaseCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Read everything in the store of a node that does not run, and say what is wrong; exit code 1 when something is.
    Check {
        #[command(flatten)]
        run: Box<RunArgs>,
    },
    /// What the store of a node that does not run holds: shares, version, size.
    Stats {
        #[command(flatten)]
        run: Box<RunArgs>,
    },
    /// Bring the store of a node that does not run to the version of this program, as its next start would.
    Migrate {
        #[command(flatten)]
        run: Box<RunArgs>,
    },
    /// Copy the data folder with keys, shares, blocks and payouts, while the node runs or not.
    Backup {
        /// Folder for it; it has to be empty, or not there.
        dir: PathBuf,
        #[command(flatten)]
        run: Box<RunArgs>,
    },
    /// Put a backup back into the data folder, which has to be empty, or not there.
    Restore {
        /// Folder of the backup.
        dir: PathBuf,
        #[command(flatten)]
        run: Box<RunArgs>,
    },
}
