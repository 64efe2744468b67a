# What Node changes at its start is noted first: it raises the soft limit of open files to the hard one, sets every signal
# that its caller ignored to the default action, and blocks none. src/parent/spec/inherited.ts reads the note.
note() {
  while read -r field value; do
    case $field in
      SigBlk:) blocked=$value ;;
      SigIgn:) GONTAINER_CALLER="$$ $blocked $value" && break ;;
    esac
  done < /proc/$$/status
  while read -r one two three soft hard unit; do
    case "$one $two $three" in "Max open files") GONTAINER_CALLER="$GONTAINER_CALLER $soft $hard" && break ;; esac
  done < /proc/$$/limits
}
GONTAINER_CALLER=
note 2> /dev/null
export GONTAINER_CALLER
# With fewer Node ends in an assertion of its own, or waits for ever. The note ends with the hard limit; it is empty where
# not even that could be read. exec, as the shell itself would need one more descriptor to come back from >&2.
files=${GONTAINER_CALLER##* }
if [ -z "$files" ] && [ -e /proc/$$/limits ]; then files='a few'; fi
case $files in [0-9] | [12][0-9] | 'a few')
  exec >&2
  echo "gontainer: only $files files may be open at once, and 30 are needed. Raise the limit: ulimit -n 64"
  exit 125 ;;
esac
if ! command -v node > /dev/null; then
  echo "gontainer: there is no node in PATH (${PATH-}). Install Node.js 20.19 or later, or add its folder to PATH." >&2
  exit 125
fi
# After -- Node does not look for its own --env-file, whose NODE_OPTIONS it would take for itself.
exec node -- "$0" "$@"
