#!/usr/bin/env bash
# Writes fixtures/ by Debian's minisign 0.11: `tests/guard/make_fixtures.sh`. New keys each time, so new files. The keys are for
# these tests: trust them nowhere.
set -euo pipefail
cd "$(dirname "$0")/fixtures"
rm -f ./*

printf 'bytes that somebody signs\n' >signed.bin
minisign -G -W -p plain.pub -s plain.key >/dev/null
# Where it cannot have the gibibyte that it asks for, it halves what it needs until it can: a key that tests may open.
(ulimit -v 100000 && printf 'a password\na password\n' | minisign -G -p encrypted.pub -s encrypted.key >/dev/null)

minisign -S -s plain.key -m signed.bin -x prehashed.minisig -t 'for the tests of steer'
minisign -S -l -s plain.key -m signed.bin -x legacy.minisig -t 'for the tests of steer, legacy'
printf 'a password\n' | minisign -S -s encrypted.key -m signed.bin -x encrypted.minisig -t 'by the encrypted key' >/dev/null
