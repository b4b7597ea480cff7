//! What the process returns. Scripts rely on these numbers (docs/CLI.md).

use std::process::ExitCode;

use node::{NodeError, api::client::ApiError, config::ConfigError};

/// It could not be done, or the answer is no.
const FAILED: u8 = 1;
/// The command line makes no sense; clap's own.
const USAGE: u8 = 2;
/// No node answers.
const UNREACHABLE: u8 = 3;
/// A node answers, and refuses.
const REFUSED: u8 = 4;
/// The configuration is refused.
const CONFIG: u8 = 5;
/// The share store failed: the disk is to be looked at.
const STORE: u8 = 6;

/// The code of an error: that of the first of its causes that has one.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(number(error))
}

/// A configuration that was refused in words that are already printed.
pub(crate) fn refused_config() -> ExitCode {
    ExitCode::from(CONFIG)
}

fn number(error: &anyhow::Error) -> u8 {
    let of_cause = |cause: &(dyn std::error::Error + 'static)| {
        if cause.is::<ConfigError>() || matches!(cause.downcast_ref(), Some(NodeError::OtherChain { .. })) {
            return Some(CONFIG);
        }
        if matches!(cause.downcast_ref(), Some(NodeError::Store(_))) {
            return Some(STORE);
        }
        match cause.downcast_ref::<ApiError>()? {
            ApiError::Unreachable { .. } | ApiError::Timeout { .. } => Some(UNREACHABLE),
            ApiError::Refused { .. } => Some(REFUSED),
            ApiError::BadUrl(_) => Some(USAGE),
            ApiError::Malformed { .. } => Some(FAILED),
        }
    };
    error.chain().find_map(of_cause).unwrap_or(FAILED)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use node::{config::Sources, store::StoreError};

    use super::*;

    #[test]
    fn an_error_has_the_code_of_its_cause() {
        let refused = ApiError::Refused { title: "unknown share".to_owned(), detail: String::new() };
        assert_eq!(number(&anyhow::Error::from(refused).context("asked for a share")), REFUSED);
        let timeout = ApiError::Timeout { url: "http://127.0.0.1:1".to_owned() };
        assert_eq!(number(&timeout.into()), UNREACHABLE);
        assert_eq!(number(&ApiError::BadUrl("ftp://x".to_owned()).into()), USAGE);
        let sources = Sources { file: Some("/nowhere/node.toml".into()), ..Sources::default() };
        assert_eq!(number(&sources.read().context("cannot start").unwrap_err()), CONFIG);
        assert_eq!(number(&NodeError::Store(StoreError::NoRoom).into()), STORE);
        assert_eq!(number(&anyhow::anyhow!("no terminal")), FAILED);
    }
}
