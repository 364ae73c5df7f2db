// Carries out the core's orders about the kernel's daemon for IPVS connections. IPVS is asked for when the first of them
// comes: most directors never have one. It decides nothing.

import { Ipvs } from '../net/ipvs.ts';
import { inIpvsNamespace } from '../net/namespace.ts';
import type { VrrpAction } from './action.ts';
import type { VrrpEvent } from './event.ts';

type SyncAction = Extract<VrrpAction, { readonly type: 'startSync' | 'stopSync' }>;

export class Syncing {
  #ipvs: Ipvs | undefined;
  /** Why there is none: asking again at each takeover would load modules while others wait. */
  #absent: Error | undefined;
  readonly #namespace: string | undefined;
  readonly #origin: string;

  /** As inIpvsNamespace has them. */
  constructor(namespace: string | undefined, origin: string) {
    this.#namespace = namespace;
    this.#origin = origin;
  }

  /** What was refused comes back as an event; a kernel without IPVS is 'ENOSYS'. */
  perform(action: SyncAction): readonly VrrpEvent[] {
    try {
      this.#ipvs ??= this.#open();
      const [refused] = this.#ipvs.order([action]);
      // One that does not run is stopped.
      if (refused === undefined || (action.type === 'stopSync' && refused.code === 'ESRCH'))
        return [];
      const { code, message } = refused;
      return [{ type: 'refused', action, code, message }];
    } catch (error) {
      // There is nothing to stop.
      if (action.type === 'stopSync' && this.#ipvs === undefined) return [];
      const { code = 'ENOSYS', message } = error as NodeJS.ErrnoException;
      return [{ type: 'refused', action, code, message }];
    }
  }

  #open(): Ipvs {
    if (this.#absent !== undefined) throw this.#absent;
    try {
      return inIpvsNamespace(this.#namespace, this.#origin, () => Ipvs.open());
    } catch (error) {
      this.#absent = error as Error;
      throw error;
    }
  }

  close(): void {
    this.#ipvs?.close();
    this.#ipvs = undefined;
  }
}
