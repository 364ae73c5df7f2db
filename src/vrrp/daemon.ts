// The shell of the VRRP process: it turns the I/O thread's records and the parent's orders into events, and the
// core's actions into system calls. It holds the only clock and the only alarm, and decides nothing about VRRP.

import { constants } from 'node:os';
import { openChannel } from '../ipc/channel.ts';
import type { ChildOptions, Order } from '../ipc/messages.ts';
import { type Log, openLog } from '../log.ts';
import { Loop } from '../loop.ts';
import { writeDump } from '../net/dump.ts';
import { native } from '../net/native.ts';
import type { Record } from '../net/record.ts';
import { Route, readNews } from '../net/route.ts';
import { claim } from '../net/scheduling.ts';
import { Scripts } from '../net/script.ts';
import { Thread } from '../net/thread.ts';
import type { VrrpAction } from './action.ts';
import { dumpData, dumpStatistics } from './dump.ts';
import type { Facts, ReceivedPacket, VrrpEvent } from './event.ts';
import type { VrrpConfig } from './keywords.ts';
import { createRouter, nextDeadline, type RouterState, step } from './router.ts';
import { Wire } from './wire.ts';

/** Inherited pipe on which the parent learns that this process has stopped turning. */
const DEADMAN_FD = 4;
/** Priority of the I/O thread where the configuration names none. */
const DEFAULT_PRIORITY = 50;

/** Runs until the parent orders a stop or is gone; the exit status. */
export function runVrrp(): Promise<number> {
  return new Promise((resolve) => {
    let daemon: VrrpDaemon | undefined;
    const stop = (): void => {
      if (daemon === undefined) resolve(0);
      else daemon.stop();
    };
    const channel = openChannel((order: Order) => {
      switch (order.type) {
        case 'configure':
          daemon = new VrrpDaemon(order.config, order.options, (status) => {
            channel.close();
            resolve(status);
          });
          channel.report({ type: 'running' });
          break;
        case 'reload':
          daemon?.reload(order.config);
          channel.report({ type: 'reloaded' });
          break;
        case 'dump':
          daemon?.dump(order.kind);
          break;
        case 'heartbeat':
          channel.report({ type: 'heartbeat', number: order.number });
          break;
        case 'stop':
          stop();
          break;
      }
    });
    process.on('SIGTERM', stop);
    // A terminal sends SIGINT to the whole group; the parent decides what it means. The others are the parent's too.
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const)
      process.on(signal, () => {});
    native.parentDeathSignal(constants.signals.SIGTERM);
    channel.report({ type: 'ready' });
  });
}

class VrrpDaemon {
  readonly #options: ChildOptions;
  readonly #ended: (status: number) => void;
  readonly #log: Log;
  readonly #thread: Thread;
  readonly #route: Route;
  readonly #wire: Wire;
  readonly #scripts: Scripts;
  readonly #loop: Loop<RouterState, VrrpEvent, VrrpAction>;

