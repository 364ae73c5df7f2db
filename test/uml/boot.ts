// What a machine does first, as text for its shell: a program of ours alone, or systemd as process 1. Decides nothing about
// what is run in it.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Who is process 1 of a machine. */
export type First = 'shell' | 'systemd';

interface Places {
  /** The machine's own; the result is written there. */
  readonly folder: string;
  readonly project: string;
}

/** Writes what the kernel starts; the words that tell the kernel. */
export function prepareBoot(first: First, { folder, project }: Places): readonly string[] {
  const inside = join(folder, 'project');
  mkdirSync(inside);
  const init = join(folder, 'init');
  const script = first === 'shell' ? alone(folder, project, inside) : covered(folder, project);
  writeFileSync(init, script, { mode: 0o755 });
  if (first === 'systemd')
    writeFileSync(join(folder, 'second'), managed(folder, inside), { mode: 0o755 });
  const access = first === 'shell' ? 'rw' : 'ro';
  return ['rootfstype=hostfs', 'root=/dev/root', access, `init=${init}`];
}

const surroundings = (folder: string): string =>
  `export PATH=${folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TZ=UTC LC_ALL=C`;

/** Runs the module, and then there is no more power. */
const body = (folder: string, inside: string): string => `\
KEEPALIVED_MACHINE=${folder} KEEPALIVED_PROJECT=${inside} KEEPALIVED_ADDON=${inside}/dist/keepalived.node \\
  ${process.execPath} --enable-source-maps ${folder}/inside.mjs
echo "status $?"
sync
echo o >/proc/sysrq-trigger`;

const alone = (folder: string, project: string, inside: string): string => `#!/bin/sh
exec >${folder}/log 2>&1
${surroundings(folder)}
mount -t proc proc /proc
mount -t sysfs sysfs /sys
# The project may itself lie below what is covered next.
mount --bind ${project} ${inside}
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
echo ${folder}/bin/modprobe >/proc/sys/kernel/modprobe
hostname ka-uml
modprobe ipv6
ip link set lo up
${body(folder, inside)}
# Power goes off a moment later; process 1 must not end before.
sleep 60
`;

/**
 * systemd writes wherever it likes, so the host's files are mounted read-only, once and for all, and covered by a layer in
 * memory; only the machine's folder is mounted again, to be written. Then the layer becomes the root, and nothing leads back.
 */
const covered = (folder: string, project: string): string => `#!/bin/sh
mount -t hostfs -o ${folder} none ${folder} || exit
exec >${folder}/log 2>&1
${surroundings(folder)}
set -e
mount --bind ${project} ${folder}/project
mount -t proc proc /proc
echo ${folder}/bin/modprobe >/proc/sys/kernel/modprobe
mount -t tmpfs tmpfs /tmp
modprobe overlay
mkdir /tmp/upper /tmp/work /tmp/root
mount -t overlay -o lowerdir=/,upperdir=/tmp/upper,workdir=/tmp/work overlay /tmp/root
cd /tmp/root
mount --rbind ${folder} .${folder}
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
for one in run tmp etc/systemd/system; do
  mkdir -p $one
  mount -t tmpfs tmpfs $one
done
mkdir below
pivot_root . below
exec chroot . ${folder}/second </dev/null
`;

/** Debian's units that units of others refer to; whatever else is installed on the host is not there. */
const UNITS = [
  'basic.target',
  'final.target',
  'multi-user.target',
  'network-online.target',
  'network.target',
  'shutdown.target',
  'sockets.target',
  'sysinit.target',
  'systemd-journald-dev-log.socket',
  'systemd-journald.service',
  'systemd-journald.socket',
  'umount.target',
];

const managed = (folder: string, inside: string): string => `#!/bin/sh
umount -l /below
rmdir /below
# Whoever loads modules by a path of his own finds them too.
mkdir -p /lib/modules
ln -sfn ${folder}/lib/modules/$(uname -r) /lib/modules/
# The host may be a container; this is none.
rm -f /.dockerenv
echo ka-uml >/etc/hostname
modprobe ipv6
ip link set lo up
# An empty one would mean that the machine was never started before, and that every unit is wanted.
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
printf '[Journal]\\nStorage=volatile\\nRateLimitBurst=0\\n' >/etc/systemd/journald.conf
for unit in ${UNITS.join(' ')}; do cp /lib/systemd/system/$unit /etc/systemd/system; done
cat >/etc/systemd/system/ka.target <<END
[Unit]
Requires=basic.target systemd-journald.service
Wants=systemd-journald.socket systemd-journald-dev-log.socket
After=basic.target systemd-journald.service
END
(
${body(folder, inside)}
) &
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/run/none \\
  SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/run/none /lib/systemd/systemd --system --unit=ka.target
`;
