//! A file system of our own below a data directory, which can be full, or cut off without its last writes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::tools::{call, is_root, missing};

/// Stops the file system whose folder is named, without writing its journal: `EXT4_IOC_SHUTDOWN` with `NOLOGFLUSH`. In Rust
/// the ioctl is not to be had without unsafe code.
const CUT: &str = r#"open(my $folder, "<", $ARGV[0]) or die "open: $!";
my $flags = pack("L", 2);
ioctl($folder, 0x8004587d, $flags) or die "ioctl: $!";"#;
/// Room on an ext4 of our own.
const IMAGE_BYTES: u64 = 128 << 20;

/// Room on a tmpfs that is only to see whether it can be mounted.
const TRIAL_BYTES: u64 = 1 << 20;

/// A mounted file system; it goes away with the value.
#[derive(Debug)]
pub(crate) struct Disk {
    /// The file with its content; a tmpfs has none.
    image: Option<PathBuf>,
    folder: PathBuf,
}

impl Disk {
    /// Why this machine cannot have one that is cut off.
    pub(crate) fn refusal() -> Option<String> {
        if !is_root() {
            return Some("mounts are for root".to_owned());
        }
        if !Path::new("/dev/loop-control").exists() {
            return Some("the kernel has no loop devices".to_owned());
        }
        missing(&["mkfs.ext4", "mount", "umount", "perl"]).or_else(|| refused(Self::ext4))
    }

    /// Why this machine cannot have one that is full.
    pub(crate) fn tmpfs_refusal() -> Option<String> {
        if !is_root() {
            return Some("mounts are for root".to_owned());
        }
        missing(&["mount", "umount"]).or_else(|| refused(|folder| Self::tmpfs(folder, TRIAL_BYTES)))
    }

    /// An ext4 on a loop device, mounted on this folder.
    ///
    /// # Errors
    /// When a tool fails.
    pub(crate) fn ext4(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let image = folder.with_extension("img");
        fs::File::create(&image)?.set_len(IMAGE_BYTES).context("cannot make room for a disk")?;
        call("mkfs.ext4", ["-q".as_ref(), "-F".as_ref(), image.as_os_str()])?;
        let disk = Self { image: Some(image), folder: folder.to_owned() };
        disk.mount()?;
        Ok(disk)
    }

    /// A tmpfs of this size, mounted on this folder.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub(crate) fn tmpfs(folder: &Path, bytes: u64) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let options = format!("size={bytes},mode=700");
        call(
            "mount",
            ["-t", "tmpfs", "-o", &options, "tmpfs"].map(AsRef::as_ref).into_iter().chain([folder.as_os_str()]),
        )?;
        Ok(Self { image: None, folder: folder.to_owned() })
    }

    /// Nothing that was not synced is written any more. The node on it still runs, and sees its writes fail.
    ///
    /// # Errors
    /// When the file system does not know the call.
    pub(crate) fn cut(&self) -> anyhow::Result<()> {
        call("perl", ["-e".as_ref(), CUT.as_ref(), self.folder.as_os_str()])
    }

    /// The machine is on again: the file system recovers from its journal.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn power_on(&self) -> anyhow::Result<()> {
        call("umount", [self.folder.as_os_str()])?;
        self.mount()
    }

    fn mount(&self) -> anyhow::Result<()> {
        let Some(image) = &self.image else { return Ok(()) };
        call("mount", ["-o".as_ref(), "loop".as_ref(), image.as_os_str(), self.folder.as_os_str()])?;
        fs::set_permissions(&self.folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .context("cannot set a mode")
    }
}

/// Why it cannot be mounted: in a container root may not either.
fn refused(mount: impl FnOnce(&Path) -> anyhow::Result<Disk>) -> Option<String> {
    let folder = std::env::temp_dir().join(format!("poolnode-faults-trial-{}", std::process::id()));
    let refusal = mount(&folder).err().map(|cause| format!("{cause:#}"));
    let _removed = fs::remove_dir(&folder);
    refusal
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a node that is being killed may hold it for a moment. Its loop device goes with it.
        let _unmounted = call("umount", ["-l".as_ref(), self.folder.as_os_str()]);
        if let Some(image) = &self.image {
            let _removed = fs::remove_file(image);
        }
    }
}
