// The processes that tests of the addon stop, kill and look at from outside: `child.ts ROLE [WORD...]`.
// Each says on standard output what the test waits for.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, Worker } from 'node:worker_threads';
import type { Ip } from '../../src/lib/ip.ts';
import { Recallable } from '../../src/lib/recall.ts';
import { millis } from '../../src/lib/time.ts';
import { native, type Outgoing } from '../../src/net/native.ts';
import { readRecords } from '../../src/net/record.ts';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const words = process.argv.slice(3);
const ring = new Uint8Array(1 << 18);
const ORDINARY = { policy: 'other', priority: 0 } as const;
const datagram: Outgoing = { to: '224.0.0.250' as Ip, bytes: new Uint8Array(16).fill(7) };
const raw = (device: string): number =>
  native.rawSocket({ family: 4, protocol: 253, device, hopLimit: 255 });

/** A thread that has as much to do as it can get: paces, a looped socket that is read, an alarm that returns. */
function startBusy(onRecord: () => void = () => {}): void {
  native.start(
    (length) => {
      for (const record of readRecords(ring, length))
        if (record.kind === 'alarm') native.alarm(native.now() + 100);
      native.settle();
      onRecord();
    },
    ring,
    ORDINARY,
  );
  const fd = raw('lo');
  native.watch(fd);
  for (let id = 0; id < 20; id++)
    native.pace(id, fd, 500, native.now(), [[{ ...datagram, to: '127.0.0.1' as Ip }]]);
  native.alarm(native.now() + 100);
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A datagram socket at /dev/log that is read only when asked: Node itself has none. */
async function startReader(): Promise<{ read(): Promise<string[]>; end(): Promise<void> }> {
  const program = `use Socket; $| = 1; unlink "/dev/log"; socket(S, AF_UNIX, SOCK_DGRAM, 0) or die;
    bind(S, sockaddr_un("/dev/log")) or die; print "bound\\n";
    while (<STDIN>) { while (defined recv(S, $b, 9999, MSG_DONTWAIT)) { print "$b\\n" } print "end\\n" }`;
  const child = spawn('perl', ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    async read() {
      child.stdin.write('read\n');
      const read: string[] = [];
      for (;;) {
        const { value } = await lines.next();
        if (value === 'end') return read;
        read.push(value);
      }
    },
    async end() {
      child.stdin.end();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

const roles: Record<string, () => void | Promise<void>> = {
  /** Sends every `words[0]` microseconds on device a and says when it has been stalled. */
  pace() {
    native.start(
      (length) => {
        for (const record of readRecords(ring, length))
          if (record.kind === 'stalled') say(`stalled ${record.id}`);
      },
      ring,
      ORDINARY,
    );
    native.pace(7, raw('a'), Number(words[0]), native.now(), [[datagram]]);
  },

  /** Starts a script that keeps a diary in the file `words[0]`, and stays. */
  spawn() {
    native.start(() => {}, ring, ORDINARY);
    const text = `echo $$ >>"$0"; trap 'echo terminated >>"$0"; exit' TERM; echo ready >>"$0"
      while :; do sleep 0.05; done`;
    native.spawn({
      file: '/bin/sh',
      arguments: ['sh', '-c', text, words[0] ?? ''],
      environment: [],
      deathSignal: 15,
    });
  },

  /** Is called something else, in a session of its own, until its input ends. */
  identity() {
    native.newSession();
    native.setName('keepalived');
    native.setArguments(['keepalived', '-n', '-l', '']);
    say(JSON.stringify(process.argv.slice(2)));
    process.stdin.resume();
  },

  signals() {
    native.start(
      (length) => {
        for (const record of readRecords(ring, length))
          if (record.kind === 'signal') say(`signal ${record.signal}`);
      },
      ring,
      ORDINARY,
    );
    native.catchSignal(36);
    native.catchSignal(63);
    say('ready');
  },

  /** Passes SIGTERM on to the process `words[0]` and is busy until that is gone. */
  relay() {
    const target = Number(words[0]);
    process.on('SIGTERM', () => {
      say('own turn');
      process.exit(0);
    });
    native.relaySignal(15, target);
    say('ready');
    const patience = performance.now() + 10_000;
    while (lives(target) && performance.now() < patience);
    say(lives(target) ? 'never passed on' : 'passed on');
    setTimeout(() => say('no turn'), 10_000);
  },

  /** Holds the lock on the file `words[0]` until it is killed. */
  lock() {
    native.openLocked(words[0] ?? '', 0o644);
    say('locked');
    process.stdin.resume();
  },

  /** Dies with its parent, which is another child.ts that waits. */
  mortal() {
    native.parentDeathSignal(15);
    say(`mortal ${process.pid}`);
    process.stdin.resume();
  },
  parent() {
    spawn(process.execPath, ['--import', 'tsx', process.argv[1] ?? '', 'mortal'], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
  },

  /** What memory locking costs. */
  memory() {
    const read = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    const before = read('VmRSS');
    native.lockMemory();
    say(JSON.stringify({ locked: read('VmLck'), growth: read('VmRSS') - before }));
    // More machine code than fits what V8 had reserved when the memory was locked.
    setFlagsFromString('--always-sparkplug');
    for (let i = 0; i < 4_000; i++) {
      const run = new Function('n', `let s = ${i}; for (let j = 0; j < n; j++) s += j; return s`);
      run(i % 7);
    }
  },

  /** Writes to /dev/log, of which it has one of its own, before there is a reader, while it sleeps, and after. */
  async syslog() {
    const log = (line: string): boolean => native.syslog(30, line);
    say(`nobody ${log('x')}`);
    const first = await startReader();
    say(`reader ${log('one')} ${log('zwei ä')}`);
    let full = 0;
    const begun = native.now();
    while (log('filler')) full++;
    say(`full ${full < 10_000} ${native.now() - begun < 1_000_000}`);
    say(`read ${JSON.stringify((await first.read()).slice(0, 2))}`);
    say(`again ${log('x')}`);
    await first.end();
    say(`gone ${log('x')}`);
    const second = await startReader();
    say(`new reader ${log('two')} ${JSON.stringify(await second.read())}`);
    await second.end();
  },

  /** Ends in the way that `words[0]` names while the thread is at its busiest. */
  async end() {
    let batches = 0;
    let reached: (() => void) | undefined;
    startBusy(() => {
      if (++batches === 20) reached?.();
    });
    await new Promise<void>((resolve) => {
      reached = resolve;
    });
    say('busy');
    switch (words[0]) {
      case 'exit':
        process.exit(7);
        break;
      case 'stop':
        native.stop();
        break;
      case 'throw':
        throw new Error('on purpose');
      case 'abort':
        process.kill(process.pid, 'SIGTERM');
        break;
    }
  },

  /** Collects garbage again and again while the ring and the callback are reachable from native code alone. */
  async collect() {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let records = 0;
    (() => {
      const own = new Uint8Array(1 << 18);
      native.start(
        (length) => {
          for (const record of readRecords(own, length)) records += record.kind === 'alarm' ? 1 : 0;
          native.alarm(native.now() + 200);
        },
        own,
        ORDINARY,
      );
      const pieces = [[{ to: '127.0.0.1' as Ip, bytes: new Uint8Array(64).fill(1) }]];
      native.pace(1, raw('lo'), 300, native.now(), pieces);
    })();
    native.alarm(native.now());
    for (let round = 0; round < 60; round++) {
      collect();
      // Memory that was given back is used again at once.
      for (let n = 0; n < 50; n++) new Uint8Array(1 << 12).fill(0xff);
      await new Promise((resolve) => setImmediate(resolve));
    }
    native.stop();
    say(`records ${records > 20 ? 'many' : records}`);
  },

  /** Asks for a connection, with so many milliseconds to wait, and says what has become of it. */
  async dial() {
    const [address = '', port, patience] = words;
    const { startDials } = await import('./dials.ts');
    const dials = startDials();
    const answer = dials.reach(
      { address: address as Ip, port: Number(port), mark: 0 },
      millis(Number(patience)),
      new Recallable(),
    );
    say('asked');
    say(
      await answer.then(
        () => 'accepted',
        ({ code }: NodeJS.ErrnoException) => `refused ${code}`,
      ),
    );
    native.stop();
  },

  /** The I/O thread in a worker: refused while the main thread has it, and joined when the worker is terminated. */
  async worker() {
    if (!isMainThread) return;
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const native = require(workerData);
      const codeOf = (order) => { try { order(); return 'done'; } catch (error) { return error.code; } };
      const start = () => codeOf(() =>
        native.start(() => {}, new Uint8Array(1 << 18), { policy: 'other', priority: 0 }));
      parentPort.on('message', (order) => parentPort.postMessage(
        order === 'start' ? start() : codeOf(() => native.stop())));`;
    const path =
      process.env.KEEPALIVED_ADDON ?? `${import.meta.dirname}/../../dist/keepalived.node`;
    const worker = new Worker(code, { eval: true, workerData: path });
    const ask = (order: string): Promise<string> =>
      new Promise((resolve) => {
        worker.once('message', resolve);
        worker.postMessage(order);
      });
    startBusy();
    say(`second ${await ask('start')}`);
    say(`foreign stop ${await ask('stop')}`);
    native.stop();
    say(`first ${await ask('start')}`);
    await worker.terminate();
    startBusy();
    say('again');
    native.stop();
  },
};

const role = roles[process.argv[2] ?? ''];
if (role === undefined) throw new Error(`no role ${process.argv[2]}`);
await role();
