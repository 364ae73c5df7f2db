// Who may do something that counts: one at a time, in the order of asking. Preparations may run beside.

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` alone. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
