// Mail about changes of state: the same envelopes, subjects and texts as keepalived's in the same scene, and servers that
// are no use, which must cost nothing but the mail.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { requireProgram } from './programs.ts';
import { program, type Running, type Sandbox, sandbox, until } from './sandbox.ts';

const root = process.getuid?.() === 0;
const options = { skip: root ? false : 'needs root', timeout: 90_000 };

/** A mail server that takes everything and prints each mail as one line of JSON; `mode` says how it misbehaves. */
const SERVER = `
const mode = process.argv[1];
let open = 0;
require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  console.log(JSON.stringify({ open: ++open }));
  socket.on('close', () => open--);
  if (mode === 'silent') return;
  if (mode === 'rude') return socket.end('554 go away\\r\\n');
  const mail = { to: [] };
  let data = false, rest = '';
  socket.write('220 test\\r\\n');
  socket.on('data', (bytes) => {
    const lines = (rest + bytes).split('\\r\\n');
    rest = lines.pop();
    for (const line of lines) {
      if (data) {
        if (line !== '.') { mail.lines.push(line); continue; }
        data = false;
        console.log(JSON.stringify(mail));
        socket.write('250 ok\\r\\n');
      } else if (/^DATA/i.test(line)) { data = true; mail.lines = []; socket.write('354 go\\r\\n'); }
      else if (/^QUIT/i.test(line)) socket.end('221 bye\\r\\n');
      else {
        if (/^(HELO|EHLO) /i.test(line)) mail.name = line.slice(5);
        if (/^MAIL FROM:/i.test(line)) mail.from = line.slice(10).trim();
        if (/^RCPT TO:/i.test(line)) mail.to.push(line.slice(8).trim());
        socket.write('250 ok\\r\\n');
      }
    }
  });
}).listen(25, '127.0.0.1', () => console.log('{}'));
`;

interface Mail {
  readonly name?: string;
  readonly from?: string;
  readonly to?: readonly string[];
  readonly lines?: readonly string[];
  readonly open?: number;
}

async function serve(t: TestContext, box: Sandbox, mode: string): Promise<() => readonly Mail[]> {
  const server = box.start([process.execPath, '-e', SERVER, mode]);
  t.after(() => server.signal('SIGKILL'));
  const read = (): readonly Mail[] =>
    server.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Mail);
  await until('the mail server', () => read().length > 0);
  return read;
}

const config = (more = ''): string => `global_defs {
  router_id R1
  notification_email {
    a@example.org
    b@example.org
  }
  notification_email_from ka@example.org
  smtp_server 127.0.0.1
  smtp_helo_name helo.example.org
  smtp_connect_timeout 1
  ${more}
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  version 3
  advert_int 0.1
  smtp_alert
  virtual_ipaddress {
    10.9.0.100
  }
}
vrrp_instance VI_2 {
  interface eth0
  virtual_router_id 6
  version 3
  advert_int 0.1
  virtual_ipaddress {
    10.9.0.101
  }
}
`;

/** What every reader sees of a mail. */
function visible({ name, from, to, lines = [] }: Mail): string {
  const header = (key: string): string =>
    lines.find((line) => line.toLowerCase().startsWith(`${key}:`))?.replace(/^[^:]*: */, '') ?? '';
  const text = lines
    .slice(lines.indexOf('') + 1)
    .join('\n')
    .trim();
  const envelope = `${name} ${from} ${to?.join(' ')}`;
  return [envelope, header('from'), header('to'), header('subject'), header('x-mailer'), text].join(
    '|',
  );
}

async function play(
  box: Sandbox,
  daemon: Running,
  mails: () => readonly Mail[],
): Promise<string[]> {
  const seen = (): string[] =>
    mails()
      .filter(({ lines }) => lines !== undefined)
      .map(visible);
  const link = (state: string): Promise<unknown> =>
    box.start(['ip', 'link', 'set', 'peer0', state]).ended;
  await until('mail of MASTER', () => seen().some((mail) => mail.includes('Entering MASTER')));
  await link('down');
  await until('mail of FAULT', () => seen().some((mail) => mail.includes('Entering FAULT')));
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
  return seen().sort();
}

test('envelope, subject and text are keepalived’s', options, async (t) => {
  const outcome = async (words: readonly string[]): Promise<string[]> => {
    const box = await sandbox(t);
    const mails = await serve(t, box, 'kind');
    box.write('tmp/keepalived.conf', config());
    return play(box, box.start([...words, '-n', '-l', '-D', '-f', '/tmp/keepalived.conf']), mails);
  };
  const theirs = await outcome([requireProgram('keepalived')]);
  assert.equal(theirs.length, 3, theirs.join('\n'));
  assert.deepEqual(await outcome([process.execPath, program]), theirs);
});

test(
  'smtp_alert_vrrp is for instances that say nothing; no_email_faults is heard',
  options,
  async (t) => {
    const box = await sandbox(t);
    const mails = await serve(t, box, 'kind');
    const daemon = box.daemon(config('smtp_alert_vrrp on\n  no_email_faults'));
    const subjects = (): string[] =>
      mails().flatMap(({ lines = [] }) => lines.filter((line) => line.startsWith('Subject:')));
    await until('mail of both', () =>
      ['VI_1', 'VI_2'].every((name) =>
        subjects().some((text) => text.includes(`${name} - Entering MASTER`)),
      ),
    );
    await box.start(['ip', 'link', 'set', 'peer0', 'down']).ended;
    await until('FAULT', () => daemon.stderr.includes('(VI_2) Entering FAULT STATE'));
    await box.start(['ip', 'link', 'set', 'peer0', 'up']).ended;
    await until('mail of BACKUP', () => subjects().filter((s) => s.includes('BACKUP')).length >= 4);
    assert.ok(!subjects().some((text) => text.includes('FAULT')));
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
  },
);

for (const [mode, reason] of [
  ['silent', /Cannot send SMTP alert: .*[Tt]imeout|Greeting never received/],
  ['rude', /Cannot send SMTP alert: .*go away/],
  ['absent', /Cannot send SMTP alert: .*ECONNREFUSED/],
] as const)
  test(`a server that is ${mode} costs the mail, and nothing else`, options, async (t) => {
    const box = await sandbox(t);
    if (mode !== 'absent') await serve(t, box, mode);
    const daemon = box.daemon(config());
    await until('MASTER', () => daemon.stderr.includes('(VI_1) Entering MASTER STATE'));
    await until('the reason', () => reason.test(daemon.stderr));
    // Nobody waits for a mailer at the end.
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
  });
