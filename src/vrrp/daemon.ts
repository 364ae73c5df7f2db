// The shell of the VRRP process: it turns the I/O thread's records and the parent's orders into events, and the
// core's actions into system calls. It holds the only clock and the only alarm, and decides nothing about VRRP.

import { createWriteStream } from 'node:fs';
import { Fifos } from '../fifos.ts';
import { type Channel, type ChildContext, obeyIdle, openChannel } from '../ipc/channel.ts';
import type { DumpKind, Duties, Paces, VrrpOrder } from '../ipc/messages.ts';
import { DUMPS, heedSignals } from '../ipc/signal.ts';
import { encodeEntry } from '../lib/history.ts';
import { type Instant, seconds, since } from '../lib/time.ts';
import { Loop } from '../loop.ts';
import { Beats } from '../net/beat.ts';
import { bufferSize } from '../net/buffer.ts';
import { dumpsWritten } from '../net/dump.ts';
import { dropTextSoon } from '../net/memory.ts';
import { native } from '../net/native.ts';
import { Probes } from '../net/probe.ts';
import { Processes } from '../net/processes.ts';
import type { Record } from '../net/record.ts';
import { Route, readNews } from '../net/route.ts';
import { claim, limitRealTime } from '../net/scheduling.ts';
import { refusalOf, type Scripts, startScript } from '../net/script.ts';
import { readSettings } from '../net/setting.ts';
import { startThread, type Thread } from '../net/thread.ts';
import { Watch } from '../net/watch.ts';
import { scriptsOf } from '../scripts.ts';
import type { VrrpAction } from './action.ts';
import { entriesOf } from './addresses.ts';
import { Chronicle, type Snapshot } from './chronicle.ts';
import type { Facts, Observed, VrrpEvent } from './event.ts';
import type { VrrpConfig } from './keywords.ts';
import { linkbeatOf } from './linkbeat.ts';
import { needsLooseAll } from './own.ts';
import { createRouter, nextDeadline, type RouterState, step } from './router.ts';
import { hasRouting, realTimePriority, tableOf } from './setup.ts';
import { Lookahead } from './shot.ts';
import { roleOf } from './start.ts';
import { Syncing } from './syncing.ts';
import { trackedFiles, trackedProcesses } from './tracker.ts';
import { warmUp } from './warmup.ts';
import { Wire } from './wire.ts';

/** How long before a shot the thread waits awake, in microseconds: longer than an idle processor takes to wake. */
const PREWAKE = 250;
/** A deadline nearer than this is looked at at once, in microseconds. */
const NEAR = 5_000;
/** Who signals all processes of the name asks once: what reaches both this one and its parent arrives within this time. */
const ECHO = seconds(1);
/** In microseconds. */
const NANOSECOND = 0.001;
const DEADLINE: VrrpEvent = { type: 'deadline' };

const PRINTING = {
  data: 'Printing VRRP data',
  statistics: 'Printing VRRP stats',
  clear: 'Printing and clearing VRRP stats',
  json: 'Printing VRRP as json',
} as const;

/** Runs until the parent orders a stop or is gone; the exit status. */
export function runVrrp(context: ChildContext): Promise<number> {
  return new Promise((resolve) => {
    let daemon: VrrpDaemon | undefined;
    const channel = openChannel((order: VrrpOrder) => {
      if (order.type === 'configure') {
        daemon = new VrrpDaemon(order, context, channel, resolve);
        channel.report({ type: 'ready', paces: daemon.paces() });
      } else if (order.type === 'prepare') {
        prepare(order.config);
        channel.report({ type: 'prepared' });
      } else if (daemon !== undefined) {
        daemon.obey(order);
      } else {
        obeyIdle(order, channel, resolve);
      }
    });
  });
}

type Asker = 'parent' | 'signal';

class VrrpDaemon {
  readonly #context: ChildContext;
  readonly #channel: Channel;
  readonly #ended: (status: number) => void;
  readonly #duties: Duties;
  /** -d, and what was read last has not been logged. */
  #untold: boolean;
  readonly #thread: Thread;
  readonly #route: Route;
  readonly #wire: Wire;
  readonly #scripts: Scripts;
  readonly #fifos: Fifos;
  readonly #probes: Probes;
  readonly #watch: Watch;
  readonly #processes: Processes;
  readonly #beats: Beats;
  readonly #sync: Syncing;
  readonly #chronicle = new Chronicle();
  readonly #loop: Loop<RouterState, VrrpEvent, VrrpAction>;
  readonly #lookahead: Lookahead<RouterState>;
  #cleared: { readonly by: Asker; readonly at: Instant } | undefined;
  /** The core's next deadline, and when it is looked at: half-way there, which a live master always moves before. */
  #deadline: Instant | undefined;
  #lookAt: Instant | undefined;

