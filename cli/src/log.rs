//! The log: to stderr, so that stdout is for data. What is logged may change while a node runs.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// What is logged.
#[derive(Clone, Debug)]
pub(crate) struct LogFilter {
    handle: reload::Handle<EnvFilter, Registry>,
}

impl LogFilter {
    /// Starts to log. libp2p speaks only when it is asked by name.
    pub(crate) fn start(filter: &str) -> anyhow::Result<Self> {
        let (filter, handle) = reload::Layer::new(parse(filter)?);
        let colours = std::io::stderr().is_terminal();
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
        tracing_subscriber::registry().with(filter).with(lines).init();
        Ok(Self { handle })
    }

    /// Logs this from now on.
    pub(crate) fn set(&self, filter: &str) -> anyhow::Result<()> {
        self.handle.reload(parse(filter)?).context("cannot change what is logged")
    }
}

fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(format!("warn,node=info,stratum=info,sharechain=info,{}", own(filter)))
        .with_context(|| format!("--log: {filter:?} is not a log filter"))
}

/// A bare level means our own crates.
fn own(filter: &str) -> String {
    if filter.contains('=') || filter.contains(',') {
        return filter.to_owned();
    }
    ["node", "stratum", "sharechain"].map(|name| format!("{name}={filter}")).join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_for_our_own_crates() {
        assert_eq!(own("debug"), "node=debug,stratum=debug,sharechain=debug");
        assert_eq!(own("warn,node::p2p=trace"), "warn,node::p2p=trace");
        assert!(parse("info").is_ok() && parse("==").is_err());
    }
}
