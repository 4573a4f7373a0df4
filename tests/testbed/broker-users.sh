#!/bin/sh
# The RabbitMQ users of omotes-operator with the least permissions that they need, their virtual host, and limits on what
# couriers can leave in it.
#
# usage: broker-users.sh COMMAND...      the command that runs rabbitmqctl, for example:
#          broker-users.sh rabbitmqctl
#          broker-users.sh kubectl exec -i rabbitmq-0 -- rabbitmqctl
#
# The passwords are read from OMOTES_OPERATOR_PASSWORD, OMOTES_COURIER_PASSWORD, OMOTES_CLIENT_PASSWORD and
# OMOTES_ADMIN_PASSWORD; a user without one is left out. They go through standard input, so that no list of processes
# shows them. OMOTES_COURIER_CONNECTIONS is how many couriers may connect (10000: one for each job that runs, and as many
# more for a moment while jobs start), OMOTES_OUTPUT_BYTES the largest output (134217728, 128 MiB). Running it again only
# sets passwords, permissions and limits again.
set -eu
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }

# What the operator may touch: the queues of jobs, its own, and those that existing SDK clients talk to.
sdk='job_submissions|job_deletions|request_available_workflows'
operator_configure="^(jobs\\..*|omotes[._].*|$sdk|available_workflows.*)\$"
operator_write="^(jobs\\..*|omotes[._].*|amq\\.default|$sdk)\$"
operator_read="^(jobs\\..*|omotes[._].*|amq\\.rabbitmq\\.event|$sdk)\$"

# What existing SDK clients do: they declare the exchange and the queue of submissions, submit, and read the queues that
# they name themselves. TypeScript clients submit through the default exchange, which reaches every queue of the virtual
# host; the operator believes nothing that came that way but what clients may say.
client_configure='^(jobs\..*|omotes_exchange|job_submissions|available_workflows\..*)$'
client_write='^(jobs\..*|omotes_exchange|job_submissions|available_workflows\..*|amq\.default)$'
client_read='^(jobs\..*|omotes_exchange|available_workflows\..*)$'

# Whoever may read the Secrets of a namespace has the couriers' user. What they publish is small, or one output: of progress
# the oldest goes. A queue of an output takes three of the largest: it is sent a second time where the confirmation of the
# first was lost. A policy of yours for these queues needs the same limits: only one policy applies to a queue.
progress_limits='{"max-length-bytes": 67108864}'
output_bytes=$((3 * ${OMOTES_OUTPUT_BYTES:-134217728}))
output_limits="{\"max-length\": 32, \"max-length-bytes\": $output_bytes, \"overflow\": \"reject-publish\"}"
courier_limits="{\"max-connections\": ${OMOTES_COURIER_CONNECTIONS:-10000}}"

main() {
  "$@" --quiet add_vhost omotes
  existing=$("$@" --quiet list_users --no-table-headers)

  if [ -n "${OMOTES_OPERATOR_PASSWORD:-}" ]; then
    user omotes-operator "$OMOTES_OPERATOR_PASSWORD" "$@"
    "$@" --quiet set_user_tags omotes-operator management # it asks the management API whether a queue still exists
    "$@" --quiet set_permissions -p omotes omotes-operator "$operator_configure" "$operator_write" "$operator_read"
  fi
  if [ -n "${OMOTES_COURIER_PASSWORD:-}" ]; then # runs beside the workload, in the job's pod
    user omotes-courier "$OMOTES_COURIER_PASSWORD" "$@"
    "$@" --quiet set_permissions -p omotes omotes-courier '^$' '^omotes\.courier$' '^omotes\.input\..*$'
    "$@" --quiet set_user_limits omotes-courier "$courier_limits"
    "$@" --quiet set_policy -p omotes --apply-to queues omotes-progress '^omotes\.progress$' "$progress_limits"
    "$@" --quiet set_policy -p omotes --apply-to queues omotes-output '^omotes\.output\.' "$output_limits"
  fi
  if [ -n "${OMOTES_CLIENT_PASSWORD:-}" ]; then # existing SDK clients, which name their own queues
    user omotes-client "$OMOTES_CLIENT_PASSWORD" "$@"
    "$@" --quiet set_permissions -p omotes omotes-client "$client_configure" "$client_write" "$client_read"
  fi
  if [ -n "${OMOTES_ADMIN_PASSWORD:-}" ]; then # for people, and for tests that look at everything
    user omotes-admin "$OMOTES_ADMIN_PASSWORD" "$@"
    "$@" --quiet set_user_tags omotes-admin administrator
    "$@" --quiet set_permissions -p omotes omotes-admin '.*' '.*' '.*'
    "$@" --quiet set_permissions -p / omotes-admin '.*' '.*' '.*'
  fi
}

# user NAME PASSWORD COMMAND...: makes the user, or gives an existing one this password. Without --quiet: rabbitmqctl
# reads a password only if these words are all that it is given.
user() {
  name=$1 password=$2
  shift 2
  if printf '%s\n' "$existing" | grep -q "^${name}[[:space:]]"; then
    printf '%s\n' "$password" | "$@" change_password "$name" >/dev/null
  else
    printf '%s\n' "$password" | "$@" add_user "$name" >/dev/null
  fi
}

main "$@"
