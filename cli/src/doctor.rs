//! `doctor`: what keeps a node from its work, with causes and fixes.

use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table, presets};
use node::{
    config::Sources,
    diagnostics::{Diagnosis, Finding, Severity, diagnose},
};

use crate::render;

/// Looks, prints, and fails when a check does.
pub(crate) async fn run(sources: Sources, api: &str, json: bool) -> anyhow::Result<ExitCode> {
    let diagnosis = match sources.read() {
        Ok(config) => diagnose(&config, api).await,
        Err(refused) => Diagnosis::of_refused_config(&refused),
    };
    if json {
        render::json(&diagnosis)?
    } else {
        render::line(&text(&diagnosis))?
    }
    Ok(if diagnosis.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(diagnosis: &Diagnosis) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // Wraps at the width of a terminal; files and pipes get whole lines.
    table.set_content_arrangement(ContentArrangement::Dynamic);
    for finding in &diagnosis.data {
        table.add_row([sign(finding.severity), finding.check, &words(finding)]);
    }
    let counts = diagnosis.meta;
    let summary = format!("{} checks: {} failed, {} with a warning", counts.count, counts.errors, counts.warnings);
    format!("{}\n\n{summary}", table.trim_fmt())
}

/// Signs differ in more than their colour, because they have none.
const fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok",
        Severity::Warning => "WARN",
        Severity::Error => "FAIL",
        Severity::Skipped => "skip",
    }
}

fn words(finding: &Finding) -> String {
    let subject = finding.subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default();
    let mut text = format!("{subject}{}", finding.finding);
    for (name, more) in [("cause", &finding.cause), ("hint", &finding.fix)] {
        if let Some(more) = more {
            text.push_str(&format!("\n{name}: {more}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use node::config::RawConfig;

    use super::*;

    #[test]
    fn a_finding_is_a_line_with_cause_and_hint_below() {
        let refused = RawConfig::parse("chian = \"devnet\"", "node.toml".as_ref()).unwrap_err();
        let text = text(&Diagnosis::of_refused_config(&refused));
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert!(lines[0].trim_start().starts_with("FAIL  configuration  node.toml:1:1: unknown key `chian`"), "{text}");
        assert!(lines[1].trim_start().starts_with("hint: did you mean `chain`?"), "{text}");
        assert_eq!(*lines.last().unwrap(), "1 checks: 1 failed, 0 with a warning");
    }
}
