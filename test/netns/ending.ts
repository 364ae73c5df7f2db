// What has to go with this process, however it ends, short of SIGKILL.

const STATUSES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** `act` cannot wait for anything. To be called once. */
export function atEnd(act: () => void): void {
  process.on('exit', act);
  for (const [signal, status] of Object.entries(STATUSES))
    process.on(signal, () => process.exit(status));
}
