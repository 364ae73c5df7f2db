// The configuration in force, the one that a reload has read, and the parcels that carry their parts to children. When a file
// is read and when it counts is for machine.ts to say.

import { dirname, resolve } from 'node:path';
import type { Kind, Letter } from '../ipc/messages.ts';
import { closeParcel, openParcel, parcelPath, writeParcel } from '../ipc/parcel.ts';
import type { Config } from '../keywords.ts';
import type { Record as Heard } from '../net/record.ts';
import { Appointment, type AppointmentHost } from './appointment.ts';
import type { Child } from './child.ts';
import { announceReading, saveCopy } from './copy.ts';
import { Deliveries } from './deliveries.ts';
import { placeOf } from './identity.ts';
import { pidPath } from './pidfile.ts';
import { Reader } from './reader.ts';
import {
  type Common,
  type Finding,
  type Gist,
  gistOf,
  type LogLine,
  partFor,
  type Reading,
  readConfiguration,
} from './reading.ts';
import type { Source } from './self.ts';
import type { Start } from './spare.ts';
import { KINDS, type Settings } from './state.ts';

type Parcels = Readonly<Record<Kind, number>>;

/** What the parent uses of a configuration, and the files with the part of each child. */
interface Current extends Gist {
  readonly parcels: Parcels;
}

/** A letter whose configuration is the one in force. */
export type Undelivered =
  Extract<Letter, { readonly parcel: string }> extends infer L
    ? L extends { readonly parcel: string }
      ? Omit<L, 'parcel' | 'leads' | 'duties'>
      : never
    : never;

const openParcels = ({ tmp_config_directory: folder }: Common['global_defs']): Parcels => ({
  vrrp: openParcel(folder),
  check: openParcel(folder),
});
const pathOf = (parcel: number): string => parcelPath(process.pid, parcel);
const error = (text: string): LogLine => ({ severity: 'error', text });

export class Configuration {
  readonly #start: Start;
  readonly #deliveries = new Deliveries<Current>();
  #current: Current | undefined;
  /** What has been read and does not count yet. */
  #next: Current | undefined;
  /** The child that checks servers, and what it, or the one before it, has read: what that put into IPVS may still be there. */
  #checker: number | undefined;
  #checked: Current | undefined;
  /** Those whose part for that child nobody will be told of any more. */
  readonly #retired = new WeakSet<Current>();
  /** An heir has been given that to begin with, and has not read what is in force. */
  #bequeathed = false;
  #reader: Reader | undefined;
  readonly #host: AppointmentHost;
  readonly #appointment: Appointment;
  /** How often the file has been read. */
  #readings = 0;

  constructor(start: Start, host: AppointmentHost) {
    this.#start = start;
    this.#host = host;
    this.#appointment = new Appointment(host);
  }

  /** When reload_time_file asks for a reload. */
  get appointment(): string | undefined {
    return this.#appointment.when;
  }

  /** What the I/O thread has to tell of that file. */
  hear(record: Heard): void {
    this.#appointment.hear(record);
  }

  /** Absent before `begin`. */
  get current(): Gist | undefined {
    return this.#current;
  }

  settings(gist: Gist): Settings {
    const { common, patience } = gist;
    const { respawn } = this.#start.options;
    const { reload_check_config: validation } = common.global_defs;
    return {
      ...(validation === undefined ? {} : { validation }),
      respawn,
      childWait: common.child_wait_time,
      wanted: this.#wanted(gist),
      patience,
    };
  }

  /** -s, or what the file says. */
  get namespace(): string | undefined {
    return this.#start.options.namespace ?? this.#current?.common.net_namespace;
  }

  /** Reads the file at once, as only a start may. */
  load(): Reading {
    const reading = readConfiguration(this.#source(), this.#start.options.namespace);
    this.#say(saveCopy(reading, process.pid, this.#readings++));
    return reading;
  }

  /** The first configuration in force. */
  begin(config: Config): Gist {
    const parcels = openParcels(config.global_defs);
    for (const kind of KINDS) writeParcel(parcels[kind], partFor(kind, config));
    const { reload_time_file: file, reload_repeat } = config.global_defs;
    this.#appointment.follow(file, reload_repeat);
    this.#current = { ...gistOf(config), parcels };
    return this.#current;
  }

  /**
   * Reads the file in a process of its own: a big one must not keep the parent from watching. What it found can be
   * adopted from then on, where it has a gist.
   */
  read(found: (finding: Finding) => void): void {
    const { global_defs } = (this.#current as Current).common;
    const parcels = openParcels(global_defs);
    const { self, words } = this.#start;
    const { namespace } = this;
    const { reload_check_config: validation } = global_defs;
    const where = {
      parcels: { vrrp: pathOf(parcels.vrrp), check: pathOf(parcels.check) },
      ...(namespace === undefined ? {} : { namespace }),
      ...(validation === undefined ? {} : { validation }),
      serial: this.#readings++,
    };
    const done = this.#announce();
    this.#reader = new Reader(self, words, this.#source(), where, (finding) => {
      this.#reader = undefined;
      done();
      const { lines, gist } = finding;
      const refusal = gist === undefined ? undefined : this.#refuse(gist.common);
      if (gist === undefined || refusal !== undefined) {
        for (const kind of KINDS) closeParcel(parcels[kind]);
        found({ lines: refusal === undefined ? lines : [...lines, error(refusal)] });
      } else {
        this.#next = { ...gist, parcels };
        found(finding);
      }
    });
  }

