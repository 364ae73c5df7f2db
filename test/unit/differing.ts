// The recordings of keepalived's dumps that ours differ from, and why it is so. The tests hold both ways: no other file may
// differ, and these must. scripts/generate.ts writes them into docs/compatibility.md.

export type Ending = '.data' | '.check.data';

export const DIFFERENT: Readonly<Record<Ending, Readonly<Record<string, readonly string[]>>>> = {
  '.data': {
    'an unknown block is skipped alone; read as keepalived reads it, the instance would lose its priority, password and address':
      ['037'],
    'BFD is not there yet: an instance that follows a session goes on, where keepalived 2.2.7 waits for the session':
      ['297'],
    'a tracked file whose folder is not there is looked for and shown; without its lines nobody would see that it counts as soon as it is there':
      ['257'],
    'the same; weights of BFD sessions; sockets, faults and an interface of index 0 for use_ipvlan without an address, where keepalived makes none; static addresses that the kernel of the recording refused':
      ['273'],
  },
  '.check.data': {
    'an unknown block is skipped whole; read as keepalived reads it, a time of one check would be that of the whole server':
      ['174'],
  },
};

/** auth_hmac, which keepalived 2.2.7 does not know, is refused: there is nothing to dump. */
export const REFUSED: Readonly<Record<Ending, readonly string[]>> = {
  '.data': ['206'],
  '.check.data': [],
};
