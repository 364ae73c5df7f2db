// SSL_GET as the other end sees it: the name it asks for, the certificate it shows, and whether it says goodbye.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer, type Server } from 'node:tls';
import type { Verdict } from '../../src/check/checker.ts';
import { checks } from '../../src/check/checkers/index.ts';
import type { HttpOptions, TlsOptions } from '../../src/check/options.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { seconds } from '../../src/lib/time.ts';
import { Cable, eventually } from './cable.ts';

const file = (name: string): string => join(import.meta.dirname, '../fixtures/tls', name);
let cable: Cable;
let server: Server;
let seen: { name?: string; subject?: string; bytes?: number; closed?: true };

before(() => {
  cable = new Cable('secure');
  server = createServer(
    {
      cert: readFileSync(file('expired.pem')),
      key: readFileSync(file('expired.key')),
      requestCert: true,
      rejectUnauthorized: false,
      SNICallback: (name, done) => {
        seen.name = name;
        done(null);
      },
    },
    (socket) => {
      socket.on('error', () => {});
      const subject = socket.getPeerCertificate().subject?.CN;
      if (subject !== undefined) seen.subject = String(subject);
      socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nhello'));
    },
  );
  server.on('connection', (socket: Socket) => {
    socket.once('close', () => {
      seen.bytes = socket.bytesRead;
      seen.closed = true;
    });
  });
  server.on('tlsClientError', () => {});
  // Without a host the socket is made in this turn, hence in that namespace.
  cable.on('far', () => server.listen(0));
});
after(() => {
  server.close();
  cable.remove();
});

async function ask(tls: Partial<TlsOptions>, more: Partial<HttpOptions> = {}): Promise<Verdict> {
  seen = {};
  const verdict = await checks.SSL_GET(
    {
      connection: {
        address: '10.9.0.2' as Ip,
        port: (server.address() as AddressInfo).port,
        mark: 0,
        timeout: seconds(10),
      },
      tls: { enable_sni: false, tls_compliant: false, context: {}, ...tls },
      http_protocol: '1.0',
      path: '/',
      status_code: [[200, 299]],
      ...more,
    },
    new AbortController().signal,
  );
  if (verdict.up) await eventually(() => seen.closed === true, 'the end at the other side');
  return verdict;
}

describe('SSL_GET', () => {
  for (const [what, tls, virtualhost, name] of [
    ['no name', {}, 'a.example', undefined],
    ['enable_sni: that of virtualhost', { enable_sni: true }, 'a.example', 'a.example'],
    ['enable_sni without a name: none', { enable_sni: true }, undefined, undefined],
    ['enable_sni and an address: none', { enable_sni: true }, '10.9.0.2', undefined],
    ['sni_name', { enable_sni: true, sni_name: 'b.example' }, 'a.example', 'b.example'],
  ] as const)
    it(`names ${what}`, async () => {
      const verdict = await ask(tls, virtualhost === undefined ? {} : { virtualhost });
      assert.equal(verdict.up, true);
      assert.equal(seen.name, name);
    });

  it('shows the certificate of the block SSL', async () => {
    const context = { certificate: file('good.pem'), key: file('good.key'), ca: file('good.pem') };
    assert.equal((await ask({ context })).up, true);
    assert.equal(seen.subject, 'good.example');
    await ask({});
    assert.equal(seen.subject, undefined);
  });

  for (const [what, context] of [
    ['ca', { ca: '/nowhere/ca.pem' }],
    ['key', { certificate: file('good.pem'), key: file('expired.key') }],
  ] as const)
    it(`says that a file of the block SSL cannot be used: ${what}`, async () => {
      const verdict = await ask({ context });
      assert.ok(!verdict.up && verdict.local === true && verdict.reason.startsWith('SSL: '));
      assert.deepEqual(seen, {});
    });

  it('says goodbye with tls_compliant only', async () => {
    await ask({});
    const { bytes = 0 } = seen;
    await ask({ tls_compliant: true });
    // An alert: five bytes of header, and at least two of its own.
    assert.ok((seen.bytes ?? 0) >= bytes + 7, `${bytes} and ${seen.bytes}`);
  });
});
