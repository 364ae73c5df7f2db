// Signals to process groups: a script together with all that it has started.

/** `leader` is the pid of the program that the group was made for. A group that has ended is none of anybody's concern. */
export function killGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // all of it has ended
  }
}
