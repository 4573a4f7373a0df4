# shellcheck shell=bash
# Long-running processes: each is the leader of its own session and process group, its log is STATE/logs/NAME.log, and
# STATE/pids/NAME holds "pid start-time boot-id", so that a recycled pid is never taken for ours.
#
# Every process also carries MARK=<state folder> in its environment. It is passed on to containerd's shims, and is how
# leftovers are found when the pid files are gone or belong to another checkout. What runs apart ends with its namespaces, and is
# nobody's leftover.

readonly MARK=OMOTES_TESTBED${APART:+_APART}_PROCESS_OF
readonly PROCESSES=(etcd kube-apiserver kube-controller-manager kube-scheduler node containerd kubelet kube-proxy epmd rabbitmq)

log_of() { printf '%s/logs/%s.log' "$STATE" "$1"; }

# start_time PID: in clock ticks since boot; field 22 of stat, counted after the command's name, which may hold spaces.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086 # splitting is meant
  set -- ${stat##*) }
  [[ $1 != Z ]] && printf '%s' "${20}"
}

# pid_of NAME: prints the pid if the process that we recorded still runs.
pid_of() {
  local pid began boot
  read -r pid began boot 2>/dev/null <"$STATE/pids/$1" || return 1
  [[ $boot == "$(</proc/sys/kernel/random/boot_id)" && $(start_time "$pid") == "$began" ]] || return 1
  printf '%s' "$pid"
}

runs() { pid_of "$1" >/dev/null; }

# A process that lives on must not hold what the caller had open: a lock, say, or the other end of a pipe.
close_inherited() {
  local path fd
  for path in "/proc/$BASHPID/fd/"*; do
    fd=${path##*/}
    if (( fd > 2 )); then eval "exec $fd>&-"; fi
  done
}

# launch NAME COMMAND...: starts it, unless it runs already.
launch() {
  local name=$1 log pid
  shift
  runs "$name" && return
  log=$(log_of "$name")
  mkdir -p "$STATE/logs" "$STATE/pids"
  if [[ -e $log && $(stat -c %s "$log") -gt 50000000 ]]; then mv -f "$log" "$log.1"; fi
  (
    close_inherited
    exec env "$MARK=$STATE" setsid "$@"
  ) >>"$log" 2>&1 </dev/null &
  pid=$!
  printf '%s %s %s\n' "$pid" "$(start_time "$pid")" "$(</proc/sys/kernel/random/boot_id)" >"$STATE/pids/$name"
  disown "$pid"
}

# await NAME SECONDS COMMAND...: until the command succeeds; at once an error when the process has ended.
await() {
  local name=$1 limit=$2 began=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! runs "$name"; then
      show_log "$(log_of "$name")"
      die "$name ended while it started. Mend what its log says, then run: $SELF up (or '$SELF reset' to begin afresh)"
    fi
    if (( SECONDS - began >= limit )); then
      show_log "$(log_of "$name")"
      die "$name was not ready after $limit s (waited for: $*). Run '$SELF proc $name stop' and '$SELF up' to try again"
    fi
    sleep 0.1
  done
}

# Not counting zombies: the first process of some machines takes seconds to bury them.
group_alive() { pgrep --pgroup "$1" --runstates D,I,R,S,T >/dev/null; }

# halt SECONDS NAME...: SIGTERM to them all, and after so many seconds SIGKILL to the process groups of what is left.
halt() {
  local until=$(( SECONDS + $1 )) name pid pids=()
  shift
  for name; do
    if pid=$(pid_of "$name"); then
      pids+=("$pid")
      kill -TERM "$pid" 2>/dev/null || true
    fi
  done
  for pid in "${pids[@]}"; do
    while group_alive "$pid" && (( SECONDS <= until )); do sleep 0.05; done
    kill_group "$pid"
  done
  for name; do rm -f "$STATE/pids/$name"; done
}

# slay NAME: SIGKILL to its process group, as a crash would.
slay() {
  local pid
  if pid=$(pid_of "$1"); then kill_group "$pid"; fi
  rm -f "$STATE/pids/$1"
}

kill_group() {
  local tries=200
  while group_alive "$1" && (( tries-- > 0 )); do
    kill -KILL -- "-$1" 2>/dev/null || true
    sleep 0.05
  done
}

# marked STATE-FOLDER: the pids of all processes that a test bed with this state folder started.
marked() {
  grep -lszxF "$MARK=$1" /proc/[0-9]*/environ | cut -d/ -f3 || true
}

# kill_marked STATE-FOLDER: ends whatever is left of that test bed.
kill_marked() {
  local tries=100 pids
  while pids=$(marked "$1") && [[ -n $pids ]] && (( tries-- > 0 )); do
    # shellcheck disable=SC2086 # a list of pids
    kill -KILL $pids 2>/dev/null || true
    sleep 0.05
  done
}

# end_orphans: ends processes of ours that descend from none that we recorded, as RabbitMQ's Erlang when only the shell
# above it was killed. A shim outlives its containerd by design, and what runs below one is a container's: its runc, say.
end_orphans() {
  local name pid above leaders=" "
  for name in "${PROCESSES[@]}"; do
    if pid=$(pid_of "$name"); then leaders+="$pid "; fi
  done
  for pid in $(marked "$STATE"); do
    above=$pid
    while [[ $above -gt 1 && $leaders != *" $above "* && $(cat "/proc/$above/comm" 2>/dev/null) != containerd-shim* ]]; do
      above=$(awk '$1 == "PPid:" { print $2 }' "/proc/$above/status" 2>/dev/null || echo 0)
    done
    [[ $above -gt 1 ]] || kill -KILL "$pid" 2>/dev/null || true
  done
}
