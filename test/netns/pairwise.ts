// A small choice of test cases in which every pair of values of any two factors occurs. Greedy and without
// chance: the same factors give the same cases. Pairs that no allowed case contains are not asked for.

export type Factors = Readonly<Record<string, readonly unknown[]>>;
export type Case<F extends Factors> = { readonly [K in keyof F]: F[K][number] };

/** Every allowed combination. */
export function allCases<F extends Factors>(
  factors: F,
  allowed: (one: Case<F>) => boolean = () => true,
): Case<F>[] {
  let cases: Record<string, unknown>[] = [{}];
  for (const [name, values] of Object.entries(factors)) {
    cases = cases.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
  }
  return (cases as Case<F>[]).filter(allowed);
}

/** The pairs of values in a case, each as one string. */
export function pairsOf<F extends Factors>(factors: F, one: Case<F>): string[] {
  const names = Object.keys(factors);
  const place = (name: string): string =>
    `${name}=${(factors[name] ?? []).indexOf((one as Record<string, unknown>)[name])}`;
  return names.flatMap((a, i) => names.slice(i + 1).map((b) => `${place(a)} ${place(b)}`));
}

/** Allowed cases that cover every pair which occurs in any allowed case. */
export function pairwise<F extends Factors>(
  factors: F,
  allowed: (one: Case<F>) => boolean = () => true,
): Case<F>[] {
  const candidates = allCases(factors, allowed).map((one) => ({
    one,
    pairs: pairsOf(factors, one),
  }));
  const missing = new Set(candidates.flatMap(({ pairs }) => pairs));
  const chosen: Case<F>[] = [];
  while (missing.size > 0) {
    let best = candidates[0];
    let most = 0;
    for (const candidate of candidates) {
      const gain = candidate.pairs.filter((pair) => missing.has(pair)).length;
      if (gain > most) {
        best = candidate;
        most = gain;
      }
    }
    if (best === undefined) break;
    for (const pair of best.pairs) missing.delete(pair);
    chosen.push(best.one);
  }
  return chosen;
}
