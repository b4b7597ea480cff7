//! What `poolnode doctor` finds, for those who ask the running node: one diagnosis at a time, and none more often than needed.
//!
//! A diagnosis asks the daemons and the disk and takes seconds, so it runs in a task of its own; whoever asks meanwhile waits for
//! the same one.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    ApiState,
    dto::{Finding, List},
    page::Paged,
    problem::{Failure, Refusals, stopping},
    request::Params,
    viewer::Operators,
};
use crate::{
    config::Config,
    diagnostics::{self, Severity},
};

/// A diagnosis is shown again for this long.
const FRESH: Duration = Duration::from_secs(10);
/// Health asks for a new one when the last is older than this.
const STALE: Duration = Duration::from_secs(120);
/// Time for one.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Questions that wait for the same diagnosis; further ones are refused. Stops a client from queueing without end.
const QUESTIONS_MAX: usize = 64;

/// How the diagnosis is asked for.
#[derive(Clone, Debug)]
pub(super) struct DiagnosisHandle {
    questions: mpsc::Sender<Question>,
    last: watch::Receiver<Option<(Instant, Arc<[Finding]>)>>,
}

type Question = oneshot::Sender<Arc<[Finding]>>;

/// The task behind a handle.
#[derive(Debug)]
pub(super) struct Diagnosis {
    questions: mpsc::Receiver<Question>,
    last: watch::Sender<Option<(Instant, Arc<[Finding]>)>>,
}

impl DiagnosisHandle {
    /// A handle and its task.
    pub(super) fn new() -> (Self, Diagnosis) {
        let (questions, inbox) = mpsc::channel(QUESTIONS_MAX);
        let (published, last) = watch::channel(None);
        (Self { questions, last }, Diagnosis { questions: inbox, last: published })
    }

    /// What the last diagnosis warned of or failed; asks for another when that was long ago, and does not wait for it.
    pub(super) fn last_bad(&self) -> Vec<Finding> {
        let last = self.last.borrow().clone();
        if last.as_ref().is_none_or(|(at, _)| at.elapsed() > STALE) {
            let (nobody, _waits) = oneshot::channel();
            // When so many wait there will be one soon.
            let _full = self.questions.try_send(nobody);
        }
        let is_bad = |finding: &&Finding| matches!(finding.verdict.as_str(), "warn" | "fail");
        last.iter().flat_map(|(_, findings)| findings.iter().filter(is_bad)).cloned().collect()
    }

    async fn ask(&self) -> Option<Arc<[Finding]>> {
        let (reply, answer) = oneshot::channel();
        self.questions.try_send(reply).ok()?;
        timeout(TIMEOUT, answer).await.ok()?.ok()
    }
}

impl Diagnosis {
    /// Answers until the token is cancelled. `api` is where this node answers.
    pub(super) async fn run(mut self, config: Arc<Config>, api: String, token: CancellationToken) {
        loop {
            let question = tokio::select! {
                biased;
                () = token.cancelled() => return,
                question = self.questions.recv() => question,
            };
            let Some(question) = question else { return };
            let fresh = self.last.borrow().clone().filter(|(at, _)| at.elapsed() < FRESH);
            let findings = match fresh {
                Some((_, findings)) => findings,
                None => {
                    let diagnosis = tokio::select! {
                        biased;
                        () = token.cancelled() => return,
                        diagnosis = Box::pin(diagnostics::diagnose(&config, &api)) => diagnosis,
                    };
                    let findings: Arc<[Finding]> = diagnosis.data.iter().map(finding_dto).collect();
                    self.last.send_replace(Some((Instant::now(), findings.clone())));
                    findings
                }
            };
            // Health does not wait.
            let _gone = question.send(findings);
        }
    }
}

fn finding_dto(finding: &diagnostics::Finding) -> Finding {
    Finding {
        check: finding.check.to_owned(),
        subject: finding.subject.clone(),
        verdict: match finding.severity {
            Severity::Ok => "ok",
            Severity::Warning => "warn",
            Severity::Error => "fail",
            Severity::Skipped => "skipped",
        }
        .to_owned(),
        finding: finding.finding.clone(),
        cause: finding.cause.clone(),
        fix: finding.fix.clone(),
    }
}

/// What `poolnode doctor` finds here, not older than ten seconds.
#[utoipa::path(get, path = "/diagnostics", tag = "node", params(Paged), responses(
    (status = 200, body = List<Finding>),
    Refusals,
))]
pub(super) async fn diagnostics(
    State(api): State<ApiState>,
    _: Operators,
    Params(asked): Params<Paged>,
) -> Result<Json<List<Finding>>, Failure> {
    let page = asked.page()?;
    let findings = api.diagnosis.ask().await.ok_or_else(stopping)?;
    Ok(Json(page.of(&findings, Clone::clone)))
}
