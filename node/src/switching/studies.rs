//! What `ADAPTIVE_LEARNING` needs beside the decisions: a file with what the lanes paid, and a thread to learn on.
//!
//! Nobody waits for either: without the file the node learns anew, and until there is a lesson the one before is used.

use std::{
    fs::File,
    future::pending,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sharechain::UnixTime;
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{info, warn};

use crate::{
    data_dir::write_durably,
    lanes::{
        Controller,
        adaptive::{History, Lesson},
    },
};

/// Seconds between two writes of the file: what a crash costs, of which decisions on record give most back.
const SAVE_SECS: u64 = 3_600;
/// A month of points of as many lanes as there can be is shorter. Stops another file from filling memory.
const FILE_LEN_MAX: u64 = 32 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Studies {
    path: PathBuf,
    running: Option<JoinHandle<Lesson>>,
    saving: Option<JoinHandle<io::Result<()>>>,
    saved_at: UnixTime,
}

impl Studies {
    /// Gives the controller what was kept.
    pub(super) fn open(path: PathBuf, controller: &mut Controller, now: UnixTime) -> Self {
        if controller.history().is_some() {
            match read(&path) {
                Ok(kept) => controller.set_history(kept),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let path = path.display();
                    warn!(event = "lanes_history_unread", %path, %error, "what lanes paid is not known; it is learned anew");
                }
            }
        }
        Self { path, running: None, saving: None, saved_at: now }
    }

    /// Begins what is due: a study, and a write of the file.
    pub(super) fn begin(&mut self, controller: &mut Controller, now: UnixTime) {
        if self.running.is_none() {
            let study = controller.study_due(now);
            self.running = study.map(|study| spawn_blocking(move || study.run(now)));
        }
        if now.saturating_sub(self.saved_at) >= SAVE_SECS && self.saving.as_ref().is_none_or(JoinHandle::is_finished) {
            self.saved_at = now;
            self.save(controller);
        }
    }

    fn save(&mut self, controller: &Controller) {
        let Some(history) = controller.history().cloned() else { return };
        let path = self.path.clone();
        self.saving = Some(spawn_blocking(move || {
            let written = serde_json::to_vec(&history).map_err(io::Error::from);
            let written = written.and_then(|bytes| write_durably(&path, &bytes));
            if let Err(error) = &written {
                let path = path.display();
                warn!(event = "lanes_history_unwritten", %path, %error, "what lanes paid is not kept");
            }
            written
        }));
    }

    /// Waits for a lesson; cancelling it loses nothing.
    pub(super) async fn learned(&mut self) -> Lesson {
        loop {
            let Some(running) = &mut self.running else { return pending().await };
            let lesson = running.await;
            self.running = None;
            // Only a bug ends it otherwise, and then the parameters stay as they are.
            if let Ok(lesson) = lesson {
                info!(event = "lanes_lesson", outcome = ?lesson.outcome, why = lesson.why, "lanes");
                return lesson;
            }
        }
    }

    /// Keeps what is known when the node stops.
    pub(super) async fn finish(mut self, controller: &Controller) {
        if let Some(saving) = self.saving.take() {
            drop(saving.await);
        }
        self.save(controller);
        if let Some(saving) = self.saving {
            drop(saving.await);
        }
    }
}

fn read(path: &Path) -> io::Result<History> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_LEN_MAX).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Inputs, Mode, Observation, Params, Profile, RunState, Settings, observation::UNITS_PER_COIN};

    const STEP_SECS: usize = 300;
    /// A little more than is learned from at least.
    const DAYS: u64 = 8;

    fn controller() -> Controller {
        let (mode, profile) = (Mode::AdaptiveLearning, Profile::Balanced);
        let lanes = vec!["a".to_owned(), "b".to_owned()];
        let params = Params::of(mode, profile);
        Controller::new(Settings { mode, profile, params, state: RunState::Live, lanes, ..Settings::default() })
    }

    fn inputs(now: UnixTime) -> Inputs {
        // One pays more by turns of half a day.
        let value = |is_better: bool| if is_better { 60_000_000 } else { 50_000_000 };
        let is_day = (now / 43_200).is_multiple_of(2);
        let lane = |name: &str, block_value| Observation {
            lane: name.to_owned(),
            coin: "x".to_owned(),
            block_value,
            units_per_coin: UNITS_PER_COIN,
            block_hashes: 1_000,
            ..Observation::default()
        };
        Inputs { lanes: vec![lane("a", value(is_day)), lane("b", value(!is_day))], ..Inputs::default() }
    }

    #[tokio::test]
    async fn what_lanes_paid_is_kept_over_a_restart_and_learned_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        let mut first = controller();
        let studies = Studies::open(path.clone(), &mut first, 0);
        let half = DAYS * 86_400 / 2;
        for now in (0..half).step_by(STEP_SECS) {
            first.tick(now, inputs(now));
        }
        studies.finish(&first).await;

        let mut second = controller();
        let mut studies = Studies::open(path.clone(), &mut second, half);
        assert_eq!(second.history(), first.history());
        let mut lesson = None;
        for now in (half..2 * half).step_by(STEP_SECS) {
            second.tick(now, inputs(now));
            studies.begin(&mut second, now);
            if studies.running.is_some() {
                lesson = Some(studies.learned().await);
                break;
            }
        }
        let lesson = lesson.expect("there are days enough to learn from");
        assert!(lesson.days >= 7.0, "{lesson:?}");
        second.learned(lesson.clone());
        assert_eq!(second.tick(2 * half, inputs(2 * half)).lesson.as_ref(), Some(&lesson));
        studies.finish(&second).await;
        assert_eq!(read(&path).unwrap(), *second.history().unwrap());
    }

    #[tokio::test]
    async fn a_file_that_is_none_costs_only_what_was_learned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        std::fs::write(&path, "no history").unwrap();
        let mut controller = controller();
        let studies = Studies::open(path.clone(), &mut controller, 0);
        assert_eq!(controller.history().unwrap().days(), 0.0);
        controller.tick(0, inputs(0));
        studies.finish(&controller).await;
        assert_eq!(read(&path).unwrap(), *controller.history().unwrap());
    }
}
