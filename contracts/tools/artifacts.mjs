#!/usr/bin/env node
// Writes artifacts/*.json out of forge's out/ship/: ABI and bytecode of our own contracts, so that `cargo build` needs
// neither node nor forge. With --check it writes nothing and fails where a file would differ.
//
//   FOUNDRY_PROFILE=ship forge build src && node tools/artifacts.mjs [--check]
//
// LayerZero's and Safe's contracts are not among them: their users load them from node_modules.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CONTRACTS = [
  'Vault', 'AuctionHouse', 'Gateway', 'Attestations',
  'DevDvn', 'DevExecutor', 'MockAggregator', 'MockOft', 'MockTaker', 'MockToken', 'MockWrapped', 'PriceProbe',
];

// EIP-170 and EIP-3860: bytes of a contract, and of what makes one with its arguments. A vault has to be made with so many
// signers, 32 bytes each, and eight words of other arguments.
const [CODE_MOST, INIT_MOST] = [24_576, 49_152];
const SIGNERS = 64;
const ARGUMENTS = { Vault: 32 * (8 + SIGNERS) };

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'artifacts');
const check = process.argv.includes('--check');
let wrong = 0;

function complain(text) {
  console.error(text);
  wrong += 1;
}

mkdirSync(folder, { recursive: true });
for (const name of CONTRACTS) {
  const built = JSON.parse(readFileSync(join(root, 'out', 'ship', `${name}.sol`, `${name}.json`), 'utf8'));
  if (Object.keys(built.bytecode.linkReferences ?? {}).length > 0) throw new Error(`${name} would have to be linked`);
  const size = (code) => (code.object.length - 2) / 2;
  const [code, init] = [size(built.deployedBytecode), size(built.bytecode) + (ARGUMENTS[name] ?? 0)];
  if (CODE_MOST < code || INIT_MOST < init) complain(`too large: ${name}, ${code} bytes, made of ${init}`);
  const trimmed = {
    abi: built.abi,
    bytecode: built.bytecode.object,
    deployedBytecode: built.deployedBytecode.object,
  };
  const text = `${JSON.stringify(trimmed, null, 1)}\n`;
  const path = join(folder, `${name}.json`);
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) complain(`differs: artifacts/${name}.json`);
}
for (const file of readdirSync(folder)) {
  if (CONTRACTS.includes(file.replace(/\.json$/, ''))) continue;
  if (check) complain(`not ours: artifacts/${file}`);
  else rmSync(join(folder, file));
}
if (wrong > 0) console.error('run: npm run artifacts');
process.exitCode = wrong > 0 ? 1 : 0;
