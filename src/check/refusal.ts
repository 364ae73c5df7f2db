// What the kernel refused. Where its table is not what this process took it for, the order that fits is given instead; what
// it cannot do at all is logged.

import type { IpvsOrder } from '../lib/ipvs.ts';
import type { CheckEvent } from './event.ts';
import type { PlannedService } from './plan.ts';
import { type DirectorState, type Draft, say, wantedPool } from './state.ts';
import { nameOfKey, type Pool, placeOf, portUnder } from './table.ts';

type Refused = Extract<CheckEvent, { readonly type: 'refused' }>;

export function correct(draft: Draft, { order, code, message }: Refused): void {
  const orders = instead(draft, order, code);
  if (orders === undefined) say(draft, 'error', `IPVS: ${describe(order)}: ${message}`);
  else draft.orders.push(...orders);
}

/** IPVS says EEXIST of what is there, ESRCH of a service and ENOENT of a destination that is not. */
function instead(draft: Draft, order: IpvsOrder, code: string): readonly IpvsOrder[] | undefined {
  // One that does not run is stopped.
  if (order.type === 'stopSync' && code === 'ESRCH') return [];
  if (!('key' in order)) return undefined;
  const { key } = order;
  const absent = code === 'ESRCH' || code === 'ENOENT';
  const wanted = wantedPool(draft.state, nameOfKey(key));
  switch (order.type) {
    case 'addService':
      if (code !== 'EEXIST') {
        // Nothing can be done in it: that would be refused again and again.
        const { broken } = draft.state;
        draft.state = { ...draft.state, broken: new Set([...broken, nameOfKey(key)]) };
        return undefined;
      }
      return wanted === undefined ? [] : takeOver(draft.state, wanted);
    case 'removeService':
    case 'removeDestination':
      return absent ? [] : undefined;
    case 'editService':
      // ENOENT is said of a scheduler.
      if (code !== 'ESRCH') return undefined;
      return wanted === undefined ? [] : anew(wanted);
    case 'addDestination':
    case 'editDestination': {
      const { destination } = order;
      const found = wanted?.destinations.get(placeOf(destination));
      if (wanted === undefined || found === undefined) return [];
      if (code === 'ESRCH') return draft.state.broken.has(nameOfKey(key)) ? [] : anew(wanted);
      const { to } = found;
      if (order.type === 'addDestination' && code === 'EEXIST')
        return [{ type: 'editDestination', key, destination, to }];
      if (order.type === 'editDestination' && code === 'ENOENT')
        return [{ type: 'addDestination', key, destination, to }];
      return undefined;
    }
  }
}

/**
 * Another process left it: what it had of ours goes, unless it is wanted. What is in it that the configuration does not name
 * is somebody else's.
 */
function takeOver(
  { plan }: DirectorState,
  { key, service, destinations }: Pool,
): readonly IpvsOrder[] {
  const orders: IpvsOrder[] = [{ type: 'editService', key, service }];
  for (const at of plan.owners.get(nameOfKey(key)) ?? []) {
    const owner = plan.services[at] as PlannedService;
    const { sorry_server: sorry, lvs_method: usual } = owner.config;
    const own = [
      ...owner.reals.map(({ config: { address, port, lvs_method = usual } }) => ({
        address,
        port,
        method: lvs_method.kind,
      })),
      ...(sorry === undefined
        ? []
        : [{ ...sorry, method: (owner.config.sorry_server_lvs_method ?? usual).kind }]),
    ];
    for (const { address, port: configured, method } of own) {
      const destination = { address, port: portUnder(key, configured, method) };
      if (!destinations.has(placeOf(destination)))
        orders.push({ type: 'removeDestination', key, destination });
    }
  }
  return orders;
}

/** A service that is gone, with all that it is to have. */
const anew = ({ key, service, destinations }: Pool): readonly IpvsOrder[] => [
  { type: 'addService', key, service },
  ...[...destinations.values()].map(
    ({ key: destination, to }): IpvsOrder => ({ type: 'addDestination', key, destination, to }),
  ),
];

const VERBS: Readonly<Record<IpvsOrder['type'], string>> = {
  addService: 'cannot add service',
  editService: 'cannot change service',
  removeService: 'cannot remove service',
  addDestination: 'cannot add destination',
  editDestination: 'cannot change destination',
  removeDestination: 'cannot remove destination',
  flush: 'cannot empty the table',
  timeouts: 'cannot set timeouts',
  startSync: 'cannot start the sync daemon',
  stopSync: 'cannot stop the sync daemon',
};

function describe(order: IpvsOrder): string {
  if (!('key' in order)) return VERBS[order.type];
  const { key } = order;
  const service =
    'mark' in key
      ? `FWM ${key.mark}`
      : `[${key.address}]:${key.protocol.toLowerCase()}:${key.port}`;
  if (!('destination' in order)) return `${VERBS[order.type]} ${service}`;
  const { address, port } = order.destination;
  return `${VERBS[order.type]} [${address}]:${port} of ${service}`;
}
