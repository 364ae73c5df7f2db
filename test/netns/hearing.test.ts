// What an instance makes of adverts that somebody else sends, row by row: ours and keepalived 2.2.7 hear the same, each for
// its own virtual routers, of which each has other rows. Judged by packets, states and complaints of both.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { block } from './beside.ts';
import { type AdvertOptions, craftAdvert } from './craft.ts';
import type { Daemon } from './daemon.ts';
import { type Injector, startInjector } from './inject.ts';
import { type Host, Lab } from './lab.ts';
import { announced, isAdvert } from './wire.ts';

interface Member {
  readonly name: string;
  readonly vrid: number;
  readonly lines: (host: Host) => readonly string[];
  readonly globals?: readonly string[];
}

interface Listener {
  readonly host: Host;
  readonly daemon: Daemon;
  /** Added to the numbers of virtual routers. */
  readonly offset: number;
}

interface Scene {
  readonly lab: Lab;
  readonly both: readonly Listener[];
  /** An advert for this virtual router of both, to the group or to each of them. */
  readonly say: (member: Member, change: Partial<AdvertOptions>) => Promise<void>;
}

const vipOf = (vrid: number): string => `10.0.0.${vrid}`;

const configOf = (members: readonly Member[], host: Host, offset: number): string =>
  block(
    'global_defs',
    'router_id lab',
    'vrrp_garp_master_delay 1',
    'vrrp_garp_master_repeat 1',
    ...members.flatMap(({ globals = [] }) => globals),
  ) +
  members
    .map(({ name, vrid, lines }) =>
      block(
        `vrrp_instance ${name}`,
        'interface eth0',
        `virtual_router_id ${vrid + offset}`,
        'priority 150',
        'version 3',
        ...lines(host),
        'virtual_ipaddress {',
        `${vipOf(vrid + offset)}/24`,
        '}',
      ),
    )
    .join('');

const said = ({ daemon }: Listener, words: string): boolean =>
  daemon.lines.some(({ text }) => text.includes(words));

const says = async ({ lab, both }: Scene, words: string): Promise<void> => {
  for (const one of both)
    await lab.until(`${one.daemon.kind} says ${words}`, () => said(one, words), 20_000);
};

async function play(
  members: readonly Member[],
  act: (scene: Scene) => Promise<void>,
): Promise<void> {
  const lab = await Lab.open({ hosts: ['a', 'b', 'c'] });
  let injector: Injector | undefined;
  try {
    const sender = lab.host('c');
    injector = await startInjector(sender);
    const { send } = injector;
    const both = (['a', 'b'] as const).map((name, i): Listener => {
      const host = lab.host(name);
      const offset = i * 100;
      const kind = i === 0 ? 'ours' : 'keepalived';
      return { host, offset, daemon: host.start(kind, configOf(members, host, offset)) };
    });
    await act({
      lab,
      both,
      say: async ({ vrid }, change) => {
        const frames = both.map(({ host, offset }) => {
          const unicast = change.destination === 'each';
          return craftAdvert({
            version: 3,
            source: sender.address4,
            sourceMac: sender.mac,
            vrid: vrid + offset,
            priority: 200,
            addresses: [vipOf(vrid + offset)],
            interval: 200,
            ...change,
            destination: unicast ? host.address4 : '224.0.0.18',
            ...(unicast ? { destinationMac: host.mac } : {}),
          });
        });
        await send(frames);
      },
    });
  } finally {
    injector?.close();
    await lab.close();
  }
}

/** Instants of a listener's own adverts for a virtual router. */
const adverts = ({ lab }: Scene, { host, offset }: Listener, { vrid }: Member): readonly number[] =>
  lab.frames
    .filter(isAdvert)
    .filter(({ from, message }) => from === host.mac && message.vrid === vrid + offset)
    .map(({ at }) => at);

/** When the last advert for a listener that is not its own was on the wire. */
const heard = ({ lab }: Scene, { host, offset }: Listener, { vrid }: Member): number =>
  lab.frames
    .filter(isAdvert)
    .findLast(({ from, message }) => from !== host.mac && message.vrid === vrid + offset)?.at ??
  Number.POSITIVE_INFINITY;

