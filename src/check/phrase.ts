// What the log says of one answer of a check, and what people are told of it, in the words of keepalived 2.2.7. It gives no
// reason where a server fails at last; here a line with the reason stands before its own.

import { itemAt } from '../lib/vector.ts';
import type { Verdict } from './checker.ts';
import type { CheckKind } from './checks.ts';
import type { Health, Outcome } from './health.ts';
import { mailReal } from './notify.ts';
import type { Target } from './options.ts';
import type { Check, PlannedReal, PlannedService, User } from './plan.ts';
import type { RealState } from './service.ts';
import { type Draft, say } from './state.ts';

/** Whose check it is, as keepalived writes them. */
interface Subject {
  readonly real: string;
  readonly service: string;
  /** The script of MISC_CHECK, the page of HTTP_GET, the mail server of SMTP_CHECK. */
  readonly thing: string;
  /** What made the page good. */
  readonly found: string;
}

interface Voice {
  /** Absent: nothing is said. */
  readonly good?: (subject: Subject) => string;
  /** A page is good, of a server that was not taken for up. */
  readonly page?: (subject: Subject) => string;
  /** A failure that has tries left. */
  readonly retrying: (subject: Subject, reason: string) => string;
  /** It counts; `tries` is what the text says of those it had. */
  readonly failed: (subject: Subject, reason: string, tries: string) => string;
  readonly mail: {
    readonly up: string;
    readonly down: (reason: string, subject?: Subject) => string;
  };
}

/** TCP, UDP and ICMP speak alike. */
const connected = (protocol: string, check: string): Voice => ({
  good: ({ real }) => `${protocol} connection to ${real} success.`,
  retrying: ({ real }, reason) => `${protocol} connection to ${real} failed. (${reason})`,
  failed: ({ real }, _, tries) => `${check} on service ${real} failed${tries}.`,
  mail: {
    up: `${protocol} CHECK succeed on service`,
    down: () => `${protocol} CHECK failed on service`,
  },
});

const web: Voice = {
  good: ({ real }) => `Remote Web server ${real} succeed on service.`,
  page: ({ real, thing, found }) => `${found} success to ${real} url(${thing})`,
  retrying: ({ real }, reason) => webbed(real, reason),
  failed: ({ real }, _, tries) => `HTTP_CHECK on service ${real} failed${tries}.`,
  mail: {
    up: 'CHECK succeed on service',
    down: () => 'CHECK failed on service : HTTP request failed',
  },
};

/** What keepalived 2.2.7 says between each of its reasons and the server; its second blank behind `from` too. */
const WEB: Readonly<Record<string, string>> = {
  'Connection failed': '',
  'HTTP status code error': 'to ',
  'MD5 digest error': 'to ',
  'Read error': 'with ',
  'Read, no data received': 'from  ',
  'Regex match failed': '',
  'SSL handshake/communication error connecting': 'to ',
  'Timeout HTTP read': '',
  'Timeout SSL read': '',
  'Timeout WEB read': '',
  'Timeout connecting': '',
};

/** What we know beyond its words stands behind them; what is wrong on our side is in no words of its. */
function webbed(real: string, reason: string): string {
  const [words = '', detail] = reason.split(/: (.*)/);
  const how = WEB[words];
  if (how === undefined) return `Remote Web server ${real}: ${reason}`;
  return `${words} ${how}server ${real}.${detail === undefined ? '' : ` (${detail})`}`;
}

const TIMED_OUT = /\b(timed out|timeout)\b/;

const script: Voice = {
  good: (subject) => `${miscOf(subject)} succeeded.`,
  retrying: (subject, reason) => `${miscOf(subject)} ${ended(reason, '')}.`,
  failed: (subject, reason, tries) =>
    `${miscOf(subject)} ${ended(reason, tries === '' ? ' with retry disabled' : tries)}.`,
  mail: {
    up: 'MISC CHECK succeeded on service',
    down: (reason) => `MISC CHECK ${TIMED_OUT.test(reason) ? 'timed out' : 'failed'} on service`,
  },
};

const miscOf = ({ real, service, thing }: Subject): string =>
  `Misc check for [${real} VS ${service}] by [${thing}]`;
const ended = (reason: string, tries: string): string =>
  TIMED_OUT.test(reason) ? `timed out${tries}` : `failed${tries} (${reason})`;

