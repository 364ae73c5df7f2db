// Looks for a pattern in bytes that a server sent, and stops a pattern that goes astray: JavaScript stands still for a
// tenth of a second and no longer. It knows nothing of where the pattern comes from.

import { type Context, createContext, Script } from 'node:vm';

/** How long one search may take, in milliseconds. PCRE2 counts steps instead; 2.2.7 takes its limit for no match. */
export const SEARCH_LIMIT = 100;

/** Where the first match at or after `from` begins; -1 for nowhere, undefined where the search took too long. */
export function search(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  sandbox ??= createContext({});
  Object.assign(sandbox, { pattern, text });
  try {
    return script.runInContext(sandbox, { timeout: SEARCH_LIMIT }) as number;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  } finally {
    Object.assign(sandbox, { pattern: undefined, text: undefined });
  }
}

const script = new Script(
  '(() => { const m = pattern.exec(text); return m === null ? -1 : m.index })()',
);
let sandbox: Context | undefined;
