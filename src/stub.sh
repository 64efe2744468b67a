#!/bin/sh
':' /* A shell reads this part, which is a comment to Node.
# What Node changes at its start is noted first: it raises the soft limit of open files to the hard one, sets every signal
# that its caller ignored to the default action, and blocks none. src/parent/spec/inherited.ts reads the note.
# local, as a variable of such a name in the environment is the command's.
note() {
  local field value rest user pending= blocked capable processes one two three soft hard running task all
  while read -r field value rest; do
    case $field in
      Uid:) user=$value ;;
      SigPnd: | ShdPnd:) pending="$pending ${value#?}" ;;
      SigBlk:) blocked=$value ;;
      SigIgn:) GONTAINER_CALLER="$$ $blocked $value" ;;
      CapEff:) capable=$value && break ;;
    esac
  done < /proc/$$/status
  case $pending in *[!0\ ]*) drop $pending ;; esac
  while read -r one two three soft hard rest; do
    case "$one $two $three" in
      "Max processes "*) processes=$three ;;
      "Max open files") GONTAINER_CALLER="$GONTAINER_CALLER $soft $hard" && break ;;
    esac
  done < /proc/$$/limits
  # All threads of the user count, but the kernel limits neither root nor who has capabilities (getrlimit(2)). A launch has
  # 11 threads in the launcher, five in the child, the guard, and the command. They are counted where all that run on the
  # machine, the fourth field of proc_loadavg(5) behind its stroke, could be too many.
  case $user:$capable:$processes in
    0:*) ;;
    *:*[!0]*:*) ;;
    *:unlimited) ;;
    *)
      read -r one two three all rest < /proc/loadavg
      [ $((${all#*[/]} + 20)) -gt "$processes" ] || return 0
      running=-1
      for task in /proc/*[0-9]/task/[0-9]*; do [ -O "$task" ] && running=$((running + 1)); done
      [ $((running + 20)) -gt "$processes" ] && GONTAINER_REFUSED="$processes $running" ;;
  esac
}
# Node blocks no signal, and one that is pending would end it before the first line. fork(2) passes none on in any case. Those
# of the first 60 are dropped: ignoring a signal throws it away (sigaction(2)).
drop() {
  local mask number
  for mask; do
    number=1
    while [ $number -le 60 ]; do
      [ $(((0x$mask >> (number - 1)) & 1)) = 1 ] && trap '' $number && trap - $number
      number=$((number + 1))
    done
  done
}
# The same for the cgroup and those above it, each of which may have a limit; that holds for root too.
tasks() {
  local line group= most taken
  while read -r line; do
    case $line in
      *:pids:*) group=/sys/fs/cgroup/pids${line#*:*:} && break ;;
      0::*) group=/sys/fs/cgroup${line#0::} ;;
    esac
  done < /proc/$$/cgroup
  while [ "${group#/sys/fs/cgroup}" != "$group" ]; do
    if read -r most < "$group/pids.max" && [ "$most" != max ]; then
      read -r taken < "$group/pids.current"
      [ $((taken + 19)) -gt "$most" ] && GONTAINER_CROWDED="$most $((taken - 1))" && break
    fi
    group=${group%/*}
  done
}
# What a shell executes that the kernel does not take (ENOEXEC), it reads as a script: the name of a machine is looked for in
# the header of ELF, which read leaves without its zero bytes (elf(5)), and the loader of that machine on this one. EM_X86_64 is
# 62, which is >, and EM_AARCH64 is 183, which is octal 267.
is_foreign() {
  local head= loader machine arm
  IFS= read -r head < "$GONTAINER_FOUND"
  arm=$(printf '\267')
  case $head in
    '#!'*) return 1 ;;
    ?ELF????'>'* | ?ELF?????'>'*) loader=/lib64/ld-linux-x86-64.so.2 machine=x86_64 ;;
    ?ELF????"$arm"* | ?ELF?????"$arm"*) loader=/lib/ld-linux-aarch64.so.1 machine=aarch64 ;;
    *) return 0 ;;
  esac
  [ ! -e $loader ] && [ "$(uname -m)" != $machine ]
}
# Whether a launch has noted this very file of node, which took the options of src/common/node-options.ts: beside the program, to
# which npm may have made a link. A later node in its place has another time or another inode.
is_noted() {
  local place noted
  for place in "${0%/*}" "${0%/*}/../lib/node_modules/gontainer/dist" "${0%/*}/../gontainer/dist"; do
    [ "$0" -ef "$place/main.cjs" ] && break
  done
  for noted in "$place"/code/*-quick/node; do
    [ "$GONTAINER_FOUND" -ef "$noted" ] || continue
    ! [ "$GONTAINER_FOUND" -nt "$noted-time" ] && ! [ "$GONTAINER_FOUND" -ot "$noted-time" ] && return
  done
  return 1
}
# Launches start sooner with these options, which a process cannot give to itself, and a node that does not know one ends at
# once. Not where much is to be done: V8 would do it slowly.
is_quick() {
  case "$* " in
    *image* | *watch* | *pty* | *step*) return 1 ;;
    'run '* | -run\ *) ;;
    *) return 1 ;;
  esac
}
# The first program of that name in PATH: an empty folder is the one that this is (environ(7)).
find_node() {
  local rest folder
  rest=${PATH-}:
  while [ -z "$GONTAINER_FOUND" ] && [ -n "$rest" ]; do
    folder=${rest%%:*}
    rest=${rest#*:}
    [ -f "${folder:-.}/node" ] && [ -x "${folder:-.}/node" ] && GONTAINER_FOUND=${folder:-.}/node
  done
}
GONTAINER_CALLER=
GONTAINER_REFUSED=
GONTAINER_CROWDED=
note 2> /dev/null
tasks 2> /dev/null
export GONTAINER_CALLER
# With fewer Node ends in an assertion of its own, or waits for ever. The note ends with the hard limit; it is empty where
# not even that could be read. exec, as the shell itself would need one more descriptor to come back from >&2.
case "$GONTAINER_CALLER" in
  *' '[0-9] | *' '[12][0-9])
    exec >&2
    echo "gontainer: only ${GONTAINER_CALLER##* } files may be open at once, and 30 are needed. Raise the limit: ulimit -n 64"
    exit 125 ;;
  '')
    if [ -e /proc/$$/limits ]; then
      exec >&2
      echo "gontainer: only a few files may be open at once, and 30 are needed. Raise the limit: ulimit -n 64"
      exit 125
    fi ;;
esac
if [ -n "$GONTAINER_REFUSED" ]; then
  exec >&2
  echo "gontainer: your limit of processes and threads is ${GONTAINER_REFUSED% *}, of which ${GONTAINER_REFUSED#* } are taken, and 20 more are needed. End some of yours, or raise the limit: ulimit -u 256"
  exit 125
fi
if [ -n "$GONTAINER_CROWDED" ]; then
  exec >&2
  echo "gontainer: the limit of processes and threads of this cgroup is ${GONTAINER_CROWDED% *}, of which ${GONTAINER_CROWDED#* } are taken, and 20 more are needed. End some, or raise its pids.max."
  exit 125
fi
GONTAINER_FOUND=
find_node
if [ -z "$GONTAINER_FOUND" ]; then
  exec >&2
  echo "gontainer: there is no node in PATH (${PATH-}). Install Node.js 20.19 or later, or add its folder to PATH."
  exit 125
fi
case $GONTAINER_FOUND in
  # Installed with the system, and so for this machine.
  /usr/bin/node | /usr/local/bin/node) ;;
  *)
    # What has run before is not read: a shell reads byte by byte, and the first line of a program is long.
    if ! is_noted && is_foreign; then
      exec >&2
      echo "gontainer: $GONTAINER_FOUND is not a program for this machine ($(uname -m)). Install Node.js 20.19 or later for it, or put the folder of another node first in PATH."
      exit 125
    fi ;;
esac
# A shell leaves out variables whose names it could not use, such as BASH_FUNC_f%%, and sets PWD: callerEnvironment() has the
# environment from here. What is longer than one variable may be goes without.
GONTAINER_ENVIRON=$(base64 -w 0 < /proc/$$/environ 2> /dev/null)
if [ ${#GONTAINER_ENVIRON} -lt 130000 ]; then
  GONTAINER_ENVIRON="$$ $GONTAINER_ENVIRON"
  export GONTAINER_ENVIRON
fi
# After -- Node does not look for its own --env-file, whose NODE_OPTIONS it would take for itself.
is_quick "$@" && is_noted && exec "$GONTAINER_FOUND" QUICK_OPTIONS -- "$0" "$@"
exec "$GONTAINER_FOUND" -- "$0" "$@"
