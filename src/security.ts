// Scripts that run while nobody has said that only safe ones may: said once for VRRP and once for the scripts of
// start and stop, and it is what makes `-t` end with 6. And scripts that nobody can run.

import { realServer, virtualServer } from './check/keywords.ts';
import type { CheckConfig } from './check/resolve.ts';
import type { VirtualServer } from './check/rules.ts';
import { AFTERWARDS, atClosing, type MachineFacts, type Reporter } from './config/build.ts';
import { command } from './config/command.ts';
import { type GlobalDefs, type globalDefs, NOBODY, spokenOfUser } from './config/globals.ts';
import type { Statement } from './config/keyword.ts';
import type { Node } from './config/parser.ts';
import { resolveCommands } from './config/script.ts';
import type { ScriptText } from './config/value.ts';
import { type InstanceStatement, resolveScripts } from './vrrp/decision.ts';
import type { VrrpScript } from './vrrp/definitions.ts';
import { syncGroupRows } from './vrrp/group.ts';
import { type VrrpConfig, vrrpInstance } from './vrrp/keywords.ts';
import { optionalCommand } from './vrrp/value.ts';

interface Found {
  readonly keyword: string;
  readonly node: Node;
  readonly value: unknown;
}

/**
 * At the first command that needs somebody to run it where nobody may: keepalived looks for a default user once, in
 * global_defs, then in its checker, then in VRRP.
 */
export function reportNobody(
  globals: GlobalDefs,
  inGlobals: readonly Statement<typeof globalDefs>[],
  statements: readonly Found[],
  report: Reporter,
): void {
  if (globals.script_user !== undefined || spokenOfUser(inGlobals)) return;
  const needing = (keywords: readonly string[]): Found | undefined =>
    statements
      .filter(({ keyword }) => keywords.includes(keyword))
      .flatMap(commandsIn)
      .find(({ value }) => (value as ScriptText).user === undefined);
  const first =
    needing(['virtual_server']) ?? needing(['vrrp_script', 'vrrp_instance', 'vrrp_sync_group']);
  if (first === undefined) return;
  const ends = first.keyword === 'vrrp_script' || first.keyword === 'MISC_CHECK';
  report(NOBODY, first.node, ends ? atClosing(first.node) : {});
}

/** What a block and the blocks in it run, in the order of the file. */
function commandsIn(block: Found): readonly Found[] {
  const inner = insideOf(block);
  if (block.keyword === 'vrrp_script' || block.keyword === 'MISC_CHECK') {
    const path = inner.find(({ keyword }) => keyword === 'script' || keyword === 'misc_path');
    const named = inner.some(({ keyword }) => keyword === 'user');
    return path === undefined || named ? [] : [{ ...block, value: {} }];
  }
  return inner.flatMap((statement) => {
    if (COMMANDS.has(statement.keyword)) return statement.value === true ? [] : [statement];
    return INNER.has(statement.keyword) ? commandsIn(statement) : [];
  });
}

const INNER: ReadonlySet<string> = new Set(['real_server', 'MISC_CHECK']);

const insideOf = ({ value }: Found): readonly Found[] =>
  (Array.isArray(value)
    ? value
    : ((value as { statements?: unknown }).statements ?? [])) as Found[];

const COMMANDS: ReadonlySet<string> = new Set(
  [vrrpInstance, syncGroupRows, virtualServer, realServer].flatMap((rows) =>
    Object.entries(rows).flatMap(([name, row]) =>
      row.form === 'words' && (row.type === command || row.type === optionalCommand) ? [name] : [],
    ),
  ),
);

type GroupStatement = Statement<typeof syncGroupRows>;

interface Around {
  readonly globals: GlobalDefs;
  readonly facts: MachineFacts;
  readonly report: Reporter;
}

/**
 * At the first script that would really run. Where an interface is missing keepalived's VRRP process has ended before it
 * looks at scripts: `ended`, and theirs does not decide the exit status.
 */
