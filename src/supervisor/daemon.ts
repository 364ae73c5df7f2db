// The shell of the parent: processes, signals, files and the clock around machine.ts. It parses nothing after the start
// and speaks no protocol, so that watching is never held up.

import type { ChildProcess } from 'node:child_process';
import { release, version } from 'node:os';
import { resolve } from 'node:path';
import { COMPATIBLE } from '../cli.ts';
import { daemonStatus } from '../config/diagnostic.ts';
import { dumpGlobals } from '../config/dump.ts';
import type { Letter, Paces, Report } from '../ipc/messages.ts';
import { closeParcel, openParcel, parcelPath, writeParcel } from '../ipc/parcel.ts';
import type { Duration, Instant } from '../lib/time.ts';
import { type Log, openLog } from '../log.ts';
import { Loop } from '../loop.ts';
import { dumpFolder, writeDump } from '../net/dump.ts';
import { createFile } from '../net/initial.ts';
import { dropTextSoon } from '../net/memory.ts';
import { native } from '../net/native.ts';
import { VERSION } from '../version.ts';
import { journalOf } from '../vrrp/addresses.ts';
import type { JournalEntry } from '../vrrp/event.ts';
import { Child } from './child.ts';
import { Crew } from './crew.ts';
import { Deliveries } from './deliveries.ts';
import { Estate } from './estate.ts';
import { Hook } from './hook.ts';
import { identOf, logOptions, PARENT, type Place, VRRP } from './identity.ts';
import {
  createParent,
  nextDeadline,
  type ParentAction,
  type ParentEvent,
  step,
} from './machine.ts';
import { inNamespace } from './namespace.ts';
import { PidFileRefused, PidFiles } from './pidfile.ts';
import { Pipes } from './pipes.ts';
import { type Mail, Postman, relayOf, startMailer } from './postman.ts';
import { Reader } from './reader.ts';
import {
  type Common,
  commonPart,
  logLines,
  patienceOf,
  readConfiguration,
  vrrpPart,
  wantsVrrp,
} from './reading.ts';
import type { Source } from './self.ts';
import { catchSignals } from './signal.ts';
import type { Start } from './spare.ts';
import type { ParentState, Settings } from './state.ts';
import { commandLine, missingCapabilities, setCorePattern } from './surroundings.ts';
import { tellServiceManager } from './systemd.ts';

export interface ParentContext extends Start {
  /** Started before this code was loaded, so that its own loads meanwhile. */
  readonly spare: Child | undefined;
  /** Called once when the daemon is set up, before anything that only a running daemon finds out. */
  readonly ready: () => void;
}

/** A configuration in force: what the parent uses of it, and the file with the rest. */
interface Current {
  readonly common: Common;
  readonly wanted: boolean;
  readonly parcel: number;
  /** The addresses that a child with it may add. */
  readonly journal: readonly JournalEntry[];
  readonly patience: Duration;
}

type Undelivered =
  Extract<Letter, { readonly parcel: string }> extends infer L
    ? L extends { readonly parcel: string }
      ? Omit<L, 'parcel'>
      : never
    : never;

const DEADLINE: ParentEvent = { type: 'deadline' };
/** Default file creation mask, as keepalived's. */
const MASK = 0o177;

/** Runs until told to stop; the exit status. */
export function runParent(context: ParentContext): Promise<number> {
  return new Promise((done) => {
    new Parent(context, done).start();
  });
}

