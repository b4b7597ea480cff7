//! What waits in memory while the disk has no room: nothing of it is acknowledged.

use tracing::{error, info};

use super::{Store, StoreError, WritePace, task::Command};
use crate::defaults::STORE_HELD_BYTES_MAX;

/// See the module.
#[derive(Default)]
pub(super) struct Held {
    writes: Vec<Command>,
    /// About what they take.
    bytes: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// With room on the disk, what was held goes before the new commands. Without, writes are taken out of them and whoever waits
    /// for one is refused; what only reads stays.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`] when more waits than may.
    pub(super) fn waits_for_room(
        &mut self,
        (store, pace): (&dyn Store, &WritePace),
        commands: &mut Vec<Command>,
    ) -> Result<bool, StoreError> {
        let is_write = |command: &mut Command| {
            matches!(command, Command::Append { .. } | Command::Remove { .. } | Command::Mark(_))
        };
        if self.is_empty() && !commands.iter_mut().any(is_write) {
            return Ok(false);
        }
        if store.has_room() {
            if pace.go_on() {
                let writes = self.writes.len();
                info!(event = "store_resumes", writes, "there is space on the disk again: shares are stored");
            }
            commands.splice(..0, self.writes.drain(..));
            self.bytes = 0;
            return Ok(false);
        }
        if self.is_empty() {
            pace.wait_for_room();
            error!(
                event = "store_waits",
                "no space left on the node's disk: miners' shares are refused, and nothing is stored, until there is some"
            );
        }
        for mut write in commands.extract_if(.., |command| is_write(command)) {
            if let Command::Append { share, durable, .. } = &mut write {
                self.bytes = self.bytes.saturating_add(share.bytes.len());
                if let Some(waiter) = durable.take() {
                    let _gone = waiter.send(Err(StoreError::NoRoom));
                }
            }
            self.bytes = self.bytes.saturating_add(size_of::<Command>());
            self.writes.push(write);
        }
        if self.bytes > STORE_HELD_BYTES_MAX { Err(StoreError::NoRoom) } else { Ok(true) }
    }
}
