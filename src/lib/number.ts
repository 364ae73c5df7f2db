// Numbers as C reads them from the beginning of a text (strtol(3) with base 0, so that `0x10` is 16 and `010` is 8) and as
// it writes them.

const NUMBER = /^[ \t\n\v\f\r]*([+-]?)(?:0[xX]([\da-fA-F]+)|(0[0-7]*)|([1-9]\d*))/;

const LONG = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
const INT = { least: -(2n ** 31n), most: 2n ** 31n - 1n };

/** What a text begins with, within 64 bits; 0 where that is no number. */
export function integerIn(text: string | undefined): bigint {
  const found = NUMBER.exec(text ?? '');
  if (found === null) return 0n;
  const [, sign, hex, octal, decimal] = found;
  const size = BigInt(
    hex !== undefined ? `0x${hex}` : octal !== undefined ? `0o${octal}` : (decimal ?? '0'),
  );
  if (sign === '-') return -size < LONG.least ? LONG.least : -size;
  return size > LONG.most ? LONG.most : size;
}

/** It fits into 32 bits with a sign. */
export const isInt = (value: bigint): boolean => value >= INT.least && value <= INT.most;

/** As C's %g: six digits that count. Of a number below a million that is not below 0. */
export const general = (value: number): string =>
  value < 1e-4
    ? value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
    : String(Number(value.toPrecision(6)));
