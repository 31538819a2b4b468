//! DVN and executor of local chains, by our own process.
//!
//! - Watches `PacketSent` on every chain, and waits until the block is final there: what was executed once cannot be
//!   taken back. Messages of an OApp that prove themselves wait for the confirmations of its own path only.
//! - Then: every DVN verifies, anybody commits, the executor delivers, and what the receiver composed is delivered too.
//! - Waits for a chain that mines each transaction at once, so that one turn is enough there; or for no block at all
//!   ([`Worker::without_waiting`]): then what was sent in one turn is looked for in the next.
//! - Exactly once, whatever is repeated: each step first asks the destination whether it has been done, by payload hash.
//! - A delivery that reverts is tried again at every turn: LayerZero keeps it, and it holds up nothing else.

use super::abi::{IDvn, IEndpoint, IReceiveUln, IUln, Origin};
use super::deploy::LayerZero;
use super::packet::{Packet, gas_asked};
use super::path::Dvns;
use crate::evm::{EvmError, connection};
use alloy::eips::BlockNumberOrTag;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Filter, TransactionRequest};
use alloy::sol_types::SolEvent;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Gas beyond what a receiver asks for: the endpoint's own.
const ENDPOINT_GAS: u64 = 120_000;

/// Gas of one DVN's verification, and of a commit: neither can be estimated while what it rests on is on its way.
const VERIFY_GAS: u64 = 200_000;
const COMMIT_GAS: u64 = 400_000;

/// What was sent and is in no block after so many of them is sent again.
const PATIENCE: u64 = 5;

/// How long a turn waits for a block, and how often it looks.
const WAIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);

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
    /// An OApp here whose messages prove themselves, and its own path: they need not be final.
    pub quick: Option<(Address, Dvns)>,
    /// Where to begin looking.
    pub first_block: u64,
}

impl WorkerChain {
    fn quick_for(&self, oapp: Address) -> Option<&Dvns> {
        self.quick.as_ref().filter(|(quick, _)| *quick == oapp).map(|(_, dvns)| dvns)
    }
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Not delivered yet.
    Sent,
    /// Not delivered: the receiver refused it.
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
    /// Our transaction that brought it to its receiver.
    pub delivered_in: Option<B256>,
    options: Bytes,
    /// The step that was sent last, and the destination's head then.
    sent: Option<(Step, u64)>,
}

/// What the destination needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Verify,
    Receive,
    Compose,
    Nothing,
}

/// DVN and executor of some chains.
#[derive(Debug)]
pub struct Worker {
    chains: BTreeMap<u32, WorkerChain>,
    /// By chain of origin: blocks up to here are final and read.
    read_to: BTreeMap<u32, u64>,
    /// By chain of origin: the head when it was read.
    heads: BTreeMap<u32, B256>,
    /// Of blocks that are deep enough, by payload hash: a GUID can come twice.
    carried: BTreeMap<B256, Carried>,
    wait: Duration,
}

impl Worker {
    /// A worker between chains.
    #[must_use]
    pub fn new(chains: Vec<WorkerChain>) -> Self {
        let read_to =
            chains.iter().map(|chain| (chain.layerzero.eid, chain.first_block.saturating_sub(1))).collect();
        let chains = chains.into_iter().map(|chain| (chain.layerzero.eid, chain)).collect();
        Self { chains, read_to, heads: BTreeMap::new(), carried: BTreeMap::new(), wait: WAIT }
    }

    /// The same for chains whose blocks come by themselves.
    #[must_use]
    pub fn without_waiting(self) -> Self {
        Self { wait: Duration::ZERO, ..self }
    }

    /// Serves another chain too.
    pub fn add(&mut self, chain: WorkerChain) {
        let eid = chain.layerzero.eid;
        self.read_to.insert(eid, chain.first_block.saturating_sub(1));
        self.chains.insert(eid, chain);
    }

