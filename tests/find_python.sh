#!/bin/sh
# find_python.sh 3.12: the path of a CPython of that version that really runs, from PATH or among pyenv's; nothing when there is none.
# pyenv puts a python3.12 on PATH (a shim) that only says so where its version is not selected.
for python in "$(command -v "python$1")" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/"python$1"; do
  if [ -n "$python" ] && "$python" -c '' 2>/dev/null; then
    echo "$python"
    exit
  fi
done
