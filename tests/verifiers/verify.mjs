// Verifies receipts of a published log with the code of @sigstore/verify that reads checkpoints and inclusion proofs.
//
//   node verify.mjs DIR VKEY
//
// It has no code for consistency proofs, and reads Ed25519 signatures only. Ends with 1 at the first receipt that does
// not hold.
import { createPublicKey } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
// The package has no public door to this part: it is reached by its file.
const { verifyTLogInclusion } = require('@sigstore/verify/dist/tlog/index.js');

const [dir, vkey] = process.argv.slice(2);
const [name, id, ...rest] = vkey.split('+');
const raw = Buffer.from(rest.join('+'), 'base64').subarray(1);
// RFC 8410: what stands before the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo.
const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
const log = {
  logID: Buffer.from(id, 'hex'),
  publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
  validFor: { start: new Date(0), end: new Date('9999-12-31') },
  baseURL: `https://${name}`,
};

const receipts = readdirSync(join(dir, 'receipts')).filter((file) => file.endsWith('.tlog-proof'));
for (const file of receipts) {
  const text = readFileSync(join(dir, 'receipts', file), 'utf8');
  const gap = text.indexOf('\n\n');
  const [, extra, index, ...hashes] = text.slice(0, gap).split('\n');
  const envelope = text.slice(gap + 2);
  const [, size, root] = envelope.split('\n');
  const entry = {
    logId: { keyId: log.logID },
    logIndex: index.slice('index '.length),
    integratedTime: '0',
    canonicalizedBody: Buffer.from(extra.slice('extra '.length), 'base64'),
    inclusionProof: {
      logIndex: index.slice('index '.length),
      treeSize: size,
      rootHash: Buffer.from(root, 'base64'),
      hashes: hashes.map((line) => Buffer.from(line, 'base64')),
      checkpoint: { envelope },
    },
  };
  try {
    verifyTLogInclusion(entry, [log]);
  } catch (error) {
    console.log(`FAILED ${file}: ${error.code} ${error.message}`);
    process.exit(1);
  }
}
console.log(`receipts=${receipts.length}`);
