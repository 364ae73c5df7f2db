// The shell of the process that checks servers: it turns answers of checkers, netlink news, files and the parent's orders into
// events, and the core's actions into IPVS commands, attempts and scripts. It decides nothing about servers.

import { randomInt } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { Fifos } from '../fifos.ts';
import { type Channel, type ChildContext, obeyIdle, openChannel } from '../ipc/channel.ts';
import type { CheckOrder } from '../ipc/messages.ts';
import { DUMPS, heedSignals } from '../ipc/signal.ts';
import type { IpvsOrder, IpvsTimeouts } from '../lib/ipvs.ts';
import type { Instant } from '../lib/time.ts';
import type { Log } from '../log.ts';
import { Loop } from '../loop.ts';
import { bufferSize } from '../net/buffer.ts';
import { dumpsWritten } from '../net/dump.ts';
import { Ipvs } from '../net/ipvs.ts';
import { dropTextSoon } from '../net/memory.ts';
import { inIpvsNamespace } from '../net/namespace.ts';
import { native } from '../net/native.ts';
import type { Record } from '../net/record.ts';
import { type News, Route, readNews } from '../net/route.ts';
import { claim, limitRealTime } from '../net/scheduling.ts';
import { refusalOf, type Scripts } from '../net/script.ts';
import { startThread, type Thread } from '../net/thread.ts';
import { Watch } from '../net/watch.ts';
import { scriptsOf } from '../scripts.ts';
import type { CheckAction } from './action.ts';
import { Attempts } from './attempts.ts';
import { createDirector, director } from './director.ts';
import type { CheckEvent } from './event.ts';
import type { Held } from './heir.ts';
import { Presence } from './presence.ts';
import type { CheckerConfig } from './resolve.ts';
import type { DirectorState } from './state.ts';

type Configure = Extract<CheckOrder, { readonly type: 'configure' }>;

const DEADLINE: CheckEvent = { type: 'deadline' };
/** Checks that are due within so many microseconds are made at once, at the end of them. */
const GRAIN = 1_000;
/** Where seeds end, as mulberry32 wants them. */
const SEEDS = 2 ** 32;
const WORDS = { data: 'data', json: 'as json' } as const;
/** The service cannot be had here, and another process would fare no better. */
const FATAL = 1;

/**
 * What a check leaves lives for a second, and is old by then: it is collected once it is a fifth of what stays, not as much again.
 * This process is a third smaller so, and needs no more time. Set here, for Node does not start with an option it does not know.
 */
const THRIFT = '--heap-growing-percent=20';

/** Runs until the parent orders a stop or is gone; the exit status. */
export function runCheck(context: ChildContext): Promise<number> {
  setFlagsFromString(THRIFT);
  return new Promise((resolve) => {
    let daemon: CheckDaemon | undefined;
    const channel = openChannel(
      (order: CheckOrder) => {
        if (order.type === 'configure') {
          nameProcess(order.config, context);
          const ipvs = openIpvs(order.config, context);
          if (ipvs === undefined) {
            resolve(FATAL);
            return;
          }
          daemon = new CheckDaemon(order, ipvs, context, channel, resolve);
          channel.report({ type: 'ready', timeouts: daemon.timeouts });
        } else if (daemon !== undefined) {
          daemon.obey(order);
        } else {
          obeyIdle(order, channel, resolve);
        }
      },
      () => daemon?.expectWork(),
    );
  });
}

/** Undefined where the kernel has none, or refuses it; that has been logged. */
function openIpvs(
  { net_namespace_ipvs: name }: CheckerConfig,
  { log, origin }: ChildContext,
): Ipvs | undefined {
  log.info('Initializing ipvs');
  try {
    return inIpvsNamespace(name, origin, () => Ipvs.open());
  } catch (error) {
    log.error(`IPVS: Can't initialize ipvs: ${(error as Error).message}`);
    return undefined;
  }
}

