// A configuration read from text alone, on a machine that exists nowhere.

import type { CheckerConfig } from '../../src/check/resolve.ts';
import type { MachineFacts } from '../../src/config/build.ts';
import type { Diagnostic } from '../../src/config/diagnostic.ts';
import { readPattern } from '../../src/config/include.ts';
import type { Block } from '../../src/config/keyword.ts';
import { type Line, lex } from '../../src/config/lexer.ts';
import { buildConfiguration, type Config } from '../../src/keywords.ts';

export const facts: MachineFacts = {
  hostname: 'host',
  processors: 2,
  interfaces: new Map([
    ['eth0', { loopback: false, mtu: 1500 }],
    ['eth1', { loopback: false, mtu: 1500 }],
    ['lo', { loopback: true, mtu: 65536 }],
  ]),
  user: (name) => (name === 'root' ? { uid: 0, gid: 0 } : undefined),
  group: (name) => (name === 'root' ? 0 : undefined),
  inspect: (path) =>
    path.startsWith('/') ? { path } : { message: 'no', disabled: 'since not found/accessible' },
};

export interface Read {
  readonly config?: Config;
  readonly diagnostics: readonly Diagnostic[];
  /** How many lines there were after includes and sequences. */
  readonly lines: number;
}

export function read(text: string, included = ''): Read {
  const files = {
    read: (path: string) =>
      path === '/inc' ? { text: included } : { problem: 'missing' as const },
    list: (directory: string) => (directory === '/' ? ['inc'] : undefined),
  };
  const lexed = lex([{ name: 'main', path: '/main', directory: '/', text }], {
    read: (pattern, directory) => readPattern(files, pattern, directory),
    configId: 'me',
    random: { seed: 7 },
  });
  const ended = lexed.diagnostics.some((d) => d.severity === 'fatal');
  const built = ended ? { diagnostics: [] } : buildConfiguration(lexed.lines, facts);
  return {
    ...built,
    diagnostics: [...lexed.diagnostics, ...built.diagnostics],
    lines: lexed.lines.length,
  };
}

/** The later of two configurations as a process gets it (ipc/parcel.ts): services that have stayed are the same objects. */
export function sharing<C extends CheckerConfig>(before: CheckerConfig, after: C): C {
  const known = new Map(before.virtual_server?.map((one) => [JSON.stringify(one), one]));
  const virtual_server = after.virtual_server?.map((one) => known.get(JSON.stringify(one)) ?? one);
  return virtual_server === undefined ? after : { ...after, virtual_server };
}

export const linesOf = (text: string): readonly Line[] =>
  lex([{ name: 'main', path: '/main', directory: '/', text }], {
    read: () => ({ files: [], problems: [] }),
    configId: 'me',
    random: { seed: 7 },
  }).lines;

/** Every keyword of the table, and every word that an entry may have. */
export function names(rows: Block): string[] {
  return Object.entries(rows).flatMap(([keyword, row]) => {
    if (row.form !== 'words' && row.form !== 'entries') return [keyword, ...names(row.rows)];
    return row.form === 'entries' && row.grammar !== undefined
      ? [keyword, ...names(row.grammar)]
      : [keyword];
  });
}
