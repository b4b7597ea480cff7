//! `poolnode config`: checks, shows and writes configurations.

use std::process::ExitCode;

use node::config::{Config, ConfigError, Origin, generate, schema};
use serde_json::json;

use crate::{
    args::{ConfigArgs, ConfigCommand},
    exit, render,
};

/// Runs the command.
pub(crate) fn run(args: ConfigArgs, log: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    match args.command {
        ConfigCommand::Check { file, run } => {
            let mut sources = run.sources(log);
            sources.file = file.or(sources.file);
            let subject =
                sources.file.as_ref().map_or_else(|| "the environment".to_owned(), |path| path.display().to_string());
            return checked(&subject, sources.read(), json);
        }
        ConfigCommand::Show { run, origin } => show(&run.sources(log).read()?, origin, json)?,
        ConfigCommand::Generate { purpose, chain } => {
            let text = generate(purpose, chain.as_deref())?;
            if json {
                render::json(&json!({ "toml": text }))?;
            } else {
                render::line(text.trim_end())?;
            }
        }
        ConfigCommand::Schema => render::json(&schema())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn checked(subject: &str, read: Result<Config, ConfigError>, json: bool) -> anyhow::Result<ExitCode> {
    let config = match read {
        Ok(config) => config,
        Err(refused) if json => {
            let error = format!("{:#}", anyhow::Error::from(refused));
            render::json(&json!({ "valid": false, "error": error }))?;
            return Ok(exit::refused_config());
        }
        Err(refused) => return Err(refused.into()),
    };
    let set = config.entries().iter().filter(|entry| entry.origin != Origin::Default).count();
    if json {
        render::json(&json!({ "valid": true, "chain": config.chain.name, "keys_set": set }))?;
    } else {
        let folder = config.data_dir.display();
        render::line(&format!("{subject}: ok: chain {}, data folder {folder}, {set} keys set", config.chain.name))?;
        render::aside("hint: `poolnode doctor` looks whether daemons, files and ports are as the configuration says");
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines of a file; nothing of it is a secret.
fn show(config: &Config, origin: bool, json: bool) -> anyhow::Result<()> {
    let entries = config.entries();
    if json {
        let count = entries.len();
        return render::json(&json!({ "data": entries, "meta": { "count": count } }));
    }
    for entry in &entries {
        let line = entry.line();
        match &entry.place {
            Some(place) if origin => render::line(&format!("{line}  # {place}"))?,
            None if origin => render::line(&format!("{line}  # default"))?,
            _ => render::line(&line)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use node::config::Sources;

    use super::*;

    #[test]
    fn a_refusal_says_the_deepest_cause() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.toml");
        std::fs::write(&file, "[[lane]]\nname = \"second\"\nfile = \"second.toml\"\n").unwrap();
        let sources = Sources { file: Some(file.clone()), ..Sources::default() };
        let refused = checked("node.toml", sources.read(), false).unwrap_err();
        let missing = file.with_file_name("second.toml");
        let told = format!(
            "{}:1:3: lane second: cannot read {}: No such file or directory (os error 2)",
            file.display(),
            missing.display()
        );
        assert_eq!(format!("{refused:#}"), told);
    }
}
