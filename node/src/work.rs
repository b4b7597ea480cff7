//! Work: joins the share chain's context with the parent chain's template into job templates.
//!
//! A new parent block makes jobs at once. Otherwise they are refreshed every [`JOB_REFRESH`] when something changed, or
//! sooner when half a merge set waits; inside a payout epoch such jobs differ in the commitment only. Nothing is made
//! while the share chain is not synced or the daemon is silent.

use std::sync::Arc;

use sharechain::{JobContext, Params, PayoutScript, ShareTerms};
use stratum::{HeaderFields, JobTemplate, LaneId, client, session::version_rolling_mask, timing::Timings};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    chain_task::ChainView,
    clock::unix_now,
    defaults::JOB_REFRESH,
    parent::{ParentState, Template},
};

pub mod refresh;

use refresh::{Change, RefreshPolicy};

/// Where job templates go; `None` while there is nothing to mine.
pub type JobSender = watch::Sender<Option<Arc<JobTemplate>>>;

/// What the last job template was made of.
#[derive(Debug)]
struct Made {
    at: Instant,
    template: Arc<Template>,
    context: Arc<JobContext>,
}

/// Whether and when to make a job template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Now,
    At(Instant),
}

/// See the module.
#[derive(Debug)]
pub struct WorkTask {
    lane: LaneId,
    params: Arc<Params>,
    chain: watch::Receiver<Arc<ChainView>>,
    parent: watch::Receiver<ParentState>,
    jobs: JobSender,
    timings: Arc<Timings>,
    /// Number of the last job template.
    serial: u32,
}

impl WorkTask {
    /// A task that has made nothing yet. Its templates are numbered from anywhere: miners come back with jobs of a node that was
    /// restarted.
    pub fn new(
        lane: LaneId,
        params: Arc<Params>,
        (chain, parent): (watch::Receiver<Arc<ChainView>>, watch::Receiver<ParentState>),
        (jobs, timings): (JobSender, Arc<Timings>),
    ) -> Self {
        Self { lane, params, chain, parent, jobs, timings, serial: rand::random() }
    }

