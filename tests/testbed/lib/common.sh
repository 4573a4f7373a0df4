# shellcheck shell=bash
# What every other part needs: where things lie, how to speak, how to wait.

# The test bed owns one bridge, one set of ports and one folder under /run, so one runs at a time on a machine. 'apart' gives
# another one a network and a /run of its own, and a name: control groups are the machine's, and so are the names of processes.
readonly APART=${OMOTES_TESTBED_APART:-}
readonly BRIDGE=omotes0
readonly BRIDGE_MAC=0a:58:0a:58:00:01 # locally administered
readonly NODE_IP=10.88.0.1
readonly POD_CIDR=10.88.0.0/16
readonly SERVICE_CIDR=10.96.0.0/16
readonly KUBERNETES_SERVICE_IP=10.96.0.1
readonly NODE_NAME=testbed
readonly RUN=/run/omotes-testbed           # sockets: their paths may have 107 characters, a checkout's may have more
readonly CGROUP=omotes-testbed${APART:+-$APART} # every container of ours lives in this control group

# STATE holds all that belongs to one cluster; CACHE what any checkout can use again. tools.sh adds BIN.
STATE=$(realpath -m "${OMOTES_TESTBED_DIR:-$REPOSITORY/target/testbed${APART:+-$APART}}")
CACHE=$(realpath -m "${OMOTES_TESTBED_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/omotes-operator}")
readonly STATE CACHE

say() { printf '%s\n' "$*" >&2; }
die() { say "testbed: $*"; exit 1; }

# step TEXT COMMAND...: runs the command and prints the text with the seconds it took.
step() {
  local text=$1 began=$EPOCHREALTIME
  shift
  "$@"
  printf '%-58s %7s s\n' "$text" "$(seconds_since "$began")" >&2
}

# seconds_since EPOCHREALTIME: with one decimal, in plain bash arithmetic.
seconds_since() {
  local tenths=$(( (${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 100000 ))
  printf '%d.%d' $(( tenths / 10 )) $(( tenths % 10 ))
}

need_root() {
  [[ $EUID -eq 0 ]] && return
  say "testbed: '$1' needs root: it makes a network bridge, iptables rules, mounts and containers."
  say "  run: sudo $SELF $1"
  say "  without root only these work: check, tools (when the packages of 'check' are installed), env, status, help"
  exit 2
}

# with_progress LABEL LOG COMMAND...: for what takes minutes. Prints a line at the start, every 20 s and at the end,
# and on failure the end of the log.
with_progress() {
  local label=$1 log=$2 began=$SECONDS pid beat=0
  shift 2
  mkdir -p "$(dirname "$log")"
  say "$label ..."
  set -m # its own process group, so that an interrupt ends the compilers too
  "$@" >"$log" 2>&1 </dev/null 9>&- &
  pid=$!
  set +m
  # shellcheck disable=SC2064 # the pid of now is meant
  trap "kill -TERM -- -$pid 2>/dev/null || true; exit 130" INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    if (( SECONDS - began >= beat + 20 )); then
      beat=$(( SECONDS - began ))
      say "$label ... $beat s, $(wc -l <"$log") lines of log"
    fi
  done
  trap - INT TERM
  if ! wait "$pid"; then
    show_log "$log"
    die "$label failed after $(( SECONDS - began )) s; the whole log: $log"
  fi
  printf '%-58s %5d.0 s\n' "$label" $(( SECONDS - began )) >&2
}

show_log() {
  [[ -e $1 ]] || { say "  (no log: $1)"; return; }
  say "--- the last 20 lines of $1"
  tail -n 20 -- "$1" >&2
  say "---"
}

# One command that starts or ends processes at a time on this machine. File descriptor 9 holds the lock; what is started
# closes it.
take_lock() {
  exec 9>/run/omotes-testbed.lock
  flock --nonblock 9 && return
  say "another testbed command is at work; waiting for it (10 minutes at most)"
  flock --timeout 600 9 || die "the lock /run/omotes-testbed.lock is still held: $(fuser -v /run/omotes-testbed.lock 2>&1 || true)"
}

hash_of() { sha256sum | cut -c1-16; }