  constructor(
    {
      config,
      leads,
      duties,
      inheritance,
      ledger,
    }: Extract<VrrpOrder, { readonly type: 'configure' }>,
    context: ChildContext,
    channel: Channel,
    ended: (status: number) => void,
  ) {
    this.#context = context;
    this.#channel = channel;
    this.#ended = ended;
    this.#duties = duties;
    this.#untold = duties.tells;
    this.#sync = new Syncing(config.net_namespace_ipvs, context.origin);
    prepare(config);
    const lost: string[] = [];
    this.#thread = startThread(
      (records) => {
        for (const record of records) this.#takeRecord(record);
      },
      { priority: realTimePriority(config), deadmanFd: context.deadman },
      lost,
    );
    native.ledger(ledger);
    native.prewake(PREWAKE);
    heedSignals(channel, (signal) => this.#signalled(signal));
    const { vrrp_rt_priority: realTime, vrrp_rlimit_rttime: limit } = config.global_defs;
    limitRealTime(realTime, limit, () => context.log.warning('Real-time limit exceeded'));
    const {
      vrrp_priority: nice,
      vrrp_no_swap: lockMemory,
      vrrp_cpu_affinity: cpus,
    } = config.global_defs;
    lost.push(
      ...claim({ nice, lockMemory, ...(cpus === undefined || cpus.length === 0 ? {} : { cpus }) }),
    );
    // The parent has named the missing capabilities in one line; these are the particulars.
    if (lost.length > 0) context.log.detail(`Not permitted: ${lost.join(', ')}`);

    nameProcess(config, context);
    this.#route = new Route(netlinkBuffers(config));
    if (hasRouting(config)) this.#route.watchRouting();
    this.#wire = new Wire(this.#route, tableOf(config));
    this.#scripts = scriptsOf(context.log);
    this.#probes = new Probes({
      spawn: startScript,
      ended: (run, end) => this.#take({ type: 'probed', run, end }, native.now()),
    });
    this.#watch = new Watch({
      changed: (name, text) =>
        this.#take(
          { type: 'fileRead', name, ...(text === undefined ? {} : { text }) },
          native.now(),
        ),
      failed: (folder, { message }) =>
        context.log.warning(
          `Cannot watch ${folder} for tracked files, looking every second: ${message}`,
        ),
    });
    this.#processes = new Processes(
      {
        counted: (counts, at) => this.#take({ type: 'processes', counts }, at),
        log: (text) => context.log.detail(text),
      },
      context.origin,
      processBuffer(config),
    );
    this.#beats = new Beats({
      changed: (link) => this.#take({ type: 'link', link }, native.now()),
      log: (text) => context.log.info(text),
    });
    this.#followBeats(config);
    this.#fifos = new Fifos(context.log);
    this.#fifos.configure('vrrp', config.global_defs, leads);
    this.#lookahead = new Lookahead(this.#wire, (state, at) => step(state, DEADLINE, at));
    this.#loop = new Loop(createRouter(config), {
      machine: { step, nextDeadline },
      deadline: DEADLINE,
      perform: (action, at) => this.#perform(action, at),
      alarm: (at) => this.#alarm(at),
      settled: (state) => this.#lookAhead(state),
      ...recorder(config),
    });
    const observed = this.#observe(config);
    this.#take({ type: 'facts', facts: this.#facts(config), inheritance, observed }, native.now());
    if (duties.observes)
      for (const { address, index } of Object.values(this.#loop.state.kernel.addresses).flat())
        this.#sayAddress(address, index, 'added to');
  }

  /** True where links have to be read again. */
  #followBeats(config: VrrpConfig): boolean {
    const { asked, unused } = linkbeatOf(config);
    for (const name of unused)
      this.#context.log.info(`Turning off linkbeat for ${name} since not used for tracking`);
    return this.#beats.follow(asked);
  }

  #observe(config: VrrpConfig): Observed {
    return {
      files: this.#watch.follow(trackedFiles(config)),
      counts: this.#processes.follow(trackedProcesses(config)),
    };
  }

  paces(): Paces {
    return Object.fromEntries(
      this.#loop.state.members.map(({ config, pace }) => [roleOf(config), pace]),
    );
  }

  obey(order: Exclude<VrrpOrder, { readonly type: 'configure' | 'prepare' }>): void {
    switch (order.type) {
      case 'heartbeat':
        this.#channel.report(order);
        break;
      case 'reload':
        this.#reload(order);
        break;
      case 'dump':
        void this.#dump(order.kind, 'parent');
        break;
      case 'stop':
        this.#take({ type: 'stop', stays: this.#duties.stays }, native.now());
        break;
    }
  }

  #reload({ config, leads }: Extract<VrrpOrder, { readonly type: 'reload' }>): void {
    const before = this.#snapshot();
    this.#context.log.info('Reloading');
    nameProcess(config, this.#context);
    this.#fifos.configure('vrrp', config.global_defs, leads);
    if (hasRouting(config)) this.#route.watchRouting();
    if (this.#followBeats(config) || needsLooseAll(config))
      this.#take({ type: 'facts', facts: this.#facts(config) }, native.now());
    this.#untold = this.#duties.tells;
    this.#take({ type: 'reload', config, observed: this.#observe(config) }, native.now());
    this.#channel.report({ type: 'reloaded', paces: this.paces() });
    void this.#chronicle.save(before, this.#snapshot(), (text) => this.#context.log.error(text));
  }

  #snapshot(): Snapshot {
    return [this.#loop.state, native.now(), this.#wire.descriptors(), this.#fifos.leads];
  }

  #signalled(signal: number): void {
    const kind = DUMPS.get(signal);
    if (kind !== undefined) void this.#dump(kind, 'signal');
  }

  /** Statistics that were cleared a moment ago are not overwritten by nothing, because the parent was signalled too. */
  #isEcho(by: Asker): boolean {
    const now = native.now();
    const last = this.#cleared;
    const echo = last !== undefined && last.by !== by && since(now, last.at) < ECHO;
    this.#cleared = echo ? undefined : { by, at: now };
    return echo;
  }

  /** The code that writes dumps is loaded when the first one is asked for. */
  async #dump(kind: DumpKind, by: Asker): Promise<void> {
    if (kind === 'clear' && this.#isEcho(by)) return;
    this.#context.log.info(`${PRINTING[kind]} for process(${process.pid}) on signal`);
    const failed = ({ message }: Error): void =>
      this.#context.log.error(`Cannot write state file: ${message}`);
    // After an upgrade of the files on disk the old code may be gone, which must not end this process.
    const report = await import('./report.ts').catch(failed);
    const writing = report === undefined ? undefined : this.#write(kind, report);
    // What is counted while the disk takes its time is not in the file.
    if (kind === 'clear') this.#take({ type: 'clearStatistics' }, native.now());
    await writing?.catch(failed);
    this.#channel.report({ type: 'dumped', kind });
  }

  #write(kind: DumpKind, report: typeof import('./report.ts')): Promise<void> {
    if (kind === 'data') return report.writeData(...this.#snapshot());
    if (kind === 'json') return report.writeJson(this.#loop.state, native.now());
    return report.writeStatistics(this.#loop.state, native.now());
  }

  #facts(config: VrrpConfig): Facts {
    return {
      links: this.#route.links().map((link) => this.#beats.seen(link)),
      addresses: this.#route.addresses(),
      ...(needsLooseAll(config) ? { filters: readSettings('ipv4', 'rp_filter') } : {}),
    };
  }

  /** Whatever is stepped next, a shot that was prepared for another state must not go off meanwhile. */
  #take(event: VrrpEvent, at: Instant): void {
    this.#settleShot();
    this.#loop.take(event, at);
    if (this.#untold && this.#loop.state.phase === 'running') void this.#tell();
  }

  /** What the configuration has is no news. */
  #observeNews(news: ReturnType<typeof readNews>[number]): void {
    if (news.type !== 'address' && news.type !== 'addressGone') return;
    const { address, index } = news.address;
    const { static_ipaddress: fixed = [], vrrp_instance } = this.#loop.state.config;
    const own = [...fixed, ...vrrp_instance.flatMap(entriesOf)];
    if (!own.some((one) => one.address === address))
      this.#sayAddress(address, index, news.type === 'address' ? 'added to' : 'removed from');
  }

  #sayAddress(address: string, index: number, what: string): void {
    const name = this.#loop.state.kernel.links[index]?.name ?? String(index);
    this.#context.log.info(`Netlink reflector reports IP ${address} ${what} ${name}`);
  }

  async #tell(): Promise<void> {
    this.#untold = false;
    // As it is now: scripts will have ended when the code is loaded.
    const { state } = this.#loop;
    const { configurationLines } = await import('./report.ts');
    const lines = configurationLines(state, native.now(), this.#fifos.leads);
    await this.#context.log.pour(lines);
  }

  #settleShot(): void {
    if (this.#lookahead.withdraw() === 'fired' && this.#deadline !== undefined)
      this.#overtaken(this.#deadline);
  }

  /** The I/O thread has done its part of the step at the deadline `at`. */
  #overtaken(at: Instant): void {
    const refusals = this.#wire.shotRefusals();
    this.#loop.overtaken(at, (actions) => this.#lookahead.remaining(actions));
    for (const refusal of refusals) this.#loop.take(refusal, at);
  }

  #takeRecord(record: Record): void {
    if (this.#watch.hear(record)) return;
    switch (record.kind) {
      case 'packet':
        this.#takePacket(record);
        break;
      case 'alarm':
        this.#alarmed(record.at);
        break;
      case 'fired':
        if (this.#lookahead.reported()) this.#overtaken(record.at);
        break;
      case 'stalled':
        // Stepped with the present: resuming at the instant that was missed would be late again, for ever, and how
        // long nothing was said decides what has to be corrected.
        this.#take({ type: 'stalled', pace: record.id, missed: record.at }, native.now());
        break;
      case 'resync':
        if (record.fd === this.#processes.fd) this.#processes.lost(record.read);
        else
          this.#take({ type: 'facts', facts: this.#facts(this.#loop.state.config) }, record.read);
        break;
      case 'exit': {
        const refusal = refusalOf(record.errno);
        this.#scripts.exited(record.pid, refusal);
        this.#fifos.exited(record.pid, refusal);
        this.#probes.exited(record.pid, record.status, record.signal, refusal);
        break;
      }
      case 'overflow':
        this.#take({ type: 'overflow', lost: record.lost }, record.read);
        break;
      case 'sendFailed': {
        const { id: pace, errno } = record;
        const message = native.errorText(errno);
        this.#take({ type: 'unsent', pace, errno, message }, record.read);
        break;
      }
      case 'signal':
        this.#signalled(record.signal);
        break;
      case 'withheld':
        // A shot that the alarm of the same instant replaces.
        break;
    }
  }

  #takePacket(record: Extract<Record, { readonly kind: 'packet' }>): void {
    if (this.#route.isMonitor(record.fd)) {
      for (const news of readNews(record.bytes)) {
        if (news.type === 'linkGone') {
          this.#wire.forgetInterface(news.index);
          this.#beats.forget(news.index);
        }
        if (this.#duties.observes) this.#observeNews(news);
        this.#take(
          news.type === 'link' ? { type: 'link', link: this.#beats.seen(news.link) } : news,
          record.at,
        );
      }
      return;
    }
    if (record.fd === this.#processes.fd) {
      this.#processes.read(record.bytes, record.at);
      return;
    }
    const socket = this.#wire.keyOf(record.fd);
    const { source, destination, hopLimit, interface: index, bytes } = record;
    // A socket closed since: what was queued for it is nobody's any more.
    if (socket === undefined || source === undefined || destination === undefined) return;
    const packet = { source, destination, hopLimit, interface: index, bytes };
    this.#take({ type: 'packet', socket, packet }, record.at);
  }

  // One alarm serves two ends: the deadline, and before it the moment to look ahead.

  #alarm(at: Instant | undefined): void {
    this.#deadline = at;
    if (at === undefined) {
      this.#lookAt = undefined;
      native.alarm(0);
      return;
    }
    const now = native.now();
    const wait = since(at, now);
    this.#lookAt = wait < NEAR ? now : ((now + wait / 2) as Instant);
    native.alarm(wait < NEAR ? at : this.#lookAt);
  }

  #alarmed(at: Instant): void {
    if (this.#deadline === undefined) return;
    // The thread counts in nanoseconds: an instant may come back a little smaller than it was.
    if (at < this.#deadline - NANOSECOND) {
      native.alarm(this.#deadline);
      this.#lookAhead(this.#loop.state);
    } else {
      const reached = Math.max(at, this.#deadline) as Instant;
      this.#settleShot();
      this.#loop.alarmed(reached);
    }
  }

  #lookAhead(state: RouterState): void {
    const now = native.now();
    if (this.#deadline === undefined || this.#lookAt === undefined) return;
    if (now < this.#lookAt || now >= this.#deadline) return;
    this.#lookahead.prepare(state, this.#deadline);
  }

  #perform(action: VrrpAction, at: Instant): readonly VrrpEvent[] {
    switch (action.type) {
      case 'log':
        this.#context.log.write(action.severity, action.text);
        return [];
      case 'run':
        this.#scripts.run({
          ...action.script,
          owner: action.owner,
          ...(action.state === undefined ? {} : { state: action.state }),
          words: [...action.script.words, ...action.words],
        });
        return [];
      case 'fifo':
        this.#fifos.write(action.line);
        return [];
      case 'mail':
        this.#channel.report(action);
        return [];
      case 'probe': {
        const { run, script } = action;
        this.#probes.start({ run, ...script });
        return [];
      }
      case 'kill':
        this.#probes.signal(action.run, action.signal);
        return [];
      case 'startSync':
      case 'stopSync':
        return this.#sync.perform(action);
      case 'exit':
        this.#end(action.status);
        return [];
      default:
        return this.#wire.perform(action, at);
    }
  }

  /** Everything on the wire is done; stop scripts get a moment, as keepalived gives them. */
  #end(status: number): void {
    const finish = (): void => {
      this.#fifos.close();
      this.#watch.close();
      this.#processes.close();
      this.#beats.close();
      this.#thread.stop();
      this.#wire.close();
      this.#route.close();
      this.#sync.close();
      this.#channel.report({ type: 'finished' });
      void dumpsWritten().then(() => this.#ended(status));
    };
    this.#scripts.drain(finish);
  }
}

/** With KEEPALIVED_RECORD in the environment, a file that test/replay can step through again. */
function recorder(config: VrrpConfig): { record?: (event: VrrpEvent, at: Instant) => void } {
  const { KEEPALIVED_RECORD: path } = process.env;
  if (path === undefined) return {};
  const file = createWriteStream(path, { flags: 'ax', mode: 0o600 });
  file.write(`${encodeEntry({ at: native.now(), value: config })}\n`);
  return { record: (event, at) => file.write(`${encodeEntry({ at, value: event })}\n`) };
}

/** What the start of the process decides: a reload leaves them as they are. */
const netlinkBuffers = ({ global_defs }: VrrpConfig) => ({
  command: bufferSize(
    global_defs.vrrp_netlink_cmd_rcv_bufs,
    global_defs.vrrp_netlink_cmd_rcv_bufs_force,
  ),
  monitor: bufferSize(
    global_defs.vrrp_netlink_monitor_rcv_bufs,
    global_defs.vrrp_netlink_monitor_rcv_bufs_force,
  ),
});

const processBuffer = ({ global_defs }: VrrpConfig): number =>
  bufferSize(global_defs.process_monitor_rcv_bufs, global_defs.process_monitor_rcv_bufs_force);

/** vrrp_process_name, or the name that process_names gives, keepalived like the parent otherwise; and the umask. */
function nameProcess({ global_defs }: VrrpConfig, { umask }: ChildContext): void {
  const usual = global_defs.process_names ? 'keepalived_vrrp' : 'keepalived';
  native.setName(global_defs.vrrp_process_name ?? usual);
  // Of what it writes, and of what its scripts do.
  process.umask(umask ?? global_defs.umask);
}

let prepared: VrrpConfig | undefined;

/** Once for a configuration: a spare does it before it is needed. */
function prepare(config: VrrpConfig): void {
  if (prepared === config) return;
  warmUp(config);
  prepared = config;
  // What is locked into memory is meant to stay there.
  if (!config.global_defs.vrrp_no_swap) dropTextSoon(() => warmUp(prepared ?? config));
}
