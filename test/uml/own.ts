// Inside the machine: use_ipvlan of one daemon after the other, on the same interface; what each makes, and what is left.
// The machine has just been booted, so what counts from there is here too.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

interface LinkInfo {
  readonly ifname: string;
  readonly link?: string;
  readonly group?: string;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: unknown };
  readonly addr_info?: readonly Record<string, unknown>[];
}

export interface Seen {
  readonly links: readonly string[];
  readonly settings: readonly string[];
  readonly dump: readonly string[];
  readonly left: readonly string[];
  /** Seconds from boot until it had the address. */
  readonly heldAt: number;
  readonly log: string;
}

export interface Input {
  /** BOOT in it becomes the seconds from boot to fifteen from now. */
  readonly config: string;
  /** keepalived 2.2.7 does not know its words. */
  readonly alone?: true;
  /** What must be on an interface before anybody looks. */
  readonly address: string;
}

const read = (...words: readonly string[]): readonly LinkInfo[] => {
  const { stdout } = spawnSync('ip', ['-j', ...words], { encoding: 'utf8' });
  return JSON.parse(stdout === '' ? '[]' : stdout) as LinkInfo[];
};

const OWN: ReadonlySet<string> = new Set(['ipvlan', 'macvlan']);

/** The kernel's clock that counts from boot. */
const uptime = (): number => Number(process.hrtime.bigint() / 1_000_000n) / 1000;

const links = (): readonly string[] => {
  const addresses = new Map(read('addr').map((one) => [one.ifname, one.addr_info ?? []]));
  return read('-d', 'link')
    .filter(({ linkinfo, ifname }) => OWN.has(linkinfo?.info_kind ?? '') || ifname === 'eth0')
    .flatMap(({ ifname, link, group, linkinfo }) => [
      JSON.stringify({ ifname, link, group, linkinfo }),
      ...(addresses.get(ifname) ?? [])
        .map(
          ({ local, prefixlen, deprecated }) =>
            `${ifname} ${local}/${prefixlen}${deprecated === true ? ' deprecated' : ''}`,
        )
        // A link-local address that an interface gives to itself has its number in it.
        .map((line) => line.replace(/fe80::200:0:\d+:1/, 'fe80::200:0:n:1')),
    ])
    .sort();
};

const own = (): readonly string[] => links().filter((line) => /ipvlan|macvlan/.test(line));

/** What the daemon says of its interface and its source. */
const dumped = (): readonly string[] => {
  const words = ['-E', 'IPVLAN|Interface = |src_ip|I/f created', '/tmp/keepalived.data'];
  return spawnSync('grep', words, { encoding: 'utf8' })
    .stdout.replace(/fe80::200:0:\d+:1/g, 'fe80::200:0:n:1')
    .trim()
    .split('\n');
};

const settings = (): readonly string[] =>
  spawnSync(
    'sh',
    [
      '-c',
      'cd /proc/sys/net; for i in ipv4/conf/*/arp_ignore ipv4/conf/*/arp_filter ipv4/conf/*/accept_local ipv4/conf/*/promote_secondaries ipv6/conf/*/disable_ipv6 ipv6/conf/*/addr_gen_mode; do echo "$i $(cat $i)"; done',
    ],
    { encoding: 'utf8' },
  )
    .stdout.trim()
    .split('\n');

async function run(words: readonly string[], address: string): Promise<Seen> {
  const [file = '', ...rest] = words;
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  const ended = once(child, 'exit');
  const until = Date.now() + 20_000;
  const holds = (): boolean =>
    read('addr').some(({ addr_info: list = [] }) => list.some(({ local }) => local === address));
  while (!holds() && Date.now() < until && child.exitCode === null) await pause(20);
  const heldAt = uptime();
  child.kill('SIGUSR1');
  while (!existsSync('/tmp/keepalived.data') && Date.now() < until) await pause(20);
  const seen = { links: links(), settings: settings(), dump: dumped() };
  rmSync('/tmp/keepalived.data', { force: true });
  child.kill('SIGTERM');
  await ended;
  return { ...seen, left: own(), heldAt, log };
}

export async function main(inputs: readonly Input[]): Promise<readonly (readonly Seen[])[]> {
  const project = process.env.KEEPALIVED_PROJECT ?? '';
  for (const words of [
    ['link', 'add', 'eth0', 'address', '02:00:00:00:00:01', 'type', 'veth', 'peer', 'name', 'far'],
    ['link', 'set', 'far', 'up'],
    ['link', 'set', 'eth0', 'up'],
    ['addr', 'add', '10.0.0.1/24', 'dev', 'eth0'],
  ])
    spawnSync('ip', words);
  const results: (readonly Seen[])[] = [];
  for (const { config, address, alone } of inputs) {
    const text = config.replaceAll('BOOT', String(Math.ceil(uptime()) + 15));
    writeFileSync('/tmp/keepalived.conf', text);
    const options = ['-n', '-l', '-D', '-P', '-f', '/tmp/keepalived.conf'];
    const ours = [process.execPath, join(project, 'dist/keepalived.js'), ...options];
    const seen = [await run(ours, address)];
    if (alone === undefined) seen.push(await run(['keepalived', ...options], address));
    results.push(
      alone === undefined ? seen : seen.map((one) => ({ ...one, log: `${text}${one.log}` })),
    );
  }
  return results;
}
