# shellcheck shell=bash
# RabbitMQ, in a Debian of its own: the release that OMOTES_RABBITMQ_SUITE names decides its version. That root file system is mounted read-only in a private mount namespace; only
# /var/lib/rabbitmq is the state folder's. Network and processes are the machine's.

# bookworm has RabbitMQ 3.10, trixie 4.0, sid the newest. Each has its own data: none can read another's.
readonly RABBITMQ_SUITE=${OMOTES_RABBITMQ_SUITE:-trixie}
readonly BROKER=$STATE/rabbitmq-$RABBITMQ_SUITE
readonly RABBITMQ_NODE=omotes@localhost

broker_rootfs() { rootfs "$RABBITMQ_SUITE" rabbitmq-server; }

# broker_command ROOTFS [VARIABLE=VALUE]: sets BROKER_COMMAND, the words before a command that is to run inside, as the
# user rabbitmq. The variable is for its environment, which is otherwise empty but for RabbitMQ's settings.
broker_command() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  BROKER_COMMAND=(unshare --mount --propagation private bash -euc '
    root=$1 data=$2 variable=$3
    shift 3
    mount --bind "$root" "$root"
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount --bind "$data" "$root/var/lib/rabbitmq"
    mount -o remount,bind,ro "$root"
    ulimit -n 65536 2>/dev/null || true
    loopback="-kernel inet_dist_use_interface {127,0,0,1}"
    exec chroot --userspec=rabbitmq:rabbitmq "$root" /usr/bin/env -i "$variable" \
      PATH="$(echo "$root"/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin | sed "s,^$root,,"):/usr/sbin:/usr/bin:/sbin:/bin" \
      HOME=/var/lib/rabbitmq LANG=C.UTF-8 ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=4379 ERL_CRASH_DUMP_SECONDS=0 \
      RABBITMQ_NODENAME='"$RABBITMQ_NODE"' RABBITMQ_DIST_PORT=25672 RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_LOGS=- RABBITMQ_LOG_BASE=/var/lib/rabbitmq/log \
      RABBITMQ_MNESIA_BASE=/var/lib/rabbitmq/mnesia RABBITMQ_CONFIG_FILE=/var/lib/rabbitmq/etc/rabbitmq \
      RABBITMQ_ENABLED_PLUGINS_FILE=/var/lib/rabbitmq/etc/enabled_plugins RABBITMQ_PID_FILE=/var/lib/rabbitmq/pid \
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="$loopback" RABBITMQ_CTL_ERL_ARGS="$loopback" \
      "$@"' broker "$1" "$BROKER" "${2:-LANG=C.UTF-8}")
}

write_broker_config() {
  local root=$1 owner
  owner=$(awk -F: '$1 == "rabbitmq" { print $3 ":" $4 }' "$root/etc/passwd")
  mkdir -p "$BROKER"/{etc,log,mnesia}
  cp "$PKI/broker-ca.crt" "$PKI/broker.crt" "$PKI/broker.key" "$BROKER/etc/"
  # The management listener takes one address only; pods need the bridge's, and the machine reaches that one too.
  cat >"$BROKER/etc/rabbitmq.conf" <<EOF
listeners.tcp.1 = 127.0.0.1:5672
listeners.tcp.2 = $NODE_IP:5672
listeners.ssl.1 = 127.0.0.1:5671
listeners.ssl.2 = $NODE_IP:5671
ssl_options.cacertfile = /var/lib/rabbitmq/etc/broker-ca.crt
ssl_options.certfile = /var/lib/rabbitmq/etc/broker.crt
ssl_options.keyfile = /var/lib/rabbitmq/etc/broker.key
ssl_options.verify = verify_none
management.tcp.ip = $NODE_IP
management.tcp.port = 15672
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = 15692
max_message_size = 134217728
disk_free_limit.absolute = 50MB
event_exchange.vhost = omotes
log.console.level = info
EOF
  printf '[rabbitmq_management,rabbitmq_event_exchange,rabbitmq_prometheus].\n' >"$BROKER/etc/enabled_plugins"
  chown -R "$owner" "$BROKER"
  chmod 700 "$BROKER"
}

start_broker() {
  runs rabbitmq && runs epmd && return
  local root
  root=$(broker_rootfs)
  end_orphans
  write_broker_config "$root"
  broker_command "$root" "$MARK=$STATE"
  # An epmd that Erlang starts by itself would outlive it.
  launch epmd "${BROKER_COMMAND[@]}" epmd -address 127.0.0.1 -port 4379
  await epmd 20 port_open 127.0.0.1 4379
  launch rabbitmq "${BROKER_COMMAND[@]}" rabbitmq-server
}

ready_broker() { port_open 127.0.0.1 5672 && port_open "$NODE_IP" 5671 && port_open "$NODE_IP" 15672; }

rabbitmqctl() {
  broker_command "$(broker_rootfs)"
  "${BROKER_COMMAND[@]}" rabbitmqctl "$@"
}

# The users are made once for each set of passwords and permissions.
broker_users_up() {
  local key
  key=$(cat "$PASSWORDS" "$HERE/broker-users.sh" | hash_of)
  [[ $(cat "$BROKER/users" 2>/dev/null) == "$key" ]] && return
  (
    # shellcheck disable=SC1090 # written by passwords_up
    . "$PASSWORDS"
    sh "$HERE/broker-users.sh" bash "$SELF" broker cli
  ) >>"$(log_of broker-users)" 2>&1 || { show_log "$(log_of broker-users)"; die "the broker's users could not be made"; }
  printf '%s' "$key" >"$BROKER/users"
}

stop_broker() {
  halt 40 rabbitmq
  halt 5 epmd
}

cmd_broker() {
  local action=${1:-status}
  shift || true
  case $action in
    cli) rabbitmqctl "$@" ;;
    start) step "broker started" eval 'start rabbitmq; ready rabbitmq' ;;
    stop) step "broker stopped" stop_broker ;;
    restart) step "broker stopped" stop_broker; step "broker started" eval 'start rabbitmq; ready rabbitmq' ;;
    kill) step "broker killed" slay rabbitmq ;;
    status) if runs rabbitmq && ready_broker; then printf 'running\n'; else printf 'stopped\n'; return 1; fi ;;
    *) die "broker: start, stop, restart, kill, status or cli ARGS...; not '$action'" ;;
  esac
}