const announcements = ({ lab }: Scene, { host, offset }: Listener, { vrid }: Member): number =>
  lab.frames.filter((frame) => frame.from === host.mac && announced(frame) === vipOf(vrid + offset))
    .length;

/** It has been a backup again since its start. */
const obeys = ({ daemon }: Listener, { name }: Member): boolean =>
  daemon.lines.filter(({ text }) => text.includes(`(${name}) Entering BACKUP STATE`)).length > 1;

const slow = (name: string, vrid: number, ...lines: readonly string[]): Member => ({
  name,
  vrid,
  lines: () => ['advert_int 2', ...lines],
});

it('lower_prio_no_advert, garp_lower_prio_repeat, garp_lower_prio_delay, notify_master_rx_lower_pri and higher_prio_send_advert of a master', async () => {
  const silent = slow('silent', 51, 'lower_prio_no_advert', 'garp_lower_prio_repeat 0');
  const notify = `notify_master_rx_lower_pri "/bin/sh -c 'echo $* >>/run/lower' told them"`;
  const plain: Member = {
    ...slow('plain', 52, 'garp_lower_prio_repeat 2', 'garp_lower_prio_delay 1', notify),
    globals: ['script_user root'],
  };
  const polite = slow('polite', 53, 'higher_prio_send_advert');
  const members = [silent, plain, polite];
  await play(members, async (scene) => {
    const { lab, both, say } = scene;
    for (const { name } of members) await says(scene, `(${name}) Entering MASTER STATE`);
    const settled = (): boolean =>
      both.every((one) => members.every((member) => announcements(scene, one, member) === 2));
    await lab.until('both have announced everything twice', settled);
    // Just after an advert, so that the next one of the schedule is far.
    const asked = both.map((one) => adverts(scene, one, plain).length);
    await lab.until('both have spoken', () =>
      both.every((one, i) => adverts(scene, one, plain).length > (asked[i] ?? 0)),
    );
    const before = lab.now();
    for (const member of [silent, plain]) await say(member, { priority: 100 });
    await lab.until('both have announced four times more', () =>
      both.every((one) => announcements(scene, one, plain) >= 6),
    );
    await lab.until('both have spoken three times since', () =>
      both.every((one) => adverts(scene, one, plain).filter((at) => at > before).length >= 3),
    );
    for (const one of both) {
      const gaps = (member: Member): readonly number[] =>
        adverts(scene, one, member).map((at, i, all) => at - (all[i - 1] ?? at - 2e6));
      const { kind } = one.daemon;
      assert.ok(
        gaps(plain).some((gap) => gap < 1.5e6),
        `${kind} answers: ${gaps(plain)}`,
      );
      assert.ok(
        gaps(silent).every((gap) => gap > 1.5e6),
        `${kind} does not: ${gaps(silent)}`,
      );
      assert.equal(announcements(scene, one, plain), 6, kind);
      assert.equal(announcements(scene, one, silent), 2, kind);
    }
    for (const { daemon } of both)
      assert.equal(daemon.read('run/lower'), 'them\n', `${daemon.kind} has told a script, once`);
    const spoken = both.map((one) => members.map((member) => adverts(scene, one, member).length));
    for (const member of [plain, polite]) await say(member, { priority: 200 });
    for (const member of [plain, polite])
      for (const one of both)
        await lab.until(`${one.daemon.kind} obeys for ${member.name}`, () => obeys(one, member));
    await lab.until('polite ones have spoken once more', () =>
      both.every((one, i) => adverts(scene, one, polite).length > (spoken[i]?.[2] ?? 0)),
    );
    for (const one of both) {
      const since = (member: Member): number => {
        const better = heard(scene, one, member);
        return adverts(scene, one, member).filter((at) => at > better).length;
      };
      assert.ok(since(polite) >= 1, one.daemon.kind);
      // On a busy machine keepalived may read it only after its own next advert.
      if (one.daemon.kind === 'ours') assert.equal(since(plain), 0);
    }
  });
});

