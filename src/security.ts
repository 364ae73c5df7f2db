// Scripts that run while nobody has said that only safe ones may: said once for VRRP and once for the scripts of
// start and stop, and it is what makes `-t` end with 6.

import type { CheckConfig } from './check/resolve.ts';
import type { VirtualServer } from './check/rules.ts';
import { AFTERWARDS, type Reporter } from './config/build.ts';
import { command } from './config/command.ts';
import type { GlobalDefs } from './config/globals.ts';
import type { Node } from './config/parser.ts';
import { type VrrpConfig, type VrrpInstance, vrrpInstance } from './vrrp/keywords.ts';
import { optionalCommand } from './vrrp/value.ts';

interface Found {
  readonly keyword: string;
  readonly node: Node;
  readonly value: unknown;
}

/** At the first script that would really run. */
export function reportInsecurity(
  globals: GlobalDefs,
  vrrp: VrrpConfig,
  check: CheckConfig,
  statements: readonly Found[],
  report: Reporter,
): void {
  if (globals.enable_script_security) return;
  const say = (kind: string, { node }: Found): void =>
    report(
      {
        id: 'script-security',
        severity: 'warning',
        class: 'security',
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
  const fifo = inGlobals.find(
    ({ keyword }) =>
      vrrp.vrrp_instance.length > 0 &&
      (keyword === 'notify_fifo_script' || keyword === 'vrrp_notify_fifo_script') &&
      globals[keyword] !== undefined,
  );
  const script = fifo ?? statements.flatMap((statement) => runs(statement, vrrp) ?? [])[0];
  if (script !== undefined) say('', script);
  const server = statements.find(({ keyword }) => keyword === 'virtual_server');
  if (server !== undefined && (check.virtual_server ?? []).some(runsScript)) say('check ', server);
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
function runs(block: Found, vrrp: VrrpConfig): Found | undefined {
  const name = block.node.words[0]?.text ?? '';
  const inner = block.value as readonly Found[];
  switch (block.keyword) {
    case 'vrrp_script':
      // keepalived counts them also where nothing uses them.
      return vrrp.vrrp_script?.some((script) => script.name === name && mayRun(script, vrrp))
        ? block
        : undefined;
    case 'vrrp_instance': {
      const instance = vrrp.vrrp_instance.find((known) => known.name === name);
      return inner.find(({ keyword }) => {
        const value = instance?.[keyword as keyof VrrpInstance];
        return SCRIPTS.has(keyword) && value !== undefined && value !== true;
      });
    }
    case 'vrrp_sync_group': {
      const group = vrrp.vrrp_sync_group?.find((known) => known.name === name);
      return inner.find(
        ({ keyword }) => SCRIPTS.has(keyword) && group?.[keyword as 'notify'] !== undefined,
      );
    }
    default:
      return undefined;
  }
}

const mayRun = (script: { readonly script?: unknown }, vrrp: VrrpConfig): boolean =>
  script.script !== undefined || vrrp.vrrp_instance.length === 0;

const SCRIPTS: ReadonlySet<string> = new Set(
  Object.entries(vrrpInstance).flatMap(([name, row]) =>
    row.form === 'words' && (row.type === command || row.type === optionalCommand) ? [name] : [],
  ),
);
