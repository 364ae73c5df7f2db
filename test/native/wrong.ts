// Wrong calls of every exported function: arguments of wrong type, out of range, and descriptors that are none.

import { openSync } from 'node:fs';
import { type Native, native } from '../../src/net/native.ts';

export type Call = readonly unknown[];

export interface Row {
  /** Each is a TypeError. */
  readonly wrong: readonly Call[];
  /** Each is an Error with this code. */
  readonly refused?: readonly (readonly [code: string, ...Call])[];
}

/** A descriptor that exists and is no socket, and one that is none. */
export const file = openSync('/dev/null', 'r+');
const NONE = 999_999;
const now = native.now();
const bytes = new Uint8Array(8);
const ring = new Uint8Array(1 << 17);
const ordinary = { policy: 'other', priority: 0 };
const tick = [{ bytes }];
const nothing: Row = { wrong: [] };

/** What no number may be: every such value in each of the places, the others being right. */
function numbers(right: Call, ...places: number[]): Call[] {
  const values = [undefined, null, '1', {}, Number.NaN, Infinity, -Infinity, 1n, true];
  return places.flatMap((place) => values.map((value) => right.with(place, value)));
}
/** What no integer of 32 bits may be. */
const integers = (right: Call, ...places: number[]): Call[] => [
  ...numbers(right, ...places),
  ...places.flatMap((place) => [0.5, 2 ** 53, 1e300].map((value) => right.with(place, value))),
];
/** What no id, counted from 0 to 2^32 - 1, may be. */
const ids = (right: Call, ...places: number[]): Call[] => [
  ...integers(right, ...places),
  ...places.flatMap((place) => [-1, 2 ** 32].map((value) => right.with(place, value))),
];
function not(right: Call, place: number, ...values: unknown[]): Call[] {
  return [undefined, null, 7, 'text', true, ...values].map((value) => right.with(place, value));
}

/** What no name of an interface may be, in the second place. */
const devices = (...right: Call): Call[] =>
  ['', 7, undefined, 'a-name-that-is-too-long', 'nul\0'].map((name) => right.toSpliced(1, 0, name));

const datagrams = [7, [7], [{}], [{ bytes: 'x' }], [{ bytes: new ArrayBuffer(8) }]];
const addresses = ['', 'host', '1.2.3', '1.2.3.4/32', 'fe80::1%lo', '1.2.3.4\0'];
const ticks = [...datagrams.map((d) => [d]), [], 'x', ...addresses.map((to) => [[{ to, bytes }]])];
const rawSocket = { family: 4, protocol: 253 };
const datagramSocket = { protocol: 17, to: '127.0.0.1', port: 9 };
const script = { file: '/bin/true', arguments: ['true'], environment: [] };
const withOption = (option: object): Call => [{ ...script, ...option }];
const message = new Uint8Array(16);
new DataView(message.buffer).setUint32(0, 16, true);

