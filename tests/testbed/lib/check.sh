# shellcheck shell=bash
# The command "check": what this machine lacks, and who holds our ports.

readonly NEEDED_DISK_GB=15

# port, the process of ours that holds it
readonly PORTS=(
  2379:etcd 2380:etcd 6443:kube-apiserver 10257:kube-controller-manager 10259:kube-scheduler
  10248:kubelet 10250:kubelet 10249:kube-proxy 10256:kube-proxy
  4379:epmd 5671:rabbitmq 5672:rabbitmq 15672:rabbitmq 15692:rabbitmq 25672:rabbitmq
)

cmd_check() {
  local bad=0
  lack() { printf '  missing  %s\n           %s\n' "$1" "$2"; bad=1; }
  fine() { printf '  ok       %s\n' "$1"; }
  later() { printf '  later    %s\n           %s\n' "$1" "$2"; }

  say "$(. /etc/os-release 2>/dev/null; printf '%s' "${PRETTY_NAME:-unknown system}"), $(nproc) cores"
  check_system
  check_go
  check_disk
  check_kernel
  check_ports
  if (( bad )); then say "check: something is missing, see above"; else say "check: all that is needed is here"; fi
  if [[ $EUID -ne 0 ]]; then
    say "check: you are not root, so nothing can be started here. Run: sudo $SELF up"
    return 2
  fi
  return "$bad"
}

check_system() {
  if command -v apt-get >/dev/null; then fine "apt-get (Debian or Ubuntu)"
  else lack "apt-get" "the test bed runs on Debian 12 or newer, or Ubuntu 22.04 or newer; use a virtual machine with one of them"; fi
  local packages
  packages=$(missing_packages 2>/dev/null | tr '\n' ' ')
  if [[ -z $packages ]]; then fine "Debian packages"
  else later "Debian packages" "'up' installs them: apt-get install --no-install-recommends ${packages% }"; fi
  if command -v cargo >/dev/null; then fine "$(cargo --version 2>/dev/null || echo cargo)"
  else lack "cargo (for the operator itself, not for the test bed)" "apt-get install rustup && rustup default stable"; fi
  if [[ -n $(debian_mirror) ]]; then fine "Debian mirror $(debian_mirror)"
  else later "a Debian mirror" "'up' runs apt-get update to learn it; on Ubuntu: export OMOTES_TESTBED_MIRROR=URL of a mirror that has trixie and bookworm"; fi
}

check_go() {
  local wanted have
  wanted=$(awk '$1 == "go" { print $2 }' "$HERE"/tools/*/go.mod | sort -V | tail -n 1)
  have=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
  if [[ -n $have && $(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1) == "$wanted" ]]; then fine "Go $have"
  elif [[ -n $have && $(go env GOTOOLCHAIN) != local* ]]; then fine "Go $have, which fetches Go $wanted by itself"
  else lack "Go $wanted or newer (here: ${have:-none})" "install Go $wanted from https://go.dev/dl, or: apt-get install golang-go && go env -w GOTOOLCHAIN=auto"; fi
}

check_disk() {
  local place free
  for place in "$CACHE" "$STATE"; do
    while [[ ! -e $place ]]; do place=$(dirname "$place"); done
    free=$(( $(df --output=avail -k "$place" | tail -n 1) / 1024 / 1024 ))
    if (( free >= NEEDED_DISK_GB )); then fine "$free GB free at $place"
    else lack "$NEEDED_DISK_GB GB free at $place (here: $free GB)" "free some space, or set OMOTES_TESTBED_CACHE and OMOTES_TESTBED_DIR to folders elsewhere"; fi
  done
}

check_kernel() {
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then fine "control groups v2"
  elif [[ -d /sys/fs/cgroup/memory && -d /sys/fs/cgroup/pids ]]; then fine "control groups v1"
  else lack "control groups" "mount -t cgroup2 none /sys/fs/cgroup"; fi
  grep -qw overlay /proc/filesystems || modprobe -n overlay 2>/dev/null ||
    lack "the overlay file system" "modprobe overlay"
  [[ $EUID -eq 0 ]] || return 0
  if unshare --mount true 2>/dev/null; then fine "private mount namespaces"
  else lack "the right to make mount namespaces" "in a container: start it with --privileged"; fi
  if command -v iptables >/dev/null && ! iptables -w 5 -t nat -S >/dev/null 2>&1; then
    lack "iptables' nat table" "modprobe iptable_nat, or: update-alternatives --set iptables /usr/sbin/iptables-legacy"
  fi
}

check_ports() {
  local taken other
  for other in $(beds); do
    if [[ $other != "$STATE" ]] && bed_runs "$other"; then
      lack "a machine without another test bed (state: $other)" "OMOTES_TESTBED_DIR=$other $SELF down"
      return
    fi
  done
  taken=$(foreign_listeners)
  if [[ -z $taken ]]; then fine "our ports are free, or ours"
  else lack "free ports" "${taken//$'\n'/$'\n           '}"; fi
  local device
  device=$(ip -o -4 addr show to "$NODE_IP" | awk '{ print $2 }')
  [[ -z $device || $device == "$BRIDGE" ]] ||
    lack "the address $NODE_IP" "the network device $device has it (podman's default network?); remove it: ip link del $device"
}

# foreign_listeners: our ports that a process not ours listens on, with the process.
foreign_listeners() {
  local listening entry port holder pids=" " name pid found
  listening=$(ss -Hltnp 2>/dev/null | awk '{ print $4, $NF }' | sort -u) || return 0
  for name in "${PROCESSES[@]}"; do
    if pid=$(pid_of "$name"); then pids+="$(pgrep --pgroup "$pid" | tr '\n' ' ')"; fi
  done
  for entry in "${PORTS[@]}"; do
    port=${entry%%:*}
    while read -r holder; do
      found=$(sed -n 's/.*pid=\([0-9]*\).*/\1/p' <<<"$holder")
      if [[ -z $found ]]; then # only root is told whose a listener is
        runs "${entry#*:}" || printf 'port %s (%s) is taken by a process of another user; see: sudo ss -ltnp\n' "$port" "${entry#*:}"
      elif [[ $pids != *" $found "* ]]; then
        printf 'port %s (%s) is taken by pid %s (%s); end it: kill %s\n' "$port" "${entry#*:}" "$found" \
          "$(tr '\0' ' ' <"/proc/$found/cmdline" | cut -c1-60)" "$found"
      fi
    done < <(awk -v port=":$port$" '$1 ~ port { print $2 }' <<<"$listening")
  done | awk '!seen[$0]++'
}

require_free_ports() {
  local taken
  taken=$(foreign_listeners)
  [[ -z $taken ]] || die "ports are taken:
$taken"
}