    /// One turn: reads what became deep enough everywhere, and takes every message as far as it goes. Tells what was
    /// delivered since the last turn.
    pub async fn turn(&mut self) -> Result<Vec<Packet>, EvmError> {
        let eids: Vec<u32> = self.chains.keys().copied().collect();
        for eid in eids {
            self.read(eid).await?;
        }
        // In order: an endpoint executes nothing above a number that is not verified.
        let open = self.carried.values_mut().filter(|carried| carried.stage < Stage::Delivered);
        let mut open: Vec<&mut Carried> = open.collect();
        open.sort_by_key(|carried| (carried.packet.source, carried.packet.sender, carried.packet.nonce));
        let mut delivered = Vec::new();
        for carried in open {
            let Some(to) = self.chains.get(&carried.packet.destination) else { continue };
            let path = to.quick_for(carried.packet.receiver).unwrap_or(&to.dvns);
            if carry(to, path, carried, self.wait).await? {
                carried.stage = Stage::Delivered;
                delivered.push(carried.packet.clone());
            }
        }
        Ok(delivered)
    }

    /// Messages of blocks that are deep enough, by payload hash.
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
        let unreadable = |error| connection::unreadable("eth_getBlockByNumber", &error);
        let head = chain.executor.get_block_by_number(BlockNumberOrTag::Latest).await.map_err(unreadable)?;
        let Some(head) = head.map(|block| block.header) else { return Ok(()) };
        if self.heads.get(&eid) == Some(&head.hash) || head.number < from {
            return Ok(());
        }
        let final_ = chain.executor.get_block_by_number(BlockNumberOrTag::Finalized).await;
        let final_ = final_.map_err(unreadable)?.map_or(0, |block| block.header.number);
        for carried in sent(chain, from, BlockNumberOrTag::Number(head.number)).await? {
            let sender = Address::from_word(carried.packet.sender);
            // A confirmation is a block that holds the message, or one on top of it.
            let quick = chain.quick_for(sender);
            let quick = quick.is_some_and(|path| carried.block + path.confirmations() <= head.number + 1);
            if quick || carried.block <= final_ {
                self.carried.entry(carried.packet.payload_hash).or_insert(carried);
            }
        }
        self.read_to.insert(eid, final_.max(from - 1));
        self.heads.insert(eid, head.hash);
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
        Some(Carried {
            packet,
            block,
            stage: Stage::Sent,
            refusal: None,
            delivered_in: None,
            options,
            sent: None,
        })
    });
    Ok(carried.collect())
}

/// Takes a message as far as it goes, waiting for each block at most this long. True once it is delivered.
async fn carry(
    to: &WorkerChain,
    path: &Dvns,
    carried: &mut Carried,
    wait: Duration,
) -> Result<bool, EvmError> {
    let head = to.executor.get_block_number().await;
    let head = head.map_err(|error| connection::unreadable("eth_blockNumber", &error))?;
    let mut step = next_step(to, carried).await?;
    loop {
        if step == Step::Nothing {
            carried.refusal = None;
            return Ok(true);
        }
        if carried.sent.is_some_and(|(sent, at)| sent == step && head < at + PATIENCE) {
            return Ok(false);
        }
        let sent = match step {
            Step::Verify => verify(to, path, &carried.packet).await.map(Ok)?,
            Step::Receive => {
                receive(to, carried).await?.map(|transaction| carried.delivered_in = Some(transaction))
            }
            Step::Compose => compose(to, carried).await?,
            Step::Nothing => Ok(()),
        };
        if let Err(refusal) = sent {
            (carried.stage, carried.refusal) = (Stage::Refused, Some(refusal));
            return Ok(false);
        }
        carried.sent = Some((step, head));
        let (since, before) = (Instant::now(), step);
        step = next_step(to, carried).await?;
        while step == before && since.elapsed() < wait {
            tokio::time::sleep(LOOK).await;
            step = next_step(to, carried).await?;
        }
    }
}

