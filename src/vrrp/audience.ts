// Which virtual routers each socket is for, so that the kernel can drop what is for none of them. Kept equal to the
// instances at the end of every step that may change them: a socket whose filter lags behind is deaf.

import type { SocketSpec } from './action.ts';
import type { Draft, SocketRecord } from './state.ts';

/** Tells the kernel of every socket whose instances have changed; a socket opened in this step is opened right. */
export function tuneSockets(draft: Draft): void {
  const audiences = new Map<string, number[]>();
  for (const { socket, config } of draft.router.members) {
    if (socket === undefined) continue;
    const vrids = audiences.get(socket);
    if (vrids === undefined) audiences.set(socket, [config.virtual_router_id]);
    else vrids.push(config.virtual_router_id);
  }
  for (const [key, vrids] of audiences) {
    const record = draft.router.sockets[key];
    vrids.sort((a, b) => a - b);
    if (record !== undefined && !sameVrids(record.spec.vrids, vrids)) tune(draft, record, vrids);
  }
}

function tune(draft: Draft, record: SocketRecord, vrids: readonly number[]): void {
  const { key } = record.spec;
  const socket: SocketSpec = { ...record.spec, vrids };
  draft.router = {
    ...draft.router,
    sockets: { ...draft.router.sockets, [key]: { ...record, spec: socket } },
  };
  const opening = draft.actions.findIndex(
    (action) => action.type === 'open' && action.socket.key === key,
  );
  if (opening >= 0) draft.actions[opening] = { type: 'open', socket };
  else if (record.state !== 'refused') draft.actions.push({ type: 'filter', socket });
}

const sameVrids = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((vrid, i) => vrid === b[i]);
