// One scene played at ours and at keepalived beside it: host a runs ours, host b keepalived, with the same words but
// for the numbers of their virtual routers. What each says about states, groups and trackers is waited for step by
// step, so that both must say it.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Daemon, DaemonOptions } from './daemon.ts';
import { type Host, Lab } from './lab.ts';
import { isAdvert } from './wire.ts';

export interface Player {
  readonly host: Host;
  readonly daemon: Daemon;
  /** A file below the daemon's /run. */
  readonly write: (name: string, text: string) => void;
  /** Added to the numbers of virtual routers. */
  readonly offset: number;
}

export interface Beside {
  readonly lab: Lab;
  readonly players: readonly [ours: Player, theirs: Player];
  /** Does something to both, and waits until each has said exactly this since, in any order. */
  readonly step: (
    act: (player: Player) => Promise<void> | void,
    lines: readonly string[],
  ) => Promise<void>;
  /** What has been said so far was looked at in another way. */
  readonly skip: () => void;
  /** Both speak with this priority for the virtual router. */
  readonly speaks: (vrid: number, priority: number) => Promise<void>;
  /** Both have written the same file, with these lines. */
  readonly told: (file: string, lines: readonly string[]) => Promise<void>;
  /** keepalived.data of both. */
  readonly dumps: () => Promise<readonly [ours: string, theirs: string]>;
  /** keepalived.stats of both. */
  readonly statistics: () => Promise<readonly [ours: string, theirs: string]>;
}

const NOTABLE =
  /^\(VI_\d\):? (Entering|entering FAULT state$|Changing|tracked file)|^VRRP_(Script|Group)|^Script `/;

/** keepalived, when busy, gives the SIGTERM of its own time-out as the reason: who of the two it hears of first, says. */
const ENDED_BY_TIME_OUT = 'failed (due to signal 15)';

const notable = (daemon: Daemon): string[] =>
  daemon.lines
    .map(({ text }) => text.replace(/^.*? \d{4}: /, ''))
    .filter((text) => NOTABLE.test(text))
    .map((text) =>
      daemon.kind === 'keepalived' ? text.replace(ENDED_BY_TIME_OUT, 'timed_out') : text,
    );

/** `config` is given what is added to the numbers of virtual routers. */
export async function beside(
  config: (offset: number) => string,
  prepare: (player: Omit<Player, 'daemon'>) => Promise<void> | void,
  first: readonly string[],
  play: (scene: Beside) => Promise<void>,
  hosts: readonly string[] = ['a', 'b'],
  options: DaemonOptions = {},
): Promise<void> {
  const lab = await Lab.open({ hosts });
  try {
    const seen = new Map<Daemon, number>();
    const begin = async (
      name: 'a' | 'b',
      kind: 'ours' | 'keepalived',
      offset: number,
    ): Promise<Player> => {
      const host = lab.host(name);
      const folder = join(lab.folder, `${name}1`, 'run');
      mkdirSync(folder, { recursive: true });
      const write = (file: string, text: string): void => {
        const path = join(folder, file);
        if (!text.startsWith('#!')) writeFileSync(path, text);
        else {
          // Put into its place whole: a shell that reads half a script does something else.
          writeFileSync(`${path}.new`, text, { mode: 0o755 });
          renameSync(`${path}.new`, path);
        }
      };
      await prepare({ host, write, offset });
      return { host, write, offset, daemon: host.start(kind, config(offset), options) };
    };
    const players = [await begin('a', 'ours', 0), await begin('b', 'keepalived', 100)] as const;
    const said = async (lines: readonly string[]): Promise<void> => {
      const wanted = [...lines].sort();
      for (const { daemon } of players) {
        const from = seen.get(daemon) ?? 0;
        const news = (): string[] => notable(daemon).slice(from);
        await lab
          .until(`${daemon.kind} says ${lines.length} lines`, () => news().length >= lines.length)
          .catch((error: Error) => {
            assert.deepEqual(news().sort(), wanted, `${daemon.kind}: ${error.message}`);
          });
        assert.deepEqual(news().slice(0, lines.length).sort(), wanted, daemon.kind);
        seen.set(daemon, from + lines.length);
      }
    };
    const written = async (
      file: string,
      signal: 'SIGUSR1' | 'SIGUSR2',
    ): Promise<readonly [ours: string, theirs: string]> => {
      const texts: string[] = [];
      for (const { daemon } of players) {
        daemon.discard(file);
        daemon.signal(signal);
        texts.push(
          await lab.until(`${daemon.kind} has written ${file}`, () => {
            const text = daemon.read(file);
            // keepalived writes as it goes.
            if (text === undefined || daemon.writes(file)) return undefined;
            return daemon.read(file) || undefined;
          }),
        );
      }
      return texts as [string, string];
    };
    await said(first);
    await play({
      lab,
      players,
      step: async (act, lines) => {
        for (const player of players) await act(player);
        await said(lines);
      },
      skip: () => {
        for (const { daemon } of players) seen.set(daemon, notable(daemon).length);
      },
      speaks: async (vrid, priority) => {
        for (const { offset, daemon } of players)
          await lab.until(
            `${daemon.kind} speaks with ${priority} for ${vrid}`,
            () =>
              lab.frames.filter(isAdvert).findLast(({ message }) => message.vrid === vrid + offset)
                ?.message.priority === priority,
          );
      },
      told: async (file, lines) => {
        for (const { daemon } of players) {
          const read = (): string[] =>
            (daemon.read(`run/${file}`) ?? '').split('\n').filter((line) => line !== '');
          await lab.until(
            `${daemon.kind} has told ${lines.length}`,
            () => read().length >= lines.length,
          );
          assert.deepEqual(read().sort(), [...lines].sort(), daemon.kind);
        }
      },
      dumps: () => written('tmp/keepalived.data', 'SIGUSR1'),
      statistics: () => written('tmp/keepalived.stats', 'SIGUSR2'),
    });
    // keepalived, when busy, says its last time-out of a script once more after the script has succeeded.
    const [{ daemon: ours }] = players;
    assert.deepEqual(notable(ours).slice(seen.get(ours)), [], 'ours says no more than that');
  } finally {
    await lab.close();
  }
}

export const block = (keyword: string, ...lines: readonly string[]): string =>
  `${keyword} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;

