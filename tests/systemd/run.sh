#!/bin/sh
# Boots a systemd of its own over this machine's files, installs the node in it as docs/OPERATING.md says, and looks whether
# deploy/poolnode.service does what is promised there: ./tests/systemd/run.sh [FOLDER WITH poolnode AND devminer]
#
# Nothing of the machine is changed: systemd is in namespaces without a network, and what it writes is on a tmpfs over the files.
# Needs root, systemd 250 or newer, and a kernel with overlayfs; what is missing is said, loudly.
set -eu
cd "$(dirname "$0")/../.."
programs=$(realpath "${1:-target/debug}")

skip() {
    echo "** SKIPPED: the node under systemd, because $* **" >&2
    exit "${CI_STRICT:-0}"
}
[ "$(id -u)" = 0 ] || skip "it needs root"
[ -x /lib/systemd/systemd ] || skip "systemd is not installed"
version=$(/lib/systemd/systemd --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
[ "${version:-0}" -ge 250 ] || skip "systemd $version is older than 250"
grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || skip "the kernel has no overlayfs"
unshare --net --pid --fork --mount --cgroup true 2>/dev/null || skip "namespaces are not allowed here"

work=$(mktemp -d)
group="poolnode-systemd-$$"
# In every tree of control groups a group below that of this shell, so that what systemd leaves can be found and removed.
groups() {
    while IFS=: read -r _ controllers path; do
        case "$controllers" in
        "") tree=/sys/fs/cgroup/unified; [ -d "$tree" ] || tree=/sys/fs/cgroup ;;
        *) tree="/sys/fs/cgroup/${controllers#name=}" ;;
        esac
        [ ! -f "$tree$path/cgroup.procs" ] || echo "$tree${path%/}"
    done </proc/self/cgroup
}
above=$(groups)
leave() {
    for parent in $above; do
        [ -d "$parent/$group" ] || continue
        echo $$ >"$parent/cgroup.procs" || true
        # What was killed takes a moment to be gone.
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            find "$parent/$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
            sleep 0.2
        done
        [ ! -d "$parent/$group" ] || echo "** $parent/$group is left behind **" >&2
    done
    rm -rf "$work"
}
trap leave EXIT
# What was booted is in a process group of its own and hears nothing of Ctrl-C.
boot=""
trap '[ -z "$boot" ] || kill -KILL "$boot" 2>/dev/null; exit 130' HUP INT TERM
for parent in $above; do
    # Not every tree lets a process in at once; systemd does without those.
    { mkdir "$parent/$group" && echo $$ >"$parent/$group/cgroup.procs"; } 2>/dev/null || true
done

# The project's folder as a reader of the handbook has it.
mkdir -p "$work/files/target/release" "$work/files/deploy" "$work/out"
cp deploy/poolnode.service "$work/files/deploy/"
cp tests/systemd/boot.sh tests/systemd/story.sh docs/OPERATING.md "$work/files/"
"$programs/poolnode" init --yes --chain devnet --address none --out "$work/files/node.toml" >/dev/null
unshare --net --pid --fork --mount --cgroup --uts --ipc --propagation private --kill-child \
    sh tests/systemd/boot.sh "$work" "$programs" >"$work/out/console" 2>&1 &
boot=$!
# In tenths of a second. All of it takes half a minute; what hangs is killed, and with it all that it started.
left=1800
while kill -0 "$boot" 2>/dev/null; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || kill -KILL "$boot"
    sleep 0.1
done
wait "$boot" || true
if ! grep -qsx "systemd is up" "$work/out/story"; then
    cat "$work/out/console" >&2
    skip "its systemd did not come up"
fi
cat "$work/out/story"
grep -qx "the unit does what it promises" "$work/out/story"
