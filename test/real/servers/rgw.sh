#!/usr/bin/env bash
# One-node Ceph with an RGW on loopback, its state in RAM.
#
#   rgw.sh up    needs ceph-mon, ceph-osd, radosgw and ceph-common, and starts from nothing
#   rgw.sh down  stops what `up` started, and removes its state
#
# RGW_DIR       state                         RGW_CERT, RGW_KEY                  PEM files
# RGW_PORT      http                          RGW_ACCESS_KEY, RGW_SECRET_KEY     the one user
# RGW_TLS_PORT  https                         RGW_MON_PORT                       the monitor's
set -euo pipefail
: "${RGW_DIR:?}"

FSID=11111111-2222-3333-4444-555555555555
OSD_UUID=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee

main() {
  case "${1:-}" in
    up) down && up ;;
    down) down ;;
    *) sed -n '2,9p' "$0" >&2 && exit 2 ;;
  esac
}

up() {
  mkdir -p "$RGW_DIR"/{run,log,mon,osd,rgw}
  cd "$RGW_DIR"
  export CEPH_CONF=$RGW_DIR/ceph.conf
  write_configuration >"$CEPH_CONF"
  start_monitor
  start_store
  create_user
  start_gateway
}

# The authentication and the redundancy of a real cluster are off; what S3 clients see is not touched.
write_configuration() {
  cat <<CONF
[global]
fsid = $FSID
mon host = v1:127.0.0.1:$RGW_MON_PORT/0
ms bind msgr2 = false
public addr = 127.0.0.1
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
run dir = $RGW_DIR/run
admin socket = $RGW_DIR/run/\$name.asok
pid file = $RGW_DIR/run/\$name.pid
log file = $RGW_DIR/log/\$name.log
log to stderr = false
err to stderr = true
crash dir = $RGW_DIR/log
plugin dir = /usr/lib/ceph
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 10000
mon pg warn min per osd = 0
mon data avail warn = 1
mon data avail crit = 1
paxos propose interval = 0.05
paxos min wait = 0.01
mon cluster log file = /dev/null
[mon]
mon data = $RGW_DIR/mon
mon cluster log to file = false
[osd]
osd data = $RGW_DIR/osd
osd objectstore = memstore
memstore device bytes = 8589934592
memstore page set = false
osd crush initial weight = 1
osd class load list = *
osd class default list = *
osd op num shards = 2
osd op num threads per shard = 2
osd max object name len = 2048
osd mclock skip benchmark = true
[client]
rgw crypt require ssl = false
rgw thread pool size = 64
rgw dns name = localhost
rgw enable usage log = false
rgw enable ops log = false
rgw dynamic resharding = false
rgw enable quota threads = false
rgw run sync thread = false
rgw gc obj min wait = 5
rgw gc processor max time = 10
rgw gc processor period = 10
debug rgw = 1
CONF
}

start_monitor() {
  monmaptool --create --clobber --addv a "[v1:127.0.0.1:$RGW_MON_PORT]" --fsid "$FSID" monmap >/dev/null
  ceph-mon --mkfs -i a --monmap monmap
  ceph-mon -i a
  # It may still be electing itself, and then knows no OSD.
  until_works 50 timeout 20 ceph osd new "$OSD_UUID"
}

start_store() {
  ceph-osd -i 0 --mkfs --osd-uuid "$OSD_UUID" >log/osd-mkfs 2>&1
  # Started before the monitor has its map, it ends with `wrong fsid`.
  until_works 30 ceph-osd -i 0
  until_works 100 store_is_up
}

store_is_up() {
  timeout 20 ceph osd stat | grep -q '1 up'
}

# Before the gateway: radosgw-admin makes the pools of the zone itself.
create_user() {
  timeout 120 radosgw-admin user create --uid=tester --display-name=tester \
    --access-key="$RGW_ACCESS_KEY" --secret-key="$RGW_SECRET_KEY" >log/user 2>&1
}

start_gateway() {
  local frontend="beast endpoint=127.0.0.1:$RGW_PORT ssl_endpoint=127.0.0.1:$RGW_TLS_PORT"
  frontend+=" ssl_certificate=$RGW_CERT ssl_private_key=$RGW_KEY"
  radosgw -n client.rgw.rgw --rgw-frontends="$frontend" --rgw-data="$RGW_DIR/rgw" >log/rgw 2>&1
  until_works 300 curl --silent --max-time 2 --output /dev/null "http://127.0.0.1:$RGW_PORT/"
}

until_works() {
  local tries=$1 log=log/until_works
  shift
  for ((; tries > 0; tries--)); do
    "$@" >"$log" 2>&1 && return
    sleep 0.1
  done
  cat "$log" >&2
  return 1
}

# The state is thrown away, so nobody needs to end in peace.
down() {
  local file
  for file in "$RGW_DIR"/run/*.pid; do
    [ -s "$file" ] && is_ceph "$(<"$file")" && end "$(<"$file")"
  done
  rm -rf "$RGW_DIR"
}

end() {
  kill -KILL "$1"
  timeout 10 tail --pid="$1" -f /dev/null
}

# A pid may be somebody else's by now.
is_ceph() {
  grep -qE '^(ceph-mon|ceph-osd|radosgw)$' "/proc/$1/comm" 2>/dev/null
}

main "$@"
