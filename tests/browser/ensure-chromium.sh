#!/bin/sh
# Finds a Chromium for the browser tests, or installs one: Debian's package where we may, else Playwright's own build.
set -eu
bin=${1:-.venv/bin}

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if "$bin/python" -c 'import sys; from playwright.sync_api import sync_playwright as p
with p() as it:
    import pathlib; sys.exit(not pathlib.Path(it.chromium.executable_path).exists())' 2>/dev/null; then exit 0; fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; fi
fi
if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" -eq 0 ] || [ -n "$as_root" ]; }; then
    echo "Installing Chromium for the browser tests (once)"
    if $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends chromium >/dev/null; then exit 0; fi
fi
echo "Fetching Playwright's Chromium for the browser tests (once)"
exec "$bin/playwright" install chromium
