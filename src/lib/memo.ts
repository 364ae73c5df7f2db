// The last result of a pure function of an object and another value, remembered with the object. It changes
// nothing but the time a step takes, which matters because the shell steps ahead to prepare the next deadline.

/** Arguments are compared by identity. */
export function remembered<K extends object, A, R>(
  compute: (key: K, argument: A) => R,
): (key: K, argument: A) => R {
  const known = new WeakMap<K, { readonly argument: A; readonly result: R }>();
  return (key, argument) => {
    const last = known.get(key);
    if (last !== undefined && last.argument === argument) return last.result;
    const result = compute(key, argument);
    known.set(key, { argument, result });
    return result;
  };
}
