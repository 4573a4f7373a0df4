#!/bin/sh
# Puts the packages of requirements.txt into site-packages/, from where the Dockerfile copies them: so the image builds
# without a network. They are for Python 3.11, whatever Python runs this script (PYTHON, default python3; it needs pip).
#
#   ./fetch-packages.sh [ARCH]      x86_64 or aarch64; default: this machine's
set -eu
cd "$(dirname "$0")"
arch=${1:-$(uname -m)}
partial=site-packages.partial

trap 'rm -rf "$partial"' EXIT
rm -rf "$partial"
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
    --only-binary :all: --implementation cp --python-version 3.11 \
    --platform "manylinux_2_28_$arch" --platform "manylinux_2_17_$arch" --platform "manylinux2014_$arch" \
    --target "$partial" --requirement requirements.txt

# What only serves development: commands, tests, C headers and Cython sources.
rm -rf "$partial/bin" "$partial/lxml/includes"
find "$partial" -depth \( -name __pycache__ -o -name tests -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.h' \) \
    -exec rm -rf {} +

rm -rf site-packages
mv "$partial" site-packages
