// What can be tracked, and the lines that say what is: the rows of vrrp_script, vrrp_track_process, track_file and of
// the track_* blocks. Whether a name is known and what its weight comes to is decided in definitions.ts.

import { commandAlone } from '../config/command.ts';
import type { Complaint } from '../config/diagnostic.ts';
import { defaulted, entries, optional } from '../config/keyword.ts';
import { scriptUser } from '../config/process.ts';
import {
  decimalSeconds,
  flag,
  integer,
  leadingNumber,
  quote,
  type Reading,
  type ValueType,
  wholeNumber,
  wholeSeconds,
  word,
} from '../config/value.ts';
import { NO_WEIGHT, weightOf } from '../config/weight.ts';
import { type Duration, seconds } from '../lib/time.ts';

const mistake = (id: string, message: string, word = 0): Complaint => ({
  id,
  severity: 'error',
  class: 'general',
  message,
  word,
});

/** Whole seconds; 0 becomes 1. */
const period = (what: string): ValueType<Duration> => ({
  ...wholeSeconds(1, 4294),
  parse: ([text = '']): Reading<Duration> => {
    const reading = wholeNumber(text, 0, 4294);
    if (reading.value === undefined) return { complaints: reading.complaints ?? [] };
    if (reading.value > 0) return { value: seconds(reading.value) };
    const message = `(%n): vrrp script ${what} must be greater than 0, setting to 1`;
    return {
      value: seconds(1),
      complaints: [{ ...mistake('zero-period', message), severity: 'warning', assumed: '1' }],
    };
  },
});

export const scriptRows = {
  script: optional(commandAlone, 'Command whose exit status 0 means healthy.', {
    otherwise: 'none: it is required',
    example: '"/usr/bin/pgrep haproxy"',
  }),
  interval: defaulted(period('interval'), seconds(1), 'Time between two runs.', {
    refusal: "(%n): vrrp script interval '%w' must be between 1 and 4294 - ignoring",
  }),
  timeout: optional(period('timeout'), 'Time after which a run has failed.', {
    refusal: "(%n): vrrp script timeout '%w' invalid - ignoring",
    otherwise: 'interval',
    example: '5',
  }),
  weight: defaulted(
    weightOf(253, 'vrrp_script %n unknown weight option'),
    NO_WEIGHT,
    'Change of the priority; 0 means that a failure is a fault.',
    { refusal: 'vrrp_script %n weight %w must be in [-253, 253]', example: '-20' },
  ),
  rise: defaulted(integer(1, 2147483647), 1, 'Successes in a row before it is up.', {
    refusal: "(%n): vrrp script rise value '%w' invalid, defaulting to 1",
    salvage: 1,
  }),
  fall: defaulted(integer(1, 2147483647), 1, 'Failures in a row before it is down.', {
    refusal: "(%n): vrrp script fall value '%w' invalid, defaulting to 1",
    salvage: 1,
  }),
  user: optional(scriptUser, 'User and group that it runs as.', { otherwise: 'script_user' }),
  init_fail: defaulted(flag, false, 'Take it for failed until it has succeeded.'),
};

const delay = (what: string) =>
  ({
    refusal: `${what} (%w) for vrrp_track_process %n must be between [0.000001..3600] inclusive. Ignoring...`,
    otherwise: '0',
  }) as const;

/** The command and its arguments; arguments mean that the whole command line is compared. */
const processWords: ValueType<readonly string[]> = {
  syntax: '<command> [<argument> ...]',
  minimum: 1,
  parse: (words) => ({ value: words }),
  format: (value) => value.map(quote).join(' '),
  schema: { type: 'array', items: { type: 'string' }, minItems: 1 },
};

const parameterMatch: ValueType<'exact' | 'initial' | 'partial'> = {
  syntax: '[initial|partial]',
  minimum: 0,
  parse: ([text]) => {
    if (text === undefined) return { value: 'exact' };
    if (text === 'initial' || text === 'partial') return { value: text };
    const message = `Invalid param_match type ${text} - ignoring`;
    return { complaints: [mistake('unknown-option', message)] };
  },
  format: (value) => (value === 'exact' ? '' : value),
  schema: { enum: ['exact', 'initial', 'partial'] },
};

