#!/usr/bin/env node
// Lays out/*.json for Compare.t.sol: Morpho Blue compiled with its own settings, Aave v3's shipped artifacts linked to
// libraries at fixed addresses, which the test puts there.
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, 'out');
mkdirSync(out, { recursive: true });

function write(name, bytecode, deployedBytecode) {
  writeFileSync(join(out, `${name}.json`), `${JSON.stringify({ bytecode, deployedBytecode })}\n`);
}

// Morpho: 0.8.19, through the intermediate language, 999,999 runs, as in its repository.
const morpho = join(here, 'node_modules/@morpho-org/morpho-blue/src');
const sources = {};
(function walk(folder) {
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    if (statSync(path).isDirectory()) walk(path);
    else if (file.endsWith('.sol')) sources[`src/${relative(morpho, path)}`] = { content: readFileSync(path, 'utf8') };
  }
})(morpho);
const compiler = createRequire(import.meta.url)('solc-0.8.19');
const built = JSON.parse(compiler.compile(JSON.stringify({
  language: 'Solidity',
  sources,
  settings: {
    optimizer: { enabled: true, runs: 999999 },
    viaIR: true,
    evmVersion: 'paris',
    outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
  },
})));
for (const [file, name] of [['src/Morpho.sol', 'Morpho'], ['src/mocks/OracleMock.sol', 'OracleMock'], ['src/mocks/IrmMock.sol', 'IrmMock']]) {
  write(name, `0x${built.contracts[file][name].evm.bytecode.object}`, '0x');
}

// Aave: as compiled by its authors.
const aave = join(here, 'node_modules/@aave/core-v3/artifacts/contracts');
const libraries = ['SupplyLogic', 'BorrowLogic', 'BridgeLogic', 'EModeLogic', 'FlashLoanLogic', 'LiquidationLogic', 'PoolLogic', 'ConfiguratorLogic'];
const places = Object.fromEntries(libraries.map((name, i) => [name, `aa${String(i + 1).padStart(38, '0')}`]));

function linked(code, references) {
  let hex = code;
  for (const file of Object.values(references)) {
    for (const [name, spots] of Object.entries(file)) {
      for (const { start } of spots) {
        const at = 2 + 2 * start;
        hex = hex.slice(0, at) + places[name] + hex.slice(at + 40);
      }
    }
  }
  return hex;
}

for (const path of [
  ...libraries.map((name) => `protocol/libraries/logic/${name}.sol/${name}`),
  'protocol/pool/Pool.sol/Pool',
  'protocol/pool/PoolConfigurator.sol/PoolConfigurator',
  'protocol/pool/DefaultReserveInterestRateStrategy.sol/DefaultReserveInterestRateStrategy',
  'protocol/configuration/PoolAddressesProvider.sol/PoolAddressesProvider',
  'protocol/configuration/ACLManager.sol/ACLManager',
  'protocol/tokenization/AToken.sol/AToken',
  'protocol/tokenization/StableDebtToken.sol/StableDebtToken',
  'protocol/tokenization/VariableDebtToken.sol/VariableDebtToken',
  'mocks/oracle/PriceOracle.sol/PriceOracle',
]) {
  const artifact = JSON.parse(readFileSync(join(aave, `${path}.json`), 'utf8'));
  write(
    artifact.contractName,
    linked(artifact.bytecode, artifact.linkReferences),
    linked(artifact.deployedBytecode, artifact.deployedLinkReferences),
  );
}
