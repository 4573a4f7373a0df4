# shellcheck shell=bash
# etcd, kube-apiserver, kube-controller-manager and kube-scheduler.

readonly AUDIT_LOG=$STATE/logs/audit.log

kctl() { "$BIN/kubectl" --kubeconfig "$STATE/kubeconfig" "$@"; }

# Without fsync a power cut can lose data, which a test bed can bear; it makes every write some milliseconds faster.
start_etcd() {
  (umask 077; mkdir -p "$STATE/etcd")
  launch etcd "$BIN/etcd" --name testbed --data-dir "$STATE/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster testbed=http://127.0.0.1:2380 --log-level warn
}

# Tests read in the audit log what the operator really sent: the preconditions of its deletes, the bodies of its patches.
write_audit_policy() {
  cat >"$STATE/audit-policy.yaml" <<'EOF'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Request
  resources:
  - group: omotes.io
  - group: ""
    resources: [pods, pods/*]
  - group: coordination.k8s.io
    resources: [leases]
- level: Metadata
EOF
}

start_apiserver() {
  write_audit_policy
  # Blocking mode writes an event before its request is answered. The log grows until a restart: tests know a place in it by
  # its offset, and the apiserver would begin another file at every 100 MB.
  if ! runs kube-apiserver && [[ -e $AUDIT_LOG && $(stat -c %s "$AUDIT_LOG") -gt 200000000 ]]; then mv -f "$AUDIT_LOG" "$AUDIT_LOG.1"; fi
  launch kube-apiserver "$BIN/kube-apiserver" --bind-address "$NODE_IP" --advertise-address "$NODE_IP" --secure-port 6443 \
    --etcd-servers http://127.0.0.1:2379 \
    --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" --client-ca-file "$PKI/cluster-ca.crt" \
    --cert-dir "$STATE/pki" \
    --kubelet-client-certificate "$PKI/apiserver-kubelet-client.crt" --kubelet-client-key "$PKI/apiserver-kubelet-client.key" \
    --kubelet-certificate-authority "$PKI/cluster-ca.crt" --kubelet-preferred-address-types InternalIP,Hostname \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$PKI/service-accounts.pub" \
    --service-account-signing-key-file "$PKI/service-accounts.key" \
    --service-cluster-ip-range "$SERVICE_CIDR" --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --allow-privileged --profiling=false \
    --audit-policy-file "$STATE/audit-policy.yaml" --audit-log-path "$AUDIT_LOG" --audit-log-mode blocking --audit-log-maxsize 100000
}

# Without the controller manager no namespace gets its "default" service account, and every pod is refused.
start_controller_manager() {
  launch kube-controller-manager "$BIN/kube-controller-manager" --kubeconfig "$PKI/kube-controller-manager.kubeconfig" \
    --bind-address 127.0.0.1 --cert-dir "$STATE/pki" --leader-elect=false --use-service-account-credentials --profiling=false \
    --root-ca-file "$PKI/cluster-ca.crt" --service-account-private-key-file "$PKI/service-accounts.key" \
    --cluster-signing-cert-file "$PKI/cluster-ca.crt" --cluster-signing-key-file "$PKI/cluster-ca.key" \
    --kube-api-qps 200 --kube-api-burst 400
}

start_scheduler() {
  launch kube-scheduler "$BIN/kube-scheduler" --kubeconfig "$PKI/kube-scheduler.kubeconfig" \
    --authentication-kubeconfig "$PKI/kube-scheduler.kubeconfig" --authorization-kubeconfig "$PKI/kube-scheduler.kubeconfig" \
    --bind-address 127.0.0.1 --cert-dir "$STATE/pki" --leader-elect=false --profiling=false \
    --kube-api-qps 200 --kube-api-burst 400
}

ready_etcd() { port_open 127.0.0.1 2379; }
ready_apiserver() { kctl get --raw /readyz; }
ready_controller_manager() { port_open 127.0.0.1 10257 && kctl -n default get serviceaccount default; }
ready_scheduler() { port_open 127.0.0.1 10259; }

port_open() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
