// reload_time_file: a file whose first line says when the configuration is to be read again. Its folder is watched, so the
// file may come, change and go at any time. The words for what is wrong with it are keepalived's.

import { unlinkSync } from 'node:fs';
import type { Record } from '../net/record.ts';
import { Watch } from '../net/watch.ts';

export interface AppointmentHost {
  readonly say: (severity: 'info' | 'warning' | 'error', text: string) => void;
  /** The time has come. */
  readonly due: () => void;
}

/** setTimeout takes no more, and a clock that is set must not be noticed much later, in milliseconds. */
const LONGEST = 60_000;
/** The name under which the one file is watched. */
const FILE = 'reload_time_file';

export class Appointment {
  readonly #host: AppointmentHost;
  readonly #watch: Watch;
  #file: string | undefined;
  #repeats = false;
  /** Milliseconds since 1970, and whether the file names a day. */
  #next: Moment | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: AppointmentHost) {
    this.#host = host;
    this.#watch = new Watch({
      changed: (_, text) => this.#read(text),
      failed: (folder) =>
        host.say('error', `Unable to monitor reload timer file directory ${folder}`),
    });
  }

  /** At the start and after each reload; undefined: no file. */
  follow(file: string | undefined, repeats: boolean): void {
    this.close();
    this.#file = file;
    this.#repeats = repeats;
    if (file === undefined) return;
    this.#read(this.#watch.follow([{ name: FILE, file }])[FILE]);
  }

  /** What the I/O thread has to tell. */
  hear(record: Record): void {
    this.#watch.hear(record);
  }

  /** When, as keepalived writes it; undefined where nothing is arranged. */
  get when(): string | undefined {
    return this.#next === undefined ? undefined : textOf(this.#next.at);
  }

  close(): void {
    this.#watch.close();
    clearTimeout(this.#timer);
    this.#next = undefined;
  }

  /** `text` is absent while there is no file; one without a line says nothing yet. */
  #read(text: string | undefined): void {
    const line = text?.split('\n')[0] ?? '';
    const found = line === '' ? undefined : readMoment(line, Date.now());
    for (const complaint of found?.complaints ?? []) this.#host.say('error', complaint);
    const before = this.#next;
    const next = found?.moment;
    if (next === undefined) {
      if (before !== undefined)
        this.#host.say('info', `Cancelling reload scheduled for ${textOf(before.at)}`);
    } else if (before === undefined)
      this.#host.say('info', `Scheduling reload for ${textOf(next.at)}`);
    else if (before.at !== next.at)
      this.#host.say('info', `Reload time updated from ${textOf(before.at)} to ${textOf(next.at)}`);
    this.#arrange(next);
  }

  #arrange(next: Moment | undefined): void {
    clearTimeout(this.#timer);
    this.#next = next;
    if (next === undefined) return;
    const wait = Math.min(Math.max(0, next.at - Date.now()), LONGEST);
    this.#timer = setTimeout(() => {
      if (Date.now() < next.at) this.#arrange(next);
      else this.#keep(next);
    }, wait);
  }

  /** A time without a day comes again, if reload_repeat says so: else the file has done its duty. */
  #keep({ daily }: Moment): void {
    const again = this.#repeats && daily !== undefined;
    this.#arrange(again ? { at: daily(Date.now()), daily } : undefined);
    if (!again && this.#file !== undefined) remove(this.#file);
    this.#host.due();
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Somebody else did, or nobody may: a time that is past is not obeyed twice.
  }
}

export interface Moment {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The next time after an instant, where no day is named. */
  readonly daily?: (now: number) => number;
}

export interface MomentRead {
  readonly moment?: Moment;
  readonly complaints: readonly string[];
}

const FORMAT = /^(?:(\d\d)?(\d\d)-(\d\d)-(\d\d) )?(\d\d):(\d\d):(\d\d)(Z)?$/;

/** `[[YY]YY-MM-DD ]HH:MM:SS[Z]`: exactly that, of this time zone or with Z of UTC. `now` in milliseconds since 1970. */
export function readMoment(line: string, now: number): MomentRead {
  const invalid = (why: string): MomentRead => ({
    complaints: [why, `Invalid reload time '${line}' specified - ignoring`],
  });
  const match = FORMAT.exec(line);
  if (match === null) return invalid(`Reload time ${line} format is incorrect - ignoring`);
  const [, century, year, month, day, hour = '', minute = '', second = '', zone] = match;
  const clock = [Number(hour), Number(minute), Number(second)] as const;
  const dated = year !== undefined;
  // POSIX strptime(3): 69 to 99 are of the last century.
  const written = century ?? (Number(year) < 69 ? '20' : '19');
  const named = [Number(written + year), Number(month), Number(day)] as const;
  const outside = (value: number, low: number, high: number) => value < low || value > high;
  // 60 and 61 are leap seconds to the C library, and then no time that there is.
  if (
    outside(clock[0], 0, 23) ||
    outside(clock[1], 0, 59) ||
    outside(clock[2], 0, 61) ||
    (dated && (outside(named[1], 1, 12) || outside(named[2], 1, 31)))
  )
    return invalid(`Reload date/time ${line} invalid - ignoring`);
  const utc = zone !== undefined;
  const daily = (after: number): number => {
    const today = dayOf(after, utc);
    const at = instantOf(today, clock, utc);
    return at > after ? at : instantOf([today[0], today[1], today[2] + 1], clock, utc);
  };
  const at = dated ? instantOf(named, clock, utc) : daily(now);
  // The 30th of February, and second 60, are other days and seconds when looked at again.
  const exists =
    new Date(at).getSeconds() === clock[2] &&
    (!dated || dayOf(at, utc).every((part, i) => part === named[i]));
  if (!exists) return invalid(`Reload time ${line} is not valid - ignoring`);
  if (at <= now)
    return {
      complaints: [
        `Reload time ${line} is in the past - ignoring`,
        'Reload date/time is in the past - ignoring',
      ],
    };
  return { moment: { at, ...(dated ? {} : { daily }) }, complaints: [] };
}

type Triple = readonly [number, number, number];

/** Year, month from 1, day. */
function dayOf(at: number, utc: boolean): Triple {
  const date = new Date(at);
  return utc
    ? [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
    : [date.getFullYear(), date.getMonth() + 1, date.getDate()];
}

const instantOf = ([year, month, day]: Triple, clock: Triple, utc: boolean): number =>
  utc
    ? Date.UTC(year, month - 1, day, ...clock)
    : new Date(year, month - 1, day, ...clock).getTime();

/** Local time, as keepalived shows it. */
function textOf(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}
