// The daemon's log: keepalived's lines, to syslog, stderr and a file. Lines wait until the work that caused them is
// done, and no destination ever blocks: what it cannot take is dropped, counted and said later.

import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { native } from './net/native.ts';

/**
 * 'detail' is printed with -D, 'debug' with -DD. 'alert' is for what keepalived has as such. 'routine' is printed as 'info'
 * is, and is what comes by the ten thousand and tells nothing that has changed: it makes room first.
 */
export type LogSeverity = 'alert' | 'error' | 'warning' | 'info' | 'routine' | 'detail' | 'debug';

export interface LogOptions {
  /** The name that syslog sees: `Keepalived`, `Keepalived_vrrp`. */
  readonly ident: string;
  /** How often -D was given. */
  readonly detail: number;
  /** Facility number (3 is daemon); absent: no syslog. */
  readonly facility?: number;
  /** Lines with a date prefix to stderr. */
  readonly console: boolean;
  /** A file to append to. */
  readonly file?: string;
}

/** Where finished lines go: it takes a line or refuses it, at once. */
export interface Destination {
  /** `priority` is a syslog severity, 1 to 7. */
  write(text: string, priority: number, at: Date): boolean;
}

/** What pino and syslog call a severity, and with how many lines waiting one more is dropped. */
interface Rank {
  readonly level: number;
  readonly priority: number;
  readonly room: number;
}

/** What matters more still finds room behind a flood of what matters less. */
const RANKS: Readonly<Record<LogSeverity, Rank>> = {
  alert: { level: 60, priority: 1, room: 12_288 },
  error: { level: 50, priority: 3, room: 12_288 },
  warning: { level: 40, priority: 4, room: 12_288 },
  info: { level: 30, priority: 6, room: 8192 },
  routine: { level: 25, priority: 6, room: 4096 },
  detail: { level: 20, priority: 6, room: 4096 },
  debug: { level: 10, priority: 7, room: 4096 },
};
const LEVELS = Object.fromEntries(Object.entries(RANKS).map(([name, { level }]) => [name, level]));
const PRIORITIES = new Map(Object.values(RANKS).map(({ level, priority }) => [level, priority]));

/** Lines that tell something and were refused are tried again: so many, so often, in milliseconds. */
const KEPT = 1000;
const AGAIN = 100;
/** So many at once are poured: less than a destination that refuses them has kept for it. */
const PORTION = 100;

/** Characters that may wait for a disk. */
const UNWRITTEN = 1_000_000;

interface Waiting {
  readonly severity: LogSeverity;
  readonly text: string;
  readonly at: number;
}

/** A pino logger with our levels. */
type Printer = { isLevelEnabled(level: string): boolean } & Record<
  LogSeverity,
  (fields: { readonly at: number }, text: string) => void
>;

/** What pino leaves on its destination when that asks for it (its `pino.metadata`). */
interface LastLine {
  lastLevel: number;
  lastMsg: string;
  lastObj: { readonly at: number };
}

export class Log {
  readonly #outlets: readonly Outlet[];
  readonly #logger: Printer;
  #waiting: Waiting[] = [];
  #scheduled = false;

