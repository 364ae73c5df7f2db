// What instances and groups refer to by name: scripts, processes, files and BFD sessions. A definition must stand
// before its use, as keepalived wants it. Knows the machine only through facts.

import { AFTERWARDS, atClosing, collect, nodeOf, type Reporter } from '../config/build.ts';
import { meantOf } from '../config/diagnostic.ts';
import type { Block, Entry, Infer, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { lookUpUser, withGroups } from '../config/script.ts';
import type { Script } from '../config/value.ts';
import type { Weight } from '../config/weight.ts';
import { comesLater, mistake, type Surroundings } from './decision.ts';
import {
  fileRows,
  type processRows,
  scriptRows,
  type TrackKeyword,
  type TrackText,
} from './track.ts';

/** A block of the top level and its place among them. */
export interface Definition<B extends Block> {
  readonly name: string;
  readonly node: Node;
  readonly order: number;
  readonly statements: readonly Statement<B>[];
}

type ScriptRows = Infer<typeof scriptRows>;
export interface VrrpScript extends Omit<ScriptRows, 'script' | 'user'> {
  readonly name: string;
  /** Absent: it cannot be run, and nothing waits for it. */
  readonly script?: Script;
}

export interface TrackProcess extends Omit<Infer<typeof processRows>, 'process'> {
  readonly name: string;
  readonly process: readonly string[];
}

export interface TrackFile extends Omit<Infer<typeof fileRows>, 'file'> {
  readonly name: string;
  readonly file: string;
}

/** A line of a track_* block, its weight settled. */
export interface Tracked extends Weight {
  readonly name: string;
}

/** Names that can be tracked, from which place on, with the weight of their definition. */
export class Names {
  readonly #known = new Map<
    TrackKeyword,
    Map<string, { readonly order: number; readonly weight: Weight }>
  >();

  add(kind: TrackKeyword, name: string, order: number, weight: Weight): void {
    const known = this.#known.get(kind) ?? new Map();
    this.#known.set(kind, known);
    if (!known.has(name)) known.set(name, { order, weight });
  }

  find(kind: TrackKeyword, name: string, before: number): Weight | undefined {
    const found = this.#known.get(kind)?.get(name);
    return found !== undefined && found.order < before ? found.weight : undefined;
  }

  /** What may have been meant by a name that is none. */
  near(kind: TrackKeyword, name: string): { readonly hint?: string } {
    return meantOf(name, this.#known.get(kind) ?? []);
  }
}

const again = (seen: Set<string>, name: string): boolean => {
  if (seen.has(name)) return true;
  seen.add(name);
  return false;
};

/** `used` says whether there is an instance at all: keepalived looks at the files only then. */
export function defineScripts(
  blocks: readonly Definition<typeof scriptRows>[],
  names: Names,
  used: boolean,
  around: Surroundings,
): VrrpScript[] {
  const seen = new Set<string>();
  return blocks.flatMap((block) => {
    const script = defineScript(block, used, around);
    if (script === undefined || again(seen, block.name)) return [];
    names.add('track_script', block.name, block.order, script.weight);
    return [script];
  });
}

function defineScript(
  block: Definition<typeof scriptRows>,
  used: boolean,
  around: Surroundings,
): VrrpScript | undefined {
  const { name, node, statements } = block;
  const { globals, facts, report } = around;
  const { script, user, ...given } = collect(scriptRows, statements) as ScriptRows;
  let unknown = false;
  for (const { keyword, value, node: at } of statements) {
    if (keyword !== 'user') continue;
    unknown = lookUpUser(value, facts) === undefined;
    if (!unknown) continue;
    const message = `Unable to set uid/gid for script ${script === undefined ? '' : `'${script.words.join(' ')}'`}`;
    report(mistake('no-script-user', message.trimEnd(), { assumed: 'the script is not run' }), at);
  }
  if (script === undefined) {
    const message = `No script set for vrrp_script ${name} - removing`;
    report(mistake('script-missing', message), node, atClosing(node));
    return undefined;
  }
  const as = user === undefined ? globals.script_user : lookUpUser(user, facts);
  if (as === undefined) {
    const message = `Unable to set default user for vrrp script ${name} - removing`;
    if (!unknown) report(mistake('no-script-user', message), node, atClosing(node));
    return undefined;
  }
  const [path = '', ...words] = script.words;
  const run = used ? inspectScript(name, path, as, block, around) : undefined;
  return {
    ...given,
    name,
    ...(run === undefined
      ? {}
      : { script: { words: [run, ...words], ...withGroups(as, globals, facts) } }),
  };
}

/** The path to run, where it can be run. `</path` only asks whether the file can be opened. */
function inspectScript(
  name: string,
  path: string,
  as: { readonly uid: number; readonly gid: number },
  block: Definition<typeof scriptRows>,
  { globals, facts, report }: Surroundings,
): string | undefined {
  if (path.startsWith('<')) return path;
  const found = facts.inspect(path, as, globals.use_symlink_paths);
  const node = nodeOf(block.statements, 'script') ?? block.node;
  const disable = (id: string, why: string, cause: string | undefined, remedy?: string): void =>
    report(
      mistake(id, `Disabling track script ${name} ${why}`, {
        ...(cause === undefined ? {} : { cause }),
        ...(remedy === undefined ? {} : { remedy }),
        assumed: 'the script is not run',
      }),
      node,
      AFTERWARDS,
    );
  if (found.path === undefined && found.disabled !== undefined) {
    disable('script-unusable', found.disabled, found.message);
    return undefined;
  }
  if (found.path === undefined) {
    // That it may not be executed keepalived says in its log only.
    const mistaken = mistake('script-unusable', found.message ?? path);
    report({ ...mistaken, class: 'none', assumed: 'the script is not run' }, node);
    return undefined;
  }
  if (globals.enable_script_security && found.insecure !== undefined) {
    disable('script-insecure', 'due to insecure', found.insecure, found.remedy);
    return undefined;
  }
  return found.path;
}

export function defineProcesses(
  blocks: readonly Definition<typeof processRows>[],
  rows: typeof processRows,
  names: Names,
  report: Reporter,
): TrackProcess[] {
  const seen = new Set<string>();
  return blocks.flatMap((block) => {
    const { name, node, statements } = block;
    const {
      process,
      quorum_max: _,
      ...given
    } = collect(rows, statements) as Infer<typeof processRows>;
    if (process === undefined) {
      const message = `track process '${name}' process name not specified`;
      report(mistake('process-missing', message), node, atClosing(node));
      return [];
    }
    if (again(seen, name)) return [];
    names.add('track_process', name, block.order, given.weight);
    return [{ ...given, ...processLimits(statements, report), name, process }];
  });
}

type Limits = Partial<
  Pick<TrackProcess, 'quorum' | 'quorum_max' | 'delay' | 'terminate_delay' | 'fork_delay'>
>;

/** How many there may be, and the delays: each statement counts in its turn. */
function processLimits(
  statements: readonly Statement<typeof processRows>[],
  report: Reporter,
): Limits {
  const limits: { -readonly [K in keyof Limits]: Limits[K] } = { quorum: 1 };
  const ignore = (message: string, node: Node): void =>
    report(mistake('quorum-max', message), node);
  for (const { keyword, value, node } of statements) {
    const { quorum = 1, quorum_max: most } = limits;
    switch (keyword) {
      case 'quorum':
        if (most !== undefined && value > most)
          ignore('Quorum is greater than quorum_max - ignoring', node);
        else limits.quorum = value;
        break;
      case 'quorum_max':
        if (value !== 0 && value < quorum)
          ignore('quorum_max is less than quorum - ignoring', node);
        else limits.quorum_max = value;
        break;
      case 'delay':
        limits.terminate_delay = limits.fork_delay = value;
        break;
      case 'terminate_delay':
      case 'fork_delay':
        limits[keyword] = value;
        break;
      default:
        break;
    }
  }
  // None may run, so none must.
  return limits.quorum_max === 0 ? { ...limits, quorum: 0 } : limits;
}

export function defineFiles(
  blocks: readonly Definition<typeof fileRows>[],
  names: Names,
  report: Reporter,
): TrackFile[] {
  const seen = new Set<string>();
  return blocks.flatMap(({ name, node, order, statements }) => {
    const { file, ...given } = collect(fileRows, statements) as Infer<typeof fileRows>;
    if (file === undefined) {
      const message = `No file set for track_file ${name} - ignoring`;
      report(mistake('file-missing', message), node, atClosing(node));
      return [];
    }
    if (again(seen, name)) return [];
    names.add('track_file', name, order, given.weight);
    return [{ ...given, name, file }];
  });
}

const KINDS: Readonly<Record<Exclude<TrackKeyword, 'track_interface'>, string>> = {
  track_script: 'track script',
  track_file: 'track file',
  track_process: 'track process',
  track_bfd: 'track bfd',
};

export type TrackLists = { -readonly [K in TrackKeyword]?: readonly Tracked[] };

interface TrackStatement {
  readonly keyword: TrackKeyword;
  readonly node: Node;
  readonly value: readonly Entry<TrackText>[];
}

/** What an instance or a group tracks. `owner` is its name, `order` its place among the blocks. */
export function resolveTracks(
  statements: readonly { readonly keyword: string; readonly node: Node; readonly value: unknown }[],
  owner: string,
  order: number,
  names: Names,
  around: Surroundings,
): TrackLists {
  const lists: TrackLists = {};
  for (const statement of statements) {
    if (!isTrack(statement)) continue;
    const { keyword } = statement;
    const list: Tracked[] = [...(lists[keyword] ?? [])];
    for (const { value, node } of statement.value) {
      if (list.some(({ name }) => name === value.name)) {
        const message = `(${owner}) duplicate ${keyword} ${value.name} - ignoring`;
        around.report(mistake('tracked-twice', message, { word: 0 }), node);
        continue;
      }
      const inherited =
        keyword === 'track_interface'
          ? findInterface(value.name, owner, node, around)
          : findName(keyword, value.name, owner, order, names, node, around.report);
      if (inherited === undefined) continue;
      list.push({
        name: value.name,
        weight: value.weight ?? inherited.weight,
        reverse: value.reverse ?? inherited.reverse,
      });
    }
    lists[keyword] = list;
  }
  return lists;
}

const isTrack = (statement: { readonly keyword: string }): statement is TrackStatement =>
  statement.keyword === 'track_interface' || Object.hasOwn(KINDS, statement.keyword);

function findName(
  keyword: Exclude<TrackKeyword, 'track_interface'>,
  name: string,
  owner: string,
  order: number,
  names: Names,
  node: Node,
  report: Reporter,
): Weight | undefined {
  const found = names.find(keyword, name, order);
  if (found !== undefined) return found;
  const later = names.find(keyword, name, Number.POSITIVE_INFINITY) !== undefined;
  report(
    mistake('unknown-tracker', `(${owner}) ${KINDS[keyword]} ${name} not found, ignoring...`, {
      word: 0,
      ...(later ? { hint: 'the definition must stand before its use' } : names.near(keyword, name)),
    }),
    node,
  );
  return undefined;
}

function findInterface(
  name: string,
  owner: string,
  node: Node,
  { facts, globals, report }: Surroundings,
): Weight | undefined {
  if (!facts.interfaces.has(name) && globals.dynamic_interfaces === undefined) {
    report(
      {
        id: 'no-such-interface',
        severity: 'fatal',
        class: 'general',
        message: `(${owner}) tracked interface ${name} doesn't exist`,
        word: 0,
        ...comesLater(name, facts),
      },
      node,
    );
  }
  return { weight: 0, reverse: false };
}
