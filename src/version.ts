// The version of this program; package.json says the same (test/unit/cli.test.ts).

export const VERSION = '0.1.0';
