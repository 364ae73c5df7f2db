// When announcements leave, and by which interface, beside keepalived 2.2.7: garp_group, garp_extra_if and its older name
// vmac_garp_intvl, and who is master.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addCable, block } from './beside.ts';
import { startCapture } from './capture.ts';
import type { DaemonKind } from './daemon.ts';
import { type Host, Lab } from './lab.ts';
import { announced, type Frame } from './wire.ts';

const GLOBALS = ['router_id lab', 'vrrp_garp_master_delay 0', 'vrrp_garp_master_repeat 2'];

const config = (
  vrid: number,
  globals: readonly string[],
  before: string,
  lines: readonly string[],
  addresses: readonly string[],
): string =>
  block('global_defs', ...GLOBALS, ...globals) +
  before +
  block(
    'vrrp_instance VI_1',
    'interface eth0',
    `virtual_router_id ${vrid}`,
    'priority 150',
    'version 3',
    'advert_int 0.1',
    ...lines,
    'virtual_ipaddress {',
    ...addresses,
    '}',
  );

interface Player {
  readonly host: Host;
  /** What its eth1 sends, at the far end of the cable. */
  readonly frames: readonly Frame[];
}

/** keepalived makes one of two announcements of an address that wait for their turn. */
const REPEATS: Readonly<Record<DaemonKind, number>> = { ours: 2, keepalived: 1, frr: 0 };

/** 50 ms apart all in all: who comes late on a busy machine comes sooner before the next. */
const isPaced = (gaps: readonly number[]): boolean =>
  gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length > 40_000;

/** Each alone in a host of its own with a second interface; what leaves by either is kept. */
async function play(
  text: (vrid: number) => string,
  judge: (lab: Lab, player: Player, kind: DaemonKind) => Promise<void>,
): Promise<void> {
  const lab = await Lab.open({ hosts: ['a', 'b'] });
  const captures: ReturnType<typeof startCapture>[] = [];
  try {
    const kinds = ['ours', 'keepalived'] as const;
    const players: Player[] = [];
    for (const [i, name] of (['a', 'b'] as const).entries()) {
      const host = lab.host(name);
      await addCable(host, 'eth1');
      const capture = startCapture(host.namespace, 'xeth1', lab.epoch, lab.changed);
      captures.push(capture);
      await capture.ready;
      players.push({ host, frames: capture.frames });
      host.start(kinds[i] ?? 'ours', text(51 + i));
    }
    for (const [i, player] of players.entries()) await judge(lab, player, kinds[i] ?? 'ours');
  } finally {
    for (const { process: child } of captures) child.kill('SIGKILL');
    await lab.close();
  }
}

const instants = (frames: readonly Frame[], address: string): readonly number[] =>
  frames.filter((frame) => announced(frame) === address).map(({ at }) => at);

for (const [word, globals, lines] of [
  ['garp_extra_if', [], ['garp_extra_if all 1']],
  ['vmac_garp_intvl', [], ['vmac_garp_intvl all 1']],
  ['vrrp_vmac_garp_intvl', ['vrrp_vmac_garp_intvl all 1'], []],
] as const)
  it(`${word} all: an address on another interface is announced there again and again, that on its own is not`, async () => {
    await play(
      (vrid) =>
        config(vrid, globals, '', lines, [`10.0.0.${vrid}/24`, `10.1.0.${vrid}/24 dev eth1`]),
      async (lab, { host, frames }, kind) => {
        const vrid = host.name === 'a' ? 51 : 52;
        await lab.until(`${kind} announces on eth1 twice more`, () => {
          return instants(frames, `10.1.0.${vrid}`).length >= 4;
        });
        const times = instants(frames, `10.1.0.${vrid}`);
        // The first two are those of a new master.
        const gaps = times.slice(2).map((at, i) => at - (times[i + 1] ?? 0));
        assert.ok(
          gaps.every((gap) => gap > 0.5e6),
          `${kind}: ${gaps}`,
        );
        assert.equal(instants(lab.frames, `10.0.0.${vrid}`).length, 2, kind);
      },
    );
  });

