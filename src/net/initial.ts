// Creates files that others are to change, with what stands in them first. One that is there is left alone, unless it shall
// be overwritten.

import { writeFileSync } from 'node:fs';

export interface InitialFile {
  readonly path: string;
  readonly text: string;
  readonly overwrite: boolean;
}

/** With the permissions that the umask leaves. Throws what the system refuses. */
export function createFile({ path, text, overwrite }: InitialFile): void {
  try {
    writeFileSync(path, text, { flag: overwrite ? 'w' : 'wx', mode: 0o666 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
