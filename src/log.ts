// keepalived's log lines, made by pino: to syslog, to stderr under -l, with keepalived's identities and date.
// Lines are written a turn after they were logged, so that no action waits for a log line; nothing here ever blocks,
// and what the other side cannot take is dropped and counted.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { type DestinationStream, pino } from 'pino';
import { native } from './net/native.ts';

export type Severity = 'error' | 'warning' | 'info' | 'detail';

export interface LogOptions {
  /** -D: lines of severity 'detail' are logged. */
  readonly detail: boolean;
  /** -l: lines also go to stderr. */
  readonly console: boolean;
  /** syslog facility 0-23; absent for no syslog. */
  readonly facility?: number;
  /** Name in syslog. */
  readonly identity: string;
}

export interface Log {
  write(severity: Severity, text: string): void;
  /** Writes what is queued and closes; later lines are lost. */
  close(): void;
}

/** syslog(3) severities. */
const SYSLOG = { error: 3, warning: 4, info: 6, detail: 6 } as const;
const PINO = { error: 'error', warning: 'warn', info: 'info', detail: 'debug' } as const;
/** More lines than this in one turn are dropped: a flood must not eat the memory. */
const QUEUE = 10_000;

interface Line {
  readonly severity: Severity;
  readonly text: string;
  readonly time: Date;
}

/** pino tells a destination with this mark the last message in words, so its JSON need not be read back. */
interface Marked {
  readonly [key: symbol]: boolean;
  readonly lastMsg: string;
  readonly lastObj: { readonly severity: Severity };
}

export function openLog(options: LogOptions): Log {
  const out = new Output(options);
  const destination: Marked & DestinationStream = {
    [Symbol.for('pino.metadata')]: true,
    lastMsg: '',
    lastObj: { severity: 'info' },
    write() {
      out.queue({ severity: this.lastObj.severity, text: this.lastMsg, time: new Date() });
    },
  };
  const logger = pino({ level: options.detail ? 'debug' : 'info', base: null }, destination);
  return {
    write: (severity, text) => logger[PINO[severity]]({ severity }, text),
    close: () => out.close(),
  };
}

class Output {
  readonly #options: LogOptions;
  readonly #console: number;
  #queue: Line[] = [];
  #scheduled = false;
  #dropped = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#console = options.console ? openConsole() : -1;
  }

  queue(line: Line): void {
    if (this.#queue.length >= QUEUE) {
      this.#dropped++;
      return;
    }
    this.#queue.push(line);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  close(): void {
    this.#flush();
    if (this.#console > 2) closeSync(this.#console);
  }

  #flush(): void {
    this.#scheduled = false;
    const lines = this.#queue;
    this.#queue = [];
    if (this.#dropped > 0) {
      const text = `${this.#dropped} log lines were dropped`;
      lines.unshift({ severity: 'warning', text, time: new Date() });
      this.#dropped = 0;
    }
    const { facility } = this.#options;
    if (facility !== undefined) this.#send(lines, facility);
    if (this.#console >= 0 && lines.length > 0) this.#print(lines);
  }

  #send(lines: readonly Line[], facility: number): void {
    for (const { severity, text } of lines) {
      const line = `${this.#options.identity}[${process.pid}]: ${text}`;
      native.syslog(facility * 8 + SYSLOG[severity], line);
    }
  }

  #print(lines: readonly Line[]): void {
    const text = lines.map((line) => `${consoleDate(line.time)}: ${line.text}\n`).join('');
    try {
      writeSync(this.#console, text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.#dropped += lines.length;
    }
  }
}

/** stderr once more, without blocking: the mode belongs to the open file, which others share. */
function openConsole(): number {
  try {
    return openSync(
      '/proc/self/fd/2',
      constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK,
    );
  } catch {
    // A socket cannot be opened a second time; a closed stderr takes nothing anyway.
    return 2;
  }
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As asctime(3) prints it: `Sat Nov 21 02:05:32 2026`. */
export function consoleDate(time: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  const day = String(time.getDate()).padStart(2, ' ');
  return `${DAYS[time.getDay()]} ${MONTHS[time.getMonth()]} ${day} ${clock} ${time.getFullYear()}`;
}
