// A mail server in a sandbox, and what it was given.

import type { TestContext } from 'node:test';
import { type Sandbox, until } from './sandbox.ts';

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

/** A mail as it came, or `open`: how many connections there are now. */
export interface Mail {
  readonly name?: string;
  readonly from?: string;
  readonly to?: readonly string[];
  readonly lines?: readonly string[];
  readonly open?: number;
}

/** Starts it on port 25; what it has been given by then. */
export async function serve(
  t: TestContext,
  box: Sandbox,
  mode: string,
): Promise<() => readonly Mail[]> {
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
