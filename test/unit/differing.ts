// The recordings of keepalived's dumps that ours differ from, and why it is so. The tests hold both ways: no other file may
// differ, and these must. scripts/generate.ts writes them into docs/compatibility.md.

export type Ending = '.data' | '.check.data';

export const DIFFERENT: Readonly<Record<Ending, Readonly<Record<string, readonly string[]>>>> = {
  '.data': {
    'an unknown block: keepalived loses the rest of the instance': ['037'],
    'an instance waits for a BFD session': ['297'],
    'a tracked file whose folder is not there: keepalived forgets it, here it may come': ['257'],
    'the same, BFD sessions with weights, and an interface of IPVLAN that cannot be made': ['273'],
    'interfaces that are named and not there: keepalived lists them and what it would do': ['299'],
  },
  '.check.data': {
    'what an unknown block holds is read around it': ['054', '174'],
    'keepalived gives a `host` of SMTP_CHECK no time to answer': ['144'],
  },
};

/** auth_hmac, which keepalived 2.2.7 does not know, is refused: there is nothing to dump. */
export const REFUSED: Readonly<Record<Ending, readonly string[]>> = {
  '.data': ['206'],
  '.check.data': [],
};
