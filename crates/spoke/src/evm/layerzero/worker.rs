//! DVN and executor of local chains, by our own process.
//!
//! - Watches `PacketSent` on every chain, and waits until the block is final there: what was executed once cannot be
//!   taken back.
//! - Then: every DVN verifies, anybody commits, the executor delivers, and what the receiver composed is delivered too.
//! - Exactly once, whatever is repeated: each step first asks the destination whether it has been done, by payload hash.
//! - A delivery that reverts is tried again at every turn: LayerZero keeps it, and it holds up nothing else.

use super::abi::{IDvn, IEndpoint, IReceiveUln, IUln, Origin};
use super::deploy::LayerZero;
use super::packet::{Packet, gas_asked};
use super::path::Dvns;
use crate::evm::{EvmError, connection, execute};
use alloy::eips::BlockNumberOrTag;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Filter, TransactionRequest};
use alloy::sol_types::SolEvent;
use std::collections::BTreeMap;

/// Gas beyond what a receiver asks for: the endpoint's own.
const ENDPOINT_GAS: u64 = 120_000;

/// One chain as a worker sees it.
#[derive(Clone, Debug)]
pub struct WorkerChain {
    /// Its contracts.
    pub layerzero: LayerZero,
    /// For transactions of the executor, and of each DVN's operator, by the DVN's address here.
    pub executor: DynProvider,
    /// Operators of the DVNs that verify what arrives here.
    pub operators: BTreeMap<Address, DynProvider>,
    /// What they promise.
    pub dvns: Dvns,
    /// Where to begin looking.
    pub first_block: u64,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// In a block that may still be dropped.
    Sent,
    /// Final, and not delivered: the receiver refused it.
    Refused,
    /// Delivered; what it composed, if anything, too.
    Delivered,
}

/// What a worker knows of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The message.
    pub packet: Packet,
    /// The block that sent it.
    pub block: u64,
    /// How far it has come.
    pub stage: Stage,
    /// Why the receiver refused it the last time.
    pub refusal: Option<String>,
    options: Bytes,
}

/// DVN and executor of some chains.
#[derive(Debug)]
pub struct Worker {
    chains: BTreeMap<u32, WorkerChain>,
    /// By chain of origin: blocks up to here are final and read.
    read_to: BTreeMap<u32, u64>,
    /// Of final blocks, by payload hash: a GUID can come twice.
    carried: BTreeMap<B256, Carried>,
}

impl Worker {
    /// A worker between chains.
    #[must_use]
    pub fn new(chains: Vec<WorkerChain>) -> Self {
        let read_to =
            chains.iter().map(|chain| (chain.layerzero.eid, chain.first_block.saturating_sub(1))).collect();
        let chains = chains.into_iter().map(|chain| (chain.layerzero.eid, chain)).collect();
        Self { chains, read_to, carried: BTreeMap::new() }
    }

    /// One turn: reads what became final everywhere, and takes every message as far as it goes. Tells what was
    /// delivered in this turn.
    pub async fn turn(&mut self) -> Result<Vec<Packet>, EvmError> {
        let eids: Vec<u32> = self.chains.keys().copied().collect();
        for eid in eids {
            self.read(eid).await?;
        }
        let open: Vec<B256> = self
            .carried
            .iter()
            .filter(|(_, carried)| carried.stage < Stage::Delivered)
            .map(|(hash, _)| *hash)
            .collect();
        let mut delivered = Vec::new();
        for hash in open {
            let carried = &self.carried[&hash];
            let Some(to) = self.chains.get(&carried.packet.destination) else { continue };
            let refusal = carry(to, carried).await?;
            let carried = self.carried.get_mut(&hash).expect("an open message");
            carried.stage = if refusal.is_none() { Stage::Delivered } else { Stage::Refused };
            if refusal.is_none() {
                delivered.push(carried.packet.clone());
            }
            carried.refusal = refusal;
        }
        Ok(delivered)
    }

    /// Messages of final blocks, by payload hash.
    pub fn messages(&self) -> impl Iterator<Item = (&B256, &Carried)> {
        self.carried.iter()
    }

    /// Messages that are not final yet, as of now.
    pub async fn underway(&self, eid: u32) -> Result<Vec<Carried>, EvmError> {
        let Some(chain) = self.chains.get(&eid) else { return Ok(Vec::new()) };
        let from = self.read_to.get(&eid).copied().unwrap_or_default() + 1;
        sent(chain, from, BlockNumberOrTag::Latest).await
    }

    async fn read(&mut self, eid: u32) -> Result<(), EvmError> {
        let (chain, from) = (&self.chains[&eid], self.read_to[&eid] + 1);
        let final_ = chain.executor.get_block_by_number(BlockNumberOrTag::Finalized).await;
        let final_ = final_.map_err(|error| connection::unreadable("eth_getBlockByNumber", &error))?;
        let Some(final_) = final_.map(|block| block.header.number).filter(|number| from <= *number) else {
            return Ok(());
        };
        for carried in sent(chain, from, BlockNumberOrTag::Number(final_)).await? {
            self.carried.entry(carried.packet.payload_hash).or_insert(carried);
        }
        self.read_to.insert(eid, final_);
        Ok(())
    }
}

/// What a chain's endpoint sent in a range of blocks.
async fn sent(chain: &WorkerChain, from: u64, to: BlockNumberOrTag) -> Result<Vec<Carried>, EvmError> {
    let filter = Filter::new()
        .address(chain.layerzero.endpoint)
        .event_signature(IEndpoint::PacketSent::SIGNATURE_HASH)
        .from_block(from)
        .to_block(to);
    let logs = chain.executor.get_logs(&filter).await;
    let logs = logs.map_err(|error| connection::unreadable("eth_getLogs", &error))?;
    let carried = logs.iter().filter_map(|log| {
        let event = IEndpoint::PacketSent::decode_log(&log.inner).ok()?;
        let packet = Packet::parse(&event.encodedPayload)?;
        let (block, options) = (log.block_number?, event.options.clone());
        Some(Carried { packet, block, stage: Stage::Sent, refusal: None, options })
    });
    Ok(carried.collect())
}

