//! An Ethereum machine in this process, with our contracts' code.

use alloy::primitives::{Address, Bytes, Log, TxKind, U256};
use alloy::sol_types::SolCall;
use ballast_units::Time;
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::handler::MainnetContext;
use revm::primitives::hardfork::SpecId;
use revm::{Context, ExecuteCommitEvm, MainBuilder, MainContext, MainnetEvm};

/// The chain's own id.
pub(crate) const CHAIN_ID: u64 = 137;

pub(crate) struct Evm {
    inner: MainnetEvm<MainnetContext<CacheDB<EmptyDB>>>,
    block: BlockEnv,
}

impl Evm {
    pub(crate) fn new() -> Self {
        let context = Context::mainnet().with_db(CacheDB::new(EmptyDB::default()));
        let context = context.modify_cfg_chained(|config| {
            config.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
            config.chain_id = CHAIN_ID;
            config.disable_nonce_check = true;
        });
        Self { inner: context.build_mainnet(), block: BlockEnv::default() }
    }

    /// Time of the blocks from now on.
    pub(crate) fn at(&mut self, time: Time) {
        self.block.timestamp = U256::from(time.millis() / 1_000);
    }

    pub(crate) fn deploy(&mut self, code: &Bytes, arguments: Vec<u8>) -> Address {
        let init = [code.to_vec(), arguments].concat();
        match self.run(Address::repeat_byte(0xde), TxKind::Create, init) {
            ExecutionResult::Success { output: Output::Create(_, Some(address)), .. } => address,
            other => panic!("{other:?}"),
        }
    }

    /// What a call returns and logs; the error's bytes where it reverts.
    pub(crate) fn call<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        call: &C,
    ) -> Result<(C::Return, Vec<Log>), Bytes> {
        match self.run(from, TxKind::Call(to), call.abi_encode()) {
            ExecutionResult::Success { output, logs, .. } => {
                Ok((C::abi_decode_returns(output.data()).unwrap(), logs))
            }
            ExecutionResult::Revert { output, .. } => Err(output),
            ExecutionResult::Halt { reason, .. } => panic!("{}: {reason:?}", C::SIGNATURE),
        }
    }

    fn run(&mut self, caller: Address, kind: TxKind, data: Vec<u8>) -> ExecutionResult {
        use revm::ExecuteEvm;
        self.inner.set_block(self.block.clone());
        let transaction = TxEnv {
            caller,
            kind,
            data: data.into(),
            gas_limit: 16_000_000,
            chain_id: Some(CHAIN_ID),
            ..TxEnv::default()
        };
        self.inner.transact_commit(transaction).unwrap()
    }
}
