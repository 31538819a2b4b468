#!/usr/bin/env node
// Holds what is written about gas to what was measured: writes the table of docs/performance.md out of snapshots/, and
// looks for every figure of them in GAS.md. With --check it writes nothing and fails where something would differ.
//
//   node tools/gas.mjs [--check]
//
// `npm run check` measures ours anew (Gas.json); others' need their packages: `npm run compare` (Compare.json).
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const read = (path) => readFileSync(join(root, path), 'utf8');
const snapshot = (name) => JSON.parse(read(`snapshots/${name}.json`));
const ours = snapshot('Gas');
const theirs = snapshot('Compare');

// MakerDAO's `take` was counted, not run: GAS.md says how.
const MAKER = ['MakerDAO `take`, by count', 'about 108,000 to 115,000'];
const ROWS = [
  ['`deposit`, ERC-20', 'deposit, ERC-20', ['Morpho Blue supply', 'Aave v3 supply']],
  ['`take`, part of a lot', 'take, part of a lot', ['Aave v3 liquidationCall, part', 'Morpho Blue liquidate, part', MAKER]],
  ['release, 5 of 7 signatures', 'release, 5 of 7 signatures', ['Aave v3 withdraw', 'Morpho Blue withdraw']],
];

const grouped = (gas) => String(gas).replace(/\B(?=(\d{3})+$)/g, ',');
const check = process.argv.includes('--check');
let wrong = 0;

function complain(text) {
  console.error(text);
  wrong += 1;
}

function figure(of, name) {
  if (!(name in of)) complain(`snapshots have no ${name}`);
  return Number(of[name] ?? 0);
}

function line(what, gas, other) {
  if (Array.isArray(other)) return `| ${what} | ${grouped(gas)} | ${other[0]} | ${other[1]} | |`;
  const beside = figure(theirs, other);
  const part = Math.round((100 * gas) / beside);
  return `| ${what} | ${grouped(gas)} | ${other} | ${grouped(beside)} | ${part} % |`;
}

const table = ['| ours | gas | theirs | gas | ours of theirs |', '| --- | --- | --- | --- | --- |'];
for (const [what, name, others] of ROWS) {
  const gas = figure(ours, name);
  for (const other of others) table.push(line(what, gas, other));
}

const [BEGIN, END] = ['<!-- gas: node contracts/tools/gas.mjs -->\n', '<!-- /gas -->'];
const place = '../docs/performance.md';
const text = read(place);
const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
if (from < 0 || to < from) throw new Error('docs/performance.md has no place for the table of gas');
const written = `${text.slice(0, from)}${BEGIN}${table.join('\n')}\n${text.slice(to)}`;
if (!check) writeFileSync(join(root, place), written);
else if (written !== text) complain('differs: docs/performance.md');

const page = read('GAS.md');
for (const [name, gas] of [...Object.entries(ours), ...Object.entries(theirs)]) {
  // Of a batch of ten GAS.md tells what one is.
  const told = name.includes('ten in a batch') ? Math.floor(Number(gas) / 10) : Number(gas);
  if (!page.includes(`| ${grouped(told)} |`)) complain(`GAS.md does not tell: ${name} ${grouped(told)}`);
}
if (wrong > 0) console.error('run: node tools/gas.mjs');
process.exitCode = wrong > 0 ? 1 : 0;