export function reportInsecurity(
  ended: boolean,
  vrrp: VrrpConfig,
  check: CheckConfig,
  statements: readonly Found[],
  around: Around,
): void {
  const { globals, report } = around;
  if (globals.enable_script_security) return;
  const say = (kind: string, { node }: Found): void =>
    report(
      {
        id: 'script-security',
        severity: 'warning',
        class: ended && kind === '' ? 'none' : 'security',
        message: `SECURITY VIOLATION - ${kind}scripts are being executed but script_security not enabled.`,
        hint: 'put enable_script_security and script_user into global_defs',
      },
      node,
      AFTERWARDS,
    );
  const inGlobals = statements.flatMap((s) =>
    s.keyword === 'global_defs' ? (s.value as readonly Found[]) : [],
  );
  const first = inGlobals.find(
    ({ keyword }) =>
      (keyword === 'startup_script' || keyword === 'shutdown_script') &&
      globals[keyword] !== undefined,
  );
  if (first !== undefined) say('start/shutdown ', first);
  const readerOf = (own: keyof GlobalDefs): Found | undefined =>
    inGlobals.find(
      ({ keyword }) =>
        (keyword === 'notify_fifo_script' || keyword === own) &&
        globals[keyword as keyof GlobalDefs] !== undefined,
    );
  const fifo = vrrp.vrrp_instance.length > 0 ? readerOf('vrrp_notify_fifo_script') : undefined;
  // Scripts that no instance uses count too, where there is one.
  const used = statements.some(({ keyword }) => keyword === 'vrrp_instance');
  const script = used
    ? (fifo ?? statements.flatMap((statement) => runs(statement, vrrp, around) ?? [])[0])
    : undefined;
  if (script !== undefined) say('', script);
  const { virtual_server: servers = [] } = check;
  const server = statements.find(({ keyword }) => keyword === 'virtual_server');
  const reader = servers.length > 0 ? readerOf('lvs_notify_fifo_script') : undefined;
  const checking = reader ?? (servers.some(runsScript) ? server : undefined);
  if (checking !== undefined) say('check ', checking);
}

const runsScript = (server: VirtualServer): boolean =>
  server.quorum_up !== undefined ||
  server.quorum_down !== undefined ||
  server.real_server.some(
    (real) =>
      real.notify_up !== undefined ||
      real.notify_down !== undefined ||
      real.checkers.some((checker) => checker.script !== undefined),
  );

/** The statement that names a script that runs. */
function runs(block: Found, vrrp: VrrpConfig, around: Around): Found | undefined {
  const name = block.node.words[0]?.text ?? '';
  const inner = block.value as readonly Found[];
  // What is refused counts with the scripts that it would run.
  const quiet = { ...around, report: () => {} };
  switch (block.keyword) {
    case 'vrrp_script':
      return vrrp.vrrp_script?.some((script) => script.name === name && mayRun(script, vrrp))
        ? block
        : undefined;
    case 'vrrp_instance': {
      const statements = inner as readonly InstanceStatement[];
      const instance =
        vrrp.vrrp_instance.find((known) => known.name === name) ??
        resolveScripts({ name, statements }, quiet);
      return inner.find(({ keyword }) => {
        const value: unknown = instance[keyword as 'notify'];
        return COMMANDS.has(keyword) && value !== undefined && value !== true;
      });
    }
    case 'vrrp_sync_group': {
      const scripts =
        vrrp.vrrp_sync_group?.find((known) => known.name === name) ??
        resolveCommands(syncGroupRows, inner as readonly GroupStatement[], name, quiet);
      return inner.find(
        ({ keyword }) => COMMANDS.has(keyword) && scripts[keyword as 'notify'] !== undefined,
      );
    }
    default:
      return undefined;
  }
}

/** `</path` runs nothing. */
const mayRun = ({ script }: VrrpScript, vrrp: VrrpConfig): boolean =>
  script?.words[0]?.startsWith('<') !== true &&
  (script !== undefined || vrrp.vrrp_instance.length === 0);
