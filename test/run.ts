// Runs test files, and ends with one count of all. What measures time, or has deadlines of a few milliseconds, runs alone;
// the rest mostly waits, and runs two files at a time. With --alone everything runs alone (under the sanitizers).
//
//     node --import tsx test/run.ts [--alone] FILE...

import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Several of them load both processors, and adverts 10 ms apart want them free. */
const ALONE =
  /^test\/(native\/|property\/config-fuzz|netns\/(awkward|effect|fault-|flood|interop|lab|memory|pause|stall|supervisor))/;

type Stream = ReturnType<typeof run>;

/** The events of several runs as one, their counts (`pass 12`) added. */
async function* joined(streams: readonly (() => Stream)[]) {
  const counts = new Map<string, number>();
  for (const stream of streams)
    for await (const event of stream().on('test:fail', ({ todo }) => {
      if (todo === undefined || todo === false) process.exitCode = 1;
    })) {
      const count =
        event.type === 'test:diagnostic' && event.data.nesting === 0
          ? /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/.exec(
              event.data.message,
            )
          : null;
      if (count === null) yield event;
      else counts.set(count[1] ?? '', (counts.get(count[1] ?? '') ?? 0) + Number(count[2]));
    }
  for (const [name, count] of counts)
    yield { type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${count}` } };
}

const alone = process.argv.includes('--alone');
const files = process.argv.slice(2).filter((word) => word !== '--alone');
const parts = [
  { files: files.filter((file) => !alone && !ALONE.test(file)), concurrency: 2 },
  { files: files.filter((file) => alone || ALONE.test(file)), concurrency: 1 },
].filter((part) => part.files.length > 0);
Readable.from(joined(parts.map((part) => () => run(part))))
  .compose(new spec())
  .pipe(process.stdout);
