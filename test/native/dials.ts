// The I/O thread with nothing to do but to wait for connections: what checks of TCP need where no daemon is around them.

import { Dials } from '../../src/net/dial.ts';
import { native } from '../../src/net/native.ts';
import { readRecords } from '../../src/net/record.ts';

/** native.stop() ends it; a process that does not stop it does not end by itself. */
export function startDials(): Dials {
  const dials = new Dials();
  const ring = new Uint8Array(1 << 17);
  native.start(
    (length) => {
      for (const record of readRecords(ring, length))
        if (record.kind === 'reached') dials.reached(record.id, record.errno);
    },
    ring,
    { policy: 'other', priority: 0 },
  );
  return dials;
}
