// Inside the machine: instances on interfaces of kinds that few kernels have, one daemon after the other on the same ones.
// What each makes, sends and says, before and after somebody pulls cables, and what is left.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface Input {
  /** Words of `ip`, a line each. */
  readonly prepare: readonly string[];
  readonly remove: readonly string[];
  readonly config: string;
  /** The address that says that it is master. */
  readonly address: string;
  /** What happens to a master, and whether it is master after it. */
  readonly events: readonly (readonly [words: string, master: boolean])[];
}

export interface Seen {
  /** Interfaces, addresses and routes as master, and after each event. */
  readonly objects: readonly (readonly string[])[];
  readonly frames: readonly string[];
  readonly dump: readonly string[];
  readonly said: readonly string[];
  readonly left: readonly string[];
  readonly log: string;
}

const ip = (words: string): string =>
  spawnSync('ip', words.split(' '), { encoding: 'utf8' }).stdout;

interface LinkInfo {
  readonly ifname: string;
  readonly link?: string;
  readonly master?: string;
  readonly address: string;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: { mode?: string } };
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

/** Link-local addresses that an interface gives to itself have its number in them. */
function objects(): readonly string[] {
  const links = JSON.parse(ip('-j -d addr')) as readonly LinkInfo[];
  const routes = ['-4', '-6'].map((family) =>
    ip(`${family} route show table all proto keepalived`),
  );
  return [
    ...links
      .filter(({ ifname }) => ifname !== 'lo')
      .flatMap(({ ifname, link, master, address, linkinfo: info, addr_info: list }) => [
        [ifname, link, master, address, info?.info_kind, info?.info_data?.mode].join(' '),
        ...list
          .filter(({ local }) => !local.startsWith('fe80::'))
          .map(({ local, prefixlen }) => `${ifname} ${local}/${prefixlen}`),
      ]),
    ...routes.flatMap((text) => text.split('\n')).filter((line) => line !== ''),
  ].sort();
}

/** What is made on an interface is a part of what that is a part of. */
function isTogether(): boolean {
  const links = JSON.parse(ip('-j -d addr')) as readonly LinkInfo[];
  return links
    .filter(({ linkinfo }) => linkinfo?.info_kind === 'macvlan')
    .every(({ link, master }) => master === links.find(({ ifname }) => ifname === link)?.master);
}

/** The next adverts on a cable, as tcpdump tells them, without when. */
function frames(count: number): readonly string[] {
  const filter = 'ip proto 112 or (vlan and ip proto 112)';
  const words = ['-t', '-e', '-n', '-l', '-i', 'far0', '-c', String(count), filter];
  const { stdout } = spawnSync('timeout', ['5', 'tcpdump', ...words], { encoding: 'utf8' });
  return [...new Set(stdout.trim().split('\n'))];
}

const DUMPED = /Use VMAC|Interface = |VRF|NIC |Name = |src_ip/;
const SAID = /Entering|(Linkbeat|Netlink) reports (eth0\.5|eth0|bond0|vrrp\.51) |linkbeat/;

async function run(words: readonly string[], input: Input): Promise<Seen> {
  const [file = '', ...rest] = words;
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  const ended = once(child, 'exit');
  const holds = (): boolean => ip('-o addr').includes(` ${input.address}/`);
  const until = async (condition: () => boolean): Promise<void> => {
    for (const end = Date.now() + 20_000; !condition() && Date.now() < end; ) {
      if (child.exitCode !== null) return;
      await pause(20);
    }
  };
  await until(holds);
  const seen = [objects()];
  const sent = frames(4);
  child.kill('SIGUSR1');
  await until(
    () =>
      existsSync('/tmp/keepalived.data') &&
      readFileSync('/tmp/keepalived.data', 'utf8').includes('-< Interfaces'),
  );
  const data = readFileSync('/tmp/keepalived.data', 'utf8');
  const dump = data.split('\n').filter((line) => DUMPED.test(line));
  rmSync('/tmp/keepalived.data', { force: true });
  for (const [event, master] of input.events) {
    for (const line of event.split('; ')) ip(line);
    await until(() => holds() === master && isTogether());
    // Who moves between VRFs goes down and comes up.
    if (event.includes('master')) await pause(1000);
    await until(() => holds() === master && isTogether());
    seen.push(objects());
  }
  child.kill('SIGTERM');
  await ended;
  const said = log
    .split('\n')
    .filter((line) => SAID.test(line))
    .map((line) => line.replace(/^.*? \d{4}: /, ''));
  return { objects: seen, frames: sent, dump, said, left: objects(), log: `${log}\n${data}` };
}

export async function main(inputs: readonly Input[]): Promise<readonly (readonly Seen[])[]> {
  const project = process.env.KEEPALIVED_PROJECT ?? '';
  for (const n of [0, 1]) {
    ip(`link add eth${n} address 02:00:00:00:00:0${n + 1} type veth peer name far${n}`);
    ip(`link set far${n} addrgenmode none up`);
  }
  const results: (readonly Seen[])[] = [];
  for (const input of inputs) {
    for (const line of input.prepare) ip(line);
    writeFileSync('/tmp/keepalived.conf', input.config);
    const options = ['-n', '-l', '-D', '-P', '-f', '/tmp/keepalived.conf'];
    const ours = [process.execPath, join(project, 'dist/keepalived.js'), ...options];
    results.push([await run(ours, input), await run(['keepalived', ...options], input)]);
    for (const line of input.remove) ip(line);
  }
  return results;
}
