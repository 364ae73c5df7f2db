// Runs inside: what stands around a director. A client has its way to the virtual addresses through the director, real servers
// behind a switch have theirs back through it (NAT) or past it (DR, TUN), and all of them run programs that people use.

import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNamespace } from '../../src/net/namespace.ts';
import { addCable, addNamespace, batch, sh, within } from './world.ts';

/** 203.0.113.1 is for NAT, .2 for DR, .3 for TUN. */
export const VIRTUAL = [1, 2, 3].map((n) => `203.0.113.${n}`);
export const realAddress = (n: number): string => `10.2.0.1${n}`;
const CLIENT = [2, 3, 4].map((n) => `10.1.0.${n}`);

const TLS = (end: string): string =>
  join(process.env.KEEPALIVED_PROJECT ?? '', `test/fixtures/tls/good.${end}`);

/** Before any town: its namespaces get a tunnel device each. */
export function loadModules(): void {
  for (const name of ['ipip', 'ip_vs_ftp', 'ip_vs_pe_sip']) sh('modprobe', name);
}

export class Town {
  readonly client: string;
  readonly director: string;
  readonly #name: string;
  readonly #switch: string;
  readonly #programs: ChildProcess[][] = [];

  constructor(name: string) {
    this.#name = name;
    this.client = `${name}-c`;
    this.director = `${name}-d`;
    this.#switch = `${name}-lan`;
    for (const space of [this.client, this.director, this.#switch]) addNamespace(space);
    batch(this.#switch, 'link add br0 type bridge', 'link set br0 up');
    addCable([this.director, 'eth0'], [this.client, 'eth0']);
    this.#plug(this.director, 'eth1', 'port1');
    // What DR and TUN servers answer does not come through the director.
    this.#plug(this.client, 'eth1', 'port2');
    batch(
      this.director,
      'address add 10.1.0.1/24 dev eth0',
      'address add 10.2.0.1/24 dev eth1',
      ...VIRTUAL.map((address) => `address add ${address}/32 dev lo`),
    );
    batch(
      this.client,
      ...CLIENT.map((address) => `address add ${address}/24 dev eth0`),
      'address add 10.2.0.2/24 dev eth1',
      'route add default via 10.1.0.1',
    );
    // A new namespace forwards nothing: answers would end here.
    within(this.director, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  }

  server(n: number): string {
    return `${this.#name}-${n}`;
  }

  addServer(n: number): void {
    const space = this.server(n);
    addNamespace(space);
    this.#plug(space, 'eth0', `server${n}`);
    // Their own virtual addresses nobody asks them for.
    const silent = ['net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2'];
    within(space, 'sysctl', '-qw', ...silent);
    batch(
      space,
      `address add ${realAddress(n)}/24 dev eth0`,
      'route add default via 10.2.0.1',
      `address add ${VIRTUAL[1]}/32 dev lo`,
      'link set tunl0 up',
      `address add ${VIRTUAL[2]}/32 dev tunl0`,
      ...VIRTUAL.slice(1).map((address) => `rule add from ${address} lookup 100`),
      'route add 10.1.0.0/24 via 10.2.0.2 table 100',
    );
    mkdirSync(this.#folder(n));
    writeFileSync(join(this.#folder(n), 'name'), `s${n}\n`);
    writeFileSync(join(this.#folder(n), 'nginx.conf'), nginx(n, this.#folder(n)));
    writeFileSync(join(this.#folder(n), 'vsftpd.conf'), vsftpd(this.#folder(n)));
    mkdirSync(join(this.#folder(n), 'ftp'));
    mkdirSync(join(this.#folder(n), 'empty'));
    writeFileSync(join(this.#folder(n), 'ftp/name'), `s${n}\n`);
    this.#answerCalls(n);
  }

  /** Web, names, mail, TLS and files; only the web where that is all it is for. */
  start(n: number, only?: 'web'): void {
    const folder = this.#folder(n);
    const dns = ['-k', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--user=root'];
    const tls = ['s_server', '-accept', '443', '-quiet', '-WWW', '-cert', TLS('pem')];
    const programs = [
      ['nginx', '-c', join(folder, 'nginx.conf')],
      ['dnsmasq', ...dns, '--pid-file=', `--address=/who.test/10.9.9.${n}`],
      ['smtp-sink', '-u', 'nobody', '-h', `s${n}`, 'inet:0.0.0.0:25', '100'],
      ['openssl', ...tls, '-key', TLS('key')],
      ['vsftpd', join(folder, 'vsftpd.conf')],
    ];
    this.#programs[n] = programs.slice(0, only === 'web' ? 1 : programs.length).map((words) =>
      spawn('ip', ['netns', 'exec', this.server(n), ...words], {
        stdio: ['ignore', 'inherit', 'inherit'],
        cwd: folder,
      }),
    );
  }

  /** Its programs die at once. */
  kill(n: number): void {
    for (const program of this.#programs[n] ?? []) program.kill('SIGKILL');
  }

  /** The machine is there for nobody, or is again. */
  cable(n: number, state: 'up' | 'down'): void {
    sh('ip', '-n', this.#switch, 'link', 'set', `server${n}`, state);
  }

  #folder(n: number): string {
    return `/tmp/${this.server(n)}`;
  }

  #plug(space: string, device: string, port: string): void {
    addCable([space, device], [this.#switch, port]);
    sh('ip', '-n', this.#switch, 'link', 'set', port, 'master', 'br0');
  }

  /** SIP over UDP: every request is answered, and the answer says by whom. */
  #answerCalls(n: number): void {
    // Without a resolver in between the socket is made at once, and so in there.
    const socket = createSocket({
      type: 'udp4',
      lookup: (address, _, found) => found(null, address, 4),
    });
    inNamespace(this.server(n), () => socket.bind(5060));
    socket.on('message', (bytes, from) => {
      const kept = bytes
        .toString('latin1')
        .split('\r\n')
        .filter((line) => /^(via|from|to|call-id|cseq):/i.test(line));
      const lines = ['SIP/2.0 200 OK', ...kept, `Server: s${n}`, 'Content-Length: 0', '', ''];
      socket.send(lines.join('\r\n'), from.port, from.address);
    });
  }
}

const nginx = (n: number, folder: string): string => `daemon off;
master_process off;
user root;
pid ${folder}/nginx.pid;
error_log stderr;
events {
  worker_connections 64;
}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((it) => `${it}_temp_path ${folder}/${it};`).join('\n  ')}
  server {
    listen 80;
    location / {
      return 200 "s${n}\\n";
    }
  }
}
`;

const vsftpd = (folder: string): string => `listen=YES
background=NO
anonymous_enable=YES
local_enable=NO
anon_root=${folder}/ftp
secure_chroot_dir=${folder}/empty
connect_from_port_20=YES
seccomp_sandbox=NO
isolate_network=NO
`;
