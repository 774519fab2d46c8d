# Runs a Flowork script in Bash: one forked process for every call.
LC_ALL=C.UTF-8
__boot=${BASH_SOURCE[0]%/*}
__own_list=
# As process 2 of its own list, ending "all others" reaches a call's leftovers and nothing else.
[[ $$ == 2 && $PPID == 1 ]] && __own_list=1

# A frame: four bytes of length, one of kind, the text.
__put() {
  local LC_ALL=C head
  local size=$(( ${#2} + 1 ))
  printf -v head '\\x%02x\\x%02x\\x%02x\\x%02x' $(( size >> 24 & 255 )) $(( size >> 16 & 255 )) $(( size >> 8 & 255 )) $(( size & 255 ))
  printf "$head%s%s" "$1" "$2" >&3
}

log() {
  local level=info line
  case ${1-} in debug|info|warn|error) (( $# > 1 )) && { level=$1; shift; } ;; esac
  if [[ $* != *$'\n'* ]]; then
    __put l "$level $*"
    return
  fi
  while IFS= read -r line; do __put l "$level $line"; done <<< "$*"
}
log_debug() { log debug "$*"; }
log_info() { log info "$*"; }
log_warn() { log warn "$*"; }
log_error() { log error "$*"; }

# Gives what comes on standard input to an output port: set_output PORT < file
set_output() {
  local port=${1-}
  if [[ ! $port =~ ^[A-Za-z0-9_-]+$ ]]; then
    echo "set_output: name a port, such as: set_output rejected < file" >&2
    return 2
  fi
  mkdir -p "$FLOWORK_DIR/.ports"
  [[ -e $FLOWORK_DIR/.ports/port-$port ]] || printf '%s\n' "$port" >> "$FLOWORK_DIR/.ports/names"
  cat >> "$FLOWORK_DIR/.ports/port-$port"
}

__run() {
  cd "$FLOWORK_DIR" || exit 70
  RANDOM=$FLOWORK_SEED
  exec < "$FLOWORK_ITEMS"
  set -E
  trap '[[ ${BASH_SOURCE[0]} == "$__boot/script" ]] && __line=$LINENO' ERR
  # This tells the line. Status 0 is left to the parent: a signal may end the script with it, and the parent knows.
  trap '__status=$?; (( __status )) && __put d "$__status 0 ${__line-0}"' EXIT
  . "$__boot/script"
}

__again=once
[[ $__own_list ]] && __again=
while :; do
  __put y "$__again"
  # Digits, then that many bytes: the one way in which Bash does not read byte by byte.
  LC_ALL=C IFS= read -r -N 8 __length <&3 || exit 0
  LC_ALL=C IFS= read -r -N "$(( 10#$__length ))" __text <&3 || exit 0
  ( eval "$__text"; unset __text __length __again __own_list; __run )
  __code=$?
  (( __code > 128 && __code < 193 )) && __put d "0 $(( __code - 128 ))" || __put d "$__code 0"
  [[ $__own_list ]] || exit 0
  kill -KILL -- -1 2>/dev/null
done
