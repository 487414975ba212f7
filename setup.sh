#!/bin/sh
# Sets up .venv with fcnet and what it needs, from the versions in constraints.txt. Called by make.
# TORCH=none leaves PyTorch out, TORCH=plain takes the build that pip takes by itself.
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
echo "setting up .venv (once; half a minute or so)"
log=.venv/setup.log
# wheels only, and their modules are compiled when they are first imported: nothing here is compiled
pip() { .venv/bin/python -m pip install --quiet --no-compile --only-binary=:all: --constraint constraints.txt "$@" >>$log 2>&1; }
# uv installs the same wheels in a quarter of pip's time; where it cannot, pip does it
index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
quickly() {
    env UV_SYSTEM_CERTS=1 UV_HTTP_TIMEOUT=15 ${index:+UV_DEFAULT_INDEX="$index"} .venv/bin/uv pip install --quiet \
        --python .venv/bin/python --only-binary :all: --constraint constraints.txt "$@" >>$log 2>&1 || pip "$@"
}
# the groups are read here, since the pip that comes with Python is often too old for --group
.venv/bin/python -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    groups = tomllib.load(file)["dependency-groups"]
print(*(package for name, group in groups.items() if name != "libraries" for package in group), sep="\n")' >.venv/development.txt
# every extra but torch, which follows below
extras=sklearn,report,tune,images,tables,onnx,tensorboard,bfloat16,postgresql
pip uv || true
if ! quickly hatchling editables || ! quickly --no-build-isolation --editable ".[$extras]" -r .venv/development.txt; then
    fail "could not install the packages of constraints.txt as wheels for $(.venv/bin/python -V), see $log; is the network up?"
fi

# PyTorch: on Linux pip's own choice is a CUDA build of several GB, which is of use with an NVIDIA GPU only. The CPU
# build carries the local version +cpu, and is taken from wherever pip is set up to look, or from PyTorch's own index.
version=$(sed -n 's/^torch==//p' constraints.txt)
torch=${TORCH:-auto}
[ "$torch" = auto ] && { [ "$(uname -s)" != Linux ] || nvidia-smi -L 2>/dev/null | grep -q GPU; } && torch=plain
case $torch in
none) ;;
plain) pip "torch==$version" || true ;;
*)
    pip "torch==$version+cpu" ||
        pip --retries 1 --timeout 15 --extra-index-url https://download.pytorch.org/whl/cpu "torch==$version+cpu" ||
        { echo "no CPU build of PyTorch $version is available, installing the one for CUDA (several GB)"; pip "torch==$version"; } ||
        true
    ;;
esac
if taken=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("torch"))' 2>/dev/null); then
    echo "PyTorch $taken"
else
    echo "without PyTorch: question 4 will be left out (see $log)"
fi
touch .venv/ready
