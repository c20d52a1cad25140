#!/bin/sh
# Installs this wheelhouse on a machine without a network, and switches to it only when it has proved itself.
#
#   install.sh [--prefix DIR] [--python PYTHON] [--as USER] [--system-site-packages]
#   install.sh --rollback  [--prefix DIR] [--as USER]     back to the release before
#   install.sh --uninstall [--prefix DIR]                 configuration and data stay
#
#   PREFIX/opt/barocast/releases/RELEASE   a virtual environment for each release: this one and the one before are kept
#   PREFIX/opt/barocast/current            link to the release in use; switched in one step, after the self-test
#   PREFIX/etc/barocast                    configuration, never written here
#   PREFIX/var/lib/barocast                data, never written here
#
# Doing it twice does nothing more. Interrupted at any point, the release in use stays. Nothing is fetched; pip runs
# from its own wheel and does not stay. --as USER runs the self-test as the service's user, so that no file of its
# belongs to root. Exit status: 0 done; 1 the self-test failed, the old release is in use; 2 cannot be done here.
set -eu
umask 022
# The self-test leaves no device id of onnxruntime's behind (barocast.service).
export ORT_DISABLE_TELEMETRY=1

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix='' python=python3 user='' act=install site=''

die() { echo "install.sh: $*" >&2; exit 2; }
say() { echo "install.sh: $*"; }

while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -gt 1 ] || die "--prefix needs a folder"; prefix=${2%/}; shift ;;
    --python) [ $# -gt 1 ] || die "--python needs a Python"; python=$2; shift ;;
    --as) [ $# -gt 1 ] || die "--as needs a user"; user=$2; shift ;;
    --system-site-packages) site=--system-site-packages ;;
    --rollback) act=rollback ;;
    --uninstall) act=uninstall ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "$1: no such option; --help lists them" ;;
  esac
  shift
done

base=$prefix/opt/barocast
config=$prefix/etc/barocast
data=$prefix/var/lib/barocast

# One installation at a time; the lock goes with this process.
alone() {
  exec 9>"$base/.lock"
  flock -n 9 || die "another installation is running in $base"
}

check_wheelhouse() {
  (cd "$here" && sha256sum --check --quiet SHA256SUMS) ||
    die "$here is not what was built: a file above is missing or changed; copy it again"
}

check_python() {
  target=$(cat "$here/target")
  is=$("$python" -I -c 'import platform, sys; print("%s-cp%d%d" % (platform.machine(), *sys.version_info[:2]))') ||
    die "$python does not run; name a Python with --python"
  [ "$is" = "$target" ] || die "this wheelhouse is for $target; $python is $is"
}

# Debian's python3 without python3-venv makes an environment too, as long as it need not hold pip. pip's wheel is the
# one that SHA256SUMS names: a folder may hold files that nobody listed.
fill() {
  rm -rf "$1"
  "$python" -I -m venv --without-pip $site "$1"
  pip=$(sed -n 's|^[0-9a-f]*  \(wheels/pip-.*\)$|\1|p' "$here/SHA256SUMS")
  "$1/bin/python" "$here/$pip/pip" --isolated --disable-pip-version-check --no-cache-dir install --quiet --no-index \
    --ignore-installed --require-hashes --only-binary=:all: --find-links "$here/wheels" -r "$here/requirements.txt"
}

as_user() {
  if [ -n "$user" ]; then runuser -u "$user" -- "$@"; else "$@"; fi
}

# Engine, bundle and known answers; then each configuration that is there. Gives 1 when one of them is bad.
self_test() {
  say "trying $1"
  (cd / && as_user "$1/bin/barocast" doctor) || return 1
  set -- "$1" "$config"/*.toml
  [ ! -e "$2" ] || (cd / && as_user "$1/bin/barocast" run --check --config "$config")
}

# The link is replaced by rename: at no moment is there none.
point() {
  ln -s "releases/$2" "$base/.$1.new"
  mv -T "$base/.$1.new" "$base/$1"
}

release_in() {
  [ ! -L "$base/$1" ] || basename "$(readlink "$base/$1")"
}

switch_to() {
  old=$(release_in current)
  rm -f "$base/.current.new" "$base/.previous.new"
  [ -z "$old" ] || [ "$old" = "$1" ] || point previous "$old"
  sync
  point current "$1"
  sync
}

# Only what `current` and `previous` name is kept.
prune() {
  for folder in "$base"/releases/*; do
    case $(basename "$folder") in
      "$(release_in current)" | "$(release_in previous)") ;;
      *) rm -rf "$folder" ;;
    esac
  done
}

install() {
  check_wheelhouse
  check_python
  mkdir -p "$base/releases" "$config" "$data"
  alone
  release=$(cat "$here/release")
  folder=$base/releases/$release
  # The mark is written last: without it a folder is the rest of an installation that was cut off.
  if [ ! -e "$folder/installed" ]; then
    say "installing $release"
    fill "$folder" || { rm -rf "$folder"; die "$release could not be installed; nothing was changed"; }
    sync
    : >"$folder/installed"
  fi
  if ! self_test "$folder"; then
    old=$(release_in current)
    [ "$old" = "$release" ] || rm -rf "$folder"
    say "self-test of $release FAILED; in use: ${old:-nothing}" >&2
    exit 1
  fi
  switch_to "$release"
  prune
  say "$release is in use: $base/current/bin/barocast"
}

rollback() {
  [ -L "$base/previous" ] || die "there is no release before the present one"
  alone
  old=$(release_in previous)
  self_test "$base/releases/$old" || { say "self-test of $old FAILED; nothing was changed" >&2; exit 1; }
  switch_to "$old"
  say "$old is in use"
}

uninstall() {
  rm -rf "$base"
  say "removed $base; configuration stays in $config, data in $data"
}

$act
