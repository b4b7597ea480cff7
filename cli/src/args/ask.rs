//! What the questions to a running node take: how often, how much of it, and how it is printed.

use clap::Subcommand;

use crate::{
    listing::{CLEAR, Output},
    render,
};

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Show it again and again, every so many seconds.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) watch: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// How it is printed; --json stands for json.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,
    /// Show it again and again, every so many seconds.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) watch: Option<u64>,
}

impl ListArgs {
    /// Makes room for the next look of a table.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        if self.watch.is_some() && self.output == Output::Table { render::text(CLEAR) } else { Ok(()) }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct DrainArgs {
    /// Take new miners again.
    #[arg(long)]
    pub(crate) off: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SharesArgs {
    /// Only those that are credited to this address.
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Only those of this node's miners.
    #[arg(long)]
    pub(crate) own: bool,
    /// At most so many.
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChainCommand {
    /// Its identity, tip, work and window.
    Info,
    /// The shares that the next block pays, and whose they are.
    Window(WindowArgs),
    /// How the newest shares build on each other.
    Dag(DagArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct WindowArgs {
    /// At most so many addresses, those with the most work first.
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DagArgs {
    /// How many heights.
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) heights: u16,
    /// Up to this height (default: the tip).
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) to: Option<u64>,
    /// As a graph for Graphviz: poolnode chain dag --dot | dot -Tsvg.
    #[arg(long, conflicts_with_all = ["output", "json"])]
    pub(crate) dot: bool,
    /// How it is printed; --json stands for json.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EventsArgs {
    /// Go on for ever: a lost connection is taken up again where it was.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Only these kinds, with commas: share, uncle, tip, block_found, payout, worker_on, warning, ...
    #[arg(long, value_name = "KINDS")]
    pub(crate) kinds: Option<String>,
    /// Begin after the event with this number, as far as the node remembers.
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<u64>,
}
