// A command as written -> what is run as whom on this machine, or why it is not run.

import { givenTwice, type MachineFacts, type Reporter } from './build.ts';
import { command } from './command.ts';
import type { Block, Presence, Statement, WordsRow } from './keyword.ts';
import type { Node } from './parser.ts';
import type { UserText } from './process.ts';
import type { Script, ScriptText } from './value.ts';

/** What global_defs say about running scripts. */
export interface Runners {
  readonly enable_script_security: boolean;
  /** Absent: script security is on and nobody was named to run scripts. */
  readonly script_user?: { readonly uid: number; readonly gid: number };
  readonly use_symlink_paths?: boolean;
  readonly set_supplementary_groups?: boolean;
}

/** Names only: keepalived 2.2.7 refuses numbers. */
export function lookUpUser(
  { user, group }: UserText,
  facts: MachineFacts,
): { readonly uid: number; readonly gid: number } | undefined {
  const account = facts.user(user);
  if (account === undefined) return undefined;
  if (group === undefined) return account;
  const gid = facts.group(group);
  return gid === undefined ? undefined : { uid: account.uid, gid };
}

type CommandKeyword<B> = {
  [K in keyof B & string]: B[K] extends WordsRow<ScriptText, Presence> ? K : never;
}[keyof B & string];

interface Around {
  readonly globals: Runners;
  readonly facts: MachineFacts;
  readonly report: Reporter;
}

/**
 * The commands of a block as they will be run. Of several under one keyword the first whose user exists stays; those
 * before it are as if they were not there. `owner` is the name of the block.
 */
export function resolveCommands<B extends Block>(
  rows: B,
  statements: readonly Statement<B>[],
  owner: string,
  { globals, facts, report }: Around,
): { readonly [K in CommandKeyword<B>]?: Script } {
  const scripts: Record<string, Script> = {};
  const given = new Set<string>();
  for (const { keyword, node, value } of statements) {
    const row = rows[keyword];
    if (row?.form !== 'words' || row.type !== command) continue;
    if (given.has(keyword)) {
      if (row.again !== undefined) report(givenTwice(row.again, node, owner), node);
      continue;
    }
    const text = value as ScriptText;
    if (typeof runAs(text, globals, facts) !== 'string') given.add(keyword);
    const script = resolveScript(text, node, globals, facts, report);
    if (script !== undefined) scripts[keyword] = script;
  }
  return scripts as { readonly [K in CommandKeyword<B>]?: Script };
}

/**
 * The command as it will be run: user and group looked up, the file found and looked at. Undefined: it is not
 * run at all, which is said and changes no exit status.
 */
export function resolveScript(
  text: ScriptText,
  node: Node,
  runners: Runners,
  facts: MachineFacts,
  report: Reporter,
): Script | undefined {
  const disable = (id: string, message: string, remedy?: string): undefined => {
    report(
      {
        ...(remedy === undefined ? {} : { remedy }),
        id,
        severity: 'error',
        class: 'none',
        message,
        assumed: 'the script is not run',
        word: 0,
      },
      node,
    );
    return undefined;
  };
  const as = runAs(text, runners, facts);
  if (as === 'nobody')
    return disable('script-without-user', 'there is nobody to run the script: no script_user');
  if (as === 'unknown') {
    const { user = '', group } = text;
    return disable('unknown-user', `no such user or group: ${[user, group].join(' ').trim()}`);
  }
  const path = text.words[0] ?? '';
  const found = facts.inspect(path, as, runners.use_symlink_paths);
  if (found.path === undefined) return disable('script-unusable', found.message ?? path);
  if (found.message !== undefined)
    report(
      { id: 'script-path', severity: 'warning', class: 'none', message: found.message, word: 0 },
      node,
    );
  if (runners.enable_script_security && found.insecure !== undefined)
    return disable('script-insecure', found.insecure, found.remedy);
  return { words: [found.path, ...text.words.slice(1)], ...withGroups(as, runners, facts) };
}

/** Who runs it, with the other groups of that account where set_supplementary_groups is on. */
export function withGroups(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  runners: Runners,
  facts: MachineFacts,
): Omit<Script, 'words'> {
  const groups =
    runners.set_supplementary_groups === true ? facts.groupsOf?.({ uid, gid }) : undefined;
  return { uid, gid, ...(groups === undefined ? {} : { groups }) };
}

/** Account, or why there is none. */
export function runAs(
  { user, group }: ScriptText,
  runners: Runners,
  facts: MachineFacts,
): { readonly uid: number; readonly gid: number } | 'nobody' | 'unknown' {
  if (user === undefined) return runners.script_user ?? 'nobody';
  return lookUpUser({ user, ...(group === undefined ? {} : { group }) }, facts) ?? 'unknown';
}