async fn next_step(to: &WorkerChain, carried: &Carried) -> Result<Step, EvmError> {
    let packet = &carried.packet;
    let endpoint = IEndpoint::new(to.layerzero.endpoint, &to.executor);
    let unreadable = |error: alloy::contract::Error| connection::unreadable("EndpointV2", &error);
    let hash = endpoint
        .inboundPayloadHash(packet.receiver, packet.source, packet.sender, packet.nonce)
        .call()
        .await
        .map_err(unreadable)?;
    if hash == packet.payload_hash {
        return Ok(Step::Receive);
    }
    let executed_to = endpoint
        .lazyInboundNonce(packet.receiver, packet.source, packet.sender)
        .call()
        .await
        .map_err(unreadable)?;
    // Executed messages leave no hash behind, and no number above the last executed one is without a hash if committed.
    if hash != B256::ZERO || executed_to < packet.nonce {
        return Ok(Step::Verify);
    }
    Ok(if composed(to, carried).await?.is_empty() { Step::Nothing } else { Step::Compose })
}

/// Every DVN verifies, then the executor commits: in this order within a block, too.
async fn verify(to: &WorkerChain, path: &Dvns, packet: &Packet) -> Result<(), EvmError> {
    let library = to.layerzero.receive_library;
    let header_hash = keccak256(&packet.header);
    let confirmations = path.confirmations();
    for dvn in path.required() {
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
        let request = TransactionRequest::default().with_to(*dvn).with_call(&call).with_gas_limit(VERIFY_GAS);
        connection::send_on(operator, "DVN's verification", request).await?;
    }
    let commit = IUln::commitVerificationCall {
        packetHeader: packet.header.clone(),
        payloadHash: packet.payload_hash,
    };
    let request =
        TransactionRequest::default().with_to(library).with_call(&commit).with_gas_limit(COMMIT_GAS);
    connection::send_on(&to.executor, "LayerZero commit", request).await.map(drop)
}

/// Delivers a committed message with the gas that it asked for.
async fn receive(to: &WorkerChain, carried: &Carried) -> Result<Result<B256, String>, EvmError> {
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

/// What the receiver of a message composed and nobody has delivered.
async fn composed(to: &WorkerChain, carried: &Carried) -> Result<Vec<IEndpoint::ComposeSent>, EvmError> {
    /// The endpoint's mark for "done".
    const DONE: B256 = B256::with_last_byte(1);
    let (_, gas) = gas_asked(&carried.options);
    let mut open = Vec::new();
    if gas.is_zero() {
        return Ok(open);
    }
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
        if queued != DONE && queued != B256::ZERO {
            open.push(event.data);
        }
    }
    Ok(open)
}

/// Delivers all that.
async fn compose(to: &WorkerChain, carried: &Carried) -> Result<Result<(), String>, EvmError> {
    let (_, gas) = gas_asked(&carried.options);
    for event in composed(to, carried).await? {
        let call = IEndpoint::lzComposeCall {
            from: event.from,
            to: event.to,
            guid: event.guid,
            index: event.index,
            message: event.message,
            extraData: Bytes::new(),
        };
        if let Err(refusal) = attempt(to, TransactionRequest::default().with_call(&call), gas).await? {
            return Ok(Err(refusal));
        }
    }
    Ok(Ok(()))
}

/// Asks first whether a delivery would pass, so that a refusal costs nothing.
async fn attempt(
    to: &WorkerChain,
    request: TransactionRequest,
    gas: U256,
) -> Result<Result<B256, String>, EvmError> {
    let request = request.with_to(to.layerzero.endpoint);
    let needed = match to.executor.estimate_gas(request.clone()).await {
        Ok(needed) => needed + needed / 5,
        Err(refusal) => return Ok(Err(refusal.to_string())),
    };
    // The endpoint hands all but a 64th of what is left to the receiver. A message may have asked for too little.
    let gas = gas.saturating_to::<u64>();
    let gas = gas.saturating_add(gas / 32).saturating_add(ENDPOINT_GAS);
    let request = request.with_gas_limit(gas.max(needed));
    connection::send_on(&to.executor, "LayerZero delivery", request).await.map(Ok)
}