export const rows: { readonly [name in keyof Native]: Row } = {
  now: nothing,
  stop: nothing,
  alive: nothing,
  settle: nothing,
  lockMemory: nothing,
  openMemory: nothing,
  childSubreaper: nothing,
  newSession: nothing,
  capabilities: nothing,
  dropText: nothing,
  inotify: nothing,
  inotifyAdd: {
    wrong: [
      ...integers([file, '/', 8], 0),
      ...not([file, '/', 8], 1, '/\0').filter(([, path]) => path !== 'text'),
      ...ids([file, '/', 8], 2),
    ],
    refused: [
      ['EBADF', NONE, '/', 8],
      ['EINVAL', file, '/', 8],
    ],
  },
  inotifyRemove: {
    wrong: integers([file, 1], 0, 1),
    refused: [
      ['EBADF', NONE, 1],
      ['EINVAL', file, 1],
    ],
  },
  start: {
    wrong: [
      ...not([() => {}, ring, ordinary], 0),
      ...not([() => {}, ring, ordinary], 1, new Uint16Array(1 << 17), new Uint8Array(100)),
      ...not([() => {}, ring, ordinary], 2, {}, { policy: 'idle', priority: 0 }),
      ...integers([0], 0).map(([priority]) => [() => {}, ring, { policy: 'rr', priority }]),
    ],
    refused: [
      ['EINVAL', () => {}, ring, { policy: 'rr', priority: 0 }],
      ['EINVAL', () => {}, ring, { policy: 'rr', priority: 1_000 }],
      ['EINVAL', () => {}, ring, { policy: 'fifo', priority: -1 }],
    ],
  },
  alarm: { wrong: [...numbers([now], 0), [1e16], [-1e300]] },
  prewake: { wrong: [...numbers([0], 0), [-1], [1_001]] },
  pace: {
    wrong: [
      ...ids([1, file, 1_000, now, [tick]], 0),
      ...integers([1, file, 1_000, now, [tick]], 1),
      ...numbers([1, file, 1_000, now, [tick]], 2, 3),
      ...[0, -1, 1e-9, 1e16].map((period) => [1, file, period, now, [tick]]),
      ...ticks.map((wrong) => [1, file, 1_000, now, wrong]),
    ],
  },
  repace: { wrong: [...ids([1, file, [tick]], 0), ...ticks.map((wrong) => [1, file, wrong])] },
  unpace: { wrong: ids([1], 0) },
  deadman: {
    wrong: [...numbers([0, -1], 0), ...integers([0, -1], 1), [-1, -1]],
    refused: [['EBADF', 1_000_000, NONE]],
  },
  shot: {
    wrong: [
      ...ids([1, now, []], 0),
      ...numbers([1, now, []], 1),
      ...not([1, now, []], 2, {}, [7], [{}], [{ fd: 'x' }], [{ fd: file, datagrams: 7 }]),
      ...datagrams.map((wrong) => [1, now, [{ fd: file, datagrams: wrong }]]),
      ...ticks.map((wrong) => [1, now, [{ fd: file, pace: 1, period: 1, ticks: wrong }]]),
      ...ids([1], 0).map(([pace]) => [1, now, [{ fd: file, pace, period: 1, ticks: [tick] }]]),
      [1, now, [{ fd: file, pace: 1, period: 0, ticks: [tick] }]],
    ],
  },
  moveShot: { wrong: [...ids([1, now], 0), ...numbers([1, now], 1)] },
  disarm: { wrong: ids([1], 0) },
  rawSocket: {
    wrong: [
      ...not([rawSocket], 0, {}),
      ...[0, 5, '4', 4.5].map((family) => [{ ...rawSocket, family }]),
      ...integers([0], 0).map(([protocol]) => [{ ...rawSocket, protocol }]),
      ...['', 'a-name-that-is-too-long', 7, 'lo\0'].map((device) => [{ ...rawSocket, device }]),
      ...['', 'x', 'ff02::1', 7].filter((g) => g !== '').map((group) => [{ ...rawSocket, group }]),
      ...[...addresses, 7].map((source) => [{ ...rawSocket, source }]),
      ...['index', 'hopLimit', 'receiveBuffer'].map((name) => [{ ...rawSocket, [name]: 'x' }]),
      [{ ...rawSocket, family: 6, group: '224.0.0.1' }],
      ...[7, 'x', new Uint8Array(12)].map((filter) => [{ ...rawSocket, filter }]),
    ],
    refused: [
      ['ENODEV', { ...rawSocket, device: 'ka-none' }],
      ['EINVAL', { ...rawSocket, hopLimit: 1_000 }],
      ['EINVAL', { ...rawSocket, protocol: 70_000 }],
      ['EINVAL', { ...rawSocket, group: '10.0.0.1', index: 1 }],
      ['EADDRNOTAVAIL', { ...rawSocket, index: 999_999 }],
      // Eight zero bytes load a word into nothing and end without an answer.
      ['EINVAL', { ...rawSocket, filter: bytes }],
      ['EINVAL', { ...rawSocket, filter: new Uint8Array(0) }],
    ],
  },
  dial: {
    wrong: [
      ...ids([1, '127.0.0.1', 9, 1_000], 0),
      ...not([1, '127.0.0.1', 9, 1_000], 1, ...addresses),
      ...integers([1, '127.0.0.1', 9, 1_000], 2),
      ...[-1, 65536].map((port) => [1, '127.0.0.1', port, 1_000]),
      ...numbers([1, '127.0.0.1', 9, 1_000], 3),
      ...[-1, 1e16].map((timeout) => [1, '127.0.0.1', 9, timeout]),
      ...[
        null,
        7,
        'text',
        { mark: -1 },
        { device: '' },
        { source: '::1' },
        { sourcePort: 65536 },
      ].map((source) => [1, '127.0.0.1', 9, 1_000, source]),
    ],
    refused: [
      ['ENODEV', 1, '127.0.0.1', 9, 1_000, { device: 'ka-none' }],
      ['EADDRNOTAVAIL', 1, '127.0.0.1', 9, 1_000, { source: '192.0.2.77' }],
      ['ENETUNREACH', 1, '255.255.255.255', 9, 1_000],
      // The thread does not run.
      ['ESRCH', 1, '127.0.0.1', 9, 1_000],
    ],
  },
  hangUp: { wrong: ids([1], 0) },
  tcpSocket: {
    wrong: [
      ...not([{ family: 4 }], 0, {}),
      ...[0, 5, '4', 4.5].map((family) => [{ family }]),
      ...ids([0], 0).flatMap(([mark]) => (mark === undefined ? [] : [[{ family: 4, mark }]])),
      ...['', 'a-name-that-is-too-long', 7, 'lo\0'].map((device) => [{ family: 4, device }]),
      ...[...addresses, 7, '::1'].map((source) => [{ family: 4, source }]),
      [{ family: 6, source: '127.0.0.1' }],
      ...[-1, 65536, '1', 0.5].map((sourcePort) => [{ family: 4, sourcePort }]),
    ],
    refused: [
      ['ENODEV', { family: 4, device: 'ka-none' }],
      ['EADDRNOTAVAIL', { family: 4, source: '192.0.2.77' }],
      ['EINVAL', { family: 6, source: 'fe80::1' }],
    ],
  },
  datagramSocket: {
    wrong: [
      ...not([datagramSocket], 0, {}),
      ...[0, 256, '17', 1.5].map((protocol) => [{ ...datagramSocket, protocol }]),
      ...[...addresses, 7, undefined].map((to) => [{ ...datagramSocket, to }]),
      ...[...addresses, 7, '::1'].map((source) => [{ ...datagramSocket, source }]),
      ...['port', 'sourcePort'].flatMap((name) =>
        [-1, 65_536, 1.5, 'x'].map((port) => [{ ...datagramSocket, [name]: port }]),
      ),
      ...['', 'a-name-that-is-too-long', 7].map((device) => [{ ...datagramSocket, device }]),
      ...[-1, 2 ** 32, 'x'].map((mark) => [{ ...datagramSocket, mark }]),
      [{ ...datagramSocket, receiveBuffer: 'x' }],
    ],
    refused: [
      ['ENODEV', { ...datagramSocket, device: 'ka-none' }],
      ['EADDRNOTAVAIL', { ...datagramSocket, source: '192.0.2.1' }],
      ['EPROTONOSUPPORT', { ...datagramSocket, protocol: 6 }],
    ],
  },
  packetSocket: {
    wrong: integers([1], 0),
    refused: [
      ['ENODEV', 999_999],
      ['ENODEV', -1],
    ],
  },
  linkFlags: {
    wrong: [...integers([file, 'lo'], 0), ...devices(file, 1)],
    refused: [
      ['EBADF', NONE, 'lo'],
      ['ENOTTY', file, 'lo'],
    ],
  },
  linkDetected: {
    wrong: [...integers([file, 'lo'], 0), ...devices(file, 1)],
    refused: [
      ['EBADF', NONE, 'lo'],
      ['ENOTTY', file, 'lo'],
    ],
  },
  linkRegister: {
    wrong: [
      ...integers([file, 'lo', 1], 0, 2),
      ...devices(file, 1),
      [file, 'lo', -1],
      [file, 'lo', 32],
    ],
    refused: [
      ['EBADF', NONE, 'lo', 1],
      ['ENOTTY', file, 'lo', 1],
    ],
  },
  netlinkSocket: {
    wrong: [...integers([0, 0, 4_096], 0, 2), ...ids([0, 0, 4_096], 1)],
    refused: [['EPROTONOSUPPORT', 99, 0, 4_096]],
  },
  filter: {
    wrong: [
      ...integers([file, bytes], 0),
      ...not([file, bytes], 1, new Uint8Array(12), new Uint16Array(8), new Uint8Array(4097 * 8)),
    ],
    refused: [
      ['EBADF', NONE, bytes],
      ['ENOTSOCK', file, bytes],
      ['ENOTSOCK', file, new Uint8Array(0)],
    ],
  },
  watch: {
    wrong: integers([file], 0),
    refused: [
      ['EBADF', NONE],
      ['EBADF', -1],
      ['ENOTSOCK', file],
    ],
  },
  unwatch: {
    wrong: integers([file], 0),
    refused: [
      ['ENOENT', NONE],
      ['ENOENT', file],
    ],
  },
  close: {
    wrong: integers([file], 0),
    refused: [
      ['EBADF', NONE],
      ['EBADF', -1],
    ],
  },
  send: {
    wrong: [...integers([file, tick], 0), ...datagrams.map((wrong) => [file, wrong])],
    refused: [
      ['EBADF', NONE, tick],
      ['EBADF', -1, tick],
      ['ENOTSOCK', file, tick],
    ],
  },
  request: {
    wrong: [
      ...integers([file, message, 0], 0),
      ...not([file, message, 0], 1, [], message, new Uint8Array(3)),
      ...ids([file, message, 0], 2),
    ],
    refused: [
      ['EBADF', NONE, flagged(4), 0],
      ['ENOTSOCK', file, flagged(4), 0],
    ],
  },
  collect: {
    wrong: integers([file], 0),
    refused: [
      ['EBADF', NONE],
      ['ENOTSOCK', file],
    ],
  },
  dump: {
    wrong: [
      ...integers([file, message], 0),
      ...not([file, message], 1, message, new Uint8Array(3)),
    ],
    refused: [
      ['EBADF', NONE, flagged(0x300)],
      ['ENOTSOCK', file, flagged(0x300)],
    ],
  },
  spawn: {
    wrong: [
      ...not([script], 0, {}),
      ...[7, '/bin/true\0'].map((wrong) => withOption({ file: wrong })),
      ...[7, 'x', [7], ['a\0b'], {}].flatMap((wrong) => [
        withOption({ arguments: wrong }),
        withOption({ environment: wrong }),
      ]),
      ...[-1, 2 ** 32 - 1, 2 ** 32, 0.5, '0'].flatMap((wrong) => [
        withOption({ uid: wrong }),
        withOption({ gid: wrong }),
        withOption({ groups: [wrong] }),
      ]),
      ...[-1, 0o1000].map((umask) => withOption({ umask })),
      ...[-1, 65, 'TERM'].map((deathSignal) => withOption({ deathSignal })),
      withOption({ directory: 7 }),
    ],
  },
  stopped: {
    wrong: integers([1], 0),
    refused: [
      ['ECHILD', 1],
      ['EINVAL', -1],
    ],
  },
  setScheduling: {
    wrong: [
      ...integers([0, 'other', 0, false], 0, 2),
      ...not([0, 'other', 0, false], 1).filter(([, policy]) => policy !== 'other'),
      ...[undefined, 0, 'true'].map((flag) => [0, 'other', 0, flag]),
    ],
    refused: [
      ['EINVAL', 0, 'rr', 0, false],
      ['EINVAL', 0, 'rr', 100, false],
      ['ESRCH', NONE, 'other', 0, false],
    ],
  },
  setNice: { wrong: integers([0], 0) },
  errorText: { wrong: integers([0], 0) },
  setAffinity: {
    wrong: [...not([[0]], 0, {}), [['0']], [[-1]], [[1_024]]],
    refused: [['EINVAL', []]],
  },
  setName: { wrong: not(['x'], 0, 'a\0b').filter(([name]) => name !== 'text') },
  setArguments: { wrong: not([['x']], 0, [7], ['a\0b'], {}) },
  setLimit: {
    wrong: [
      ...integers([4, 0, 0], 0),
      ...[undefined, '0', -1, -Infinity, Number.NaN, 0.5].flatMap((wrong) => [
        [4, wrong, 0],
        [4, 0, wrong],
      ]),
    ],
    refused: [
      ['EINVAL', 99, 0, 0],
      ['EINVAL', -1, 0, 0],
      ['EINVAL', 4, 2, 1],
    ],
  },
  enterNamespace: {
    wrong: [
      ...not(['/proc/self/ns/net', 0], 0).filter(([p]) => p !== 'text'),
      ...integers(['/proc/self/ns/net', 0], 1),
    ],
    refused: [
      ['ENOENT', '/nowhere', 0],
      ['EINVAL', '/dev/null', 0],
      ['EINVAL', '/proc/self/ns/net', 1],
    ],
  },
  parentDeathSignal: { wrong: [...integers([0], 0), [-1], [65]] },
  relaySignal: {
    wrong: [...integers([10, 0], 0), ...integers([10, 0], 1), [-1, 0], [65, 0], [10, -1]],
    refused: [
      ['EINVAL', 19, process.pid],
      ['ESRCH', 10, 2 ** 22],
    ],
  },
  shrugSignal: {
    wrong: [...integers([0], 0), [-1], [65]],
    refused: [
      ['EINVAL', 9],
      ['EINVAL', 0],
      ['EINVAL', 32],
    ],
  },
  catchSignal: {
    wrong: [...integers([0], 0), [-1], [65]],
    refused: [
      ['EINVAL', 9],
      ['EINVAL', 0],
      ['EINVAL', 32],
    ],
  },
  ledger: {
    wrong: not(['x'], 0, 'a\0b').filter(([p]) => p !== 'text'),
    refused: [
      ['ENOENT', '/no/such/file'],
      ['EISDIR', '/'],
      ['EINVAL', '/dev/null'],
    ],
  },
  openLocked: {
    wrong: [
      ...not(['/dev/null', 0o600], 0, 'a\0b').filter(([p]) => p !== 'text'),
      ...integers(['/x', 0], 1),
      ['/x', -1],
      ['/x', 0o10000],
    ],
    refused: [
      ['ENOENT', '/nowhere/file', 0o600],
      ['EISDIR', '/tmp', 0o600],
      ['ELOOP', '/proc/self/exe', 0o600],
    ],
  },
  makeFifo: {
    wrong: [
      ...not(['/x', 0o600], 0, 'a\0b').filter(([p]) => p !== 'text'),
      ...integers(['/x', 0], 1),
      ['/x', -1],
      ['/x', 0o10000],
    ],
    refused: [
      ['EEXIST', '/tmp', 0o600],
      ['ENOENT', '/nowhere/fifo', 0o600],
    ],
  },
  sendLocal: {
    wrong: [
      ...not(['/x', bytes], 0, 'a\0b').filter(([p]) => p !== 'text'),
      ...not(['/x', bytes], 1),
    ],
    refused: [
      ['ENOENT', '/nowhere/socket', bytes],
      ['ECONNREFUSED', '/dev/null', bytes],
      ['ENAMETOOLONG', 'x'.repeat(200), bytes],
      ['ENAMETOOLONG', '', bytes],
      ['ECONNREFUSED', '@nobody', bytes],
    ],
  },
  syslog: {
    wrong: [...integers([30, 'x'], 0), ...[undefined, 7, 'a\0b'].map((line) => [30, line])],
  },
};

/** A message that carries only its flags. */
function flagged(flags: number): Uint8Array {
  const copy = message.slice();
  new DataView(copy.buffer).setUint16(6, flags, true);
  return copy;
}
