#!/bin/sh
# What docs/OPERATING.md promises of the unit file, one line each; the last one says whether all of it held. For run.sh only.
set -u
failed=""

holds() {
    what=$1
    shift
    if "$@" >/tmp/said 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what"
        tail -n 5 /tmp/said | sed 's/^/        /'
        failed=yes
    fi
}
# within SECONDS COMMAND..: as soon as the command says yes.
within() {
    end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$end" ] || return 1
        sleep 0.2
    done
}
property() { systemctl show --value -p "$1" poolnode; }
is() { [ "$(property "$1")" = "$2" ] || { echo "$1 is $(property "$1"), not $2"; false; }; }
pid() { property MainPID; }
logged() { journalctl -u poolnode --no-pager -o cat | grep -q "$1"; }

# The commands that a reader copies, but for the one that never ends.
installs() {
    sed -n '/^## As a service/,/^```$/p' OPERATING.md | sed -e '1,/^```sh/d' -e '/^```$/d' -e '/^journalctl/d' >/tmp/install.sh
    # A node that never says that it is ready must not outlast the story.
    grep -q "systemctl enable --now poolnode" /tmp/install.sh && timeout 60 sh -eu /tmp/install.sh
}
has_no_rights() {
    status=$(cat "/proc/$(pid)/status")
    for line in "CapEff:	0000000000000000" "CapBnd:	0000000000000000" "NoNewPrivs:	1" "Seccomp:	2"; do
        echo "$status" | grep -q "^$line$" || { echo "not $line"; return 1; }
    done
    [ "$(stat -c %U "/proc/$(pid)")" = poolnode ]
}
shows_nobody() {
    loose=$(find /var/lib/poolnode -perm /077) && [ -d /var/lib/poolnode/shares ] && [ -z "$loose" ]
}
mines() {
    target/release/devminer --name story --max-hashrate 300000 --seconds 8 >/tmp/mined 2>&1
    tail -n 1 /tmp/mined
    tail -n 1 /tmp/mined | grep -q "^accepted [1-9].* rejected 0  unanswered 0 "
}
has_share() { poolnode share "$share"; }
is_back() { is ActiveState active && is NRestarts "$1" && has_share; }
killed() { kill -KILL "$(pid)" && within 20 is_back 1; }
fed() { mines && is NRestarts 0; }
stuck() { kill -STOP "$(pid)" && within 30 is_back 1 && logged "poolnode.service: Watchdog timeout"; }
reloads() {
    before=$(pid)
    systemctl reload poolnode && within 5 logged "the configuration was read again" && [ "$(pid)" = "$before" ]
}
stops() {
    began=$(date +%s%N)
    systemctl stop poolnode && [ $((($(date +%s%N) - began) / 1000000)) -le 5000 ] && is Result success
}
refused() {
    echo 'nonsense = true' | cat - node.toml >/etc/poolnode/node.toml
    ! systemctl start poolnode && is ExecMainStatus 5 && is ActiveState failed && is NRestarts 0
}

echo "systemd is up"
holds "it is installed and started by the commands of the handbook" installs
holds "it runs as a user of its own, without any right, behind a filter of system calls" has_no_rights
holds "all of it is well" within 15 poolnode health
holds "miners mine" mines
share=$(poolnode shares --json | grep -o '"id": *"[0-9a-f]*"' | head -n 1 | grep -o '[0-9a-f]\{64\}')
holds "what it writes is for its user alone" shows_nobody
holds "it reads its configuration again" reloads
holds "killed, it is started again and has its shares" killed
# As the unit has it, an operator waits for two minutes; the story does not. It counts what it was started again from here on.
mkdir -p /etc/systemd/system/poolnode.service.d
printf '[Service]\nWatchdogSec=4\nTimeoutAbortSec=1\nRestartSec=1\n' >/etc/systemd/system/poolnode.service.d/story.conf
systemctl daemon-reload
systemctl restart poolnode
holds "while it turns, it feeds the watchdog" fed
holds "when it turns no more, the watchdog has it started again" stuck
holds "it stops within 5 s" stops
holds "a configuration that is refused is not tried again" refused
[ -z "$failed" ] || journalctl --no-pager -o cat -u poolnode | tail -n 60
[ -n "$failed" ] || echo "the unit does what it promises"
