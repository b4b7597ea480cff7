//! `poolnode`: a decentralised mining pool node. This crate parses, calls and prints; it decides nothing.

use std::process::ExitCode;

use clap::Parser;

mod args;
mod chain;
mod commands;
mod config_cmd;
mod database;
mod doctor;
mod events;
mod exit;
mod health;
mod init;
mod lanes;
mod listing;
mod lists;
mod log;
mod manual;
mod nearest;
mod payouts;
mod peers;
mod progress;
mod quickstart;
mod render;
mod shares;
mod supervisor;
mod switching;
mod top;
mod window;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match commands::run(args) {
        Ok(code) => code,
        // Whoever read our output has seen enough: `poolnode peers | head -1`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            render::error(&error);
            exit::code(&error)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.into_iter().any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