it('check_unicast_src, min_ttl and max_ttl: whose unicast adverts are obeyed', async () => {
  const peer = '10.0.0.9';
  const unicast = (name: string, vrid: number, ttl: string, ...lines: string[]): Member => ({
    name,
    vrid,
    lines: ({ address4 }) => [
      'advert_int 0.5',
      `unicast_src_ip ${address4}`,
      'unicast_peer {',
      `  ${peer} ${ttl}`,
      '}',
      ...lines,
    ],
  });
  const anybody = unicast('anybody', 51, '');
  const peers = unicast('peers', 52, '', 'check_unicast_src');
  const near = unicast('near', 53, 'min_ttl 200');
  const far = unicast('far', 54, 'max_ttl 90');
  const between = unicast('between', 55, 'min_ttl 90 max_ttl 200');
  const members = [anybody, peers, near, far, between];
  await play(members, async (scene) => {
    const { lab, both, say } = scene;
    for (const { name } of members) await says(scene, `(${name}) Entering MASTER STATE`);
    await say(peers, { destination: 'each' });
    for (const member of [near, far, between])
      await say(member, { destination: 'each', source: peer, hopLimit: 100 });
    await say(anybody, { destination: 'each' });
    for (const member of [anybody, between])
      for (const one of both)
        await lab.until(`${one.daemon.kind} obeys for ${member.name}`, () => obeys(one, member));
    for (const one of both)
      for (const member of [peers, near, far])
        assert.ok(!obeys(one, member), `${one.daemon.kind}: ${member.name}`);
    // They listen: to a peer, and to what comes from where it should.
    await say(peers, { destination: 'each', source: peer });
    await say(near, { destination: 'each', source: peer, hopLimit: 255 });
    await say(far, { destination: 'each', source: peer, hopLimit: 90 });
    for (const member of [peers, near, far])
      for (const one of both)
        await lab.until(`${one.daemon.kind} obeys for ${member.name}`, () => obeys(one, member));
  });
});

it('down_timer_adverts, skip_check_adv_addr and kernel_rx_buf_size of a backup', async () => {
  const patient: Member = {
    name: 'patient',
    vrid: 51,
    lines: () => ['advert_int 0.2', 'down_timer_adverts 10', 'kernel_rx_buf_size 100000'],
  };
  const trusting = slow('trusting', 52, 'skip_check_adv_addr');
  const checking = slow('checking', 53);
  const members = [patient, trusting, checking];
  await play(members, async (scene) => {
    const { lab, both, say } = scene;
    for (const { name } of members) await says(scene, `(${name}) Entering BACKUP STATE (init)`);
    for (const member of [trusting, checking]) {
      await say(member, {});
      await say(member, { addresses: ['10.0.0.77'] });
    }
    await says(scene, `address associated with VRID`);
    await says(scene, '(patient) Entering MASTER STATE');
    const complaints = (one: Listener, vrid: number): number =>
      one.daemon.lines.filter(({ text }) => text.includes(`VRID ${vrid + one.offset} not present`))
        .length;
    for (const one of both) {
      assert.ok(complaints(one, 53) > 0, `${one.daemon.kind}\n${one.daemon.tail()}`);
      assert.equal(complaints(one, 52), 0, one.daemon.kind);
      one.daemon.signal('SIGUSR1');
      const size = await lab.until('it has written its data', () =>
        /Rx buf size = (\d+)/.exec(one.daemon.read('tmp/keepalived.data') ?? '')?.at(1),
      );
      assert.equal(size, '100000', one.daemon.kind);
    }
    await say(patient, { interval: 20 });
    for (const one of both) {
      const heard = (): number | undefined =>
        lab.frames
          .filter(isAdvert)
          .findLast(({ message }) => message.priority === 200 && message.vrid === 51 + one.offset)
          ?.at;
      const at = await lab.until('the better one is on the wire', heard);
      const again = await lab.until('it takes over again', () =>
        adverts(scene, one, patient).find((own) => own > at + 100_000),
      );
      assert.ok(again - at >= 1.99e6, `${one.daemon.kind}: after ${again - at} µs`);
    }
  });
});

