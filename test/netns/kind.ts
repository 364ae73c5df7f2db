// Every kind of wrong packet that a flood can be made of, as frames, and what each frame must count as. Made by
// craft.ts: nothing here comes from src/.

import type { AdvertOptions } from './craft.ts';
import { craftAdvert } from './craft.ts';

export interface Missile {
  readonly frame: Buffer;
  /** The reason in our keepalived.data; 'any': one of them; absent: it concerns no virtual router of the target. */
  readonly reason?: string;
}

/** From an advert that would be believed to those that must not be. */
type Maker = (right: AdvertOptions) => readonly Missile[];

const HEADERS = { 4: 34, 6: 54 } as const;
const familyOf = ({ source }: AdvertOptions): 4 | 6 => (source.includes(':') ? 6 : 4);

const craft = (
  right: AdvertOptions,
  reason: string,
  ...changes: Partial<AdvertOptions>[]
): Missile[] => changes.map((change) => ({ frame: craftAdvert({ ...right, ...change }), reason }));

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** The message length of the advert that would be right. */
const lengthOf = (right: AdvertOptions): number =>
  craftAdvert(right).length - HEADERS[familyOf(right)];

/** A header of eight bytes tells whom it is for; keepalived counts nothing for what is shorter either. */
const cut = (right: AdvertOptions, length: number): Missile => {
  const frame = craftAdvert({ ...right, extra: length - lengthOf(right) });
  return length < 8 ? { frame } : { frame, reason: 'length' };
};

/** The same frame whose IP header says another length. */
function lengthSaid(right: AdvertOptions, error: number): Buffer {
  if (familyOf(right) === 4) return craftAdvert({ ...right, lengthError: error });
  const frame = craftAdvert(right);
  frame.writeUInt16BE(frame.readUInt16BE(18) + error, 18);
  return frame;
}

/** Park and Miller's minimal standard generator: the same bytes in every run. */
function randomBytes(count: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({ length: count }, () => {
      state = (state * 48_271) % 2_147_483_647;
      return state & 255;
    }),
  );
}

function random(right: AdvertOptions, seed: number): Missile {
  const length = 8 + (randomBytes(1, seed * 7919)[0] ?? 0);
  const frame = craftAdvert({ ...right, extra: length - lengthOf(right) });
  const at = HEADERS[familyOf(right)];
  randomBytes(length, seed).copy(frame, at);
  frame[at + 1] = right.vrid;
  return { frame, reason: 'any' };
}

export const kinds = {
  random: (right) => range(1, 64).map((seed) => random(right, seed)),
  truncated: (right) => range(0, lengthOf(right) - 1).map((length) => cut(right, length)),
  'bad checksum': (right) =>
    craft(right, 'checksum', ...[1, 255, 4_096].map((checksumError) => ({ checksumError }))),
  'wrong TTL': (right) => craft(right, 'ttl', ...[1, 64, 254].map((hopLimit) => ({ hopLimit }))),
  'wrong version': (right) =>
    craft(
      right,
      'version',
      ...range(0, 15)
        .filter((version) => version !== right.version)
        .map((version) => ({ version })),
    ),
  'wrong type': (right) => craft(right, 'type', ...[0, ...range(2, 15)].map((type) => ({ type }))),
  'foreign VRID': (right) =>
    range(1, 255)
      .filter((vrid) => vrid !== right.vrid)
      .map((vrid) => ({ frame: craftAdvert({ ...right, vrid }) })),
  // This one is an advert all the same (docs/compatibility.md): of the lowest priority, or it would rightly win.
  'other addresses': (right) =>
    craft(
      right,
      'addresses',
      ...[[], [0], [0, 1]].map((more) => ({
        priority: 1,
        addresses: more.map((i) =>
          familyOf(right) === 4 ? `10.0.0.${77 + i}` : `fd00::${77 + i}`,
        ),
      })),
    ),
  oversized: (right) => craft(right, 'length', { extra: 4 }, { extra: 100 }, { extra: 1_400 }),
  'zero length': (right) => [cut(right, 0)],
  'lying header': (right) => [
    ...craft(right, 'length', { count: 0 }, { count: 9 }, { count: 255 }),
    { frame: lengthSaid(right, -4), reason: 'length' },
    // The kernel itself refuses what is shorter than it says.
    { frame: lengthSaid(right, 4) },
    { frame: lengthSaid(right, 60_000) },
  ],
  'wrong password': (right) => [
    ...craft(right, 'authType', { authType: 7 }),
    ...craft(right, 'authMismatch', { authType: 0 }),
    ...craft(right, 'authFailure', { password: 'Secret' }, { password: '' }),
  ],
  'wrong interval': (right) => craft(right, 'interval', { interval: 2 }, { interval: 255 }),
} as const satisfies Record<string, Maker>;

export type KindName = keyof typeof kinds;

/** Only version 2 has passwords and drops what is sent at another interval. */
export const isOf = (kind: KindName, version: 2 | 3): boolean =>
  version === 2 || (kind !== 'wrong password' && kind !== 'wrong interval');

export const kindNames = Object.keys(kinds) as KindName[];

/** Frames in turn that make up one flood. */
export const missilesOf = (names: readonly KindName[], right: AdvertOptions): readonly Missile[] =>
  names.flatMap((name) => kinds[name](right));
