// A list whose items can be replaced without copying it: a change costs as many steps as the list has levels, and every
// earlier version stays as it was. A machine with ten thousand parts can so be a pure function that is called for each of them.

const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

type Node<T> = readonly (T | Node<T>)[];

export interface Vector<T> {
  readonly length: number;
  readonly levels: number;
  readonly root: Node<T>;
}

export function vector<T>(items: readonly T[]): Vector<T> {
  let level: Node<T> = items;
  let levels = 0;
  while (level.length > WIDTH) {
    const above: Node<T>[] = [];
    for (let i = 0; i < level.length; i += WIDTH) above.push(level.slice(i, i + WIDTH));
    level = above;
    levels++;
  }
  return { length: items.length, levels, root: level };
}

/** Throws where there is no such item: that is a mistake of the caller. */
export function itemAt<T>({ length, levels, root }: Vector<T>, index: number): T {
  if (!(index >= 0 && index < length)) throw new RangeError(`no item ${index} of ${length}`);
  let node = root;
  for (let level = levels; level > 0; level--)
    node = node[(index >> (level * BITS)) & MASK] as Node<T>;
  return node[index & MASK] as T;
}

export function withItem<T>(list: Vector<T>, index: number, item: T): Vector<T> {
  if (itemAt(list, index) === item) return list;
  return { ...list, root: replaced(list.root, list.levels, index, item) };
}

function replaced<T>(node: Node<T>, level: number, index: number, item: T): Node<T> {
  const position = (index >> (level * BITS)) & MASK;
  const copy = node.slice();
  copy[position] = level === 0 ? item : replaced(node[position] as Node<T>, level - 1, index, item);
  return copy;
}

export function* itemsOf<T>(list: Vector<T>): Generator<T> {
  for (let index = 0; index < list.length; index++) yield itemAt(list, index);
}
