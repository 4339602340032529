/**
 * Configuration of a throw-away Ceph cluster: one monitor, one storage daemon that keeps everything in memory, one S3
 * gateway over TLS. Everything listens on loopback, and nobody is authenticated but users of the gateway.
 */
export function cephConf({
  directory,
  fsid,
  monitorPort,
  port,
}: {
  directory: string
  fsid: string
  monitorPort: number
  /** Of the gateway. */
  port: number
}): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
# The default, secure, needs keys, without which a gateway waits for ever.
ms mon client mode = crc
run dir = ${directory}/run
admin socket = ${directory}/run/$name.asok
log file = ${directory}/log/$name.log
crash dir = ${directory}/log
# A lone monitor has nobody to wait for: these make the start take one second instead of twelve.
paxos propose interval = 0.05
paxos min wait = 0.01
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
[mon.a]
mon data = ${directory}/mon
[osd]
osd data = ${directory}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd memory target = 939524096
[client.rgw.a]
rgw data = ${directory}/rgw
# Without tcp_nodelay every GET waits 40 ms for an acknowledgement.
rgw frontends = beast ssl_endpoint=127.0.0.1:${port} ssl_certificate=${directory}/cert.pem ssl_private_key=${directory}/key.pem tcp_nodelay=1
rgw thread pool size = 64
# What is deleted frees its memory soon.
rgw gc obj min wait = 5
rgw gc processor period = 5
`
}
