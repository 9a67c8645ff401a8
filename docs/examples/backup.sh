#!/bin/sh
# A copy of drip's database as it is at one moment, while letters go out. Copy to /usr/local/sbin/drip-backup.
#
#     drip-backup [DATABASE [FOLDER]]
#
# Every copy of the last two days stays, then the first of each day, for a fortnight: backups keep whom drip has forgotten.
set -eu
umask 077
database=${1:-/var/lib/drip/drip.db}
folder=${2:-/var/backups/drip}
[ -s "$database" ] || { echo "drip-backup: there is no database at $database" >&2; exit 1; }
mkdir -p "$folder"
rm -f "$folder"/part-*
part=$folder/part-$$
trap 'rm -f "$part" "$part.gz"' EXIT

# One read transaction: however long it takes, the copy is of one instant, and nobody waits for it.
sqlite3 -cmd '.timeout 60000' "$database" "VACUUM INTO '$part'"
# No copy counts that nobody could use.
[ "$(sqlite3 "$part" 'PRAGMA integrity_check')" = ok ]
gzip "$part"
sync "$part.gz"
mv "$part.gz" "$folder/drip-$(date -u +%Y%m%dT%H%M%SZ).db.gz"

find "$folder" -name 'drip-*.db.gz' -mmin +2880 ! -name 'drip-????????T000???Z.db.gz' -delete
find "$folder" -name 'drip-*.db.gz' -mtime +14 -delete
