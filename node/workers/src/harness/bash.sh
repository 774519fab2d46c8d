# Runs a Flowork script in Bash: one forked process for every call.
LC_ALL=C.UTF-8
__boot=${BASH_SOURCE[0]%/*}
# Calls come and the harness speaks on what was descriptor 0; the process of a call closes it before the script begins.
exec {__control}<&0 < /dev/null
__own_list=
# As process 2 of its own list, ending "all others" reaches a call's leftovers and nothing else.
[[ $$ == 2 && $PPID == 1 ]] && __own_list=1

# A frame: four bytes of length, one of kind, the text.
__put() { __write "$@" >&3; }
__write() {
  local LC_ALL=C head
  local size=$(( ${#2} + 1 ))
  printf -v head '\\x%02x\\x%02x\\x%02x\\x%02x' $(( size >> 24 & 255 )) $(( size >> 16 & 255 )) $(( size >> 8 & 255 )) $(( size & 255 ))
  printf "$head%s%s" "$1" "$2"
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
  # This tells the line; how the script ended is the parent's to tell.
  trap '(( $? )) && __put n "${__line-0}"' EXIT
  . "$__boot/script"
}

# The process of a call: reads it, closes control, and begins the script. What was sent for one call is in no other's memory.
__call() {
  # Digits, then that many bytes: the one way in which Bash does not read byte by byte.
  LC_ALL=C IFS= read -r -N 8 __length <&$__control || exit 86
  LC_ALL=C IFS= read -r -N "$(( 10#$__length ))" __text <&$__control || exit 86
  exec {__control}<&-
  eval "$__text"
  unset __text __length __again __own_list __control
  unset -f __call __write_control
  __run
}
__write_control() { __write "$@" >&$__control; }

__again=once
[[ $__own_list ]] && __again=
while :; do
  __write_control y "$__again"
  ( __call )
  __code=$?
  (( __code > 128 && __code < 193 )) && __write_control d "0 $(( __code - 128 ))" || __write_control d "$__code 0"
  # Control has ended, or a script says so: either way the next one begins afresh.
  [[ $__own_list ]] && (( __code != 86 )) || exit 0
  # Until nothing is left: a signal takes its time, and what still runs could still write.
  while kill -KILL -- -1 2>/dev/null; do :; done
done