class Parent {
  readonly #context: ParentContext;
  readonly #done: (status: number) => void;
  #log: Log;
  #loop: Loop<ParentState, ParentEvent, ParentAction> | undefined;
  #current: Current | undefined;
  /** What a reload has read and the machine has not adopted yet. */
  #next: Current | undefined;
  readonly #crew: Crew;
  readonly #deliveries = new Deliveries<Current>();
  #estate: Estate | undefined;
  readonly #postman = new Postman(
    () => this.#startMailer(),
    ({ failure }) => {
      if (failure === undefined) this.#log.info('SMTP alert successfully sent.');
      else this.#log.error(`Cannot send SMTP alert: ${failure}`);
    },
  );
  readonly #pipes = new Pipes((path, error) =>
    this.#log.error(`Unable to create FIFO ${path}: ${error.message}`),
  );
  readonly #hook: Hook;
  #reader: Reader | undefined;
  #pidFiles: PidFiles | undefined;
  #timer: NodeJS.Timeout | undefined;
  #restoreCorePattern = (): void => {};
  #begun = false;
  #ending = false;

  constructor(context: ParentContext, done: (status: number) => void) {
    this.#context = context;
    this.#done = done;
    this.#crew = new Crew(
      {
        report: (pid, report) => this.#report(pid, report),
        exited: (pid, status, signal) => this.#exited(pid, status, signal),
        hung: (pid) => this.#take({ type: 'hung', pid }),
        spareGone: (pid) => {
          this.#deliveries.ended(pid);
          this.#take({ type: 'spareGone' });
        },
      },
      context.spare,
    );
    const { options, directory } = context;
    this.#log = openLog(logOptions(options, directory, PARENT, {}));
    this.#hook = new Hook((severity, text) => this.#log.write(severity, text));
  }

  start(): void {
    const { options, words } = this.#context;
    catchSignals((signal) => this.#signal(signal));
    // Our own bug: what watches has to be started again by what watches it; the children give up in order.
    process.on('uncaughtException', (error) => {
      this.#log.error(`Unexpected: ${error.stack?.replaceAll(/\s*\n\s*/g, ' | ') ?? error}`);
      this.#log.flush();
      this.#done(OUR_BUG);
    });
    this.#log.info(`Starting Keepalived v${COMPATIBLE} (keepalived-ts ${VERSION})`);
    this.#log.info(`Running on Linux ${release()} ${version()} (Node.js ${process.version})`);
    for (const line of commandLine(words)) this.#log.info(line);
    process.umask(options.umask ?? MASK);
    try {
      this.#restoreCorePattern = setCorePattern(options.corePattern);
    } catch (error) {
      this.#log.error(`Cannot set the core pattern: ${(error as Error).message}`);
    }
    const reading = readConfiguration(this.#source(), options.namespace);
    if (options.detail > 0) this.#log.detail(`Opening file '${options.file}'.`);
    this.#log.info(`Configuration file ${options.file}`);
    for (const { severity, text } of logLines(reading.diagnostics)) this.#log.write(severity, text);
    if (reading.unreachable !== undefined) {
      this.#log.error(`Unable to set network namespace ${reading.unreachable} - exiting`);
      this.#finish(0);
      return;
    }
    if (reading.config === undefined) {
      const status = daemonStatus(reading.diagnostics) ?? NO_CONFIGURATION;
      // keepalived finds everything but a missing file only after it has gone into the background.
      if (status !== NO_CONFIGURATION) this.#context.ready();
      this.#finish(status);
      return;
    }
    this.#setUp(reading.config, daemonStatus(reading.diagnostics));
  }

  #setUp(config: Parameters<typeof commonPart>[0], status: number | undefined): void {
    const common = commonPart(config);
    this.#obey(common);
    this.#takeIdentity(common);
    if (!this.#takePidFiles(common)) return;
    const pidFiles = this.#pidFiles as PidFiles;
    this.#context.ready();
    if (status !== undefined) {
      this.#finish(status);
      return;
    }
    this.#reportLosses();
    this.#pipes.keep(common.global_defs);
    this.#createFiles(config);
    const parcel = openParcel();
    writeParcel(parcel, vrrpPart(config));
    const journal = journalOf(config);
    const patience = patienceOf(config);
    this.#current = { common, wanted: wantsVrrp(config), parcel, journal, patience };
    this.#estate = inNamespace(
      this.#namespace(),
      () =>
        new Estate(pidFiles.journal, (error) =>
          this.#log.error(`Cannot write ${pidFiles.journal}: ${error.message}`),
        ),
    );
    this.#loop = new Loop(createParent(this.#settings(this.#current)), {
      machine: { step, nextDeadline },
      deadline: DEADLINE,
      perform: (action) => this.#perform(action),
      alarm: (at) => this.#alarm(at),
    });
    const { startup_script: script, startup_script_timeout: timeout } = common.global_defs;
    if (script === undefined) this.#begin();
    else void this.#hook.run('startup', script, timeout).then(() => this.#begin());
  }

  /** Signals that came before were for a daemon that was not there yet. */
  #begin(): void {
    this.#begun = true;
    this.#take({ type: 'begin' });
    if (this.#crew.child === undefined) this.#crew.dropSpare();
    dropTextSoon();
  }

  /** Here and not in the child: a successor must not overwrite what others have written since. */
  #createFiles({ track_file: files = [] }: Parameters<typeof commonPart>[0]): void {
    for (const { name, file, init_file: first } of files) {
      if (first === undefined) continue;
      try {
        createFile({ path: file, text: `${first.value}\n`, overwrite: first.overwrite });
      } catch (error) {
        this.#log.error(`Unable to initialise track file ${name}: ${(error as Error).message}`);
      }
    }
  }

  #take(event: ParentEvent): void {
    if (!this.#ending) this.#loop?.take(event, native.now());
  }

  #alarm(at: Instant | undefined): void {
    clearTimeout(this.#timer);
    if (at === undefined) return;
    const wait = Math.max(0, Math.ceil((at - native.now()) / 1000));
    this.#timer = setTimeout(() => this.#loop?.alarmed(native.now()), wait);
  }

  #signal(signal: number): void {
    if (signal === 15 || signal === 2) {
      if (this.#begun) this.#take({ type: 'stop' });
      else this.#finish(0);
      return;
    }
    if (!this.#begun) return;
    switch (signal) {
      case 1:
        this.#take({ type: 'reload' });
        break;
      case 10:
        this.#take({ type: 'dump', kind: 'data' });
        break;
      case 12:
        this.#take({ type: 'dump', kind: 'statistics' });
        break;
      case 36:
        this.#take({ type: 'dump', kind: 'json' });
        break;
      case 63:
        this.#take({ type: 'dump', kind: 'clear' });
        break;
      case 17: {
        const pid = this.#crew.halted();
        if (pid !== undefined) this.#take({ type: 'halted', pid });
        break;
      }
      default:
        this.#log.warning(`Signal ${signal} asks for something that this version does not have`);
    }
  }

  #perform(action: ParentAction): readonly ParentEvent[] {
    switch (action.type) {
      case 'fork':
        return [this.#fork(action.inherit)];
      case 'startSpare':
        return this.#startSpare();
      case 'dropSpare':
        this.#crew.dropSpare();
        return [];
      case 'clean':
        this.#clean();
        return [];
      case 'kill':
        if (this.#crew.child?.pid === action.pid) this.#crew.child.kill(action.signal);
        return [];
      case 'heartbeat':
        this.#crew.child?.send({ type: 'heartbeat', n: action.number });
        return [];
      case 'read':
        this.#read();
        return [];
      case 'adopt':
        this.#adopt();
        return [];
      case 'reloadChild':
        this.#deliver(this.#crew.child, { type: 'reload' });
        return [];
      case 'dumpChild':
        this.#crew.child?.send({ type: 'dump', kind: action.kind });
        return [];
      case 'dumpParent':
        this.#dump();
        return [];
      case 'tell':
        tellServiceManager(process.env.NOTIFY_SOCKET, action.condition);
        return [];
      case 'log':
        this.#log.write(action.severity, action.text);
        return [];
      case 'exit':
        this.#finish(action.status);
        return [];
    }
  }

  // The child

  #fork(inherit: boolean): ParentEvent {
    try {
      const estate = this.#estate as Estate;
      estate.extend((this.#current as Current).journal);
      const child = this.#crew.promote(() => this.#newChild());
      const inheritance = estate.bequeath(inherit);
      this.#deliver(child, { type: 'configure', inheritance, ledger: estate.ledger });
      this.#pidFiles?.writeChild(child.pid);
      return { type: 'forked', pid: child.pid };
    } catch (error) {
      return { type: 'forkFailed', code: (error as NodeJS.ErrnoException).code ?? String(error) };
    }
  }

  /** It reads the configuration now, so that it has nothing left to load when it is needed. */
  #startSpare(): readonly ParentEvent[] {
    try {
      this.#deliver(
        this.#crew.addSpare(() => this.#newChild()),
        { type: 'prepare' },
      );
      return [];
    } catch {
      // The next heartbeat tries again; until then a successor is started when one is needed.
      return [{ type: 'spareGone' }];
    }
  }

  /** Tells a process to read the configuration in force. */
  #deliver(child: Child | undefined, letter: Undelivered): void {
    if (child === undefined) return;
    this.#deliveries.sent(child.pid, this.#current as Current);
    child.send({ ...letter, parcel: this.#parcel() });
  }

  #clean(): void {
    try {
      const swept = this.#estate?.sweep() ?? 0;
      if (swept > 0)
        this.#log.warning(
          `Removed ${swept} address${swept === 1 ? '' : 'es'} that the VRRP child process left`,
        );
    } catch (error) {
      this.#log.error(`Cannot remove addresses: ${(error as Error).message}`);
    }
  }

  #newChild(): Child {
    const { self, words, options, directory } = this.#context;
    const place = this.#place((this.#current as Current).common);
    const log = logOptions(options, directory, VRRP, place);
    return inNamespace(place.net_namespace, () => new Child(self, words, log));
  }

  #report(pid: number, report: Report): void {
    switch (report.type) {
      case 'prepared':
        this.#deliveries.answered(pid);
        break;
      case 'ready':
        this.#settle(pid, report.paces);
        this.#take({ type: 'running', pid });
        break;
      case 'heartbeat':
        this.#take({ type: 'answered', pid, number: report.n });
        break;
      case 'reloaded':
        this.#settle(pid, report.paces);
        this.#take({ type: 'reloaded', pid });
        break;
      case 'mail':
        this.#mail(report);
        break;
      case 'dumped':
      case 'finished':
        break;
    }
  }

  /** Only what the newest configuration says can be forgotten of the older ones. */
  #settle(pid: number, paces: Paces): void {
    const read = this.#deliveries.answered(pid);
    this.#estate?.settle(paces, read?.last === true ? read.content.journal : undefined);
  }

  #exited(pid: number, status: number | undefined, signal: string | undefined): void {
    this.#deliveries.ended(pid);
    this.#take({
      type: 'exited',
      pid,
      ...(status === undefined ? {} : { status }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #mail(mail: Mail): void {
    const { common } = this.#current as Current;
    const relay = relayOf(common.global_defs);
    if (relay === undefined) return;
    const { subject, text } = mail;
    this.#postman.send({ relay, mail: { subject, text } });
  }

  #startMailer(): ChildProcess {
    const { self, words } = this.#context;
    const { net_namespace } = this.#place((this.#current as Current).common);
    return inNamespace(net_namespace, () => startMailer(self, words));
  }

  // The configuration

  #source(): Source {
    const { options, directory } = this.#context;
    return {
      file: resolve(directory, options.file),
      allConfig: options.allConfig,
      ...(options.configId === undefined ? {} : { configId: options.configId }),
    };
  }

  #settings({ common, wanted, patience }: Current): Settings {
    const { respawn, vrrp } = this.#context.options;
    return { respawn, childWait: common.child_wait_time, wanted: wanted && vrrp, patience };
  }

  #namespace(): string | undefined {
    return this.#context.options.namespace ?? this.#current?.common.net_namespace;
  }

  #parcel(): string {
    return parcelPath(process.pid, (this.#current as Current).parcel);
  }

  /** In a process of its own: a big file must not keep the parent from watching. */
  #read(): void {
    const parcel = openParcel();
    const { self, words, options } = this.#context;
    this.#log.info(`Configuration file ${options.file}`);
    const namespace = this.#namespace();
    const where = { parcel: parcelPath(process.pid, parcel), namespace };
    this.#reader = new Reader(self, words, this.#source(), where, (finding) => {
      this.#reader = undefined;
      for (const { severity, text } of finding.lines) this.#log.write(severity, text);
      const { common } = finding;
      const refusal = common === undefined ? undefined : this.#refuse(common);
      if (refusal !== undefined) this.#log.error(refusal);
      if (common === undefined || refusal !== undefined) {
        closeParcel(parcel);
        this.#take({ type: 'read' });
      } else {
        const { wanted, journal, patience } = finding;
        this.#next = { common, wanted, parcel, journal, patience };
        this.#take({ type: 'read', settings: this.#settings(this.#next) });
      }
    });
  }

  /** What only a restart can change. */
  #refuse(common: Common): string | undefined {
    const now = this.#current?.common;
    const { namespace } = this.#context.options;
    if (common.instance !== now?.instance)
      return 'Cannot change instance name at a reload - please restart keepalived';
    if (namespace === undefined && common.net_namespace !== now?.net_namespace)
      return 'Cannot change network namespace at a reload - please restart keepalived';
    return undefined;
  }

  /** What the file says of this process itself. */
  #obey({ global_defs }: Common): void {
    process.umask(this.#context.options.umask ?? global_defs.umask);
    native.setName(global_defs.process_name ?? 'keepalived');
  }

  #adopt(): void {
    if (this.#next === undefined) return;
    if (this.#current !== undefined) this.#deliveries.retire(this.#current.parcel);
    this.#current = this.#next;
    this.#next = undefined;
    this.#pipes.keep(this.#current.common.global_defs);
    this.#estate?.extend(this.#current.journal);
    this.#deliver(this.#crew.spare, { type: 'prepare' });
    this.#obey(this.#current.common);
  }

  #dump(): void {
    this.#log.info(`Printing parent data for process(${process.pid}) on signal`);
    const { common } = this.#current as Current;
    try {
      const text = dumpGlobals(common.global_defs, common).join('\n');
      writeDump(`${dumpFolder(process.env)}/keepalived_parent.data`, `${text}\n`);
    } catch (error) {
      this.#log.error(`Cannot write keepalived_parent.data: ${(error as Error).message}`);
    }
  }

  // Identity, files, limits

  /** The name in syslog; a spare that knows nothing of the file's instance and namespace is of no use. */
  #takeIdentity(common: Common): void {
    const { options, directory } = this.#context;
    const place = this.#place(common);
    const ident = identOf(PARENT, place);
    if (ident === PARENT) return;
    this.#log.info(`Changing syslog ident to ${ident}`);
    this.#log.flush();
    this.#log = openLog(logOptions(options, directory, PARENT, place));
    const { namespace } = options;
    if (namespace === undefined || place.instance !== undefined) this.#crew.dropSpare();
  }

  /** What tells this daemon from others on the machine. */
  #place({ net_namespace, instance }: Common): Place {
    const namespace = this.#context.options.namespace ?? net_namespace;
    return {
      ...(namespace === undefined ? {} : { net_namespace: namespace }),
      ...(instance === undefined ? {} : { instance }),
    };
  }

  /** False where another daemon runs or a file cannot be made; the daemon has then finished. */
  #takePidFiles(common: Common): boolean {
    const { options, directory } = this.#context;
    try {
      this.#pidFiles = new PidFiles(
        options,
        directory,
        this.#place(common),
        common.use_pid_dir,
        (path, error) => this.#log.error(`Cannot write ${path}: ${error.message}`),
      );
      return true;
    } catch (error) {
      if (!(error instanceof PidFileRefused)) throw error;
      this.#log.error(error.message);
      this.#finish(0);
      return false;
    }
  }

  /** One line about what this daemon will not be able to do. */
  #reportLosses(): void {
    const lost = missingCapabilities(native.capabilities());
    if (lost.length > 0) this.#log.warning(`Running without ${lost.join('; ')}`);
  }

  #finish(status: number): void {
    if (this.#ending) return;
    this.#ending = true;
    clearTimeout(this.#timer);
    this.#crew.dropSpare();
    this.#reader?.cancel();
    this.#hook.cancel();
    this.#pidFiles?.removeChild();
    const { shutdown_script: script, shutdown_script_timeout: timeout } =
      this.#current?.common.global_defs ?? {};
    if (!this.#begun || script === undefined || timeout === undefined) this.#leave(status);
    else void this.#hook.run('shutdown', script, timeout).then(() => this.#leave(status));
  }

  #leave(status: number): void {
    this.#postman.close();
    this.#pipes.close();
    this.#pidFiles?.remove();
    this.#restoreCorePattern();
    this.#log.info(`Stopped Keepalived v${COMPATIBLE} (keepalived-ts ${VERSION})`);
    this.#log.flush();
    this.#done(status);
  }
}

/** EX_SOFTWARE of sysexits.h. */
const OUR_BUG = 70;
/** Exit status where there is no file to read. */
const NO_CONFIGURATION = 6;