it('the same rows in global_defs: vrrp_lower_prio_no_advert, vrrp_garp_lower_prio_repeat, vrrp_garp_lower_prio_delay, vrrp_higher_prio_send_advert, vrrp_check_unicast_src, vrrp_skip_check_adv_addr, vrrp_down_timer_adverts', async () => {
  const plain: Member = {
    name: 'plain',
    vrid: 51,
    lines: () => ['advert_int 1'],
    globals: [
      'vrrp_lower_prio_no_advert on',
      'vrrp_garp_lower_prio_repeat 2',
      'vrrp_garp_lower_prio_delay 1',
      'vrrp_higher_prio_send_advert on',
      'vrrp_check_unicast_src',
      'vrrp_skip_check_adv_addr',
      'vrrp_down_timer_adverts 4',
    ],
  };
  const peers: Member = {
    name: 'peers',
    vrid: 52,
    lines: ({ address4 }) => [
      'advert_int 1',
      `unicast_src_ip ${address4}`,
      'unicast_peer {',
      '  10.0.0.9',
      '}',
    ],
  };
  await play([plain, peers], async (scene) => {
    const { lab, both, say } = scene;
    const when = ({ daemon }: Listener, words: string): number =>
      daemon.lines.find(({ text }) => text.includes(words))?.at ?? Number.NaN;
    for (const { name } of [plain, peers]) await says(scene, `(${name}) Entering MASTER STATE`);
    for (const one of both) {
      const waited = when(one, '(plain) Entering MASTER') - when(one, '(plain) Entering BACKUP');
      // 4.41 s; with three adverts 3.41 s. A line is read a little later than it was written.
      assert.ok(waited > 4_000, `${one.daemon.kind}: ${waited}`);
    }
    const settled = (count: number) => (): boolean =>
      both.every((one) => announcements(scene, one, plain) >= count);
    await lab.until('both have announced twice', settled(2));
    const spoken = both.map((one) => adverts(scene, one, plain).length);
    await lab.until('both have spoken', () =>
      both.every((one, i) => adverts(scene, one, plain).length > (spoken[i] ?? 0)),
    );
    const lower = lab.now();
    await say(plain, { priority: 100 });
    await lab.until('both have announced again, twice', settled(6));
    await lab.until('both have spoken three times since', () =>
      both.every((one) => adverts(scene, one, plain).filter((at) => at > lower).length >= 3),
    );
    for (const one of both) {
      const times = adverts(scene, one, plain);
      const gaps = times.slice(1).map((at, i) => at - (times[i] ?? at));
      assert.ok(
        gaps.every((gap) => gap > 0.7e6),
        `${one.daemon.kind} does not answer: ${gaps}`,
      );
      assert.equal(announcements(scene, one, plain), 6, one.daemon.kind);
    }
    // Who is no peer is not heard; who is better is answered once more.
    await say(peers, { destination: 'each' });
    const better = lab.now();
    await say(plain, { priority: 200 });
    for (const one of both) await lab.until(`${one.daemon.kind} obeys`, () => obeys(one, plain));
    await lab.until('both have spoken once more', () =>
      both.every((one) => adverts(scene, one, plain).some((at) => at > better)),
    );
    // Another list of the same master is not looked at: the one that a backup has heard last.
    await say(plain, { priority: 200 });
    await say(plain, { addresses: ['10.0.0.77'] });
    await say(plain, { priority: 0 });
    for (const one of both)
      await lab.until(
        `${one.daemon.kind} is master again`,
        () =>
          one.daemon.lines.filter(({ text }) => text.includes('(plain) Entering MASTER')).length >
          1,
      );
    for (const one of both) {
      assert.ok(!obeys(one, peers), `${one.daemon.kind} obeys its peers only`);
      assert.ok(!said(one, 'not present'), one.daemon.kind);
    }
    await say(peers, { destination: 'each', source: '10.0.0.9' });
    for (const one of both) await lab.until('it hears its peer', () => obeys(one, peers));
  });
});
