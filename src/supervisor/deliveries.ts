// Who has been told to read which configuration and has not answered yet. A file that somebody may still open must not be
// closed: its number would soon name another one.

import { closeParcel } from '../ipc/parcel.ts';

export class Deliveries<Content> {
  readonly #under = new Map<number, Content[]>();
  #retired: number[] = [];

  sent(pid: number, content: Content): void {
    const list = this.#under.get(pid);
    if (list === undefined) this.#under.set(pid, [content]);
    else list.push(content);
  }

  /** What this process has now read; `last` says that it has nothing newer to read. */
  answered(pid: number): { readonly content: Content; readonly last: boolean } | undefined {
    const list = this.#under.get(pid);
    const content = list?.shift();
    if (list === undefined || content === undefined) return undefined;
    if (list.length === 0) this.ended(pid);
    return { content, last: list.length === 0 };
  }

  /** It will never answer. */
  ended(pid: number): void {
    this.#under.delete(pid);
    this.#tidy();
  }

  /** Nobody will be told of this parcel any more. */
  retire(parcel: number): void {
    this.#retired.push(parcel);
    this.#tidy();
  }

  #tidy(): void {
    if (this.#under.size > 0) return;
    for (const parcel of this.#retired) closeParcel(parcel);
    this.#retired = [];
  }
}
