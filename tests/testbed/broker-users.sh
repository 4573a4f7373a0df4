#!/bin/sh
# The RabbitMQ users of omotes-operator with the least permissions that they need, and their virtual host.
#
# usage: broker-users.sh COMMAND...      the command that runs rabbitmqctl, for example:
#          broker-users.sh rabbitmqctl
#          broker-users.sh kubectl exec -i rabbitmq-0 -- rabbitmqctl
#
# The passwords are read from OMOTES_OPERATOR_PASSWORD, OMOTES_COURIER_PASSWORD, OMOTES_CLIENT_PASSWORD and
# OMOTES_ADMIN_PASSWORD; a user without one is left out. They go through standard input, so that no list of processes
# shows them. Running it again only sets the passwords and permissions again.
set -eu
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }

# What the operator may touch: the queues of jobs, its own, and those that existing SDK clients talk to.
sdk='job_submissions|job_deletions|request_available_workflows'
operator_configure="^(jobs\\..*|omotes[._].*|$sdk|available_workflows.*)\$"
operator_write="^(jobs\\..*|omotes[._].*|amq\\.default|$sdk)\$"
operator_read="^(jobs\\..*|omotes[._].*|amq\\.rabbitmq\\.event|$sdk)\$"

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
  fi
  if [ -n "${OMOTES_CLIENT_PASSWORD:-}" ]; then # existing SDK clients, which name their own queues
    user omotes-client "$OMOTES_CLIENT_PASSWORD" "$@"
    "$@" --quiet set_permissions -p omotes omotes-client '.*' '.*' '.*'
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
