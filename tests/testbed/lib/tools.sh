# shellcheck shell=bash
# Binaries built from Go modules. Each folder of tools/ is one module: its go.mod pins the versions. Tools of one module
# share one build, in which a package that several projects use is compiled once. The results lie in
# CACHE/go/MODULE-KEY/, the key being the hash of all inputs of the build; BIN is one folder of links to them all, for PATH.

# command project module package
readonly TOOLS='
kube-apiserver           kubernetes  cluster     k8s.io/kubernetes/cmd/kube-apiserver
kube-controller-manager  kubernetes  cluster     k8s.io/kubernetes/cmd/kube-controller-manager
kube-scheduler           kubernetes  cluster     k8s.io/kubernetes/cmd/kube-scheduler
kubelet                  kubernetes  cluster     k8s.io/kubernetes/cmd/kubelet
kube-proxy               kubernetes  cluster     k8s.io/kubernetes/cmd/kube-proxy
kubectl                  kubernetes  cluster     k8s.io/kubernetes/cmd/kubectl
etcd                     etcd        cluster     go.etcd.io/etcd/server/v3
containerd               containerd  cluster     github.com/containerd/containerd/v2/cmd/containerd
containerd-shim-runc-v2  containerd  cluster     github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2
ctr                      containerd  cluster     github.com/containerd/containerd/v2/cmd/ctr
helm                     helm        cluster     helm.sh/helm/v4/cmd/helm
kubeconform              kubeconform kubeconform github.com/yannh/kubeconform/cmd/kubeconform
kube-score               kube-score  kube-score  github.com/zegl/kube-score/cmd/kube-score
'

tools_where() { awk -v field="$1" -v value="$2" 'NF && $field == value { print $1 }' <<<"$TOOLS"; }
of_tool() { awk -v tool="$1" -v field="$2" '$1 == tool { print $field }' <<<"$TOOLS"; }
project_of() { of_tool "$1" 2; }
module_of() { of_tool "$1" 3; }
package_of() { of_tool "$1" 4; }
projects() { awk 'NF && !seen[$2]++ { print $2 }' <<<"$TOOLS"; }
modules() { awk 'NF && !seen[$3]++ { print $3 }' <<<"$TOOLS"; }

# version_of PROJECT: of the Go module that its packages belong to, from the go.mod here.
version_of() {
  local package module
  read -r module package < <(awk -v project="$1" '$2 == project { print $3, $4; exit }' <<<"$TOOLS")
  awk -v package="$package" '
    { sub(/^require /, ""); sub(/^\t/, "") }
    $2 ~ /^v[0-9]/ && (index(package "/", $1 "/") == 1) && length($1) > length(best) { best = $1; version = $2 }
    END { print version }' "$HERE/tools/$module/go.mod"
}

# Without these the binaries do not know their own version, and kubelet and apiserver report v0.0.0.
linker_flags() {
  printf -- '-s -w'
  case $1 in
    cluster)
      local base number kubernetes
      kubernetes=$(version_of kubernetes)
      number=${kubernetes#v}
      for base in k8s.io/component-base/version k8s.io/client-go/pkg/version; do # what they report, and their user agent
        printf ' -X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s' \
          "$base" "$kubernetes" "$base" "${number%%.*}" "$base" "$(cut -d. -f2 <<<"$number")"
      done
      printf ' -X github.com/containerd/containerd/v2/version.Version=%s' "$(version_of containerd)"
      printf ' -X helm.sh/helm/v4/internal/version.version=%s' "$(version_of helm)" ;;
    kubeconform | kube-score) printf ' -X main.version=%s' "$(version_of "$1")" ;;
  esac
}

# Without what only a debugger reads, which -s and -w leave out anyway, compiling takes a sixth less.
readonly BUILD_FLAGS=(-trimpath -buildvcs=false -mod=readonly -gcflags=all=-dwarf=false)

# module_store MODULE: the folder of its binaries in the cache.
module_store() {
  printf '%s/go/%s-%s' "$CACHE" "$1" "$(
    { cat "$HERE/tools/$1/go.mod" "$HERE/tools/$1/go.sum"; linker_flags "$1"
      printf '%s ' "${BUILD_FLAGS[@]}" "$GO_VERSION"; } | hash_of)"
}