/** VI_`number` with an address; `offset` keeps the two sides apart. */
export const virtualRouter = (
  number: number,
  offset: number,
  dev: string,
  ...lines: readonly string[]
): string =>
  block(
    `vrrp_instance VI_${number}`,
    `interface ${dev}`,
    `virtual_router_id ${50 + number + offset}`,
    'version 3',
    'advert_int 0.1',
    ...lines,
    block('virtual_ipaddress', `10.0.${offset}.${50 + number}/24`),
  );

/** Two ends of a cable within one host: `name` has its carrier while `x`+name is up. */
export async function addCable(host: Host, name: string): Promise<void> {
  await host.ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `x${name}`);
  await host.ip('link', 'set', `x${name}`, 'up');
  await host.ip('link', 'set', name, 'up');
  await host.untilRunning(name);
}

/** What a dump says about groups and trackers, and about priorities and faults of instances. */
export function trackingIn(data: string): readonly string[] {
  const instances = data
    .slice(data.indexOf('------< VRRP Topology'), data.indexOf('------< VRRP Sockpool'))
    .split('\n')
    .filter((line) =>
      /Instance =|Sync group|State =|Wantstate =|script faults|init =|riority =|Tracked|weight|Master down/.test(
        line,
      ),
    );
  const from = data.search(/------< VRRP (Sync groups|Scripts|Track)/);
  const trackers = from < 0 ? '' : data.slice(from, data.indexOf('------< Interfaces'));
  const interfaces = data
    .slice(data.indexOf('------< Interfaces'))
    .split('\n')
    .filter((line) => /^ Name =|Tracking|weight/.test(line));
  // Whether a script runs just now is chance.
  const lasting = trackers.split('\n').filter((line) => !/State = (idle|running)$/.test(line));
  return [...instances, ...lasting, ...interfaces];
}
