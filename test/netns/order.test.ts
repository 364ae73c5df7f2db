// A notify script that is slow, and an instance that changes meanwhile: what has been overtaken is not run, the newest state is
// told next, and STOP last of all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instance, options, sandbox, until } from './sandbox.ts';

/** A second, in which a script counts as slow. */
const SLOW = 1_100;

const CONFIG = `global_defs {
  script_user root
}
track_file holds {
  file /run/holds
  weight 0
}
${instance('notify "/bin/sh /tmp/slow"', 'track_file {', '  holds', '}')}`;
const SCRIPT = `echo "$3" >> /run/told
while [ ! -e /run/go ]; do sleep 0.02; done
echo "end of $3" >> /run/told
`;

test(
  'a slow notify script hears the newest state next, and STOP at the end',
  options,
  async (t) => {
    const box = await sandbox(t);
    box.write('tmp/slow', SCRIPT);
    box.write('run/holds', '0');
    const daemon = box.daemon(CONFIG);
    const told = (): string[] => (box.read('run/told') ?? '').split('\n').filter(Boolean);
    const hears = (...words: string[]) =>
      until(
        `the script has written ${words}, not ${told()}`,
        () => told().join() === words.join() || undefined,
      );
    let read = 0;
    const enters = async (state: string): Promise<void> => {
      const line = `(VI_1) Entering ${state} STATE`;
      await until(line, () => daemon.stderr.indexOf(line, read) >= 0 || undefined);
      read = daemon.stderr.indexOf(line, read) + line.length;
    };
    await enters('BACKUP');
    await hears('BACKUP');
    const begun = Date.now();
    await enters('MASTER');
    do {
      box.write('run/holds', '1');
      await enters('FAULT');
      box.write('run/holds', '0');
      await enters('MASTER');
    } while (Date.now() - begun < SLOW);
    assert.deepEqual(told(), ['BACKUP']);
    box.write('run/go', '');
    await hears('BACKUP', 'end of BACKUP', 'MASTER', 'end of MASTER');
    assert.match(daemon.stderr, /Script \S+ is not told FAULT of VI_1: overtaken/);

    box.write('run/told', '');
    await box.start(['rm', '/run/go']).ended;
    box.write('run/holds', '1');
    await enters('FAULT');
    await hears('FAULT');
    box.write('run/holds', '0');
    await enters('MASTER');
    daemon.signal('SIGTERM');
    // FAULT's script does not end: half a second later the last one is started beside it.
    assert.equal(await daemon.ended, 0);
    assert.deepEqual(told(), ['FAULT', 'STOP']);
  },
);
