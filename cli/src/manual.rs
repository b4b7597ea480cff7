//! Shell completions and man pages, made from the command line's own description.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::Args;

const NAME: &str = "poolnode";

/// Prints what a shell has to read to complete commands.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    io::stdout().lock().write_all(&script(shell)).context("cannot write to stdout")
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), NAME, &mut script);
    script
}

/// Writes a page for every command.
pub(crate) fn pages(folder: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write man pages to {}", folder.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    clap_mangen::generate_to(Args::command(), folder).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::PathBuf};

    use super::*;

    fn docs() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli")
    }

    /// Names and contents.
    fn files(folder: &Path) -> BTreeMap<String, String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap()))
            .collect()
    }

    #[test]
    fn the_committed_completions_are_those_of_this_command_line() {
        for (shell, name) in [(Shell::Bash, "poolnode.bash"), (Shell::Zsh, "_poolnode"), (Shell::Fish, "poolnode.fish")]
        {
            let committed = fs::read(docs().join(name)).unwrap_or_default();
            assert!(committed == script(shell), "write it anew: poolnode completions {shell} > docs/cli/{name}");
        }
    }

    #[test]
    fn the_committed_man_pages_are_those_of_this_command_line() {
        let folder = tempfile::tempdir().unwrap();
        pages(folder.path()).unwrap();
        let made = files(folder.path());
        assert!(made.len() > 20 && made.contains_key("poolnode-peers-ban.1"));
        let committed = files(&docs().join("man"));
        let names = made.keys().chain(committed.keys().filter(|name| !made.contains_key(*name)));
        let differs: Vec<&String> = names.filter(|name| made.get(*name) != committed.get(*name)).collect();
        assert!(differs.is_empty(), "write them anew: poolnode man docs/cli/man ({differs:?})");
    }
}