export const processRows = {
  process: optional(processWords, 'What to look for among the running processes.', {
    again: 'Process already set for track process %n - ignoring %w',
    otherwise: 'none: it is required',
    example: 'haproxy',
  }),
  param_match: optional(parameterMatch, 'How arguments are compared.', {
    otherwise: 'exact where there are arguments',
    example: 'initial',
  }),
  weight: defaulted(
    weightOf(254, 'vrrp_track_process %n unknown weight option'),
    NO_WEIGHT,
    'Change of the priority; 0 means that too few processes are a fault.',
    {
      bare: 'No weight specified for track process %n - ignoring',
      again: 'Weight already set for track process %n - ignoring %w',
      refusal:
        'Weight (%w) for vrrp_track_process %n must be between [-254..254] inclusive. Ignoring...',
      example: '10',
    },
  ),
  quorum: defaulted(integer(1, 65535), 1, 'How many processes there must be.', {
    refusal:
      'Quorum (%w) for vrrp_track_process %n must be between [1..65535] inclusive. Ignoring...',
  }),
  quorum_max: optional(integer(0, 65535), 'How many processes there may be.', {
    refusal:
      'quorum_max (%w) for vrrp_track_process %n must be between [0..65535] inclusive. Ignoring...',
    otherwise: 'any number',
    example: '8',
  }),
  delay: optional(decimalSeconds(0.000001, 3600), 'Both fork_delay and terminate_delay.', {
    ...delay('delay'),
    example: '0.5',
  }),
  terminate_delay: optional(decimalSeconds(0.000001, 3600), 'Wait after there are too few.', {
    ...delay('terminate_delay'),
    example: '0.5',
  }),
  fork_delay: optional(decimalSeconds(0.000001, 3600), 'Wait after there are enough.', {
    ...delay('fork_delay'),
    example: '0.5',
  }),
  full_command: defaulted(flag, false, 'Compare the whole command line, not the name.'),
};

export interface InitFile {
  readonly value: number;
  readonly overwrite: boolean;
}

const initFile: ValueType<InitFile> = {
  syntax: '[<int>] [overwrite]',
  minimum: 0,
  parse: (words) => {
    let value = 0;
    let overwrite = false;
    const complaints: Complaint[] = [];
    for (const [index, text] of words.entries()) {
      if (/^[+-]?\d+$/.test(text)) {
        const reading = wholeNumber(text, -2147483648, 2147483647);
        if (reading.value === undefined) {
          const message = `Track file %n init value ${text} is invalid`;
          complaints.push({ ...mistake('init-value', message, index), assumed: '0' });
          continue;
        }
        value = reading.value;
        if (value < -254 || value > 254)
          complaints.push({
            ...mistake(
              'init-value',
              `Track file %n init value ${text} is outside sensible range [-254, 254]`,
              index,
            ),
            severity: 'warning',
          });
      } else if (text === 'overwrite') overwrite = true;
      else
        complaints.push({
          ...mistake('unknown-option', `Unknown track file init option ${text}`, index),
          assumed: 'the word is ignored',
        });
    }
    return { value: { value, overwrite }, complaints };
  },
  format: ({ value, overwrite }) => `${value}${overwrite ? ' overwrite' : ''}`,
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['value', 'overwrite'],
    properties: { value: { type: 'integer' }, overwrite: { type: 'boolean' } },
  },
};

export const fileRows = {
  file: optional(word(), 'File whose first number counts.', {
    bare: 'track file file name missing',
    again: 'File already set for track file %n - ignoring %w',
    otherwise: 'none: it is required',
    example: '/run/maintenance',
  }),
  weight: defaulted(
    weightOf(254, 'track_file %n unknown weight option'),
    { weight: 1, reverse: false },
    'The number in the file is multiplied by this; 0 means that any other number than 0 is a fault.',
    {
      bare: 'No weight specified for track file %n - ignoring',
      again: 'Weight already set for track file %n - ignoring %w',
      refusal: 'Weight (%w) for track_file %n must be between [-254..254] inclusive. Ignoring...',
    },
  ),
  init_file: optional(initFile, 'Create the file with this number at start.', {
    otherwise: 'not created',
    example: '0',
  }),
};

/** A line of a track_* block as written. */
export interface TrackText {
  readonly name: string;
  readonly weight?: number;
  readonly reverse?: boolean;
}

/** keepalived has its own words for each kind of tracker. */
interface Wording {
  readonly syntax: string;
  /** 254 is accepted by the grammar of scripts and interfaces, and made 253. */
  readonly limit: 253 | 254;
  readonly reduced?: true;
  readonly noreverse: boolean;
  readonly refused: (name: string, text: string) => string;
  readonly option: (name: string) => string;
  readonly weightOption: (name: string) => string;
  readonly bare: (name: string) => string;
}

const trackLine = (wording: Wording): ValueType<TrackText> => ({
  syntax: `${wording.syntax} [weight <int> [reverse${wording.noreverse ? '|noreverse' : ''}]]`,
  minimum: 1,
  parse: (words) => readTrackLine(words, wording),
  format: ({ name, weight, reverse }) =>
    [
      quote(name),
      ...(weight === undefined ? [] : ['weight', weight]),
      ...(reverse === undefined ? [] : [reverse ? 'reverse' : 'noreverse']),
    ].join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['name'],
    properties: {
      name: { type: 'string' },
      weight: { type: 'integer', minimum: -wording.limit, maximum: wording.limit },
      reverse: { type: 'boolean' },
    },
  },
});

