# shellcheck shell=bash
# Small Debian systems made by debootstrap, kept in the cache: one that runs RabbitMQ 4 (which Debian 12 does not have and
# whose packages cannot be mixed into it), and one that is the base of images with Python.

# debian_mirror: the one that this machine's apt uses for Debian, or OMOTES_TESTBED_MIRROR.
debian_mirror() {
  if [[ -n ${OMOTES_TESTBED_MIRROR:-} ]]; then printf '%s' "$OMOTES_TESTBED_MIRROR"; return; fi
  # shellcheck disable=SC2016 # apt-get expands these itself
  apt-get indextargets --format '$(ORIGIN) $(SITE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $3 !~ /security/ { print $3; exit }' | sed 's,/$,,'
}

# rootfs SUITE PACKAGE...: prints the folder of a minimal system with these packages, which is built when missing.
rootfs() {
  local suite=$1 packages folder mirror
  shift
  packages=$(IFS=,; printf '%s' "$*")
  folder=$CACHE/rootfs-$suite-$1-$( { printf '%s ' "$suite" "$packages" "$(dpkg --print-architecture)"; declare -f make_rootfs; } | hash_of)
  if [[ ! -d $folder ]]; then
    mirror=$(debian_mirror)
    if [[ -z $mirror ]]; then # a new machine's apt knows its sources' origins only after its first update
      with_progress "apt-get update" "$CACHE/logs/apt-update.log" apt-get update
      mirror=$(debian_mirror)
    fi
    [[ -n $mirror ]] || die "apt's sources name no Debian mirror; set OMOTES_TESTBED_MIRROR to the URL of one that has $suite"
    mkdir -p "$CACHE"
    with_progress "debootstrap $suite with $packages" "$CACHE/logs/debootstrap-$suite-$1.log" \
      make_rootfs "$folder" "$suite" "$packages" "$mirror"
  fi
  printf '%s' "$folder"
}

make_rootfs() {
  local folder=$1 suite=$2 packages=$3 mirror=$4 made
  made=$(mktemp -d "$CACHE/.rootfs-XXXXXX")
  # shellcheck disable=SC2064 # the folder of now is meant
  trap "rm -rf '$made'" EXIT
  # In a mount namespace of its own, so that debootstrap's /proc and /sys never stay behind. The script is named because
  # an older debootstrap does not know newer suites; all of Debian's since 2005 are made by this one.
  unshare --mount --propagation private debootstrap --variant=minbase --include="$packages" \
    "$suite" "$made" "$mirror" /usr/share/debootstrap/scripts/sid
  rm -rf "$made"/var/cache/apt/* "$made"/var/lib/apt/lists/* "$made"/var/log/* "$made"/tmp/* \
    "$made"/usr/share/{doc,man,info,locale,lintian,bug}/*
  printf '127.0.0.1 localhost\n' >"$made/etc/hosts" # without it older Erlangs do not find themselves
  chmod 755 "$made"
  mv -T "$made" "$folder"
}
