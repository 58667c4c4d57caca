#!/usr/bin/env bash
# An environment from a lock file, every download checked against its hash:
# scripts/environment.sh .venv requirements/dev.txt
set -euo pipefail
environment=$1 lock=$2

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

pick_python() {
  local python
  for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if new_enough "$python"; then
      echo "$python"
      return
    fi
  done
  echo "Stockade needs Python 3.11 or newer; ${PYTHON:-python3} is older or absent." >&2
  echo "Install a newer one, or name it: make setup PYTHON=/path/to/python3" >&2
  return 2
}

# pip's log in; out comes one line, which moves on a terminal, and whatever follows an error.
progress() {
  local terminal=0
  if [ -t 1 ]; then terminal=1; fi
  awk -v terminal="$terminal" -v total="$(grep -c '==' "$lock")" -v name="$environment" '
    /^ERROR/ { failed = 1 }
    failed { print > "/dev/stderr" }
    /^(Collecting|Requirement already satisfied)/ && terminal {
      printf "\r  %s: %d of %d packages", name, ++seen, total
      fflush()
    }
    /^Successfully installed / { installed = NF - 2 }
    END {
      if (terminal) printf "\r"
      if (!failed) printf "  %s: %d packages, %d installed now   \n", name, total, installed
    }'
}

if ! new_enough "$environment/bin/python" || [ ! -x "$environment/bin/pip" ]; then
  python=$(pick_python)
  echo "Setting up $environment with $("$python" --version); it takes about a minute, once"
  "$python" -m venv --clear "$environment"
fi
"$environment/bin/python" -m pip install --require-hashes --requirement "$lock" 2>&1 | progress
