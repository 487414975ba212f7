#!/bin/sh
# Sets up .venv with fcnet and what it needs, from the versions in constraints.txt. Called by make.
set -eu
python=${1:-python3}

fail() { echo "error: $1" >&2; exit 2; }

command -v "$python" >/dev/null 2>&1 ||
    fail "no $python here, install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is Python $("$python" -c 'import platform; print(platform.python_version())'), fcnet needs 3.11 or newer: make PYTHON=python3.12"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python has no venv module, install it (Debian and Ubuntu: apt install python3-venv)"

rm -f .venv/ready
[ -x .venv/bin/python ] && .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    { rm -rf .venv; "$python" -m venv .venv || fail "cannot make .venv in $(pwd), see above"; }
echo "setting up .venv (once; a minute or so)"
# wheels only: nothing here is ever compiled
if ! .venv/bin/python -m pip install --quiet --only-binary=:all: --constraint constraints.txt hatchling editables >.venv/setup.log 2>&1 ||
    ! .venv/bin/python -m pip install --quiet --only-binary=:all: --no-build-isolation --constraint constraints.txt --editable '.[dev]' >>.venv/setup.log 2>&1
then
    fail "could not install the packages of constraints.txt as wheels for $(.venv/bin/python -V), see .venv/setup.log; is the network up?"
fi
touch .venv/ready