  constructor(config: VrrpConfig, options: ChildOptions, ended: (status: number) => void) {
    this.#options = options;
    this.#ended = ended;
    this.#log = openLog(options);
    const lost: string[] = [];
    this.#thread = this.#startThread(config, lost);
    // Signals that programs send to every process of the name must not end this one.
    for (const signal of [36, 63]) native.catchSignal(signal);
    const {
      vrrp_priority: nice,
      vrrp_no_swap: lockMemory,
      vrrp_cpu_affinity: cpus,
    } = config.global_defs;
    lost.push(...claim({ nice, lockMemory, ...(cpus === undefined ? {} : { cpus }) }));
    if (lost.length > 0)
      this.#log.write('warning', `Not permitted, running without: ${lost.join(', ')}`);

    this.#route = new Route();
    this.#wire = new Wire(this.#route);
    this.#scripts = new Scripts({
      spawn: (job) =>
        native.spawn({
          file: job.words[0] ?? '',
          arguments: job.words,
          environment: Object.entries(process.env).map(([name, value]) => `${name}=${value}`),
          uid: job.uid,
          gid: job.gid,
          umask: process.umask(),
          deathSignal: constants.signals.SIGTERM,
        }),
      failed: (job, error) =>
        this.#log.write(
          'error',
          `Error exec-ing command '${job.words.join(' ')}': ${error.message}`,
        ),
      overdue: (job) =>
        this.#log.write('warning', `Script ${job.words[0]} still runs; no longer waiting for it`),
    });
    this.#loop = new Loop(createRouter(config), {
      machine: { step, nextDeadline },
      deadline: { type: 'deadline' },
      perform: (action) => this.#perform(action),
      alarm: (at) => native.alarm(at ?? 0),
    });
    this.#loop.take({ type: 'facts', facts: this.#facts() }, native.now());
  }

  stop(): void {
    this.#loop.take({ type: 'stop' }, native.now());
  }

  reload(config: VrrpConfig): void {
    this.#loop.take({ type: 'reload', config }, native.now());
  }

  dump(kind: 'data' | 'statistics' | 'clear'): void {
    const { dumpFolder, dumpSuffix } = this.#options;
    const state = this.#loop.state;
    try {
      if (kind === 'data') {
        const clock = { monotonic: native.now(), wall: Date.now() * 1000 };
        const text = dumpData(state, clock, this.#wire.descriptors());
        writeDump(`${dumpFolder}/keepalived${dumpSuffix}.data`, text);
      } else {
        writeDump(`${dumpFolder}/keepalived.stats`, dumpStatistics(state, native.now()));
      }
    } catch (error) {
      this.#log.write('error', `Cannot write state file: ${(error as Error).message}`);
    }
    if (kind === 'clear') this.#loop.take({ type: 'clearStatistics' }, native.now());
  }

  /** With real-time priority where that is permitted. */
  #startThread(config: VrrpConfig, lost: string[]): Thread {
    const { vrrp_rt_priority: priority } = config.global_defs;
    const onRecords = (records: readonly Record[]): void => this.#take(records);
    try {
      return new Thread(onRecords, {
        priority: priority || DEFAULT_PRIORITY,
        deadmanFd: DEADMAN_FD,
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EPERM') throw error;
      lost.push(`real-time priority (${code})`);
      return new Thread(onRecords, { priority: 0, deadmanFd: DEADMAN_FD });
    }
  }

  #facts(): Facts {
    return { links: this.#route.links(), addresses: this.#route.addresses() };
  }

  #take(records: readonly Record[]): void {
    for (const record of records) this.#takeRecord(record);
  }

  #takeRecord(record: Record): void {
    switch (record.kind) {
      case 'packet':
        this.#takePacket(record);
        break;
      case 'alarm':
        this.#loop.alarmed(record.at);
        break;
      case 'stalled':
        this.#loop.take({ type: 'stalled', pace: record.id }, record.at);
        break;
      case 'resync':
        this.#loop.take({ type: 'facts', facts: this.#facts() }, record.read);
        break;
      case 'exit':
        this.#scripts.exited(record.pid);
        break;
      case 'overflow':
        this.#log.write(
          'warning',
          `${record.lost} packets were lost: they came faster than they could be read`,
        );
        break;
      case 'fired':
      case 'withheld':
      case 'sendFailed':
      case 'signal':
        break;
    }
  }

  #takePacket(record: Extract<Record, { readonly kind: 'packet' }>): void {
    if (record.fd === this.#route.monitor) {
      for (const news of readNews(record.bytes)) {
        if (news.type === 'linkGone') this.#wire.forgetInterface(news.index);
        this.#loop.take(news, record.at);
      }
      return;
    }
    const socket = this.#wire.keyOf(record.fd);
    const { source, destination } = record;
    // A socket closed since: what was queued for it is nobody's any more.
    if (socket === undefined || source === undefined || destination === undefined) return;
    const packet: ReceivedPacket = {
      source,
      destination,
      hopLimit: record.hopLimit,
      interface: record.interface,
      bytes: record.bytes,
    };
    this.#loop.take({ type: 'packet', socket, packet }, record.at);
  }

  #perform(action: VrrpAction): readonly VrrpEvent[] {
    switch (action.type) {
      case 'log':
        this.#log.write(action.severity, action.text);
        return [];
      case 'run':
        this.#scripts.run({
          owner: action.owner,
          words: [...action.script.words, ...action.words],
          uid: action.script.uid,
          gid: action.script.gid,
        });
        return [];
      case 'exit':
        this.#end(action.status);
        return [];
      default:
        return this.#wire.perform(action);
    }
  }

  /** Everything on the wire is done; stop scripts get a moment, as keepalived gives them. */
  #end(status: number): void {
    const finish = (): void => {
      clearTimeout(patience);
      this.#wire.close();
      this.#route.close();
      this.#thread.stop();
      this.#log.close();
      this.#ended(status);
    };
    const patience = setTimeout(finish, 1_000);
    this.#scripts.drain(finish);
  }
}
