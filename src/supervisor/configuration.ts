// The configuration in force, the one that a reload has read, and the parcels that carry their parts to children. When a file
// is read and when it counts is for machine.ts to say.

import { resolve } from 'node:path';
import type { Letter } from '../ipc/messages.ts';
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
  type Reading,
  readConfiguration,
  vrrpPart,
} from './reading.ts';
import type { Source } from './self.ts';
import type { Start } from './spare.ts';

/** What the parent uses of a configuration, and the file with the rest. */
interface Current extends Gist {
  readonly parcel: number;
}

/** A letter whose configuration is the one in force. */
export type Undelivered =
  Extract<Letter, { readonly parcel: string }> extends infer L
    ? L extends { readonly parcel: string }
      ? Omit<L, 'parcel'>
      : never
    : never;

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
    const parcel = openParcel();
    writeParcel(parcel, vrrpPart(config));
    this.#current = { ...gistOf(config), parcel };
    return this.#current;
  }

  /**
   * Reads the file in a process of its own: a big one must not keep the parent from watching. What it found can be
   * adopted from then on, where it has a gist.
   */
  read(found: (finding: Finding) => void): void {
    const parcel = openParcel();
    const { self, words } = this.#start;
    const where = { parcel: parcelPath(process.pid, parcel), namespace: this.namespace };
    this.#reader = new Reader(self, words, this.#source(), where, (finding) => {
      this.#reader = undefined;
      const { lines, gist } = finding;
      const refusal = gist === undefined ? undefined : this.#refuse(gist.common);
      if (gist === undefined || refusal !== undefined) {
        closeParcel(parcel);
        found({ lines: refusal === undefined ? lines : [...lines, error(refusal)] });
      } else {
        this.#next = { ...gist, parcel };
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
    if (this.#current !== undefined) this.#deliveries.retire(this.#current.parcel);
    this.#current = next;
    this.#next = undefined;
    return next;
  }

  /** Tells a process to read the configuration in force. */
  deliver(child: Child | undefined, letter: Undelivered): void {
    if (child === undefined) return;
    const current = this.#current as Current;
    this.#deliveries.sent(child.pid, current);
    child.send({ ...letter, parcel: parcelPath(process.pid, current.parcel) });
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
