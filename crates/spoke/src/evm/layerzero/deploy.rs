//! LayerZero's contracts on a local chain, and the wiring of an OApp.
//!
//! - Order matters: libraries are registered before they are defaults, and have a configuration for a chain before
//!   they are defaults for it.
//! - An OApp pins its libraries and DVNs: a default can be changed by LayerZero, a pin cannot.

use super::abi::{
    ExecutorConfig, IEndpoint, IOApp, IUln, SetConfigParam, SetDefaultExecutorConfigParam,
    SetDefaultUlnConfigParam,
};
use super::path::Dvns;
use crate::evm::{ArtifactError, EvmError, Npm, deploy, execute};
use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::DynProvider;
use alloy::sol_types::{SolCall, SolValue};
use serde::{Deserialize, Serialize};

/// LayerZero's limit for one message; a batch of ours has to fit.
const MESSAGE_MOST: u32 = 10_000;

/// What `SetConfigParam` is about.
const CONFIG_EXECUTOR: u32 = 1;
const CONFIG_ULN: u32 = 2;

/// LayerZero on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerZero {
    /// LayerZero's id of the chain.
    pub eid: u32,
    /// `EndpointV2`.
    pub endpoint: Address,
    /// `SendUln302`.
    pub send_library: Address,
    /// `ReceiveUln302`.
    pub receive_library: Address,
    /// Who delivers.
    pub executor: Address,
}

/// The other end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// LayerZero's id of its chain.
    pub eid: u32,
    /// The OApp there.
    pub oapp: Address,
    /// DVNs at this end that are paid for verifying what goes there, and that verify what comes from there. One
    /// operator's DVN may have different addresses at both ends.
    pub dvns: Dvns,
}

/// Puts LayerZero's endpoint and libraries on a chain, as their authors compiled them. `executor` is there already.
pub async fn deploy_layerzero(
    wallet: &DynProvider,
    npm: &Npm,
    eid: u32,
    owner: Address,
    executor: Address,
) -> Result<LayerZero, LayerZeroError> {
    const PROTOCOL: &str =
        "@layerzerolabs/lz-evm-protocol-v2/artifacts/contracts/EndpointV2.sol/EndpointV2.json";
    const ULN: &str = "@layerzerolabs/lz-evm-messagelib-v2/artifacts/contracts/uln/uln302";
    let endpoint =
        deploy(wallet, "EndpointV2", npm.creation_code(PROTOCOL)?, (eid, owner).abi_encode_params()).await?;
    // Gas for a treasury that we do not have, and its cap on fees.
    let arguments = (endpoint, U256::from(200_000), U256::ZERO).abi_encode_params();
    let code = npm.creation_code(&format!("{ULN}/SendUln302.sol/SendUln302.json"))?;
    let send_library = deploy(wallet, "SendUln302", code, arguments).await?;
    let code = npm.creation_code(&format!("{ULN}/ReceiveUln302.sol/ReceiveUln302.json"))?;
    let receive_library = deploy(wallet, "ReceiveUln302", code, (endpoint,).abi_encode_params()).await?;
    for lib in [send_library, receive_library] {
        execute(wallet, endpoint, IEndpoint::registerLibraryCall { lib }, U256::ZERO).await?;
    }
    Ok(LayerZero { eid, endpoint, send_library, receive_library, executor })
}

/// Why LayerZero is not there.
#[derive(Debug, thiserror::Error)]
pub enum LayerZeroError {
    /// The chain.
    #[error(transparent)]
    Evm(#[from] EvmError),
    /// The packages.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

impl LayerZero {
    /// Opens this chain for another one, for whoever has no pins of its own. Once a pair, by the endpoint's owner.
    pub async fn open(&self, wallet: &DynProvider, eid: u32, dvns: &Dvns) -> Result<(), EvmError> {
        let uln = || vec![SetDefaultUlnConfigParam { eid, config: dvns.config(true) }];
        let config = ExecutorConfig { maxMessageSize: MESSAGE_MOST, executor: self.executor };
        let executors = vec![SetDefaultExecutorConfigParam { eid, config }];
        let (endpoint, send, receive) = (self.endpoint, self.send_library, self.receive_library);
        self.call(wallet, send, IUln::setDefaultUlnConfigsCall { params: uln() }).await?;
        self.call(wallet, send, IUln::setDefaultExecutorConfigsCall { params: executors }).await?;
        self.call(wallet, receive, IUln::setDefaultUlnConfigsCall { params: uln() }).await?;
        self.call(wallet, endpoint, IEndpoint::setDefaultSendLibraryCall { eid, lib: send }).await?;
        let call = IEndpoint::setDefaultReceiveLibraryCall { eid, lib: receive, gracePeriod: U256::ZERO };
        self.call(wallet, endpoint, call).await
    }

    async fn call(&self, wallet: &DynProvider, to: Address, call: impl SolCall) -> Result<(), EvmError> {
        execute(wallet, to, call, U256::ZERO).await.map(drop)
    }
}

/// Tells an OApp its peer and pins libraries, executor and DVNs of the path. By the OApp's owner, who is its delegate
/// at the endpoint.
pub async fn wire_oapp(
    wallet: &DynProvider,
    here: &LayerZero,
    oapp: Address,
    remote: &Remote,
) -> Result<(), EvmError> {
    let eid = remote.eid;
    let param =
        |kind: u32, config: Vec<u8>| SetConfigParam { eid, configType: kind, config: Bytes::from(config) };
    let uln = || param(CONFIG_ULN, remote.dvns.config(false).abi_encode());
    let executor = ExecutorConfig { maxMessageSize: MESSAGE_MOST, executor: here.executor };
    let executor = param(CONFIG_EXECUTOR, executor.abi_encode());
    let (endpoint, send, receive) = (here.endpoint, here.send_library, here.receive_library);
    here.call(wallet, oapp, IOApp::setPeerCall { eid, peer: remote.oapp.into_word() }).await?;
    here.call(wallet, endpoint, IEndpoint::setSendLibraryCall { oapp, eid, lib: send }).await?;
    let call = IEndpoint::setReceiveLibraryCall { oapp, eid, lib: receive, gracePeriod: U256::ZERO };
    here.call(wallet, endpoint, call).await?;
    let call = IEndpoint::setConfigCall { oapp, lib: send, params: vec![executor, uln()] };
    here.call(wallet, endpoint, call).await?;
    here.call(wallet, endpoint, IEndpoint::setConfigCall { oapp, lib: receive, params: vec![uln()] }).await
}