# locate_tools: sets BIN, which need not exist yet.
locate_tools() {
  local module
  GO_VERSION=$(go version 2>/dev/null || echo none)
  BIN=$CACHE/bin-$( { for module in $(modules); do module_store "$module"; done; printf '%s' "${KUBEBUILDER_ASSETS:-}"; } | hash_of)
  readonly GO_VERSION BIN
}

# from_assets TOOL: prints its path, if the user has it already, the way Kubernetes projects share such binaries.
from_assets() {
  case $1 in kube-apiserver | etcd | kubectl) ;; *) return 1 ;; esac
  [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/$1 ]] && realpath "$KUBEBUILDER_ASSETS/$1"
}

# wanted_tools NAME...: the names may be of tools, projects or modules.
wanted_tools() {
  local name field found
  for name; do
    for field in 3 2 1; do
      found=$(tools_where "$field" "$name")
      [[ -z $found ]] || break
    done
    [[ -n $found ]] || die "there is no tool '$name'; there are: $(tools_where 2 kubernetes | tr '\n' ' ')$(projects | tr '\n' ' ')"
    printf '%s\n' "$found"
  done | awk '!seen[$1]++'
}

cmd_tools() {
  local names=("$@") tool module asset missing=()
  (( ${#names[@]} )) || mapfile -t names < <(modules)
  local wanted
  wanted=$(wanted_tools "${names[@]}")
  for tool in $wanted; do
    if [[ ! -x $BIN/$tool ]]; then missing+=("$tool"); fi
  done
  (( ${#missing[@]} )) || { printf '%s\n' "$BIN"; return 0; }

  mkdir -p "$BIN"
  for module in $(modules); do
    local of_module=()
    for tool in "${missing[@]}"; do
      if asset=$(from_assets "$tool"); then
        ln -sfn "$asset" "$BIN/$tool"
      elif [[ $(module_of "$tool") == "$module" ]]; then
        of_module+=("$tool")
      fi
    done
    if (( ${#of_module[@]} )); then build_tools "$module" "${of_module[@]}"; fi
  done
  printf '%s\n' "$BIN"
}

# build_tools MODULE TOOL...
build_tools() {
  local module=$1 store tool missing=()
  shift
  store=$(module_store "$module")
  for tool; do
    if [[ ! -x $store/$tool ]]; then missing+=("$tool"); fi
  done
  if (( ${#missing[@]} )); then
    command -v go >/dev/null || die "Go is missing, and with it ${missing[*]}; '$SELF check' says how to install it"
    mkdir -p "$store"
    with_progress "building $(named "${missing[@]}")" "$CACHE/logs/build-$module.log" \
      go_build "$module" "$store" "${missing[@]}"
  fi
  for tool; do ln -sfn "../go/$(basename "$store")/$tool" "$BIN/$tool"; done
}

# named TOOL...: their projects with their versions.
named() {
  local tool project names=
  for project in $(for tool; do project_of "$tool"; done | sort -u); do
    names+=", $project $(version_of "$project")"
  done
  printf '%s' "${names#, }"
}

# go_build MODULE STORE TOOL...: all in one go, then moved into place, so that a half-built binary is never found.
go_build() {
  local module=$1 store=$2 tool packages=() built
  shift 2
  built=$(mktemp -d "$store/.build-XXXXXX")
  # shellcheck disable=SC2064 # the folder of now is meant
  trap "rm -rf '$built'" EXIT
  export CGO_ENABLED=0 GOFLAGS=
  cd "$HERE/tools/$module" || exit
  for tool; do packages+=("$(package_of "$tool")"); done
  go build -v "${BUILD_FLAGS[@]}" -ldflags "$(linker_flags "$module")" -o "$built/" "${packages[@]}"
  for tool; do
    # A binary is named by its package's last element: etcd's is server's.
    [[ -e $built/$tool ]] || mv "$built"/server "$built/$tool"
    mv -f "$built/$tool" "$store/$tool"
  done
}
