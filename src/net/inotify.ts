// News of folders as the kernel lays it out (inotify(7)):
//
//    0        4        8        12       16
//   +--------+--------+--------+--------+------------------------
//   | number | mask   | cookie | length | name, padded with NUL
//   +--------+--------+--------+--------+------------------------

/** A file that was open for writing was closed. */
const CLOSE_WRITE = 0x8;
const MOVED_FROM = 0x40;
const MOVED_TO = 0x80;
const CREATE = 0x100;
const DELETE = 0x200;
const DELETE_SELF = 0x400;
const MOVE_SELF = 0x800;
const UNMOUNT = 0x2000;
const OVERFLOW = 0x4000;
const IGNORED = 0x8000;
/** Of the folder itself, which has no name in its news. */
const SELF = DELETE_SELF | MOVE_SELF | UNMOUNT | IGNORED;
const ONLY_FOLDERS = 0x0100_0000;

/** What is asked for: a name that comes, goes or is exchanged, a file that has been written, and the end of the folder. */
export const FOLDER_NEWS =
  CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF | ONLY_FOLDERS;

export interface FolderNews {
  /** Which folder; -1 where news was lost. */
  readonly number: number;
  readonly what: /** It was closed after writing. */
    | 'written'
    /** Something has this name now that may have been empty a moment ago: whoever made it may still write. */
    | 'made'
    /** Something else, or nothing, has this name now. */
    | 'moved'
    /** The folder is elsewhere, or gone. */
    | 'self'
    /** The folder will not be heard of again. */
    | 'end'
    | 'lost';
  readonly name: string;
}

const HEADER = 16;
const text = new TextDecoder();

export function* readFolderNews(bytes: Uint8Array): Generator<FolderNews> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + HEADER <= view.byteLength; ) {
    const start = offset + HEADER;
    const end = start + view.getUint32(offset + 12, true);
    const field = bytes.subarray(start, end);
    const zero = field.indexOf(0);
    yield {
      number: view.getInt32(offset, true),
      what: meaning(view.getUint32(offset + 4, true)),
      name: text.decode(zero < 0 ? field : field.subarray(0, zero)),
    };
    offset = end;
  }
}

function meaning(mask: number): FolderNews['what'] {
  if ((mask & OVERFLOW) !== 0) return 'lost';
  if ((mask & IGNORED) !== 0) return 'end';
  if ((mask & SELF) !== 0) return 'self';
  if ((mask & CLOSE_WRITE) !== 0) return 'written';
  return (mask & CREATE) !== 0 ? 'made' : 'moved';
}