it('vrrp_garp_extra_if without all: nothing where there is no virtual MAC; 0 in an instance turns it off', async () => {
  for (const lines of [[], ['garp_extra_if 0']])
    await play(
      (vrid) =>
        config(vrid, [`vrrp_garp_extra_if ${lines.length === 0 ? '' : 'all '}1`], '', lines, [
          `10.1.0.${vrid}/24 dev eth1`,
        ]),
      async (lab, { host, frames }, kind) => {
        const vrid = host.name === 'a' ? 51 : 52;
        await lab.until('it has announced', () => instants(frames, `10.1.0.${vrid}`).length >= 2);
        const from = lab.now();
        await lab.until('time passes', () => lab.now() > from + 1_500_000);
        assert.equal(instants(frames, `10.1.0.${vrid}`).length, 2, kind);
      },
    );
});

it('garp_group with interfaces, garp_interval and gna_interval: one pace over both interfaces of a group', async () => {
  const group = block(
    'garp_group',
    'garp_interval 0.05',
    'gna_interval 0.05',
    'interfaces {',
    'eth0',
    'eth1',
    '}',
  );
  await play(
    (vrid) =>
      config(
        vrid,
        [],
        group,
        [],
        [
          `10.0.0.${vrid}/24`,
          `10.1.0.${vrid}/24 dev eth1`,
          `10.0.0.${vrid + 100}/24`,
          `10.1.0.${vrid + 100}/24 dev eth1`,
        ],
      ),
    async (lab, { host, frames }, kind) => {
      const vrid = host.name === 'a' ? 51 : 52;
      const near = ['10.0.0', '10.1.0'].flatMap((net) => [
        `${net}.${vrid}`,
        `${net}.${vrid + 100}`,
      ]);
      const all = (): readonly number[] =>
        near
          .flatMap((address) => [...instants(lab.frames, address), ...instants(frames, address)])
          .sort((a, b) => a - b);
      const times = (address: string): number =>
        instants(lab.frames, address).length + instants(frames, address).length;
      await lab.until(`${kind} has announced all`, () =>
        near.every((address) => times(address) >= REPEATS[kind]),
      );
      const gaps = all()
        .slice(1)
        .map((at, i) => at - (all()[i] ?? 0));
      assert.ok(isPaced(gaps), `${kind}: ${gaps}`);
    },
  );
});

it("garp_group with interface: the pace is that interface's alone", async () => {
  const group = block('garp_group', 'garp_interval 0.05', 'interface eth1');
  await play(
    (vrid) =>
      config(
        vrid,
        [],
        group,
        [],
        [
          ...[0, 1, 2].map((n) => `10.0.0.${vrid + 10 * n}/24`),
          ...[0, 1, 2].map((n) => `10.1.0.${vrid + 10 * n}/24 dev eth1`),
        ],
      ),
    async (lab, { host, frames }, kind) => {
      const vrid = host.name === 'a' ? 51 : 52;
      const of = (net: string, list: readonly Frame[]): readonly number[] =>
        [0, 1, 2].flatMap((n) => instants(list, `${net}.${vrid + 10 * n}`)).sort((a, b) => a - b);
      await lab.until('all have been announced', () =>
        [0, 1, 2].every(
          (n) =>
            instants(lab.frames, `10.0.0.${vrid + 10 * n}`).length >= 2 &&
            instants(frames, `10.1.0.${vrid + 10 * n}`).length >= REPEATS[kind],
        ),
      );
      const gaps = (times: readonly number[]): readonly number[] =>
        times.slice(1).map((at, i) => at - (times[i] ?? 0));
      const paced = gaps(of('10.1.0', frames));
      assert.ok(isPaced(paced), `${kind}: ${paced}`);
      const free = gaps(of('10.0.0', lab.frames));
      assert.ok(
        free.some((gap) => gap < 20_000),
        `${kind}: ${free}`,
      );
    },
  );
});
