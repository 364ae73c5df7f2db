// Values to JSON text. Unlike JSON.stringify it takes numbers of 64 bits, which are written as they are.

export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** Without spaces; members that are undefined are left out. */
export function jsonText(value: Json): string {
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  const members = Object.entries(value).flatMap(([name, member]) =>
    member === undefined ? [] : [`${JSON.stringify(name)}:${jsonText(member)}`],
  );
  return `{${members.join(',')}}`;
}

/** Array.isArray lets a readonly array through as something else. */
const isArray = (value: object): value is readonly Json[] => Array.isArray(value);
