// The shell of the parent: processes, signals, files and the clock around machine.ts. It parses nothing after the start
// and speaks no protocol, so that watching is never held up.

import type { ChildProcess } from 'node:child_process';
import { release, version } from 'node:os';
import { endOnBug } from '../bug.ts';
import { COMPATIBLE } from '../cli.ts';
import { daemonStatus } from '../config/diagnostic.ts';
import { MASK } from '../ipc/channel.ts';
import type { Kind, Paces, Predecessor, Report } from '../ipc/messages.ts';
import { DUMPS } from '../ipc/signal.ts';
import type { Config } from '../keywords.ts';
import type { Instant } from '../lib/time.ts';
import { type Log, openLog } from '../log.ts';
import { Loop } from '../loop.ts';
import { dumpsWritten } from '../net/dump.ts';
import { dropTextSoon } from '../net/memory.ts';
import { inNamespace } from '../net/namespace.ts';
import { native } from '../net/native.ts';
import { VERSION } from '../version.ts';
import type { ParentAction } from './action.ts';
import { Child } from './child.ts';
import { Configuration } from './configuration.ts';
import { Crew } from './crew.ts';
import { Estate } from './estate.ts';
import type { ParentEvent } from './event.ts';
import { Hook } from './hook.ts';
import { identOf, logOptions, NAMES, PARENT, type Place, placeOf } from './identity.ts';
import { createParent, nextDeadline, step } from './machine.ts';
import { PidFileRefused, PidFiles } from './pidfile.ts';
import { Pipes } from './pipes.ts';
import { type Mail, Postman, relayOf, startMailer } from './postman.ts';
import { type Common, type Gist, logLines } from './reading.ts';
import { writeData } from './report.ts';
import { catchSignals } from './signal.ts';
import type { Start } from './spare.ts';
import { KINDS, type ParentState } from './state.ts';
import { commandLine, createFiles, reportLosses, setCorePattern } from './surroundings.ts';
import { tellServiceManager } from './systemd.ts';

export interface ParentContext extends Start {
  /** Started before this code was loaded, so that its own loads meanwhile. */
  readonly spare: Child | undefined;
  /** Called once when the daemon is set up, before anything that only a running daemon finds out. */
  readonly ready: () => void;
}