    /// Runs until the token is cancelled or an input ends.
    pub async fn run(mut self, token: CancellationToken) {
        let mut made: Option<Made> = None;
        loop {
            let wake = match self.inputs() {
                Ok((template, context)) => match due(made.as_ref(), &template, &context, Instant::now()) {
                    Due::Now => {
                        made = Some(self.make(template, context));
                        continue;
                    }
                    Due::At(wake) => wake,
                },
                Err(reason) => {
                    if made.take().is_some() {
                        warn!(event = "work_ends", reason, "no new jobs");
                        self.jobs.send_replace(None);
                    }
                    // Inputs change by themselves; only the template's age does not.
                    Instant::now() + JOB_REFRESH
                }
            };
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                changed = self.parent.changed() => if changed.is_err() { return },
                changed = self.chain.changed() => if changed.is_err() { return },
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Template and context to mine on, or why there is nothing to mine.
    fn inputs(&mut self) -> Result<(Arc<Template>, Arc<JobContext>), &'static str> {
        let chain = self.chain.borrow_and_update().clone();
        let parent = self.parent.borrow_and_update().clone();
        if !chain.may_mine {
            return Err("the share chain is not synced");
        }
        let template =
            parent.template.clone().filter(|_| parent.is_fresh()).ok_or("the parent daemon gives no templates")?;
        Ok((template, chain.context.clone().ok_or("the share chain is exhausted")?))
    }

    fn make(&mut self, template: Arc<Template>, context: Arc<JobContext>) -> Made {
        if self.jobs.borrow().is_none() {
            info!(
                event = "work_begins",
                share_height = context.height,
                block_height = template.work.block_height,
                "miners get work"
            );
        }
        let parent = self.params.parent();
        let time_min = template.time_min.max(context.median_time);
        let header = HeaderFields {
            // No bit that miners may roll: firmwares disagree on how the bits are joined.
            version: template.version & !version_rolling_mask(parent.pow)
                | template.version_required
                | parent.version_value,
            bits: template.bits,
            time: u32::try_from(unix_now()).unwrap_or(u32::MAX).max(time_min),
            time_min,
            merkle_branch: template.merkle_branch.clone(),
        };
        let parts = (template.work.clone(), header, template.body.clone());
        self.serial = self.serial.wrapping_add(1);
        let jobs = JobTemplate::new(self.params.clone(), JobContext::clone(&context), parts, self.serial);
        let jobs = Some(Arc::new(jobs.on_lane(self.lane)));
        self.timings.on_template(std::time::Instant::now());
        self.jobs.send_replace(jobs);
        Made { at: Instant::now(), template, context }
    }
}

/// Terms of a client that nobody knows. Any give the payouts of its class: the script and the target are in the commitment only.
pub(crate) fn usual_terms(params: &Params, context: &JobContext) -> ShareTerms {
    let payout_class = client::UNKNOWN.payout_class(params).unwrap_or_default();
    let payout_script = PayoutScript::p2wpkh(&[0; 20]);
    ShareTerms { payout_script, payout_class, share_bits: context.base_bits, node_nonce: 0, signal: 0 }
}

/// The same for the largest payout class: a block that is good with it is good with every other.
pub(crate) fn largest_terms(params: &Params, context: &JobContext) -> ShareTerms {
    let classes = params.raw().payout_classes.len();
    let payout_class = u8::try_from(classes.saturating_sub(1)).unwrap_or_default();
    ShareTerms { payout_class, ..usual_terms(params, context) }
}

/// Whether it is time for a job.
fn due(made: Option<&Made>, template: &Arc<Template>, context: &Arc<JobContext>, now: Instant) -> Due {
    let Some(made) = made else { return Due::Now };
    let at = made.at + RefreshPolicy::default().wait(made.change_to(template, context));
    if at <= now { Due::Now } else { Due::At(at) }
}

impl Made {
    fn change_to(&self, template: &Arc<Template>, context: &Arc<JobContext>) -> Change {
        if self.template.work.prev_block != template.work.prev_block {
            Change::ParentBlock
        } else if !Arc::ptr_eq(&self.context, context) {
            Change::Shares { mergeable: context.mergeable }
        } else if !Arc::ptr_eq(&self.template, template) {
            Change::Template
        } else {
            Change::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sharechain::{ShareChain, testing};

    use super::*;

    fn template(block: u8) -> Arc<Template> {
        Arc::new(crate::testing::template(block))
    }

    fn context(mergeable: usize) -> Arc<JobContext> {
        let context = ShareChain::new(testing::devnet_params()).job_context().unwrap();
        Arc::new(JobContext { mergeable, ..context })
    }

    #[test]
    fn a_new_parent_block_is_at_once_and_the_rest_waits_its_turn() {
        let now = Instant::now();
        let later = |millis| now + Duration::from_millis(millis);
        let (old, same_block, next_block) = (template(1), template(1), template(2));
        let (quiet, moved, crowded) = (context(0), context(1), context(32));
        let made = Made { at: now, template: old.clone(), context: quiet.clone() };
        let due = |template, context, at| due(Some(&made), template, context, at);
        assert_eq!(super::due(None, &old, &quiet, now), Due::Now);
        assert_eq!(due(&next_block, &quiet, now), Due::Now);
        assert_eq!(due(&old, &moved, now), Due::At(later(2_000)));
        assert_eq!(due(&same_block, &quiet, now), Due::At(later(2_000)));
        assert_eq!(due(&old, &moved, later(2_000)), Due::Now);
        assert_eq!(due(&old, &crowded, now), Due::At(later(250)));
        assert_eq!(due(&old, &quiet, now), Due::At(later(25_000)));
    }
}
