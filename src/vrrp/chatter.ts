// How much is logged about what others send. Whoever can send packets could fill a disk with lines: the same text is
// logged a few times a minute, and all of them together no more than a fixed number, with one line that says how many
// were not logged. Changes of role are no chatter.

import { after, type Instant, seconds, since } from '../lib/time.ts';
import type { Chatter, Draft } from './state.ts';

const MINUTE = seconds(60);
/** Lines in any minute, for all instances together: one for each thing that can be wrong with an advert, and some. */
const LINES = 15;
/** The same text among them. */
const TIMES = 3;

export const SILENT: Chatter = { lines: [], withheld: 0, lost: 0 };

/** When there is room to say what was not logged. */
export function chatterDeadline({ lines, withheld, lost }: Chatter): Instant | undefined {
  const [oldest] = lines;
  return (withheld > 0 || lost > 0) && oldest !== undefined ? after(oldest.at, MINUTE) : undefined;
}

/** Takes back those log lines among the actions from `first` on that would be too many. */
export function restrain(draft: Draft, first: number): void {
  const { actions } = draft;
  if (!actions.slice(first).some(({ type }) => type === 'log')) return;
  for (const action of actions.splice(first))
    if (action.type !== 'log' || admits(draft, action.text)) actions.push(action);
}

/** Records came faster than they could be read, and `lost` of them are gone. */
export function onOverflow(draft: Draft, lost: number): void {
  set(draft, { lost: draft.router.chatter.lost + lost });
  if (admits(draft, 'overflow', 0)) sayLost(draft);
}

/** Says what was not said, as soon as there is room. */
export function catchUp(draft: Draft): void {
  const due = chatterDeadline(draft.router.chatter);
  if (due === undefined || due > draft.now) return;
  const { withheld } = draft.router.chatter;
  if (withheld > 0 && admits(draft, 'withheld', 0)) {
    log(draft, 'info', `${withheld} similar messages were not logged`);
    set(draft, { withheld: 0 });
  }
  if (draft.router.chatter.lost > 0 && admits(draft, 'overflow', 0)) sayLost(draft);
}

function sayLost(draft: Draft): void {
  log(draft, 'warning', `${draft.router.chatter.lost} packets came faster than they could be read`);
  set(draft, { lost: 0 });
}

/** Whether this may be logged now; what may not is counted as `withheld`. */
function admits(draft: Draft, text: string, weight = 1): boolean {
  const { chatter } = draft.router;
  const lines = chatter.lines.filter(({ at }) => since(draft.now, at) < MINUTE);
  const same = lines.filter((line) => line.text === text).length;
  const admitted = lines.length < LINES && same < TIMES;
  if (admitted) set(draft, { lines: [...lines, { at: draft.now, text }] });
  else set(draft, { lines, withheld: chatter.withheld + weight });
  return admitted;
}

function set(draft: Draft, change: Partial<Chatter>): void {
  draft.router = { ...draft.router, chatter: { ...draft.router.chatter, ...change } };
}

function log(draft: Draft, severity: 'info' | 'warning', text: string): void {
  draft.actions.push({ type: 'log', severity, text });
}