const DEADLINE: ParentEvent = { type: 'deadline' };
/** Exit status where there is no file to read. */
const NO_CONFIGURATION = 6;

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
  readonly #configuration: Configuration;
  readonly #crew: Crew;
  #estate: Estate | undefined;
  /** The child that checked servers before, once there was one. */
  #checked: Omit<Predecessor, 'down'> | undefined;
  /** Real servers that it has noted, for its successor. */
  #down: Set<string> | undefined;
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
  #pidFiles: PidFiles | undefined;
  #timer: NodeJS.Timeout | undefined;
  #restoreCorePattern = (): void => {};
  #begun = false;
  #ending = false;

  constructor(context: ParentContext, done: (status: number) => void) {
    this.#context = context;
    this.#done = done;
    this.#configuration = new Configuration(context, {
      say: (severity, text) => this.#log.write(severity, text),
      due: () => this.#signal(1),
    });
    this.#crew = new Crew(
      {
        report: (pid, report) => this.#report(pid, report),
        exited: (pid, status, signal) => this.#exited(pid, status, signal),
        hung: (pid) => this.#take({ type: 'hung', pid }),
        spareGone: (pid) => {
          this.#configuration.ended(pid);
          this.#take({ type: 'spareGone' });
        },
      },
      context.spare,
    );
    const { options, directory } = context;
    this.#log = openLog(logOptions(options, directory, PARENT, {}));
    this.#hook = new Hook(context.self, (severity, text) => this.#log.write(severity, text));
  }

  start(): void {
    const { options, words } = this.#context;
    catchSignals(
      (signal) => this.#signal(signal),
      (record) => this.#configuration.hear(record),
    );
    // Our own bug: what watches has to be started again by what watches it; the children give up in order.
    endOnBug(() => this.#log, this.#done);
    this.#log.info(`Starting Keepalived v${COMPATIBLE} (keepalived-ts ${VERSION})`);
    this.#log.info(`Running on Linux ${release()} ${version()} (Node.js ${process.version})`);
    for (const line of commandLine(words)) this.#log.info(line);
    process.umask(options.umask ?? MASK);
    try {
      this.#restoreCorePattern = setCorePattern(options.corePattern);
    } catch (error) {
      this.#log.error(`Cannot set the core pattern: ${(error as Error).message}`);
    }
    const reading = this.#configuration.load();
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

  #setUp(config: Config, status: number | undefined): void {
    const gist = this.#configuration.begin(config);
    const { common } = gist;
    this.#obey(common);
    this.#takeIdentity(common);
    if (!this.#takePidFiles(gist)) return;
    const pidFiles = this.#pidFiles as PidFiles;
    this.#context.ready();
    if (status !== undefined) {
      this.#finish(status);
      return;
    }
    reportLosses(native.capabilities(), this.#log);
    this.#pipes.keep(common.global_defs);
    // Here and not in a child: a successor must not overwrite what others have written since.
    createFiles(config, (text) => this.#log.error(text));
    this.#estate = inNamespace(
      this.#configuration.namespace,
      () =>
        new Estate(
          pidFiles.journal,
          (error) => this.#log.error(`Cannot write ${pidFiles.journal}: ${error.message}`),
          (work) => inNamespace(this.#configuration.namespace, work),
        ),
    );
    this.#loop = new Loop(createParent(this.#configuration.settings(gist)), {
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
    if (this.#crew.child('vrrp') === undefined) this.#crew.dropSpare();
    dropTextSoon();
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
      case 17:
        for (const pid of this.#crew.halted()) this.#take({ type: 'halted', pid });
        break;
      default:
        this.#dumpAll(signal);
    }
  }

  #dumpAll(signal: number): void {
    const kind = DUMPS.get(signal);
    if (kind !== undefined) this.#take({ type: 'dump', kind });
  }

  #perform(action: ParentAction): readonly ParentEvent[] {
    switch (action.type) {
      case 'fork':
        return [this.#fork(action.kind, action.inherit)];
      case 'startSpare':
        return this.#startSpare();
      case 'dropSpare':
        this.#crew.dropSpare();
        return [];
      case 'clean':
        // -V: at the end what is there is meant to stay.
        if (!this.#context.options.duties.stays || this.#loop?.state.phase === 'running')
          this.#clean();
        return [];
      case 'kill':
        this.#crew.find(action.pid)?.kill(action.signal);
        return [];
      case 'heartbeat':
        this.#crew.find(action.pid)?.send({ type: 'heartbeat', n: action.number });
        return [];
      case 'read':
        this.#read();
        return [];
      case 'adopt':
        this.#adopt();
        return [];
      case 'reloadChild':
        this.#configuration.deliver(this.#crew.find(action.pid), { type: 'reload' });
        return [];
      case 'dismissChild':
        this.#configuration.deliver(this.#crew.find(action.pid), { type: 'reload', ends: true });
        return [];
      case 'endChild':
        this.#crew.find(action.pid)?.send({ type: 'stop' });
        return [];
      case 'dumpChild':
        this.#crew.find(action.pid)?.send({ type: 'dump', kind: action.kind });
        return [];
      case 'dumpParent':
        this.#dump();
        return [];
      case 'tell':
        // Whoever waits for it reads the log as soon as it is told: what led to it stands there by then.
        this.#log.flush();
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

  // Children

  #fork(kind: Kind, inherit: boolean): ParentEvent {
    try {
      const { pid } = kind === 'vrrp' ? this.#forkRouter(inherit) : this.#forkChecker();
      this.#pidFiles?.writeChild(kind, pid);
      return { type: 'forked', kind, pid };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      return { type: 'forkFailed', kind, code };
    }
  }

  #forkRouter(inherit: boolean): Child {
    const estate = this.#estate as Estate;
    estate.extend(this.#gist.journal);
    const child = this.#crew.promote(() => this.#newChild('vrrp'));
    const inheritance = estate.bequeath(inherit);
    const { ledger } = estate;
    this.#configuration.deliver(child, { type: 'configure', inheritance, ledger });
    return child;
  }

  /** Nobody on the network notices how long this takes: there is no spare, and nothing to inherit. */
  #forkChecker(): Child {
    const child = this.#crew.add(() => this.#newChild('check'));
    const { keepIpvs: keeps } = this.#context.options;
    this.#configuration.deliver(child, {
      type: 'configure',
      keeps,
      ...(this.#checked === undefined
        ? {}
        : { succeeds: { ...this.#checked, ...(this.#down && { down: [...this.#down] }) } }),
    });
    this.#checked ??= {};
    return child;
  }

  /** It reads the configuration now, so that it has nothing left to load when it is needed. */
  #startSpare(): readonly ParentEvent[] {
    try {
      this.#configuration.deliver(
        this.#crew.addSpare(() => this.#newChild('vrrp')),
        { type: 'prepare' },
      );
      return [];
    } catch {
      // The next heartbeat tries again; until then a successor is started when one is needed.
      return [{ type: 'spareGone' }];
    }
  }

  #clean(): void {
    try {
      const { addresses = 0, routing = 0 } = this.#estate?.sweep() ?? {};
      const what = [
        ...(addresses > 0 ? [`${addresses} address${addresses === 1 ? '' : 'es'}`] : []),
        ...(routing > 0 ? [`${routing} of its routes and rules`] : []),
      ];
      if (what.length > 0)
        this.#log.warning(`Removed ${what.join(' and ')} that the VRRP child process left`);
    } catch (error) {
      this.#log.error(`Cannot remove addresses: ${(error as Error).message}`);
    }
  }

  #newChild(kind: Kind): Child {
    const { self, words, options, directory } = this.#context;
    const place = this.#place(this.#gist.common);
    const log = logOptions(options, directory, NAMES[kind], place);
    return inNamespace(place.net_namespace, () => new Child(kind, self, words, log, options.umask));
  }

  #report(pid: number, report: Report): void {
    switch (report.type) {
      case 'prepared':
        this.#configuration.answered(pid);
        break;
      case 'ready':
        this.#settle(pid, report.paces);
        if (report.timeouts !== undefined) this.#checked = { timeouts: report.timeouts };
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
      case 'note':
        if (this.#crew.child('check')?.pid === pid) this.#note(report);
        break;
      case 'finished':
        // It has put back what it found.
        if (this.#crew.child('check')?.pid !== pid) break;
        this.#checked = {};
        this.#down = undefined;
        this.#configuration.forgetChecks();
        break;
      case 'reload':
        this.#signal(1);
        break;
      case 'dumped':
        break;
    }
  }

  #note({ down, up }: Extract<Report, { readonly type: 'note' }>): void {
    const known = up === 'others' ? new Set<string>() : (this.#down ?? new Set());
    if (up !== 'others') for (const server of up) known.delete(server);
    for (const server of down) known.add(server);
    this.#down = known;
  }

  /** Only what the newest configuration says can be forgotten of the older ones. */
  #settle(pid: number, paces: Paces | undefined): void {
    const newest = this.#configuration.answered(pid);
    if (paces !== undefined) this.#estate?.settle(paces, newest?.journal);
  }

  #exited(pid: number, status: number | undefined, signal: string | undefined): void {
    this.#configuration.ended(pid);
    this.#take({
      type: 'exited',
      pid,
      ...(status === undefined ? {} : { status }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #mail(mail: Mail): void {
    const relay = relayOf(this.#gist.common.global_defs);
    if (relay === undefined) return;
    const { subject, text } = mail;
    this.#postman.send({ relay, mail: { subject, text } });
  }

  #startMailer(): ChildProcess {
    const { self, words } = this.#context;
    const { net_namespace } = this.#place(this.#gist.common);
    return inNamespace(net_namespace, () => startMailer(self, words));
  }

  // The configuration

  /** Of the configuration in force. */
  get #gist(): Gist {
    return this.#configuration.current as Gist;
  }

  #read(): void {
    this.#log.info(`Configuration file ${this.#context.options.file}`);
    this.#configuration.read(({ lines, gist }) => {
      for (const { severity, text } of lines) this.#log.write(severity, text);
      this.#take({
        type: 'read',
        ...(gist === undefined ? {} : { settings: this.#configuration.settings(gist) }),
      });
    });
  }

  /** What the file says of this process itself. */
  #obey({ global_defs }: Common): void {
    process.umask(this.#context.options.umask ?? global_defs.umask);
    native.setName(global_defs.process_name ?? 'keepalived');
  }

  #adopt(): void {
    const gist = this.#configuration.adopt();
    if (gist === undefined) return;
    this.#pipes.keep(gist.common.global_defs);
    this.#estate?.extend(gist.journal);
    this.#configuration.deliver(this.#crew.spare, { type: 'prepare' });
    this.#obey(gist.common);
  }

  #dump(): void {
    this.#log.info(`Printing parent data for process(${process.pid}) on signal`);
    writeData(this.#gist.common, this.#configuration.appointment).catch(({ message }: Error) =>
      this.#log.error(`Cannot write keepalived_parent.data: ${message}`),
    );
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

  #place(common: Common): Place {
    return placeOf(this.#context.options, common);
  }

  /** False where another daemon runs or a file cannot be made; the daemon has then finished. */
  #takePidFiles(gist: Gist): boolean {
    const { options, directory } = this.#context;
    const { common } = gist;
    const { check } = this.#configuration.settings(gist).wanted;
    const kinds = KINDS.filter((kind) => (kind === 'vrrp' ? options.vrrp : check));
    try {
      this.#pidFiles = new PidFiles(
        options,
        kinds,
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

  #finish(status: number): void {
    if (this.#ending) return;
    this.#ending = true;
    clearTimeout(this.#timer);
    this.#crew.dropSpare();
    this.#configuration.cancel();
    this.#hook.cancel();
    this.#pidFiles?.removeChildren();
    const { shutdown_script: script, shutdown_script_timeout: timeout } =
      this.#configuration.current?.common.global_defs ?? {};
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
    void dumpsWritten().then(() => this.#done(status));
  }
}
