// What the I/O thread reports, decoded from the ring it fills. native/io_thread.h defines the layout:
//
//    0        4        8        12       16              24
//   +--------+--------+--------+--------+----------------+----------------+
//   | kind   | source | length | aux    | at (f64, µs)   | read (f64, µs) |
//   +--------+--------+--------+--------+----------------+----------------+
//   | interface | family | from (16 bytes) | to (16 bytes) | bytes, padded to 8
//   +-----------+--------+-----------------+---------------+---------

import { type Ip, ipFromBytes } from '../lib/ip.ts';
import type { Instant } from '../lib/time.ts';

interface Happened {
  /** When it happened: arrival, deadline, sending. */
  readonly at: Instant;
  /** When the thread dealt with it. */
  readonly read: Instant;
}

export type Record = Happened &
  (
    | {
        readonly kind: 'packet';
        readonly fd: number;
        /** A view of the ring: valid until the callback returns. */
        readonly bytes: Uint8Array;
        readonly hopLimit: number;
        readonly interface: number;
        /** Absent on netlink sockets. */
        readonly source?: Ip;
        readonly destination?: Ip;
      }
    | { readonly kind: 'alarm' }
    /** A shot has been sent; `errno` is 0 or what the first refused send said. */
    | { readonly kind: 'fired'; readonly id: number; readonly errno: number }
    /** A shot was due but packets waited: JavaScript decides. */
    | { readonly kind: 'withheld'; readonly id: number }
    | { readonly kind: 'sendFailed'; readonly id: number; readonly errno: number }
    | { readonly kind: 'stalled'; readonly id: number }
    | { readonly kind: 'overflow'; readonly lost: number }
    | {
        readonly kind: 'exit';
        readonly pid: number;
        readonly status: number;
        readonly signal: number;
        /** Why it could not be run; 0 where it was. */
        readonly errno: number;
      }
    | { readonly kind: 'signal'; readonly signal: number }
    /** A dial has ended: accepted, or refused (errno; ETIMEDOUT where nothing came in time). */
    | { readonly kind: 'reached'; readonly id: number; readonly errno: number }
    /** Events of inotify(7), as the kernel lays them out; the same view as of a packet. */
    | { readonly kind: 'files'; readonly fd: number; readonly bytes: Uint8Array }
    /** A netlink monitor, or what tells of files, lost news: look again. */
    | { readonly kind: 'resync'; readonly fd: number }
  );

const HEADER = 72;

export function* readRecords(ring: Uint8Array, length: number): Generator<Record> {
  const view = new DataView(ring.buffer, ring.byteOffset, length);
  for (let offset = 0; offset < length; ) {
    const size = view.getUint32(offset + 8, true);
    yield readRecord(ring, view, offset, size);
    offset += HEADER + ((size + 7) & ~7);
  }
}

function readRecord(ring: Uint8Array, view: DataView, offset: number, size: number): Record {
  const kind = view.getUint32(offset, true);
  const source = view.getUint32(offset + 4, true);
  const aux = view.getInt32(offset + 12, true);
  const at = view.getFloat64(offset + 16, true) as Instant;
  const read = view.getFloat64(offset + 24, true) as Instant;
  const extra = view.getUint32(offset + 32, true);
  switch (kind) {
    case 1: {
      const start = offset + HEADER;
      const packet = {
        at,
        read,
        kind: 'packet' as const,
        fd: source,
        bytes: ring.subarray(start, start + size),
        hopLimit: aux,
        interface: extra,
      };
      const width = view.getUint32(offset + 36, true) === 4 ? 4 : 16;
      return view.getUint32(offset + 36, true) === 0
        ? packet
        : {
            ...packet,
            source: ipFromBytes(ring.subarray(offset + 40, offset + 40 + width)),
            destination: ipFromBytes(ring.subarray(offset + 56, offset + 56 + width)),
          };
    }
    case 2:
      return { at, read, kind: 'alarm' };
    case 3:
      return { at, read, kind: 'fired', id: source, errno: aux };
    case 4:
      return { at, read, kind: 'withheld', id: source };
    case 5:
      return { at, read, kind: 'sendFailed', id: source, errno: aux };
    case 6:
      return { at, read, kind: 'stalled', id: source };
    case 7:
      return { at, read, kind: 'overflow', lost: aux };
    case 8:
      return {
        at,
        read,
        kind: 'exit',
        pid: source,
        status: aux,
        signal: extra,
        errno: view.getUint32(offset + 36, true),
      };
    case 9:
      return { at, read, kind: 'signal', signal: source };
    case 10:
      return { at, read, kind: 'resync', fd: source };
    case 11:
      return { at, read, kind: 'reached', id: source, errno: aux };
    case 12: {
      const start = offset + HEADER;
      return { at, read, kind: 'files', fd: source, bytes: ring.subarray(start, start + size) };
    }
    default:
      throw new RangeError(`the I/O thread wrote a record of unknown kind ${kind}`);
  }
}