/// Takes a message as far as it goes; the receiver's words where it refused.
async fn carry(to: &WorkerChain, carried: &Carried) -> Result<Option<String>, EvmError> {
    let packet = &carried.packet;
    let endpoint = IEndpoint::new(to.layerzero.endpoint, &to.executor);
    let unreadable = |error: alloy::contract::Error| connection::unreadable("EndpointV2", &error);
    let hash = endpoint
        .inboundPayloadHash(packet.receiver, packet.source, packet.sender, packet.nonce)
        .call()
        .await
        .map_err(unreadable)?;
    let executed_to = endpoint
        .lazyInboundNonce(packet.receiver, packet.source, packet.sender)
        .call()
        .await
        .map_err(unreadable)?;
    // Executed messages leave no hash behind, and no number above the last executed one is without a hash if committed.
    let executed = hash == B256::ZERO && packet.nonce <= executed_to;
    if !executed {
        if hash != packet.payload_hash {
            verify(to, packet).await?;
        }
        if let Err(refusal) = receive(to, carried).await? {
            return Ok(Some(refusal));
        }
    }
    compose(to, carried).await
}

/// Every DVN verifies, then the executor commits.
async fn verify(to: &WorkerChain, packet: &Packet) -> Result<(), EvmError> {
    let library = to.layerzero.receive_library;
    let header_hash = keccak256(&packet.header);
    let confirmations = to.dvns.confirmations();
    for dvn in to.dvns.required() {
        let said = IReceiveUln::new(library, &to.executor)
            .hashLookup(header_hash, packet.payload_hash, *dvn)
            .call()
            .await
            .map_err(|error| connection::unreadable("ReceiveUln302.hashLookup", &error))?;
        if said.submitted {
            continue;
        }
        let Some(operator) = to.operators.get(dvn) else { continue };
        let call = IDvn::verifyCall {
            library,
            packetHeader: packet.header.clone(),
            payloadHash: packet.payload_hash,
            confirmations,
        };
        execute(operator, *dvn, call, U256::ZERO).await?;
    }
    let commit = IUln::commitVerificationCall {
        packetHeader: packet.header.clone(),
        payloadHash: packet.payload_hash,
    };
    execute(&to.executor, library, commit, U256::ZERO).await.map(drop)
}

/// Delivers a committed message with the gas that it asked for.
async fn receive(to: &WorkerChain, carried: &Carried) -> Result<Result<(), String>, EvmError> {
    let packet = &carried.packet;
    let origin = Origin { srcEid: packet.source, sender: packet.sender, nonce: packet.nonce };
    let call = IEndpoint::lzReceiveCall {
        origin,
        receiver: packet.receiver,
        guid: packet.guid,
        message: packet.message.clone(),
        extraData: Bytes::new(),
    };
    let (gas, _) = gas_asked(&carried.options);
    attempt(to, TransactionRequest::default().with_call(&call), gas).await
}

/// Delivers what the receiver of a message composed.
async fn compose(to: &WorkerChain, carried: &Carried) -> Result<Option<String>, EvmError> {
    /// The endpoint's mark for "done".
    const DONE: B256 = B256::with_last_byte(1);
    let filter = Filter::new()
        .address(to.layerzero.endpoint)
        .event_signature(IEndpoint::ComposeSent::SIGNATURE_HASH)
        .from_block(to.first_block);
    let logs = to.executor.get_logs(&filter).await;
    let logs = logs.map_err(|error| connection::unreadable("eth_getLogs", &error))?;
    let composed = logs.iter().filter_map(|log| IEndpoint::ComposeSent::decode_log(&log.inner).ok());
    for event in composed.filter(|event| event.guid == carried.packet.guid) {
        let queued = IEndpoint::new(to.layerzero.endpoint, &to.executor)
            .composeQueue(event.from, event.to, event.guid, event.index)
            .call()
            .await
            .map_err(|error| connection::unreadable("EndpointV2.composeQueue", &error))?;
        if queued == DONE || queued == B256::ZERO {
            continue;
        }
        let call = IEndpoint::lzComposeCall {
            from: event.from,
            to: event.to,
            guid: event.guid,
            index: event.index,
            message: event.message.clone(),
            extraData: Bytes::new(),
        };
        let (_, gas) = gas_asked(&carried.options);
        if let Err(refusal) = attempt(to, TransactionRequest::default().with_call(&call), gas).await? {
            return Ok(Some(refusal));
        }
    }
    Ok(None)
}

/// Asks first whether a delivery would pass, so that a refusal costs nothing.
async fn attempt(
    to: &WorkerChain,
    request: TransactionRequest,
    gas: U256,
) -> Result<Result<(), String>, EvmError> {
    // The endpoint hands all but a 64th of what is left to the receiver.
    let gas = gas.saturating_to::<u64>();
    let gas = gas.saturating_add(gas / 32).saturating_add(ENDPOINT_GAS);
    let request = request.with_to(to.layerzero.endpoint).with_gas_limit(gas);
    if let Err(refusal) = to.executor.call(request.clone()).await {
        return Ok(Err(refusal.to_string()));
    }
    match connection::send(&to.executor, "LayerZero delivery", request).await {
        Ok(_) => Ok(Ok(())),
        Err(EvmError::Reverted { why, .. }) => Ok(Err(why)),
        Err(error) => Err(error),
    }
}
