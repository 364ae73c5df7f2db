// The processes that tests of the addon stop, kill and look at from outside: `child.ts ROLE [WORD...]`.
// Each says on standard output what the test waits for.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, Worker } from 'node:worker_threads';
import type { Ip } from '../../src/lib/ip.ts';
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
