// What single rows of global_defs and of instances do, seen from outside: buffers of sockets, states, adverts that are
// ignored, lines of the log. Where keepalived 2.2.7 knows the row, it does the same beside ours.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type AdvertOptions, craftAdvert } from './craft.ts';
import type { Daemon, DaemonKind } from './daemon.ts';
import { startInjector } from './inject.ts';
import { Lab } from './lab.ts';
import { isAdvert } from './wire.ts';

interface Settings {
  readonly globals?: readonly string[];
  readonly lines?: readonly string[];
  readonly addresses?: readonly string[];
  readonly vrid?: number;
}

const VIP = ['10.0.0.100/24'];

/** Becomes master 0.34 s after its start. */
const configOf = ({ globals = [], lines = [], addresses = VIP, vrid = 51 }: Settings): string => `
global_defs {
  router_id lab
  ${globals.join('\n  ')}
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id ${vrid}
  priority 150
  version 3
  advert_int 0.1
  ${lines.join('\n  ')}
  ${addresses.length === 0 ? '' : `virtual_ipaddress {\n    ${addresses.join('\n    ')}\n  }`}
}
`;

const says = (lab: Lab, daemon: Daemon, words: RegExp): Promise<string> =>
  lab.until(`it says ${words}`, () => daemon.lines.find(({ text }) => words.test(text))?.text);

const from = (lab: Lab, host: string, change: Partial<AdvertOptions> = {}): Buffer => {
  const { address4: source, mac: sourceMac } = lab.host(host);
  return craftAdvert({
    version: 3,
    source,
    sourceMac,
    destination: '224.0.0.18',
    vrid: 51,
    priority: 100,
    addresses: ['10.0.0.100'],
    interval: 10,
    ...change,
  });
};

/** Sizes of the receive buffers of netlink sockets on a host, as the kernel counts them: twice what was asked for. */
async function buffersOf(lab: Lab, host: string): Promise<readonly number[]> {
  const text = await lab.host(host).exec(['ss', '-f', 'netlink', '-a', '-m']);
  return [...text.matchAll(/rb(\d+)/g)].map(([, bytes]) => Number(bytes));
}

it('vrrp_netlink_cmd_rcv_bufs and vrrp_netlink_monitor_rcv_bufs size sockets, with _force beyond the limit', async () => {
  const lab = await Lab.open({ capture: false });
  try {
    const globals = [
      'vrrp_netlink_cmd_rcv_bufs 100000',
      'vrrp_netlink_cmd_rcv_bufs_force',
      'vrrp_netlink_monitor_rcv_bufs 9000000',
      'vrrp_netlink_monitor_rcv_bufs_force',
    ];
    for (const [host, kind] of [
      ['a', 'ours'],
      ['b', 'keepalived'],
    ] as const) {
      const address = `10.0.0.10${host === 'a' ? 1 : 2}`;
      lab.host(host).start(kind, configOf({ globals, addresses: [`${address}/24`] }));
      await lab.untilHolder(address, host, 15_000);
      const sizes = await buffersOf(lab, host);
      assert.ok(sizes.includes(200_000), `${kind}: ${sizes}`);
      assert.ok(sizes.includes(18_000_000), `${kind}: ${sizes}`);
    }
  } finally {
    await lab.close();
  }
});

it('vrrp_netlink_monitor_rcv_bufs without vrrp_netlink_monitor_rcv_bufs_force stays below the limit', async () => {
  const lab = await Lab.open({ hosts: ['a'], capture: false });
  try {
    lab.host('a').start('ours', configOf({ globals: ['vrrp_netlink_monitor_rcv_bufs 90000000'] }));
    await lab.untilHolder('10.0.0.100', 'a', 15_000);
    assert.ok(!(await buffersOf(lab, 'a')).includes(180_000_000));
  } finally {
    await lab.close();
  }
});

it('owner_ignore_adverts: an owner does not give way to another of a higher address', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b', 'c'] });
  let injector: Awaited<ReturnType<typeof startInjector>> | undefined;
  try {
    const owner = ['priority 255', 'state MASTER'];
    const a = lab
      .host('a')
      .start('ours', configOf({ lines: [...owner, 'owner_ignore_adverts'], addresses: VIP }));
    await lab.untilHolder('10.0.0.100', 'a', 15_000);
    injector = await startInjector(lab.host('c'));
    const seen = lab.frames.filter(isAdvert).length;
    await injector.send(Array(5).fill(from(lab, 'c', { priority: 255 })));
    const own = (): number =>
      lab.frames.filter((frame) => isAdvert(frame) && frame.from === lab.host('a').mac).length;
    const before = own();
    await lab.until('it goes on', () => own() > before + 5);
    assert.ok(lab.frames.filter(isAdvert).length >= seen + 5, 'the others were on the wire');
    a.reload(configOf({ lines: owner, globals: ['vrrp_owner_ignore_adverts off'] }));
    await lab.until('reloaded', () => a.lines.some(({ text }) => /Reloading/.test(text)));
    const listens = (): boolean =>
      a.lines.some(({ text }) => /higher IP address than ours|higher priority/.test(text));
    for (const end = Date.now() + 10_000; !listens(); ) {
      assert.ok(Date.now() < end, 'it does not listen');
      await injector.send([from(lab, 'c', { priority: 255 })]);
      // One between two of its own: a flood is another test.
      const spoken = own();
      await lab.until('it speaks', () => own() > spoken || listens());
    }
  } finally {
    injector?.close();
    await lab.close();
  }
});