function readTrackLine(words: readonly string[], wording: Wording): Reading<TrackText> {
  const [name = '', keyword, text, option] = words;
  if (keyword === undefined) return { value: { name } };
  if (keyword !== 'weight') {
    // It is the whole line that is ignored.
    const message = `(%n) unknown ${wording.option(name)} option ${keyword} - ignoring`;
    return { complaints: [mistake('unknown-option', message, 1)] };
  }
  if (text === undefined) {
    // It is the whole line that is ignored here too.
    const message = `(%n) weight without value specified for ${wording.bare(name)} - ignoring`;
    return { complaints: [mistake('option-without-value', message, 1)] };
  }
  const most = wording.reduced === true ? 254 : wording.limit;
  const reading = leadingNumber(text, -most, most, 0);
  const complaints: Complaint[] = (reading.complaints ?? []).map((c) => ({ ...c, word: 2 }));
  const turned: Pick<TrackText, 'reverse'> =
    option === 'reverse' || (option === 'noreverse' && wording.noreverse)
      ? { reverse: option === 'reverse' }
      : {};
  if (reading.value === undefined) {
    const message = `(%n) ${wording.refused(name, text)}`;
    const assumed = 'the weight of its definition';
    const refused = complaints.map((c) => ({ ...c, message, cause: c.message, assumed }));
    // A weight that is none does not keep it from being turned round.
    return { value: { name, ...turned }, complaints: refused };
  }
  let weight = reading.value;
  if (Math.abs(weight) > wording.limit) {
    weight = Math.sign(weight) * wording.limit;
    complaints.push({
      ...mistake(
        'weight-reduced',
        `(%n) weight for ${name} cannot be +/-254. Setting to +/-253`,
        2,
      ),
      severity: 'warning',
      assumed: String(weight),
    });
  }
  if (option !== undefined && turned.reverse === undefined) {
    const message = `(%n) unknown ${wording.weightOption(name)} weight option ${option} - ignoring`;
    complaints.push(mistake('unknown-option', message, 3));
  }
  return { value: { name, weight, ...turned }, complaints };
}

export const interfaceLine = trackLine({
  syntax: '<interface>',
  limit: 253,
  reduced: true,
  noreverse: false,
  refused: (name, text) =>
    `weight ${text} for ${name} must be between [-253..253] inclusive. Ignoring...`,
  option: (name) => `track_interface ${name}`,
  // The misspelling is keepalived's.
  weightOption: (name) => `track_interace ${name}`,
  bare: (name) => `track_interface ${name}`,
});

const scriptLine = trackLine({
  syntax: '<vrrp_script>',
  limit: 253,
  reduced: true,
  noreverse: true,
  refused: (name) =>
    `track script ${name}: weight must be between [-253..253] inclusive, ignoring...`,
  option: () => 'track script',
  weightOption: (name) => `track_script ${name}`,
  bare: (name) => `track script ${name}`,
});

const fileLine = trackLine({
  syntax: '<track_file>',
  limit: 254,
  noreverse: true,
  refused: (name) => `weight for track file ${name} must be in [-254..254] inclusive. Ignoring...`,
  option: () => 'track file',
  weightOption: (name) => `track file ${name}`,
  bare: (name) => `track file ${name}`,
});

const processLine = trackLine({
  syntax: '<vrrp_track_process>',
  limit: 254,
  noreverse: true,
  refused: (name) =>
    `weight for track process ${name} must be in [-254..254] inclusive. Ignoring...`,
  option: () => 'track process',
  weightOption: (name) => `track_process ${name}`,
  bare: (name) => `track process ${name}`,
});

const bfdLine = trackLine({
  syntax: '<bfd_instance>',
  limit: 253,
  noreverse: true,
  refused: (name) => `weight for track bfd ${name} must be in [-253..253] inclusive. Ignoring...`,
  option: (name) => `track bfd ${name}`,
  weightOption: (name) => `track bfd ${name}`,
  bare: (name) => `track bfd ${name}`,
});

const lineGrammar = (name: string, limit: number, noreverse: boolean) => ({
  weight: optional(integer(-limit, limit), 'Change of the priority in place of a fault.', {
    otherwise: 'that of the definition; 0 for interfaces',
    example: `${name} weight -20`,
  }),
  reverse: optional(flag, 'After the weight: turn it round.', {
    example: `${name} weight -20 reverse`,
  }),
  ...(noreverse
    ? {
        noreverse: optional(
          flag,
          'After the weight: do not turn it round, whatever the definition says.',
          { example: `${name} weight -20 noreverse` },
        ),
      }
    : {}),
});

/** The same blocks stand in instances and in sync groups. */
export const trackRows = {
  track_interface: entries(interfaceLine, 'Interfaces that must be up too.', {
    grammar: lineGrammar('eth1', 253, false),
    example: 'eth1 weight -20',
  }),
  track_script: entries(scriptLine, 'Scripts that must succeed.', {
    grammar: lineGrammar('chk_haproxy', 253, true),
    example: 'chk_haproxy weight 10',
  }),
  track_file: entries(fileLine, 'Files whose number counts.', {
    grammar: lineGrammar('maintenance', 254, true),
    example: 'maintenance weight 1',
  }),
  track_process: entries(processLine, 'Processes that must run.', {
    grammar: lineGrammar('haproxy', 254, true),
    example: 'haproxy weight 10',
  }),
  track_bfd: entries(bfdLine, 'BFD sessions that must be up.', {
    effect: 'later',
    grammar: lineGrammar('gateway', 253, true),
    example: 'gateway',
  }),
};

export type TrackKeyword = keyof typeof trackRows;
export const TRACKS = Object.keys(trackRows) as readonly TrackKeyword[];
