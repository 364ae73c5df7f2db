// The whole keyword table, assembled from the features' rows, and the configuration as the processes get it.

import {
  AFTERWARDS,
  collect,
  createReporter,
  type MachineFacts,
  type Reporter,
  readBlock,
} from './config/build.ts';
import { command } from './config/command.ts';
import type { Diagnostic } from './config/diagnostic.ts';
import { type GlobalDefs, globalDefs, resolveGlobals } from './config/globals.ts';
import { defaulted, named, optional, type Statement, section } from './config/keyword.ts';
import type { Line } from './config/lexer.ts';
import { parse } from './config/parser.ts';
import { flag, wholeSeconds, word } from './config/value.ts';
import { type Duration, seconds } from './lib/time.ts';
import type { InstanceBlock } from './vrrp/decision.ts';
import { type VrrpConfig, type VrrpInstance, vrrpInstance } from './vrrp/keywords.ts';
import { resolveInstances } from './vrrp/rules.ts';
import { optionalCommand } from './vrrp/value.ts';

export const keywords = {
  net_namespace: optional(word(), 'Network namespace that everything runs in.', {
    bare: 'net_namespace name missing - ignoring',
  }),
  instance: optional(word(), 'Name of this daemon, added to pid files and to the syslog ident.', {
    bare: 'instance name missing - ignoring',
    again: 'Duplicate instance definition %w - ignoring',
  }),
  use_pid_dir: defaulted(flag, false, 'Put pid files into /run/keepalived.'),
  child_wait_time: defaulted(
    wholeSeconds(0, 4294967295),
    seconds(5),
    'How long the parent waits for its children to end before it kills them.',
    { refusal: 'Invalid child_wait_time %w' },
  ),
  global_defs: section(globalDefs, 'What holds for the whole daemon.', { parent: true }),
  vrrp_instance: named(vrrpInstance, 'A virtual router.', {
    again: 'vrrp instance %n already defined',
  }),
};

/** The configuration, everything decided: plain JSON that survives a trip to another process. */
export interface Config extends VrrpConfig {
  readonly net_namespace?: string;
  readonly instance?: string;
  readonly use_pid_dir: boolean;
  readonly child_wait_time: Duration;
  readonly global_defs: GlobalDefs;
}

/**
 * Lines -> configuration. Absent `config`: something fatal was found, and the diagnostics say what. Everything
 * that could be understood is in it otherwise, whatever else is wrong.
 */
export function buildConfiguration(
  lines: readonly Line[],
  facts: MachineFacts,
): {
  readonly config?: Config;
  readonly diagnostics: readonly Diagnostic[];
  readonly net_namespace?: string;
} {
  const { nodes, diagnostics: found } = parse(lines, keywords);
  const diagnostics: Diagnostic[] = [...found];
  const report = createReporter(diagnostics);
  const statements = readBlock(keywords, nodes, '', report);
  const root = collect(keywords, statements);
  const globals = resolveGlobals(globalStatements(statements), facts, report);
  const instances = resolveInstances(instanceBlocks(statements), {
    globals,
    facts,
    report,
  });
  reportInsecurity(instances, globals, statements, report);
  const namespace = root.net_namespace === undefined ? {} : { net_namespace: root.net_namespace };
  if (diagnostics.some((d) => d.severity === 'fatal')) return { diagnostics, ...namespace };
  return {
    config: {
      ...namespace,
      ...(root.instance === undefined ? {} : { instance: root.instance }),
      use_pid_dir: root.use_pid_dir ?? false,
      child_wait_time: root.child_wait_time ?? seconds(5),
      global_defs: globals,
      vrrp_instance: instances,
    },
    diagnostics,
    ...namespace,
  };
}

type RootStatement = Statement<typeof keywords>;

/** All blocks of global_defs as if they were one. */
const globalStatements = (statements: readonly RootStatement[]): Statement<typeof globalDefs>[] =>
  statements.flatMap((s) => (s.keyword === 'global_defs' ? s.value : []));

const instanceBlocks = (statements: readonly RootStatement[]): InstanceBlock[] =>
  statements.flatMap((s) =>
    s.keyword === 'vrrp_instance'
      ? [{ name: s.node.words[0]?.text ?? '', node: s.node, statements: s.value }]
      : [],
  );

/** Once for the whole file, at the first script that would really run. */
function reportInsecurity(
  instances: readonly VrrpInstance[],
  globals: GlobalDefs,
  statements: readonly RootStatement[],
  report: Reporter,
): void {
  if (globals.enable_script_security) return;
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  for (const { name, statements: inner } of instanceBlocks(statements)) {
    const instance = byName.get(name);
    const script = inner.find(({ keyword }) => {
      const value = instance?.[keyword as keyof VrrpInstance];
      return SCRIPTS.has(keyword) && value !== undefined && value !== true;
    });
    if (script === undefined) continue;
    report(
      {
        id: 'script-security',
        severity: 'warning',
        class: 'security',
        message: 'SECURITY VIOLATION - scripts are being executed but script_security not enabled.',
        hint: 'put enable_script_security and script_user into global_defs',
      },
      script.node,
      AFTERWARDS,
    );
    return;
  }
}

const SCRIPTS: ReadonlySet<string> = new Set(
  Object.entries(vrrpInstance).flatMap(([name, row]) =>
    row.form === 'words' && (row.type === command || row.type === optionalCommand) ? [name] : [],
  ),
);