class CheckDaemon {
  readonly #context: ChildContext;
  readonly #channel: Channel;
  readonly #ended: (status: number) => void;
  readonly #ipvs: Ipvs;
  readonly #thread: Thread;
  readonly #scripts: Scripts;
  readonly #fifos: Fifos;
  readonly #watch: Watch;
  readonly #attempts: Attempts;
  readonly #presence = new Presence();
  /** Of IPVS, before any process of this daemon. */
  readonly timeouts: IpvsTimeouts;
  /** Open while a service follows an address of this machine (ha_suspend). */
  #route: Route | undefined;
  readonly #loop: Loop<DirectorState, CheckEvent, CheckAction>;
  #deadline: Instant | undefined;

  constructor(
    { config, leads, duties, keeps, succeeds }: Configure,
    ipvs: Ipvs,
    context: ChildContext,
    channel: Channel,
    ended: (status: number) => void,
  ) {
    this.#ipvs = ipvs;
    this.#context = context;
    this.#channel = channel;
    this.#ended = ended;
    const { log, deadman } = context;
    this.#thread = startOnTime(config, log, deadman, (records) => {
      for (const record of records) this.#takeRecord(record);
    });
    heedSignals(channel, (signal) => this.#signalled(signal));
    this.#scripts = scriptsOf(log);
    this.#attempts = new Attempts((run, verdict) => this.#take({ type: 'answered', run, verdict }));
    this.#watch = new Watch({
      changed: (name, text) =>
        this.#take({ type: 'fileRead', name, ...(text === undefined ? {} : { text }) }),
      failed: (folder, { message }) =>
        log.warning(`Cannot watch ${folder} for tracked files, looking every second: ${message}`),
    });
    this.#fifos = new Fifos(log);
    this.#fifos.configure('lvs', config.global_defs, leads);
    this.#loop = new Loop(createDirector(config, { seed: randomInt(SEEDS), keeps }), {
      machine: director,
      deadline: DEADLINE,
      perform: (action) => this.#perform(action),
      alarm: (at) => this.#alarm(at),
    });
    this.#listen(config);
    const { addresses } = this.#presence;
    const files = this.#watch.follow(config.track_file ?? []);
    this.timeouts = succeeds?.timeouts ?? this.#timeouts();
    const facts = { addresses, files, timeouts: this.timeouts };
    this.#take({
      type: 'facts',
      facts:
        succeeds === undefined
          ? facts
          : {
              ...facts,
              held: this.#held(),
              ...(succeeds.down === undefined ? {} : { down: succeeds.down }),
            },
    });
    if (duties.tells) void this.#tell();
    if (!config.global_defs.checker_no_swap) dropTextSoon();
  }

  /** Tens of thousands of checks are read and compared in one turn: on a busy machine that is no hang. */
  expectWork(): void {
    this.#thread.longTurn();
  }

  obey(order: Exclude<CheckOrder, { readonly type: 'configure' }>): void {
    switch (order.type) {
      case 'heartbeat':
        this.#channel.report(order);
        break;
      case 'reload':
        this.#reload(order);
        if (order.ends === true) this.#take({ type: 'stop' });
        else if (order.duties.tells) void this.#tell();
        break;
      case 'dump':
        void this.#dump(order.kind);
        break;
      case 'stop':
        this.#take({ type: 'stop' });
        break;
    }
  }

  #reload({ config, leads, ends }: Extract<CheckOrder, { readonly type: 'reload' }>): void {
    this.#context.log.info('Reloading');
    nameProcess(config, this.#context);
    // At the end those who read hear the last of it.
    if (ends !== true) this.#fifos.configure('lvs', config.global_defs, leads);
    // Before the new services are there: what they ask of addresses is known by then.
    for (const event of this.#listen(config)) this.#take(event);
    const files = this.#watch.follow(config.track_file ?? []);
    this.#take({ type: 'reload', config, files });
    this.#channel.report({ type: 'reloaded' });
  }

  /** -d: what was understood, as it starts. */
  async #tell(): Promise<void> {
    // As it is now: servers may have answered when the code is loaded.
    const { state } = this.#loop;
    const { configurationLines } = await import('./report.ts');
    const lines = configurationLines(state, this.#fifos.leads);
    await this.#context.log.pour(lines);
  }

  #signalled(signal: number): void {
    const kind = DUMPS.get(signal);
    if (kind !== undefined) void this.#dump(kind);
  }

  async #dump(kind: Extract<CheckOrder, { readonly type: 'dump' }>['kind']): Promise<void> {
    if (kind !== 'data' && kind !== 'json') return;
    const { log } = this.#context;
    log.info(`Printing checker ${WORDS[kind]} for process(${process.pid}) on signal`);
    try {
      // Inside: after an upgrade of the files on disk the old code may be gone, which must not end this process.
      const { writeData, writeJson } = await import('./report.ts');
      if (kind === 'data') await writeData(this.#loop.state, this.#fifos.leads);
      else await writeJson(this.#loop.state, this.#ipvs, log);
    } catch (error) {
      log.error(`Cannot write state file: ${(error as Error).message}`);
    }
    this.#channel.report({ type: 'dumped', kind });
  }

  /** Addresses are followed where somebody wants to know of them; what has changed since they were. */
  #listen({ global_defs, virtual_server: services = [] }: CheckerConfig): readonly CheckEvent[] {
    if (!services.some(({ ha_suspend }) => ha_suspend)) {
      this.#route?.close();
      this.#route = undefined;
      return [];
    }
    if (this.#route !== undefined) return [];
    this.#route = new Route(netlinkBuffers(global_defs));
    return this.#presence.replace(this.#route.addresses());
  }

  #take(event: CheckEvent): void {
    this.#loop.take(event, native.now());
  }

  #takeRecord(record: Record): void {
    if (this.#watch.hear(record)) return;
    switch (record.kind) {
      case 'alarm':
        // The thread counts in nanoseconds: an instant may come back a little smaller than it was.
        if (this.#deadline !== undefined) {
          const due = Math.min(this.#deadline, native.now());
          this.#deadline = undefined;
          this.#loop.alarmed(Math.max(record.at, due) as Instant);
        }
        break;
      case 'exit': {
        const refusal = refusalOf(record.errno);
        this.#scripts.exited(record.pid, refusal);
        this.#fifos.exited(record.pid, refusal);
        this.#attempts.exited(record.pid, record.status, record.signal, refusal);
        break;
      }
      case 'signal':
        this.#signalled(record.signal);
        break;
      case 'reached':
        this.#attempts.reached(record.id, record.errno);
        break;
      case 'packet':
        if (this.#route?.isMonitor(record.fd) === true)
          for (const news of readNews(record.bytes))
            for (const event of this.#changes(news)) this.#loop.take(event, record.at);
        break;
      case 'resync':
        if (this.#route !== undefined)
          for (const event of this.#presence.replace(this.#route.addresses()))
            this.#loop.take(event, record.read);
        break;
      default:
        // Schedules and shots are no part of this process.
        break;
    }
  }

  #changes(news: News): readonly CheckEvent[] {
    switch (news.type) {
      case 'address':
        return this.#presence.add(news.address);
      case 'addressGone':
        return this.#presence.remove(news.address);
      case 'linkGone':
        return this.#presence.forget(news.index);
      default:
        return [];
    }
  }

  /** Rounded up: with thousands of checks a second most of the work would be arming the alarm for the next one. */
  #alarm(at: Instant | undefined): void {
    const rounded = at === undefined ? undefined : ((Math.ceil(at / GRAIN) * GRAIN) as Instant);
    if (rounded === this.#deadline) return;
    this.#deadline = rounded;
    native.alarm(rounded ?? 0);
  }

  #perform(action: CheckAction): readonly CheckEvent[] {
    switch (action.type) {
      case 'ipvs':
        return this.#order(action.orders);
      case 'probe':
        this.#attempts.start(action.run, action.target, action.of);
        return [];
      case 'cancel':
        this.#attempts.cancel(action.run);
        return [];
      case 'run':
        this.#scripts.run({ owner: action.owner, state: action.state, ...action.script });
        return [];
      case 'fifo':
        this.#fifos.write(action.line);
        return [];
      case 'mail':
      case 'note':
        this.#channel.report(action);
        return [];
      case 'log':
        this.#context.log.write(action.severity, action.text);
        return [];
      case 'exit':
        this.#end(action.status);
        return [];
    }
  }

  /** All that IPVS holds; nothing where it does not tell. */
  #held(): readonly Held[] {
    try {
      return this.#ipvs
        .services()
        .map(({ key }) => ({ key, destinations: this.#ipvs.destinations(key) }));
    } catch (error) {
      this.#context.log.warning(`IPVS: cannot read its table: ${(error as Error).message}`);
      return [];
    }
  }

  /** A kernel that does not tell them has none to come back to. */
  #timeouts(): IpvsTimeouts {
    try {
      return this.#ipvs.timeouts();
    } catch {
      return {};
    }
  }

  #order(orders: readonly IpvsOrder[]): readonly CheckEvent[] {
    try {
      return this.#ipvs
        .order(orders)
        .map(({ about: order, code, message }) => ({ type: 'refused', order, code, message }));
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      return orders.map((order) => ({ type: 'refused', order, code, message }));
    }
  }

  /** IPVS is as it is to be left; stop scripts get a moment. */
  #end(status: number): void {
    const finish = (): void => {
      this.#fifos.close();
      this.#watch.close();
      this.#thread.stop();
      this.#route?.close();
      this.#ipvs.close();
      this.#channel.report({ type: 'finished' });
      void dumpsWritten().then(() => this.#ended(status));
    };
    this.#attempts.close();
    this.#scripts.drain(finish);
  }
}

/** The I/O thread, with what the configuration asks of the kernel for this process. */
function startOnTime(
  { global_defs }: CheckerConfig,
  log: Log,
  deadmanFd: number,
  onRecords: (records: Iterable<Record>) => void,
): Thread {
  const {
    checker_priority: nice,
    checker_no_swap: lockMemory,
    checker_cpu_affinity: cpus,
    checker_rt_priority: realTime,
    checker_rlimit_rttime: limit,
  } = global_defs;
  const lost: string[] = [];
  const thread = startThread(onRecords, { priority: realTime, deadmanFd }, lost);
  limitRealTime(realTime, limit, () => log.warning('Real-time limit exceeded'));
  lost.push(
    ...claim({ nice, lockMemory, ...(cpus === undefined || cpus.length === 0 ? {} : { cpus }) }),
  );
  // The parent has named the missing capabilities in one line; these are the particulars.
  if (lost.length > 0) log.detail(`Not permitted: ${lost.join(', ')}`);
  return thread;
}

const netlinkBuffers = (defs: CheckerConfig['global_defs']) => ({
  command: bufferSize(defs.lvs_netlink_cmd_rcv_bufs, defs.lvs_netlink_cmd_rcv_bufs_force),
  monitor: bufferSize(defs.lvs_netlink_monitor_rcv_bufs, defs.lvs_netlink_monitor_rcv_bufs_force),
});

/** checker_process_name, or the name that process_names gives, keepalived like the parent otherwise; and the umask. */
function nameProcess({ global_defs }: CheckerConfig, { umask }: ChildContext): void {
  const usual = global_defs.process_names ? 'keepalived_lvs' : 'keepalived';
  native.setName(global_defs.checker_process_name ?? usual);
  // Of what it writes, and of what its scripts do.
  process.umask(umask ?? global_defs.umask);
}
