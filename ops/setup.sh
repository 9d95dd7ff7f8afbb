#!/usr/bin/env bash
# Installs what `make demo` and `make test` need and what is not there yet. Says what it does.
# As root it installs at once; else it asks before it uses sudo when a person is at the terminal.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }

# Whether a server of version 7 or later is on the PATH.
have_redis() {
  local server major
  for server in redis-server valkey-server; do
    command -v "$server" >/dev/null || continue
    major=$("$server" --version | sed -n 's/.*v=\([0-9]*\).*/\1/p')
    [ "${major:-0}" -ge 7 ] && return 0
    say "$server is version ${major:-unknown}; 7.0 or later is needed"
  done
  return 1
}

# Runs a command with the right to install.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    say "this needs root and there is no sudo; run as root: $*"
    return 1
  elif [ -t 0 ]; then
    local answer
    read -r -p "setup: run \`sudo $*\`? [y/N] " answer
    case "$answer" in [yY]*) sudo "$@" ;; *) say "not done; run it yourself: sudo $*"; return 1 ;; esac
  else
    sudo -n "$@" || { say "sudo wants a password and nobody is here to ask; run: sudo $*"; return 1; }
  fi
}

# Whether PostgreSQL's programs are here; Debian keeps the server's apart from the PATH.
have_postgresql() {
  command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

# Whether Python can make an environment: tests read the archive as other programs do, and send
# mail to a real server.
have_python() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

# What the checks from outside need: a browser with its driver, Prometheus.
check_packages() {
  command -v chromedriver >/dev/null || echo chromium chromium-driver
  command -v promtool >/dev/null || echo prometheus
  command -v amtool >/dev/null || echo prometheus-alertmanager
  command -v systemd-analyze >/dev/null || echo systemd
}

# `setup.sh demo` installs what the demo needs and no more.
packages=()
have_redis || packages+=(redis-server)
if [ "${1:-}" != demo ]; then
  have_python || packages+=(python3 python3-venv)
  have_postgresql || packages+=(postgresql)
  command -v openssl >/dev/null || packages+=(openssl)
fi
# `setup.sh checks` installs what `make test-web` needs too.
if [ "${1:-}" = checks ]; then
  read -r -d '' -a more < <(check_packages) || true
  packages+=("${more[@]}")
fi

if [ "${#packages[@]}" -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    say "missing: ${packages[*]}; redis-server is 7.0 or later (or Valkey); this system has no apt-get"
    say "install it with your package manager, then run this again"
    exit 1
  fi
  say "installing ${packages[*]} from the system's packages"
  say "  (the programs start private servers of their own; services that the packages may start are"
  say "   not used, and can be stopped: systemctl disable --now redis-server postgresql)"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq || say "the lists of packages are not up to date: is there a network?"
  as_root apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || {
    say "not installed: ${packages[*]}; the package manager says why above"
    exit 1
  }
  have_redis || { say "the system's packages hold no redis-server 7.0 or later; see https://redis.io/docs"; exit 1; }
  say "done: $(redis-server --version 2>/dev/null || valkey-server --version)"
fi

# A real mail server for the tests, in an environment of the project's own.
if [ "${1:-}" != demo ]; then
  venv="$(cd "$(dirname "$0")/.." && pwd)/target/mail"
  if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import aiosmtpd' 2>/dev/null; then
    say "installing aiosmtpd, the mail server of the tests, into target/mail"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'aiosmtpd==1.4.6' || {
      say "aiosmtpd cannot be installed: is PyPI within reach?"
      exit 1
    }
  fi
fi
