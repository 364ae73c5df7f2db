// A pseudo-random generator whose state is a plain number, so that it can live in a machine's state and
// a recorded history replays exactly (mulberry32).

export interface Random {
  readonly seed: number;
}

/** A number in [0, 1) and the generator to use next. */
export function next(random: Random): { readonly value: number; readonly random: Random } {
  const seed = (random.seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return { value: ((t ^ (t >>> 14)) >>> 0) / 2 ** 32, random: { seed } };
}