/** As keepalived 2.2.7 says it, in the log behind the kind; what is wrong on our side is in no words of its. */
function refused({ thing }: Subject, reason: string): string {
  const how = /^Conn|connect$/.test(reason) ? ' to' : /^(Bad|Read) /.test(reason) ? ' from' : ':';
  return `${reason}${how} server ${thing}`;
}

const mailed = (subject: Subject, reason: string): string =>
  `SMTP_CHECK ${refused(subject, reason)}`;

const followed: Voice = {
  retrying: ({ real }, reason) => `(${real}): ${reason}`,
  failed: ({ real }, reason) => `(${real}): ${reason}`,
  mail: { up: '', down: () => '' },
};

const VOICES: Readonly<Record<CheckKind, Voice>> = {
  TCP_CHECK: connected('TCP', 'TCP_CHECK'),
  UDP_CHECK: connected('UDP', 'UDP_CHECK'),
  PING_CHECK: {
    ...connected('ICMP', ''),
    failed: ({ real, service }, _, tries) =>
      `ICMP CHECK on service ${real}${tries === '' ? '' : ` of ${service}`} failed${tries}.`,
  },
  HTTP_GET: web,
  SSL_GET: web,
  SMTP_CHECK: {
    good: ({ real }) => `Remote SMTP server ${real} succeed on service.`,
    retrying: mailed,
    failed: mailed,
    mail: {
      up: 'CHECK succeed on service',
      down: (reason, subject) =>
        `CHECK failed on service${subject === undefined ? '' : ` : ${refused(subject, reason)}`}`,
    },
  },
  DNS_CHECK: {
    retrying: ({ real }, reason) => `DNS_CHECK (${real}) ${reason}`,
    failed: ({ real }, reason, tries) => `DNS_CHECK (${real}) ${reason}${tries}`,
    mail: {
      up: 'DNS_CHECK: succeed on service',
      down: () => 'DNS_CHECK: failed on service',
    },
  },
  MISC_CHECK: script,
  FILE_CHECK: followed,
  BFD_CHECK: followed,
};

/** Those whose own line has the reason in it. */
const TELLING: ReadonlySet<CheckKind> = new Set(['SMTP_CHECK', 'DNS_CHECK', 'MISC_CHECK']);

export function tellOutcome(
  draft: Draft,
  check: Check,
  before: Health,
  outcome: Outcome,
  verdict: Verdict,
): void {
  const voice = VOICES[check.kind];
  const { timing } = check;
  const tell = (
    phrase: (subject: Subject) => string | undefined,
    severity: 'info' | 'warning' = 'info',
  ): void => {
    // Servers of one name have one line, however many services they are in.
    const texts = new Set(check.users.map((user) => phrase(subjectOf(draft, check, before, user))));
    for (const text of texts) if (text !== undefined) say(draft, severity, text);
  };
  const { length } = verdict;
  if (length !== undefined && length.came !== length.told && !before.odd?.includes(before.target))
    tell(
      ({ real, service, thing }) =>
        `http_check for RS ${real} VS ${service} url ${thing}: content_length (${length.told}) does not match received bytes (${length.came})`,
    );
  if (verdict.up) {
    const { unasked } = verdict;
    if (unasked !== undefined && !before.known)
      tell(
        (subject) =>
          `WARNING - ${miscOf(subject)} cannot be run (${unasked}): it counts as successful`,
        'warning',
      );
    if (!before.up) tell((subject) => voice.page?.(subject));
    if (outcome === 'recovered' || (outcome === 'good' && isFirst(check, before)))
      tell((subject) => voice.good?.(subject));
    return;
  }
  const { reason } = verdict;
  const counts = outcome === 'failed' || (outcome === 'bad' && !before.known);
  if (!counts && !(outcome === 'retrying' && timing.log_all_failures)) return;
  if (!counts || !TELLING.has(check.kind)) tell((subject) => voice.retrying(subject, reason));
  if (counts) tell((subject) => voice.failed(subject, reason, triesOf(check, before)));
}

/** It was taken for up, and all of it is now known to be. */
const isFirst = ({ targets }: Check, { known, target }: Health): boolean =>
  !known && target + 1 >= targets.length;

/** Those that speak of tries also where the first answer of all counts, which has none. */
const BOASTING: ReadonlySet<CheckKind> = new Set(['HTTP_GET', 'SSL_GET', 'MISC_CHECK']);

