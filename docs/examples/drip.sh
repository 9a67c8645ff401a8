#!/bin/sh
# `drip` with the settings and as the user of the service, wherever one stands. Copy to /usr/local/bin/drip.
set -eu
set -a
. /etc/drip/drip.env
set +a
if [ "$(id -u)" = 0 ]; then
    exec runuser -u drip -- /opt/drip/.venv/bin/drip "$@"
fi
exec /opt/drip/.venv/bin/drip "$@"
