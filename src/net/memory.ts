// Gives the program text that only the start needed back to the page cache. What runs again is read from there, page by
// page: private memory is what a process costs, shared text what it shows.

import { native } from './native.ts';

/** The start is over by then, in milliseconds. */
const SETTLED = 1_000;

let pending: NodeJS.Timeout | undefined;

/** Once, however often it is asked for; `warmUp` reads again what must not be cold. */
export function dropTextSoon(warmUp: () => void = () => {}): void {
  clearTimeout(pending);
  pending = setTimeout(() => {
    native.dropText();
    warmUp();
  }, SETTLED).unref();
}
