# shellcheck shell=bash
# Container images, built without a daemon by buildah and put into containerd. buildah's storage is in the cache; what
# containerd holds belongs to the state folder. All names begin with localhost/, so nothing is ever pulled.

images_buildah() {
  STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot TMPDIR=$CACHE/tmp \
    buildah --root "$CACHE/buildah" --runroot "$RUN/buildah" --storage-driver vfs "$@"
}

# present NAME KEY ARCHIVE: whether containerd has the image, made from just this, and the cache has it too, for images
# that are built on it.
present() {
  [[ -e $3 && $(cat "$STATE/images/${1//[\/:]/_}" 2>/dev/null) == "$2" ]] && grep -qxF "$1" <<<"${IMPORTED=$(images_ctr images list -q)}"
}

# import_archive TAR
import_archive() {
  local said
  said=$(images_ctr images import "$1" 2>&1) || die "importing $1 failed: $said"
  unset IMPORTED
  # A name that moved on leaves its former image behind under its digest, and the kubelet's own clean-up is off.
  images_ctr images list |
    awk 'NR > 1 { if ($1 ~ /^sha256:/) digest[$1] = $3; else named[$3] = 1 }
      END { for (id in digest) if (!(digest[id] in named)) print id }' |
    while read -r said; do images_ctr images remove "$said" >/dev/null 2>&1 || true; done
}

# build_image NAME CONTEXT DOCKERFILE [BUILDAH-ARGUMENTS...]: skips what was built from the same content before.
build_image() {
  local name=$1 context=$2 dockerfile=$3 key archive stem=${1//[\/:]/_}
  shift 3
  key=$(image_key "$name" "$context" "$dockerfile" "$@")
  archive=$CACHE/images/$stem-$key.tar
  present "$name" "$key" "$archive" && return
  mkdir -p "$CACHE/tmp" "$CACHE/images" "$STATE/images" "$RUN/buildah"
  exec 8>"$RUN/images.lock" # buildah starts nothing that lives on and could keep it
  flock 8
  if [[ ! -e $archive ]]; then
    with_progress "building the image $name" "$STATE/logs/image-$stem.log" \
      make_archive "$name" "$context" "$dockerfile" "$archive" "$@"
  fi
  import_archive "$archive"
  printf '%s' "$key" >"$STATE/images/$stem"
  exec 8>&-
}

make_archive() {
  local name=$1 context=$2 dockerfile=$3 archive=$4
  shift 4
  rm -f "$archive".new
  images_buildah build --pull-never --timestamp 0 --file "$dockerfile" --tag "$name" "$@" "$context"
  images_buildah push "$name" "docker-archive:$archive.new:$name"
  rm -f "$CACHE/images/${name//[\/:]/_}"-*.tar # of the same image before
  mv "$archive.new" "$archive"
  images_buildah rmi --prune >/dev/null
}

# image_key: changes with the context's content, the arguments, and every localhost/ image that they or the
# Dockerfile name.
image_key() {
  local name=$1 context=$2 dockerfile=$3 base
  shift 3
  {
    printf '%s\0' "$name" "$@"
    cat "$dockerfile"
    tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --exclude-vcs --directory "$context" .
    for base in $( { printf '%s\n' "$@"; cat "$dockerfile"; } | grep -oE 'localhost/[a-z0-9./_-]+(:[A-Za-z0-9._-]+)?' | sort -u); do
      cat "$STATE/images/${base//[\/:]/_}" 2>/dev/null || true
    done
  } | hash_of
}

# --- the images that every test can count on --------------------------------------------------------------------------

builtin_images_up() {
  build_pause
  build_busybox
  build_debian_python
}

build_pause() {
  local context=$CACHE/contexts/pause
  mkdir -p "$context"
  cp -p /usr/bin/catatonit "$context/pause"
  printf 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause", "-P"]\n' >"$context/Dockerfile"
  build_image localhost/pause:1 "$context" "$context/Dockerfile"
}

build_busybox() {
  local context=$CACHE/contexts/busybox applet
  if [[ ! -e $context/Dockerfile ]]; then
    rm -rf "$context"
    mkdir -p "$context"/root/{bin,etc,home,root,var,usr}
    mkdir -m 1777 "$context/root/tmp"
    cp -p /bin/busybox "$context/root/bin/busybox"
    for applet in $(/bin/busybox --list); do
      [[ $applet == busybox ]] || ln -s busybox "$context/root/bin/$applet"
    done
    ln -s ../bin "$context/root/usr/bin"
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/sh\n' >"$context/root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$context/root/etc/group"
    printf 'FROM scratch\nADD root.tar /\nENV PATH=/bin:/usr/bin\nCMD ["/bin/sh"]\n' >"$context/Dockerfile"
    tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --directory "$context/root" --file "$context/root.tar" .
    rm -rf "$context/root"
  fi
  build_image localhost/busybox:1 "$context" "$context/Dockerfile"
}

build_debian_python() {
  local root context
  root=$(rootfs bookworm python3)
  context=$CACHE/contexts/$(basename "$root")
  if [[ ! -e $context/Dockerfile ]]; then
    mkdir -p "$context"
    tar --create --sort=name --numeric-owner --directory "$root" --file "$context/root.tar" .
    printf 'FROM scratch\nADD root.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1\nCMD ["/usr/bin/python3"]\n' \
      >"$context/Dockerfile"
  fi
  build_image localhost/debian-python:bookworm "$context" "$context/Dockerfile"
}

cmd_image() {
  local action=${1:-}
  shift || true
  case $action in
    import)
      [[ -f ${1:-} ]] || die "usage: $SELF image import TAR"
      step "imported $1" import_archive "$1" ;;
    build)
      local name=${1:-} context=${2:-} dockerfile
      [[ $name == localhost/*:* && -d $context ]] ||
        die "usage: $SELF image build localhost/NAME:TAG CONTEXT [DOCKERFILE] [BUILDAH ARGUMENTS...]"
      shift 2
      dockerfile=$context/Dockerfile
      if [[ $# -gt 0 && $1 != -* ]]; then dockerfile=$1; shift; fi
      [[ -f $dockerfile ]] || die "there is no $dockerfile"
      runs containerd || die "containerd does not run; first: $SELF up"
      step "image $name" build_image "$name" "$context" "$dockerfile" "$@" ;;
    list) images_ctr images list ;;
    *) die "image: import TAR, build NAME:TAG CONTEXT [DOCKERFILE] [ARGUMENTS...] or list; not '$action'" ;;
  esac
}
