// Mail about changes of state: the same envelopes, subjects and texts as keepalived's in the same scene, and servers that
// are no use, which must cost nothing but the mail.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Mail, serve } from './post.ts';
import { requireProgram } from './programs.ts';
import {
  program,
  type Running,
  type Sandbox,
  sandbox,
  until,
  options as usual,
} from './sandbox.ts';

const options = { ...usual, timeout: 90_000 };

const group = (lines: string): string => `
vrrp_sync_group G {
  group {
    VI_1
    VI_2
  }
  ${lines}
}
`;

const config = (more = '', rest = ''): string => `global_defs {
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
${rest}`;

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
  about: readonly string[] = ['VI_1'],
): Promise<string[]> {
  const seen = (): string[] =>
    mails()
      .filter(({ lines }) => lines !== undefined)
      .map(visible);
  const link = (state: string): Promise<unknown> =>
    box.start(['ip', 'link', 'set', 'peer0', state]).ended;
  const told = (state: string): boolean =>
    about.every((name) => seen().some((mail) => mail.includes(`${name} - Entering ${state}`)));
  await until('mail of MASTER', () => told('MASTER'));
  await link('down');
  await until('mail of FAULT', () => told('FAULT'));
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

for (const [what, globals, lines] of [
  ['smtp_alert of a vrrp_sync_group', '', 'smtp_alert'],
  ['smtp_alert_vrrp, of a group too', 'smtp_alert_vrrp', ''],
] as const)
  test(`${what}: mail is keepalived’s`, options, async (t) => {
    const outcome = async (words: readonly string[]): Promise<string[]> => {
      const box = await sandbox(t);
      const mails = await serve(t, box, 'kind');
      box.write('tmp/keepalived.conf', config(globals, group(lines)));
      const daemon = box.start([...words, '-n', '-l', '-D', '-f', '/tmp/keepalived.conf']);
      return play(box, daemon, mails, ['G', 'VI_1']);
    };
    const theirs = await outcome([requireProgram('keepalived')]);
    assert.ok(theirs.some((mail) => mail.includes('VRRP Group G - Entering MASTER state')));
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
