// All instances of the VRRP process as one machine; the only thing the shell steps.

import type { Step } from '../lib/machine.ts';
import type { Instant } from '../lib/time.ts';
import type { VrrpAction } from './action.ts';
import type { VrrpEvent } from './event.ts';
import type { VrrpConfig } from './keywords.ts';
import type { RouterState } from './state.ts';

export type { RouterState } from './state.ts';

/** Nothing has happened yet; the first `facts` event starts the instances. */
export declare function createRouter(config: VrrpConfig): RouterState;

/** Total: any event in any state. `now` is when the event happened. */
export declare function step(
  state: RouterState,
  event: VrrpEvent,
  now: Instant,
): Step<RouterState, VrrpAction>;

export declare function nextDeadline(state: RouterState): Instant | undefined;
