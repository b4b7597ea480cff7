#!/bin/sh
# Becomes the systemd of new namespaces, whose files are this machine's under a tmpfs: boot.sh WORK PROGRAMS, for run.sh only
set -eu
work=$1
programs=$2
above="$work/above"
root="$above/root"
mkdir "$above"
mount -t tmpfs tmpfs "$above"
mkdir "$above/written" "$above/aside" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$above/written,workdir=$above/aside" "$root"
mount -t proc proc "$root/proc"
# systemd raises bounds of open files, which are those of the whole kernel.
mount --bind "$root/proc/sys/fs" "$root/proc/sys/fs"
mount -o remount,bind,ro "$root/proc/sys/fs"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
mkdir "$root/story" "$root/story/out"
cp -r "$work/files/." "$root/story/"
mount --bind "$programs" "$root/story/target/release"
mount --bind "$work/out" "$root/story/out"

# Of what the machine starts, nothing but the journal: sysctl, udev and the rest would reach out of the namespaces.
units="$root/etc/systemd/system"
# A node that this machine runs already is not there.
chroot "$root" userdel poolnode 2>/dev/null || true
# Inside, or a link of the machine that begins with / would lead out of the overlay.
chroot "$root" sh -eu <<'INSIDE'
rm -rf /etc/poolnode /var/lib/poolnode /etc/systemd/system/poolnode.service*
rm -rf /etc/systemd/system/*.wants /lib/systemd/system/*.wants /run/systemd
rm -f /etc/fstab /etc/machine-id
: >/etc/fstab
: >/etc/machine-id
INSIDE
mkdir "$units/sysinit.target.wants"
ln -s /lib/systemd/system/systemd-journald.service "$units/sysinit.target.wants/"
ln -s /dev/null "$units/systemd-logind.service" 2>/dev/null || true
cat >"$units/story.service" <<UNIT
[Unit]
Wants=basic.target
After=basic.target
[Service]
Type=oneshot
WorkingDirectory=/story
ExecStart=/bin/sh /story/story.sh
StandardOutput=file:/story/out/story
StandardError=inherit
# Ends this systemd at once.
ExecStopPost=/bin/kill -RTMIN+14 1
UNIT
cd "$root"
mkdir machine
ip link set lo up
pivot_root . machine
cd /
umount -l /machine
# What systemd calls a container: no hardware, no kernel of its own.
container=namespaces exec /lib/systemd/systemd --system --unit=story.service --log-target=journal
