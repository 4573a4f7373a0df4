# shellcheck shell=bash
# What the machine must have: Debian packages, the bridge and the control group.

# Debian packages, and why.
readonly PACKAGES=(
  runc                        # runs the containers (crun 1.8 of Debian 12 does not work with containerd 2.4)
  containernetworking-plugins # bridge, host-local, loopback
  iptables                    # kube-proxy, in iptables mode
  iproute2 procps psmisc util-linux openssl ca-certificates
  busybox-static catatonit    # the images busybox and pause
  buildah                     # builds images without a daemon
  debootstrap debian-archive-keyring # RabbitMQ 4 and Python each come in a Debian of their own
)

missing_packages() {
  local package
  for package in "${PACKAGES[@]}"; do
    [[ -e /var/lib/dpkg/info/$package.list || -e /var/lib/dpkg/info/$package:$(dpkg --print-architecture).list ]] ||
      printf '%s\n' "$package"
  done
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  (( ${#missing[@]} )) || return 0
  with_progress "apt-get install ${missing[*]}" "$STATE/logs/apt.log" apt_install "${missing[@]}"
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  # A new machine has no package lists, an old one has outdated ones; then look again.
  apt_install_quietly "$@" || { apt-get update && apt_install_quietly "$@"; }
}

# Debian starts a service when it is installed, unless policy-rc.d says no.
apt_install_quietly() (
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  apt-get install -y --no-install-recommends "$@"
)

bridge_up() {
  if ! ip link show "$BRIDGE" >/dev/null 2>&1; then
    local device
    device=$(ip -o -4 addr show to "$NODE_IP" | awk '{ print $2 }')
    [[ -z $device ]] || die "the network device $device already has $NODE_IP (podman's default network?). Remove it: ip link del $device"
    # What the kernel forwarded before is put back by 'down'.
    [[ -e $RUN/ip_forward ]] || cat /proc/sys/net/ipv4/ip_forward >"$RUN/ip_forward"
    ip link add "$BRIDGE" type bridge
  fi
  # Else it takes the lowest address of its ports: when that pod goes, the others reach nothing for some seconds.
  ip link set "$BRIDGE" address "$BRIDGE_MAC"
  ip addr replace "$NODE_IP/16" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

bridge_down() {
  ip link del "$BRIDGE" 2>/dev/null || true
  if [[ -e $RUN/ip_forward ]]; then
    cat "$RUN/ip_forward" >/proc/sys/net/ipv4/ip_forward
    rm -f "$RUN/ip_forward"
  fi
}

# All chains of kube-proxy and the rules that jump to them. Nothing else of the tables is touched.
iptables_clean() {
  local table save restore
  command -v iptables-save >/dev/null || return 0
  for table in nat filter mangle; do
    for save in iptables-save ip6tables-save; do
      restore=${save/save/restore}
      "$save" -t "$table" 2>/dev/null | grep -q KUBE- || continue
      {
        printf '*%s\n' "$table"
        "$save" -t "$table" | sed -n 's/^-A \([A-Z]*\) \(.*-j KUBE-.*\)$/-D \1 \2/p'
        "$save" -t "$table" | sed -n 's/^:\(KUBE-[A-Z0-9-]*\) .*/-F \1/p'
        "$save" -t "$table" | sed -n 's/^:\(KUBE-[A-Z0-9-]*\) .*/-X \1/p'
        printf 'COMMIT\n'
      } | "$restore" --noflush --wait 10
    done
  done
}

# cgroup_folders: our folder in each hierarchy; version 2 has but one hierarchy.
cgroup_folders() {
  local hierarchy
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    printf '/sys/fs/cgroup/%s\n' "$CGROUP"
  else
    for hierarchy in /sys/fs/cgroup/*/; do
      [[ -L ${hierarchy%/} ]] || printf '%s%s\n' "$hierarchy" "$CGROUP" # cpu and cpuacct may be links to one
    done
  fi
}

cgroup_up() {
  local folder file
  for folder in $(cgroup_folders); do
    mkdir -p "$folder"
    for file in cpuset.cpus cpuset.mems; do # version 1 leaves them empty, and then no process may enter
      [[ -e $folder/$file && -e $folder/../$file && -z $(<"$folder/$file") ]] && cat "$folder/../$file" >"$folder/$file"
    done
    if [[ -e $folder/../cgroup.subtree_control ]]; then
      for file in $(<"$folder/../cgroup.controllers"); do
        echo "+$file" >"$folder/../cgroup.subtree_control" || true
      done
    fi
  done
}

# cgroup_kill: ends every process of every pod, and removes the groups.
cgroup_kill() {
  local folders tries=200 pids
  mapfile -t folders < <(cgroup_folders)
  while pids=$(find "${folders[@]}" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u || true) &&
    [[ -n $pids ]] && (( tries-- > 0 )); do
    # shellcheck disable=SC2086 # a list of pids
    kill -KILL $pids 2>/dev/null || true
    sleep 0.05
  done
  find "${folders[@]}" -depth -type d -exec rmdir {} \; 2>/dev/null || true
}
