//! What is done while a world runs: nodes are killed, started again and restarted in turn; what they say and take is noted.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::time::sleep;

use super::{emulation::World, resources::Look, script::Step};
use crate::{process::NodeProcess, supervisor::line};

/// Time for a node that was started again to have work for its miners.
const WORK_TIMEOUT: Duration = Duration::from_secs(120);
/// Time between two looks at it.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

impl World {
    /// Does one step of the script.
    pub(super) async fn take(&mut self, step: Step, say: &impl Fn(&str)) -> anyhow::Result<()> {
        match step {
            Step::Kill(node) => {
                say(&format!("killing node{}", node + 1));
                self.away[node] = true;
                self.pool.nodes[node].crash().await
            }
            Step::Start(node) => {
                self.away[node] = false;
                let took = self.bring_up(node).await?;
                say(&format!("node{} was killed and is back in {} ms", node + 1, took.as_millis()));
                self.restarts.push(took);
                Ok(())
            }
            Step::RestartAll => {
                for node in 0..self.pool.nodes.len() {
                    if self.away[node] {
                        continue;
                    }
                    let began = Instant::now();
                    self.pool.nodes[node].halt().await?;
                    let stopping = began.elapsed();
                    let took = self.bring_up(node).await?;
                    let (stopping, back) = (stopping.as_millis(), took.as_millis());
                    say(&format!("node{} stopped in {stopping} ms and is back in {back} ms", node + 1));
                    self.restarts.push(took);
                }
                Ok(())
            }
        }
    }

    /// Starts a node where it was; how long it takes until it has work for its miners.
    async fn bring_up(&mut self, node: usize) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let (name, place) = (format!("node{}", node + 1), self.network.place(node, &self.place));
        let process = place.node(&name, &self.options[node]).await?;
        let here = &mut self.pool.nodes[node];
        here.goes_on_as(process);
        while !here.api.status().await?.mining {
            ensure!(began.elapsed() < WORK_TIMEOUT, "{name} has no work again");
            sleep(LOOK_INTERVAL).await;
        }
        Ok(began.elapsed())
    }

    /// Looks at all nodes that are not away; a line for people on each.
    pub(super) async fn look(&mut self) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        let secs = self.started.1.elapsed().as_secs_f64();
        for (index, node) in self.pool.nodes.iter_mut().enumerate().filter(|(index, _)| !self.away[*index]) {
            ensure!(node.is_running(), "{} is gone", node.name);
            lines.push(line(&node.name, &node.api.status().await?));
            let metrics = node.api.metrics().await?;
            let look =
                Look::read(secs, &metrics).with_context(|| format!("{} does not say what it takes", node.name))?;
            self.resources.note(index, look)?;
        }
        if !self.away.contains(&true) {
            let tip = self.first_node()?.api.status().await?.share_tip;
            let api = self.first_node()?.api.clone();
            self.paid.follow(&api, tip, self.plan.merge_depth()).await?;
            self.pool.audit().await;
        }
        Ok(lines)
    }

    pub(super) fn first_node(&self) -> anyhow::Result<&NodeProcess> {
        self.pool.nodes.first().context("a world without nodes")
    }
}