  cancel(): void {
    this.#reader?.cancel();
    this.#appointment.close();
  }

  /** reload_file is there until what is returned is called. */
  #announce(): () => void {
    const { common } = this.#current as Current;
    const { reload_file: file } = common.global_defs;
    if (file === undefined) return () => {};
    const place = placeOf(this.#start.options, common);
    const folder = dirname(pidPath('keepalived', place, common.use_pid_dir));
    try {
      return announceReading(resolve(folder, file));
    } catch (error) {
      this.#say([
        { severity: 'error', text: `Cannot create reload_file: ${(error as Error).message}` },
      ]);
      return () => {};
    }
  }

  #say(lines: readonly LogLine[]): void {
    for (const { severity, text } of lines) this.#host.say(severity, text);
  }

  /** What has been read is in force from now on; undefined where nothing new has been. */
  adopt(): Gist | undefined {
    const next = this.#next;
    if (next === undefined) return undefined;
    const before = this.#current;
    this.#current = next;
    this.#next = undefined;
    const { reload_time_file: file, reload_repeat } = next.common.global_defs;
    this.#appointment.follow(file, reload_repeat);
    if (before !== undefined) {
      this.#deliveries.retire(before.parcels.vrrp);
      if (before !== this.#checked) this.#retire(before);
    }
    return next;
  }

  /** Tells a process to read its part of the configuration in force. */
  deliver(child: Child | undefined, letter: Undelivered): void {
    if (child === undefined) return;
    const current = this.#current as Current;
    const legacy = child.kind === 'check' && letter.type === 'configure' && this.#bequeath(child);
    if (legacy) this.#send(child, letter, legacy);
    this.#send(child, legacy ? { type: 'reload' } : letter, current);
  }

  #send(child: Child, letter: Undelivered, content: Current): void {
    this.#deliveries.sent(child.pid, content);
    // As in keepalived: the child that checks servers, where there is one.
    const { check } = this.#wanted(this.#current as Current);
    const leads = child.kind === 'check' || !check;
    const { duties } = this.#start.options;
    child.send({ ...letter, parcel: pathOf(content.parcels[child.kind]), leads, duties });
  }

  /**
   * What a new child that checks servers begins with, where one before it has died without reading what is in force: what a
   * reload takes away is still in IPVS. Once only: should it be that reload which kills, the next one does without.
   */
  #bequeath({ pid }: Child): Current | undefined {
    this.#checker = pid;
    if (this.#bequeathed) this.forgetChecks();
    const legacy = this.#checked === this.#current ? undefined : this.#checked;
    this.#bequeathed = legacy !== undefined;
    return legacy;
  }

  /** Nothing is left in IPVS of what a child has read. */
  forgetChecks(): void {
    this.#bequeathed = false;
    this.#keep(undefined);
  }

  /** The parcel of the one before has been kept for an heir; that of one which is retired cannot be. */
  #keep(content: Current | undefined): void {
    const before = this.#checked;
    this.#checked = content !== undefined && this.#retired.has(content) ? undefined : content;
    if (before !== undefined && before !== content && before !== this.#current)
      this.#retire(before);
  }

  /** Once: the number of its file may name another one later. */
  #retire(content: Current): void {
    if (this.#retired.has(content)) return;
    this.#retired.add(content);
    this.#deliveries.retire(content.parcels.check);
  }

  /** What this process has now read, if that is the newest that it has been told of. */
  answered(pid: number): Gist | undefined {
    const read = this.#deliveries.answered(pid);
    if (read !== undefined && pid === this.#checker) {
      this.#keep(read.content);
      if (read.last) this.#bequeathed = false;
    }
    return read?.last === true ? read.content : undefined;
  }

  /** It reads nothing any more. */
  ended(pid: number): void {
    this.#deliveries.ended(pid);
  }

  #wanted({ wanted }: Gist): Gist['wanted'] {
    const { vrrp, check, all } = this.#start.options;
    return { vrrp: (wanted.vrrp || all) && vrrp, check: (wanted.check || all) && check };
  }

  /** What only a restart can change. */
  #refuse(common: Common): string | undefined {
    const now = this.#current?.common;
    const { namespace } = this.#start.options;
    if (common.instance !== now?.instance)
      return 'Cannot change instance name at a reload - please restart keepalived';
    if (namespace === undefined && common.net_namespace !== now?.net_namespace)
      return 'Cannot change network namespace at a reload - please restart keepalived';
    if (common.net_namespace_ipvs !== now?.net_namespace_ipvs)
      return 'Cannot change IPVS network namespace at a reload - please restart keepalived';
    if (common.global_defs.tmp_config_directory !== now?.global_defs.tmp_config_directory)
      return 'Cannot change config_directory at a reload - please restart keepalived';
    return undefined;
  }

  #source(): Source {
    const { options, directory } = this.#start;
    return {
      file: resolve(directory, options.file),
      allConfig: options.allConfig,
      ...(options.configId === undefined ? {} : { configId: options.configId }),
    };
  }
}
