// From the environment to a role, and run it. The only file that ends the process. Each role loads its own code only: the
// VRRP child never sees the parser.

// SIGUSR1 opens Node's inspector to the network until a handler takes its place, so this comes before everything else.
// The others would end a process that is not yet set up; keepalived ignores them until then.
for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGHUP'] as const) process.on(signal, ignore);

import { close as closeInspector } from 'node:inspector';
import type { Tool } from './cli.ts';
import type { ChildContext } from './ipc/channel.ts';
import type { Kind } from './ipc/messages.ts';
import type { Role } from './supervisor/self.ts';

// One that came before is acted on by a thread of Node's, a little later.
closeInspector();
for (const wait of [0, 20, 100, 500]) setTimeout(closeInspector, wait).unref();

function ignore(): void {}

async function run(): Promise<number> {
  const { KEEPALIVED_ROLE: text } = process.env;
  delete process.env.KEEPALIVED_ROLE;
  const words = process.argv.slice(2);
  const role = text === undefined ? undefined : (JSON.parse(text) as Role);
  switch (role?.name) {
    case 'vrrp':
      return runChild(role, words, async () => (await import('./vrrp/daemon.ts')).runVrrp);
    case 'check':
      return runChild(role, words, async () => (await import('./check/daemon.ts')).runCheck);
    case 'reader': {
      const { runReader } = await import('./supervisor/reader.ts');
      await prepareFormat(role.source.file);
      return runReader(role);
    }
    case 'mailer': {
      const { runMailer } = await import('./supervisor/mailer.ts');
      return runMailer();
    }
    case 'script': {
      const { runAs } = await import('./supervisor/runner.ts');
      return runAs(role.script);
    }
    case 'daemon':
    case undefined:
      return runCommand(words, role);
  }
}

/** What reads YAML is loaded where it is needed only. */
async function prepareFormat(file: string): Promise<void> {
  const { prepareFormat: prepare } = await import('./config/source.ts');
  await prepare(file);
}

async function runChild(
  { parent, origin, log, restore, umask }: Extract<Role, { readonly name: Kind }>,
  words: readonly string[],
  load: () => Promise<(context: ChildContext) => Promise<number>>,
): Promise<number> {
  // Programs signal every process of the name, and a terminal the whole group: the parent says what it means.
  process.on('SIGINT', ignore);
  Object.assign(process.env, restore);
  const [{ native }, { shrug }, { openLog }, { endOnBug }, { DEADMAN_FD, MASK }, run] =
    await Promise.all([
      import('./net/native.ts'),
      import('./net/shrug.ts'),
      import('./log.ts'),
      import('./bug.ts'),
      import('./ipc/channel.ts'),
      load(),
    ]);
  // So too those for JSON and for statistics that start anew, until it has a role.
  shrug();
  native.setName('keepalived');
  native.setArguments(['keepalived', ...words]);
  native.parentDeathSignal(15);
  // It may have died before the line above.
  if (process.ppid !== parent) return 0;
  // The first child was started before its parent knew any.
  process.umask(umask ?? MASK);
  const output = openLog(log);
  endOnBug(() => output, process.exit);
  const context = {
    log: output,
    origin,
    deadman: DEADMAN_FD,
    ...(umask === undefined ? {} : { umask }),
  };
  const status = await run(context);
  output.flush();
  return status;
}

async function runCommand(
  words: readonly string[],
  role: Extract<Role, { readonly name: 'daemon' }> | undefined,
): Promise<number> {
  if (words[0] === '-T' || words[0] === '--genhash') {
    const { runGenhash } = await import('./tool/genhash.ts');
    return runGenhash('keepalived --genhash', words.slice(1));
  }
  const { readCommandLine, versionText } = await import('./cli.ts');
  const invocation = readCommandLine(words);
  switch (invocation.kind) {
    case 'error':
      process.stderr.write(`${invocation.text}\n`);
      return 1;
    case 'print':
      process.stdout.write(`${invocation.text}\n`);
      return 0;
    case 'help':
      process.stderr.write(invocation.text);
      return 0;
    case 'version': {
      const { release, version } = await import('node:os');
      process.stderr.write(versionText(`Linux ${release()} ${version()}`, process.version));
      return 0;
    }
    case 'tool':
      return runTool(invocation.tool, invocation.words);
    case 'test':
    case 'run':
      break;
  }
  const { options, notices } = invocation;
  if (notices.strays !== undefined) process.stdout.write(`${notices.strays}\n`);
  for (const text of notices.ignored) process.stderr.write(`${text}\n`);
  if (invocation.kind === 'test') {
    const [{ runCheck }] = await Promise.all([
      import('./supervisor/check.ts'),
      prepareFormat(options.file),
    ]);
    process.umask(options.umask ?? 0o177);
    const status = runCheck(options, invocation.output);
    return status === 0 && notices.counted ? 5 : status;
  }
  const [{ childCommand }, { native }, { liftCoreLimit, startSpare }] = await Promise.all([
    import('./supervisor/self.ts'),
    import('./net/native.ts'),
    import('./supervisor/spare.ts'),
  ]);
  if (options.daemon && role === undefined) {
    const { launch } = await import('./supervisor/launcher.ts');
    return launch(childCommand(), words);
  }
  native.setName('keepalived');
  native.setArguments(['keepalived', ...words]);
  const directory = role?.directory ?? process.cwd();
  const self = childCommand();
  // The child loads its code while this process loads its own and reads the configuration: nothing big comes before.
  liftCoreLimit(options);
  const spare = startSpare({ options, words, directory, self });
  const [{ tellLauncher }, { runParent }] = await Promise.all([
    import('./supervisor/launcher.ts'),
    import('./supervisor/daemon.ts'),
    prepareFormat(options.file),
  ]);
  const ready = (): void => {
    if (role !== undefined) tellLauncher();
  };
  return runParent({ options, words, directory, self, spare, ready });
}

async function runTool(tool: Tool, words: readonly string[]): Promise<number> {
  switch (tool) {
    case 'convert': {
      const { runConvert } = await import('./tool/convert.ts');
      return runConvert(words);
    }
    case 'help': {
      const { runHelp } = await import('./tool/help.ts');
      return runHelp(words);
    }
    case 'lint': {
      const { runLint } = await import('./tool/lint.ts');
      return runLint(words);
    }
  }
}

process.exit(await run());
