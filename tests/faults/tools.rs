//! Programs of the system that faults are made with, and what is said where they are missing.

use std::{
    ffi::{OsStr, OsString},
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
};

use anyhow::{Context, bail};

/// Where system programs are, when `PATH` is a user's.
const SYSTEM_FOLDERS: &str = "/usr/sbin:/sbin";

/// Whether this process may mount and limit.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Says which of the programs are not there.
pub(crate) fn missing(programs: &[&str]) -> Option<String> {
    let path = search_path();
    let is_there = |program: &&&str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let missing: Vec<&str> = programs.iter().filter(|program| !is_there(program)).copied().collect();
    (!missing.is_empty()).then(|| format!("{} is not installed", missing.join(", ")))
}

/// Runs a program to its end.
///
/// # Errors
/// With what it said, when it fails.
pub(crate) fn call<'a>(program: &str, args: impl IntoIterator<Item = &'a OsStr>) -> anyhow::Result<()> {
    answer(program, args).map(drop)
}

/// The same; gives what it wrote.
pub(crate) fn answer<'a>(program: &str, args: impl IntoIterator<Item = &'a OsStr>) -> anyhow::Result<String> {
    let output = Command::new(program).args(args).env("PATH", search_path()).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!("{program} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts a node as `strace` lets it, with these calls tampered with. `-D` makes the node the child, and strace its child.
pub(crate) fn strace(calls: &str, tampering: &str) -> Vec<OsString> {
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:{tampering}"));
    ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]
        .map(Into::into)
        .into()
}

/// Why `strace` cannot be used.
pub(crate) fn strace_refusal() -> Option<String> {
    let tries = || call("strace", ["-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"].map(AsRef::as_ref));
    missing(&["strace"]).or_else(|| tries().err().map(|cause| format!("{cause:#}")))
}

fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":");
    path.push(SYSTEM_FOLDERS);
    path
}

/// The first of these that is a folder.
pub(crate) fn first_folder(folders: &[&'static str]) -> Option<&'static Path> {
    folders.iter().copied().map(Path::new).find(|folder| folder.is_dir())
}
