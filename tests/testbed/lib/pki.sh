# shellcheck shell=bash
# Certificates and passwords, made once a state folder. Two authorities: one for the cluster, one for the broker.

readonly PKI=$STATE/pki

pki_up() {
  [[ -e $PKI/complete ]] && return
  rm -rf "$PKI"
  (umask 077; mkdir -p "$PKI")
  authority cluster-ca "omotes testbed cluster"
  certificate cluster-ca apiserver "/CN=kube-apiserver" serverAuth \
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:$KUBERNETES_SERVICE_IP,IP:$NODE_IP"
  certificate cluster-ca kubelet-server "/CN=$NODE_NAME" serverAuth "DNS:$NODE_NAME,IP:$NODE_IP"
  certificate cluster-ca apiserver-kubelet-client "/O=system:masters/CN=kube-apiserver-kubelet-client" clientAuth
  certificate cluster-ca admin "/O=system:masters/CN=admin" clientAuth
  certificate cluster-ca kube-controller-manager "/CN=system:kube-controller-manager" clientAuth
  certificate cluster-ca kube-scheduler "/CN=system:kube-scheduler" clientAuth
  certificate cluster-ca kube-proxy "/CN=system:kube-proxy" clientAuth
  certificate cluster-ca kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" clientAuth
  openssl genrsa -out "$PKI/service-accounts.key" 2048 2>/dev/null
  openssl rsa -in "$PKI/service-accounts.key" -pubout -out "$PKI/service-accounts.pub" 2>/dev/null

  authority broker-ca "omotes testbed broker"
  certificate broker-ca broker "/CN=rabbitmq" serverAuth \
    "DNS:localhost,DNS:rabbitmq.omotes-system.svc,DNS:rabbitmq.omotes-system.svc.cluster.local,IP:127.0.0.1,IP:$NODE_IP"

  local client
  for client in admin kube-controller-manager kube-scheduler kube-proxy kubelet; do kubeconfig "$client"; done
  (umask 077; cp "$PKI/admin.kubeconfig" "$STATE/kubeconfig")
  chmod 644 "$PKI"/*.crt
  touch "$PKI/complete"
}

readonly TEN_YEARS=3650

# authority NAME COMMON-NAME
authority() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$1.key"
  openssl req -x509 -new -key "$PKI/$1.key" -sha256 -days $TEN_YEARS -subj "/CN=$2" -out "$PKI/$1.crt"
}

# certificate AUTHORITY NAME SUBJECT USAGE [SUBJECT-ALTERNATIVE-NAMES]
certificate() {
  local authority=$1 name=$2 subject=$3 usage=$4 names=${5:-}
  openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$name.key"
  openssl req -new -key "$PKI/$name.key" -subj "$subject" |
    openssl x509 -req -CA "$PKI/$authority.crt" -CAkey "$PKI/$authority.key" -CAcreateserial -sha256 -days $TEN_YEARS \
      -extfile <(printf 'keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=%s\n%s\n' \
        "$usage" "${names:+subjectAltName=$names}") -out "$PKI/$name.crt" 2>/dev/null
}

kubeconfig() {
  (umask 077; cat >"$PKI/$1.kubeconfig" <<EOF
apiVersion: v1
kind: Config
current-context: omotes-testbed
clusters:
- name: omotes-testbed
  cluster:
    server: https://$NODE_IP:6443
    certificate-authority-data: $(base64 -w0 "$PKI/cluster-ca.crt")
contexts:
- name: omotes-testbed
  context: {cluster: omotes-testbed, user: $1}
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$PKI/$1.crt")
    client-key-data: $(base64 -w0 "$PKI/$1.key")
EOF
  )
}

# The broker's passwords, as shell variables; hexadecimal, so that they need no escaping in a URI.
readonly PASSWORDS=$STATE/passwords

passwords_up() {
  [[ -e $PASSWORDS ]] && return
  local user
  (
    umask 077
    for user in ADMIN OPERATOR COURIER CLIENT; do
      printf 'export OMOTES_%s_PASSWORD=%s\n' "$user" "$(openssl rand -hex 16)"
    done >"$PASSWORDS.new"
    mv "$PASSWORDS.new" "$PASSWORDS"
  )
}