it('v3_checksum_as_v2: only adverts without a pseudo-header in their sum are obeyed, and sent', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b'] });
  try {
    lab.host('a').start('ours', configOf({ globals: ['v3_checksum_as_v2'] }));
    await lab.untilHolder('10.0.0.100', 'a', 15_000);
    const advert = await lab.until('an advert', () => lab.frames.find(isAdvert));
    assert.equal(advert.message.checksumGood, false, 'not that of RFC 9568');
    let sum = 0;
    const { payload } = advert.message;
    for (let i = 0; i < payload.length; i += 2) sum += payload.readUInt16BE(i);
    assert.equal((sum % 0x10000) + Math.floor(sum / 0x10000), 0xffff);
    const b = lab
      .host('b')
      .start('ours', configOf({ lines: ['v3_checksum_as_v2', 'priority 100'] }));
    await says(lab, b, /Entering BACKUP STATE/);
    const seen = lab.frames.filter(isAdvert).length;
    await lab.until('ten adverts later', () => lab.frames.filter(isAdvert).length > seen + 10);
    assert.deepEqual(lab.holders('10.0.0.100'), ['a'], 'it believes them');
  } finally {
    await lab.close();
  }
});

it('no_virtual_ipaddress: an instance without addresses is master all the same', async () => {
  const lab = await Lab.open({ hosts: ['a'] });
  try {
    const lines = ['no_virtual_ipaddress'];
    lab.host('a').start('ours', configOf({ lines, addresses: [] }));
    const advert = await lab.until('an advert', () => lab.frames.find(isAdvert), 15_000);
    assert.deepEqual(advert.message.addresses, []);
  } finally {
    await lab.close();
  }
});

it('auth_hmac (key, active_key, time_window, anti_replay, mode) ends the daemon, which says so and nothing on the wire', async () => {
  const lab = await Lab.open({ hosts: ['a'] });
  try {
    const key = `key 1 hex:${'00112233445566778899aabbccddeeff'.repeat(2)}`;
    const more = ['active_key 1', 'time_window 5', 'anti_replay time', 'mode permissive'];
    const lines = ['auth_hmac {', key, ...more, '}'];
    const daemon = lab.host('a').start('ours', configOf({ lines }));
    assert.notEqual(await daemon.ended, 0);
    assert.ok(daemon.lines.some(({ text }) => text.includes('(VI_1) auth_hmac is not supported')));
    assert.deepEqual(lab.frames.filter(isAdvert), []);
  } finally {
    await lab.close();
  }
});

it('no_virtual_ipaddress missing, version 3 without addresses is refused', async () => {
  const lab = await Lab.open({ hosts: ['a'], capture: false });
  try {
    const daemon = lab.host('a').start('ours', configOf({ addresses: [] }));
    assert.notEqual(await daemon.ended, 0);
  } finally {
    await lab.close();
  }
});

for (const kind of ['ours', 'keepalived'] as const satisfies readonly DaemonKind[])
  it(`unicast_fault_no_peer: ${kind} is silent rather than to speak to everybody`, async () => {
    const lab = await Lab.open({ hosts: ['a', 'b'] });
    try {
      const daemon = lab.host('a').start(kind, configOf({ lines: ['unicast_fault_no_peer'] }));
      await says(lab, daemon, /Startup complete/);
      // Another one starts later and speaks: the first had its time.
      lab.host('b').start('ours', configOf({ vrid: 52, addresses: ['10.0.0.102/24'] }));
      await lab.untilHolder('10.0.0.102', 'b', 15_000);
      await lab.until('ten adverts', () => lab.frames.filter(isAdvert).length > 10);
      assert.deepEqual(lab.holders('10.0.0.100'), []);
      const mac = lab.host('a').mac;
      assert.ok(lab.frames.every((frame) => !isAdvert(frame) || frame.from !== mac));
    } finally {
      await lab.close();
    }
  });

it('log_unknown_vrids says who speaks for a virtual router that nobody here is', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b', 'c'], capture: false });
  let injector: Awaited<ReturnType<typeof startInjector>> | undefined;
  try {
    const globals = ['log_unknown_vrids'];
    const ours = lab.host('a').start('ours', configOf({ globals }));
    const theirs = lab
      .host('b')
      .start('keepalived', configOf({ globals, vrid: 52, addresses: ['10.0.0.102/24'] }));
    await lab.untilHolder('10.0.0.100', 'a', 15_000);
    await lab.untilHolder('10.0.0.102', 'b', 15_000);
    injector = await startInjector(lab.host('c'));
    await injector.send([from(lab, 'c', { vrid: 99, addresses: ['10.0.0.109'] })]);
    const unknown = /VRID\(99\)/;
    const said = [await says(lab, ours, unknown), await says(lab, theirs, unknown)];
    const words = said.map((line) => line.replace(/^.*\d{4}: /, ''));
    assert.equal(words[0], words[1]);
  } finally {
    injector?.close();
    await lab.close();
  }
});
