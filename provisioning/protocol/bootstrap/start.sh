# What a host's shell runs first: find a Python, or borrow one, and hand it the loader.
# @LOADER@ @DIGEST@ @MARKER@ are filled in by payload.py, which has it run in /.
loader=$(printf %s @LOADER@ | base64 -d)
# Where Python is, and what comes last in Debian's library of it: of a pattern that nothing matches
# the star stays. There may be none, or half of one that a run has left which was cut off.
set -- /usr/lib/python3*/zoneinfo/_z*.py
case $(command -v python3)$1 in
/usr/lib/* | /usr/bin/*\**) ;;
*) exec python3 -I -c "$loader" @DIGEST@ @MARKER@ ;;
esac
say() { printf '\n%s say %s\n' @MARKER@ "$*"; }
room() { df -Pm /var 2>&1 | awk 'END {print $4}' 2>&1; }
fail() {
  mb=$(room)
  [ "$mb" -lt 200 ] 2>&- && set -- "$*; $mb MB left: free some space"
  printf '\n%s fail %s\n' @MARKER@ "$*"
  exit 1
}
command -v apt-get >/dev/null 2>&1 || fail "no python3 and no apt-get: this is not a Debian host"
umask 077
# Below a directory that only root can write to, so that nobody can put something in its place.
home=/var/lib/homeport-borrowed-python
trap 'rm -rf "$home"' EXIT
trap 'exit 1' HUP INT TERM
rm -rf "$home"
mkdir -p "$home/archives/partial" "$home/root" || fail "cannot write to /var/lib"
export LC_ALL=C.UTF-8
# Files that apt cannot read keep it from doing anything: it gets copies, less those.
mkdir "$home/sources" && { cp /etc/apt/sources.list.d/* "$home/sources" 2>&-; true; } || fail "cannot write to /var/lib"
# It may wait for ever where a disk is full.
apt() {
  until timeout --foreground 900 apt-get -q -y -o Acquire::Retries=2 -o Acquire::http::Timeout=20 \
    -o Dir::Etc::sourceparts="$home/sources" "$@" >"$home/log" 2>&1 </dev/null; do
    bad=$(sed -n 's,^E: .*/\([^/ ]*\.\(list\|sources\)\).*,\1,p' "$home/log" | head -n 1)
    [ -f "$home/sources/$bad" ] || return 1
    rm "$home/sources/$bad"
  done
}
update() {
  [ "$(room)" -lt 32 ] 2>&- && fail "cannot fetch Debian's package lists"
  say "no python3 here: fetching Debian's package lists"
  tries=0
  # Of several sources some may be in trouble: the others may do.
  until apt update; do
    held=$(grep -m 1 -o 'held by process.*' "$home/log") && [ $((tries += 1)) -le 300 ] || break
    [ "$held" = "$said" ] || say "waiting: apt's lists are $held"
    said=$held
    sleep 2
  done
  # The agent tells which.
  cp "$home/log" "$home/lists.log"
  ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 ||
    fail "cannot fetch Debian's package lists: $(grep '^[EW]:' "$home/log" | head -n 1)"
}
ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || update
say "no python3 here: borrowing one to begin with"
# As if nothing of Python were here: a run that was cut off may have left half of it. What else is
# half here counts as missing; or, if what is whole depends on it, as there: apt would do nothing.
fetch() {
  get none || get "(unpacked|half-[a-z]+|triggers-[a-z]+)"
}
get() {
  awk -v half=" $1\n" 'BEGIN { RS = ""; ORS = "\n\n" } { sub(half, " installed\n") }
    /\nStatus: install ok installed/ && !/^Package: (lib)?python3/' /var/lib/dpkg/status >"$home/status" ||
    fail "cannot read /var/lib/dpkg/status"
  apt --no-install-recommends -o Dir::State::status="$home/status" -o Dir::Cache::archives="$home/archives" \
    -o APT::Sandbox::User=root -o Debug::NoLocking=1 --download-only install python3
}
# Lists may be older than the archive, or torn; an update alone would believe what it has.
fetch || { rm -f /var/lib/apt/lists/*_*; update; fetch; } ||
  fail "cannot fetch Debian's python3: $(tail -n 1 "$home/log")"
for deb in "$home"/archives/*.deb; do
  dpkg-deb --extract "$deb" "$home/root" || fail "cannot unpack $deb"
done
set -- "$home"/root/usr/bin/python3.*[0-9]
[ -x "$1" ] || fail "Debian's python3 packages hold no interpreter"
# No colon at the end: it would stand for the current directory. Source: ld.so(8).
libraries=$(find "$home/root" -type f -name '*.so*' -path '*-linux-gnu/*' -exec dirname {} \; |
  sort -u | paste -sd : -)
LD_LIBRARY_PATH=$libraries "$1" -I -c "$loader" @DIGEST@ @MARKER@