/** What it is said to have had before it counts. */
function triesOf({ kind, timing: { retry } }: Check, { known, up, failures }: Health): string {
  const hadNone = !known && (!up || failures > retry);
  if (retry === 0 || (hadNone && !BOASTING.has(kind))) return '';
  // The one kind of which keepalived counts a single try in words.
  return retry === 1 && kind === 'MISC_CHECK' ? ' after 1 retry' : ` after ${retry} retries`;
}

function subjectOf(draft: Draft, check: Check, { target }: Health, user: User): Subject {
  const service = draft.state.plan.services[user.service] as PlannedService;
  const real = (service.reals[user.real] as PlannedReal).name;
  const asked = check.targets[target];
  if (asked === undefined) return { real, service: service.name, thing: '', found: '' };
  return { real, service: service.name, thing: thingOf(asked), found: foundIn(asked) };
}

/** The last of what is looked at. */
function foundIn({ options }: Target): string {
  if ('regex' in options) return 'Regex match';
  return 'digest' in options ? 'MD5 digest' : 'HTTP status code';
}

function thingOf({ kind, options }: Target): string {
  if (kind === 'MISC_CHECK') return options.script.words[0] ?? '';
  if (kind === 'SMTP_CHECK') return `[${options.connection.address}]:${options.connection.port}`;
  return 'path' in options ? options.path : '';
}

/** People hear of every check, or, with no_checker_emails, of real servers that come and go because of it. */
export function mailOutcome(
  draft: Draft,
  check: Check,
  health: Health,
  before: Draft['state'],
  outcome: Outcome,
  verdict: Verdict,
  stateIn: (state: Draft['state'], user: User) => RealState,
): void {
  const begins = !health.known && beginning(check, health, outcome);
  if (outcome !== 'failed' && outcome !== 'recovered' && !begins) return;
  for (const user of check.users) {
    const was = stateIn(before, user);
    const up = stateIn(draft.state, user).alive;
    // Nobody took it for down; or everybody knows that it is.
    if (outcome === 'recovered' && was.told) continue;
    if (outcome === 'bad' && was.told === false) continue;
    if (draft.state.config.global_defs.no_checker_emails && up === was.alive) continue;
    mailCheck(draft, check, health, user, up, verdict);
  }
}

/** Its first answer is news, though it is what was assumed: of a script always, else where it is told once more. */
function beginning(check: Check, health: Health, outcome: Outcome): boolean {
  if (outcome === 'good') return check.kind === 'MISC_CHECK' && isFirst(check, health);
  return outcome === 'bad' && (check.kind === 'MISC_CHECK' || !check.timing.alpha);
}

/**
 * A reload has brought a server, and checks that others have know already how it is: its own would have found that out now.
 * Why they fail is not known any more.
 */
export function mailKnown(draft: Draft, user: User, alive: boolean): void {
  const { plan, healths, config } = draft.state;
  const service = plan.services[user.service] as PlannedService;
  const real = service.reals[user.real] as PlannedReal;
  const news = real.checks.filter((at) => {
    const { kind, targets, timing } = plan.checks[at] as Check;
    const { known, up } = itemAt(healths, at);
    if (!known || targets.length === 0) return false;
    return up ? timing.alpha || kind === 'MISC_CHECK' : !timing.alpha;
  });
  const changes = news.filter((at) => {
    const { up } = itemAt(healths, at);
    return up === alive && (!up || (plan.checks[at] as Check).timing.alpha);
  });
  for (const at of config.global_defs.no_checker_emails ? changes.slice(0, 1) : news) {
    const { mail } = VOICES[(plan.checks[at] as Check).kind];
    const text = itemAt(healths, at).up ? mail.up : mail.down('');
    mailReal(draft, service, real, alive, text);
  }
}

function mailCheck(
  draft: Draft,
  check: Check,
  health: Health,
  user: User,
  up: boolean,
  verdict: Verdict,
): void {
  const { mail } = VOICES[check.kind];
  const subject = subjectOf(draft, check, health, user);
  const text = verdict.up ? mail.up : mail.down(verdict.reason, subject);
  const service = draft.state.plan.services[user.service] as PlannedService;
  mailReal(draft, service, service.reals[user.real] as PlannedReal, up, text);
}

/** The number in a file takes servers away, or no longer does. */
export function tellFile(draft: Draft, check: Check, file: string, up: boolean): void {
  const how = up ? 'leaving' : 'now';
  for (const user of check.users) {
    const { reals } = draft.state.plan.services[user.service] as PlannedService;
    const { name } = reals[user.real] as PlannedReal;
    say(draft, 'info', `(${name}): tracked file ${file} ${how} FAULT state`);
  }
}
