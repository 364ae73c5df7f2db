// The link of interfaces that is asked for every second, because their drivers do not tell when it goes (linkbeat). Gives
// links as the answers have them, and calls when one has changed. It knows no instance, and decides for whom nothing.

import type { Link, LinkQuestion } from '../lib/link.ts';
import { native } from './native.ts';
import { NETLINK_ROUTE } from './netlink.ts';

/** In milliseconds. */
const PERIOD = 1000;
const QUESTIONS: readonly LinkQuestion[] = ['MII', 'ETHTOOL', 'IOCTL'];

const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
/** IEEE 802.3 22.2.4.2: the status register, and its link bit, which stays 0 until it is read. */
const STATUS = 1;
const LINKED = 0x4;

/** An interface to ask, and how to ask it first. */
export interface Beat {
  readonly interface: string;
  readonly method?: LinkQuestion;
}

export interface BeatHost {
  /** The link as it is now. */
  readonly changed: (link: Link) => void;
  readonly log: (text: string) => void;
}

interface Asked {
  readonly by: LinkQuestion;
  /** As the kernel tells it by itself. */
  readonly told: Link;
  readonly up: boolean;
  readonly running: boolean;
}

export class Beats {
  readonly #host: BeatHost;
  #wanted = new Map<string, LinkQuestion | undefined>();
  readonly #asked = new Map<number, Asked>();
  #fd: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: BeatHost) {
    this.#host = host;
  }

  /** From now on these. True where that is something else than before: links have to be read again. */
  follow(beats: readonly Beat[]): boolean {
    const wanted = new Map(beats.map(({ interface: name, method }) => [name, method] as const));
    const same =
      wanted.size === this.#wanted.size &&
      beats.every(
        ({ interface: name, method }) =>
          this.#wanted.has(name) && this.#wanted.get(name) === method,
      );
    if (same) return false;
    this.#wanted = wanted;
    this.#asked.clear();
    if (wanted.size === 0) this.close();
    else if (this.#timer === undefined) {
      this.#fd = native.netlinkSocket(NETLINK_ROUTE, 0, 4096);
      this.#timer = setInterval(() => this.#askAll(), PERIOD);
      this.#timer.unref();
    }
    return true;
  }

  /** The link that the kernel has told, as the interface itself says where it is asked. */
  seen(told: Link): Link {
    const { name, index } = told;
    if (!this.#wanted.has(name)) {
      this.#asked.delete(index);
      return told;
    }
    const known = this.#asked.get(index);
    const asked =
      known?.told.name === name ? { ...known, told } : this.#begin(told, this.#wanted.get(name));
    this.#asked.set(index, asked);
    return linkOf(asked);
  }

  forget(index: number): void {
    this.#asked.delete(index);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#fd !== undefined) native.close(this.#fd);
    this.#fd = undefined;
    this.#asked.clear();
  }

  /** The first kind of question that it answers, the wanted one before the others. */
  #begin(told: Link, wanted: LinkQuestion | undefined): Asked {
    const order = [
      ...(wanted === undefined ? [] : [wanted]),
      ...QUESTIONS.filter((one) => one !== wanted),
    ];
    for (const by of order) {
      const answer = this.#ask(told.name, by);
      if (answer === undefined) continue;
      if (wanted !== undefined && by !== wanted)
        this.#host.log(
          `(${told.name}): Configured linkbeat type ${wanted} not supported, using ${by}`,
        );
      return { by, told, ...answer };
    }
    // It has gone meanwhile, which will be told.
    return { by: 'IOCTL', told, up: told.up, running: told.running };
  }

  #askAll(): void {
    for (const [index, asked] of this.#asked) {
      const answer = this.#ask(asked.told.name, asked.by);
      if (answer === undefined) continue;
      if (answer.up === asked.up && answer.running === asked.running) continue;
      const now = { ...asked, ...answer };
      this.#asked.set(index, now);
      this.#host.changed(linkOf(now));
    }
  }

  /** Undefined where it does not answer such a question. */
  #ask(name: string, by: LinkQuestion): Pick<Link, 'up' | 'running'> | undefined {
    const fd = this.#fd ?? -1;
    try {
      const beats =
        by === 'IOCTL' ||
        (by === 'MII'
          ? (native.linkRegister(fd, name, STATUS) & LINKED) !== 0
          : native.linkDetected(fd, name));
      const flags = native.linkFlags(fd, name);
      return { up: (flags & IFF_UP) !== 0, running: beats && (flags & IFF_RUNNING) !== 0 };
    } catch (error) {
      if (error instanceof Error && 'syscall' in error) return undefined;
      throw error;
    }
  }
}

const linkOf = ({ told, up, running, by }: Asked): Link => ({ ...told, up, running, asked: by });
