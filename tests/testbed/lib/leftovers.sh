# shellcheck shell=bash
# Other checkouts on this machine, and what a test bed leaves behind that was not stopped in order.

# RUN/owner: the state folder, the script and the boot of the test bed that was started last on this machine.

claim_machine() {
  local state='' script='' boot='' now other
  now=$(</proc/sys/kernel/random/boot_id)
  if [[ -e $RUN/owner ]]; then
    { read -r state; read -r script; read -r boot; } <"$RUN/owner" || true
  fi
  while read -r other; do
    [[ -n $other && $other != "$STATE" ]] || continue
    if bed_runs "$other"; then
      say "another checkout's test bed runs on this machine (state: $other). Stop it first:"
      if [[ $other == "$state" && -x $script ]]; then say "  $script down"; fi
      die "or, if that checkout is gone: OMOTES_TESTBED_DIR=$other $SELF down"
    fi
    kill_marked "$other"
  done < <(beds)
  if [[ -d $RUN && ( $state != "$STATE" || $boot != "$now" ) ]]; then
    say "cleaning up after an earlier test bed that was not stopped in order (${state:-unknown})"
    clean_machine "${state:-$STATE}"
  fi
  end_orphans
  mkdir -p "$RUN" "$STATE"
  printf '%s\n%s\n%s\n' "$STATE" "$SELF" "$now" >"$RUN/owner"
}

# beds: the state folders of all test beds that have a process on this machine.
beds() {
  cat /proc/[0-9]*/environ 2>/dev/null | grep -za "^$MARK=" | tr '\0' '\n' | sed "s/^$MARK=//" | sort -u
}

# bed_runs STATE-FOLDER: whether that test bed runs. Shims do not count: they outlive everything else.
bed_runs() {
  local pid
  for pid in $(marked "$1"); do
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == containerd-shim* ]] || return 0
  done
  return 1
}

# clean_machine STATE-FOLDER: everything outside the state folder that a test bed leaves, however it ended.
clean_machine() {
  kill_marked "$1"
  cgroup_kill
  iptables_clean
  bridge_down
  # Mounts live in private namespaces and end with their processes; these are for a broken or older run.
  local mount
  while read -r mount; do umount --lazy "$mount" || true; done < <(
    awk -v state="$1/" -v run="$RUN/" 'index($2, state) == 1 || index($2, run) == 1 { print $2 }' /proc/self/mounts | sort -r)
  # Whoever removes a mount point takes the mount away in all namespaces: that of another test bed, whose kubelet goes on without
  # its folder.
  if [[ -z $APART && -z $(beds) ]]; then rmdir /var/lib/kubelet /var/lib/cni /run/containerd 2>/dev/null || true; fi
  rm -rf "$RUN"
}
