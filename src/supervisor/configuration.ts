// The configuration in force, the one that a reload has read, and the parcels that carry their parts to children. When a file
// is read and when it counts is for machine.ts to say.

import { resolve } from 'node:path';
import type { Kind, Letter } from '../ipc/messages.ts';
import { closeParcel, openParcel, parcelPath, writeParcel } from '../ipc/parcel.ts';
import type { Config } from '../keywords.ts';
import type { Child } from './child.ts';
import { Deliveries } from './deliveries.ts';
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
      ? Omit<L, 'parcel' | 'leads'>
      : never
    : never;

const openParcels = (): Parcels => ({ vrrp: openParcel(), check: openParcel() });
const pathOf = (parcel: number): string => parcelPath(process.pid, parcel);
const error = (text: string): LogLine => ({ severity: 'error', text });

export class Configuration {
  readonly #start: Start;
  readonly #deliveries = new Deliveries<Current>();
  #current: Current | undefined;
  /** What has been read and does not count yet. */
  #next: Current | undefined;
  #reader: Reader | undefined;

  constructor(start: Start) {
    this.#start = start;
  }

  /** Absent before `begin`. */
  get current(): Gist | undefined {
    return this.#current;
  }

  settings(gist: Gist): Settings {
    const { common, patience } = gist;
    const { respawn } = this.#start.options;
    return {
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
    return readConfiguration(this.#source(), this.#start.options.namespace);
  }

  /** The first configuration in force. */
  begin(config: Config): Gist {
    const parcels = openParcels();
    for (const kind of KINDS) writeParcel(parcels[kind], partFor(kind, config));
    this.#current = { ...gistOf(config), parcels };
    return this.#current;
  }

  /**
   * Reads the file in a process of its own: a big one must not keep the parent from watching. What it found can be
   * adopted from then on, where it has a gist.
   */
  read(found: (finding: Finding) => void): void {
    const parcels = openParcels();
    const { self, words } = this.#start;
    const paths = { vrrp: pathOf(parcels.vrrp), check: pathOf(parcels.check) };
    const where = { parcels: paths, namespace: this.namespace };
    this.#reader = new Reader(self, words, this.#source(), where, (finding) => {
      this.#reader = undefined;
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
  }

  /** What has been read is in force from now on; undefined where nothing new has been. */
  adopt(): Gist | undefined {
    const next = this.#next;
    if (next === undefined) return undefined;
    const old = this.#current?.parcels;
    this.#current = next;
    this.#next = undefined;
    if (old !== undefined) for (const kind of KINDS) this.#deliveries.retire(old[kind]);
    return next;
  }

  /** Tells a process to read its part of the configuration in force. */
  deliver(child: Child | undefined, letter: Undelivered): void {
    if (child === undefined) return;
    const current = this.#current as Current;
    this.#deliveries.sent(child.pid, current);
    // As in keepalived: the child that checks servers, where there is one.
    const { check } = this.#wanted(current);
    const leads = child.kind === 'check' || !check;
    child.send({ ...letter, parcel: pathOf(current.parcels[child.kind]), leads });
  }

  /** What this process has now read, if that is the newest that it has been told of. */
  answered(pid: number): Gist | undefined {
    const read = this.#deliveries.answered(pid);
    return read?.last === true ? read.content : undefined;
  }

  /** It reads nothing any more. */
  ended(pid: number): void {
    this.#deliveries.ended(pid);
  }

  #wanted({ wanted }: Gist): Gist['wanted'] {
    const { vrrp, check } = this.#start.options;
    return { vrrp: wanted.vrrp && vrrp, check: wanted.check && check };
  }

  /** What only a restart can change. */
  #refuse(common: Common): string | undefined {
    const now = this.#current?.common;
    const { namespace } = this.#start.options;
    if (common.instance !== now?.instance)
      return 'Cannot change instance name at a reload - please restart keepalived';
    if (namespace === undefined && common.net_namespace !== now?.net_namespace)
      return 'Cannot change network namespace at a reload - please restart keepalived';
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
