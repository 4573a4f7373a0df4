# shellcheck shell=bash
# One node with real containers: containerd, kubelet and kube-proxy.
#
# containerd and the kubelet live in a mount namespace that the process "node" holds. All mounts of pods are in there and
# end with it, however the test bed ends; and folders whose paths are fixed in the code of Kubernetes and containerd
# (/var/lib/kubelet, /var/lib/cni, /var/log/pods, /run/containerd) are ours in there without being touched outside.

readonly CONTAINERD_SOCKET=$RUN/containerd.sock

images_ctr() {
  CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1 "$BIN/ctr" --address "$CONTAINERD_SOCKET" --namespace k8s.io "$@"
}

start_node_namespace() {
  runs node && return
  # The namespace is new, so nothing of an older one may live on: containers of a node that was killed, for example.
  stop_node
  mkdir -p "$STATE"/node/{kubelet,cni-cache,pod-logs,cni-addresses} "$RUN/containerd-run" \
    /var/lib/kubelet /var/lib/cni /run/containerd
  cgroup_up
  # shellcheck disable=SC2016 # expanded by the inner shell
  launch node unshare --mount --propagation private bash -euc '
    node=$1 run=$2
    mount --bind "$node/kubelet" /var/lib/kubelet
    mount --bind "$node/cni-cache" /var/lib/cni
    mount --bind "$run/containerd-run" /run/containerd
    mount -t tmpfs -o mode=755 tmpfs /var/log
    mkdir /var/log/pods
    mount --bind "$node/pod-logs" /var/log/pods
    exec sleep infinity' node "$STATE/node" "$RUN"
  ready node
}

holds_namespace() { [[ $(<"/proc/$(pid_of node)/comm") == sleep ]]; }

write_containerd_config() {
  local snapshotter=overlayfs
  # An overlay cannot lie on an overlay: inside a container the layers are copied.
  [[ $(stat -f -c %T "$STATE") == overlayfs ]] && snapshotter=native
  mkdir -p "$STATE/node/cni-config"
  cat >"$STATE/node/cni-config/10-omotes.conflist" <<EOF
{"cniVersion": "1.0.0", "name": "omotes", "plugins": [{
  "type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "hairpinMode": true, "ipMasq": false,
  "ipam": {"type": "host-local", "dataDir": "$STATE/node/cni-addresses",
    "ranges": [[{"subnet": "$POD_CIDR", "rangeStart": "10.88.1.0"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
EOF
  cat >"$STATE/node/containerd.toml" <<EOF
version = 3
root = "$STATE/node/containerd"
state = "$RUN/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs"]

[grpc]
  address = "$CONTAINERD_SOCKET"

[plugins.'io.containerd.cri.v1.images']
  snapshotter = "$snapshotter"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "localhost/pause:1"

[plugins.'io.containerd.cri.v1.runtime']
  # Where root lacks CAP_SYS_RESOURCE, no sandbox starts without this.
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "$STATE/node/cni-config"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = "$(command -v runc)"
        SystemdCgroup = false
EOF
}

start_containerd() {
  runs containerd && return
  start_node_namespace
  write_containerd_config
  PATH=$BIN:$PATH launch containerd nsenter --mount --target "$(pid_of node)" -- \
    "$BIN/containerd" --config "$STATE/node/containerd.toml" --log-level warn
}

ready_containerd() { images_ctr version && images_ctr plugins list | grep -q 'io.containerd.cri.v1 .*runtime .*ok'; }

write_kubelet_config() {
  # DNS asks the node, which refuses at once: there is no DNS, and nobody should wait for a time-out to learn it.
  cat >"$STATE/node/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
healthzBindAddress: 127.0.0.1
tlsCertFile: $PKI/kubelet-server.crt
tlsPrivateKeyFile: $PKI/kubelet-server.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/cluster-ca.crt}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://$CONTAINERD_SOCKET
clusterDomain: cluster.local
clusterDNS: [$NODE_IP]
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
maxPods: 250
kubeAPIQPS: 100
kubeAPIBurst: 200
eventRecordQPS: 0
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 0%, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%, imagefs.inodesFree: 0%}
EOF
}

start_kubelet() {
  runs kubelet && return
  write_kubelet_config
  launch kubelet nsenter --mount --target "$(pid_of node)" -- "$BIN/kubelet" \
    --config "$STATE/node/kubelet.yaml" --kubeconfig "$PKI/kubelet.kubeconfig" --hostname-override "$NODE_NAME" --node-ip "$NODE_IP"
}

ready_kubelet() {
  port_open 127.0.0.1 10248 &&
    [[ $(kctl get node "$NODE_NAME" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}') == True ]]
}

# Every connection to a service is masqueraded: pods share one bridge, and answers would else take the short way back.
start_kube_proxy() {
  launch kube-proxy "$BIN/kube-proxy" --kubeconfig "$PKI/kube-proxy.kubeconfig" --hostname-override "$NODE_NAME" \
    --proxy-mode iptables --masquerade-all --cluster-cidr "$POD_CIDR" --iptables-localhost-nodeports=false \
    --conntrack-max-per-core 0 --conntrack-min 0 \
    --metrics-bind-address 127.0.0.1:10249 --healthz-bind-address 127.0.0.1:10256
}

ready_kube_proxy() { iptables-save -t nat | grep -q "$KUBERNETES_SERVICE_IP/32"; }

# stop_node: containers end at once, as in a power cut; the kubelet starts those that are to run again at the next 'up'.
stop_node() {
  local shim
  halt 10 kubelet
  cgroup_kill
  halt 10 containerd
  for shim in $(marked "$STATE"); do
    if [[ $(cat "/proc/$shim/comm" 2>/dev/null) == containerd-shim* ]]; then kill -KILL "$shim" 2>/dev/null || true; fi
  done
  slay node
  rm -rf "$RUN/containerd" "$RUN/containerd-run" "$CONTAINERD_SOCKET" "$CONTAINERD_SOCKET.ttrpc"
}