  constructor(detail: number, destinations: readonly Destination[]) {
    this.#outlets = destinations.map((destination) => new Outlet(destination));
    this.#logger = pino(
      {
        level: detail >= 2 ? 'debug' : detail === 1 ? 'detail' : 'routine',
        customLevels: LEVELS,
        useOnlyCustomLevels: true,
        base: null,
        timestamp: false,
      },
      this.#printer() as never,
    ) as unknown as Printer;
  }

  error(text: string): void {
    this.write('error', text);
  }

  warning(text: string): void {
    this.write('warning', text);
  }

  info(text: string): void {
    this.write('info', text);
  }

  detail(text: string): void {
    this.write('detail', text);
  }

  /** Takes a line; it is printed after the work of this turn is done. */
  write(severity: LogSeverity, text: string): void {
    if (!this.#logger.isLevelEnabled(severity)) return;
    if (this.#waiting.length >= RANKS[severity].room) {
      for (const outlet of this.#outlets) outlet.dropped++;
      return;
    }
    this.#waiting.push({ severity, text, at: Date.now() });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Prints many lines, as fast as every destination takes them: none is dropped. Ends when the last one is taken. */
  async pour(lines: readonly string[]): Promise<void> {
    for (let at = 0; at < lines.length; at += PORTION) {
      for (const line of lines.slice(at, at + PORTION)) this.info(line);
      this.flush();
      while (this.#outlets.some((outlet) => outlet.isBehind))
        await pause(AGAIN, undefined, { ref: false });
    }
  }

  /** Prints at once what waits. */
  flush(): void {
    this.#scheduled = false;
    const lines = this.#waiting;
    this.#waiting = [];
    for (const line of lines) this.#print(line);
    for (const outlet of this.#outlets) outlet.repeat();
  }

  #print({ severity, text, at }: Waiting): void {
    // One line each, for syslog and for whoever greps.
    for (const part of text.split('\n')) this.#logger[severity]({ at }, part);
  }

  /** pino decides what is printed and hands it here; its JSON text is not used. */
  #printer(): object {
    const outlets = this.#outlets;
    return {
      [Symbol.for('pino.metadata')]: true,
      write(this: LastLine): void {
        const at = new Date(this.lastObj.at);
        const priority = PRIORITIES.get(this.lastLevel) ?? 6;
        const matters = this.lastLevel >= RANKS.info.level;
        for (const outlet of outlets) outlet.write({ text: this.lastMsg, priority, at }, matters);
      },
    };
  }
}

interface Line {
  readonly text: string;
  readonly priority: number;
  readonly at: Date;
}

/** A destination, how many lines it has missed, and those that it gets later. */
class Outlet {
  readonly #destination: Destination;
  readonly #kept: Line[] = [];
  #again: NodeJS.Timeout | undefined;
  dropped = 0;

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  /** One that matters is kept where it is refused, if there is room. */
  write(line: Line, matters: boolean): void {
    if (this.repeat() && this.#give(line)) return;
    if (!matters || this.#kept.length >= KEPT) {
      this.dropped++;
      return;
    }
    this.#kept.push(line);
    this.#arm();
  }

  #arm(): void {
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      if (!this.repeat()) this.#arm();
    }, AGAIN).unref();
  }

  /** It still has to be given what it refused. */
  get isBehind(): boolean {
    return this.#kept.length > 0;
  }

  /** False where one that was kept is refused again. */
  repeat(): boolean {
    for (let [line] = this.#kept; line !== undefined; [line] = this.#kept) {
      if (!this.#give(line)) return false;
      this.#kept.shift();
    }
    return true;
  }

  #give({ text, priority, at }: Line): boolean {
    const said =
      this.dropped === 0 ||
      this.#destination.write(`${this.dropped} log lines were dropped`, RANKS.warning.priority, at);
    if (said) this.dropped = 0;
    return said && this.#destination.write(text, priority, at);
  }
}

/** The log of a daemon process. */
export function openLog(options: LogOptions): Log {
  const destinations: Destination[] = [];
  if (options.facility !== undefined) destinations.push(syslog(options.ident, options.facility));
  if (options.console) destinations.push(isFile(2) ? file(2) : descriptor(unblocked(2)));
  if (options.file !== undefined) {
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
    const flags = O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_WRONLY;
    const fd = openSync(options.file, flags, 0o644);
    destinations.push(isFile(fd) ? file(fd) : descriptor(fd));
  }
  return new Log(options.detail, destinations);
}

/** RFC 3164 lines as glibc's syslog() writes them: `Nov 21 05:04:01 Keepalived[42]: text`. */
function syslog(ident: string, facility: number): Destination {
  let reached = false;
  return {
    write(text, priority, at): boolean {
      const line = `${calendar(at).slice(4, 19)} ${ident}[${process.pid}]: ${text}`;
      const taken = native.syslog(facility * 8 + priority, line);
      reached ||= taken;
      // Where no syslog runs, nothing is lost that anybody waits for.
      return taken || !reached;
    },
  };
}

function descriptor(fd: number): Destination {
  return {
    write(text, _priority, at): boolean {
      const line = Buffer.from(`${calendar(at)}: ${text}\n`);
      try {
        return writeSync(fd, line) === line.length;
      } catch {
        return false;
      }
    },
  };
}

/** Not blocking means nothing to a file, and a disk can stand still: another thread waits for it. */
export function file(fd: number): Destination {
  const stream = pino.destination({ dest: fd, sync: false, maxLength: UNWRITTEN });
  let refused = false;
  stream.on('drop', () => {
    refused = true;
  });
  // It tries again with the next line, and refuses lines once too many wait.
  stream.on('error', () => undefined);
  return {
    write(text, _priority, at): boolean {
      refused = false;
      stream.write(`${calendar(at)}: ${text}\n`);
      return !refused;
    },
  };
}

const isFile = (fd: number): boolean => {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
};

/**
 * A pipe or terminal opened again, so that not blocking concerns nobody who shares it. A socket cannot be opened
 * again, and is used as it is.
 */
function unblocked(fd: number): number {
  try {
    const { O_APPEND, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
  } catch {
    return fd;
  }
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Local time as asctime(3) writes it: `Sat Nov  1 05:04:01 2026`. */
export function calendar(at: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const day = String(at.getDate()).padStart(2, ' ');
  return `${DAYS[at.getDay()]} ${MONTHS[at.getMonth()]} ${day} ${clock} ${at.getFullYear()}`;
}
