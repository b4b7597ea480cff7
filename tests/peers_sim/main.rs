//! `peers_sim`: how shares spread by the choice of peers, and whether a swarm surrounds a node.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use tests::peers_sim::{args::Args, report::Report};

fn main() -> ExitCode {
    let args = Args::parse();
    let is_json = args.json;
    let report = Report::new(args);
    let mut out = std::io::stdout();
    let written = if is_json { writeln!(out, "{}", report.json()) } else { write!(out, "{report}") };
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
