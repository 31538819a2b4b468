//! Transactions that have to arrive: one key's, in order, until they are final.
//!
//! - Nonces: counted here. Where a final block has one of ours for something else, somebody else used the key, and what
//!   was sent under it is sent anew under another one. Not before it is final: it would be carried out twice.
//! - Stuck: after some blocks of waiting a transaction is replaced by a dearer one with the same number, up to a cap.
//! - Reorgs: a transaction whose block was dropped is sent again as it was.
//! - Exactly once: nothing here makes it so. The vault does, by the orders' nonces; a user's transaction by its number.

use super::endpoint::{Endpoints, Fault, answer};
use crate::TxId;
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::Provider;
use alloy::rpc::types::{TransactionInput, TransactionReceipt, TransactionRequest};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;

/// How a courier pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeePolicy {
    /// Blocks that a transaction waits before a dearer one replaces it.
    pub patience: u64,
    /// By how much dearer, in percent; nodes refuse less than ten.
    pub raise: u64,
    /// Wei a unit of gas for the block's maker, at first.
    pub tip: u128,
    /// Wei a unit of gas at most.
    pub most: u128,
}

impl Default for FeePolicy {
    fn default() -> Self {
        Self { patience: 3, raise: 25, tip: 1_000_000_000, most: 2_000_000_000_000 }
    }
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// To which contract.
    pub to: Address,
    /// What it is told.
    pub data: Bytes,
    /// Wei that go with it.
    pub value: U256,
    /// Gas; estimated where none is given.
    pub gas: Option<u64>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub id: TxId,
    /// What.
    pub fate: Fate,
}

/// What happened to a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is in a block: another one each time that this comes again.
    Included(Box<TransactionReceipt>),
    /// Its block was dropped; it has been sent again.
    Dropped,
}

/// A transaction on its way.
#[derive(Clone, Debug)]
struct Underway {
    id: TxId,
    call: Call,
    nonce: u64,
    gas: u64,
    /// Wei a unit of gas: in all, and for the block's maker.
    fee: u128,
    tip: u128,
    /// Every one that was sent under this nonce, oldest first, with its bytes.
    sent: Vec<(B256, Bytes)>,
    /// Head when the last of them was sent.
    since: u64,
    /// Where it is.
    included: Option<(u64, B256)>,
}

/// One key that sends to one chain.
#[derive(Debug)]
pub struct Courier {
    endpoints: Endpoints,
    key: PrivateKeySigner,
    policy: FeePolicy,
    underway: Vec<Underway>,
    last: TxId,
    next_nonce: Option<u64>,
}

/// Why a transaction was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It would do nothing but cost gas.
    #[error("it would fail: {why}")]
    WouldFail {
        /// The node's words.
        why: String,
        /// The contract's error.
        data: Bytes,
    },
    /// No endpoint took it.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Courier {
    /// A courier with nothing underway.
    #[must_use]
    pub fn new(endpoints: Endpoints, key: PrivateKeySigner, policy: FeePolicy) -> Self {
        Self { endpoints, key, policy, underway: Vec::new(), last: TxId::default(), next_nonce: None }
    }

    /// Who pays.
    #[must_use]
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// Sent and not final.
    #[must_use]
    pub fn underway(&self) -> usize {
        self.underway.len()
    }

    /// Whether a transaction is sent and not final.
    #[must_use]
    pub fn carries(&self, id: TxId) -> bool {
        self.underway.iter().any(|one| one.id == id)
    }

    /// Sends a call, if it would pass now.
    pub async fn send(&mut self, call: Call) -> Result<TxId, SendError> {
        let gas = match call.gas {
            Some(gas) => gas,
            None => self.estimate(&call).await?,
        };
        let head = self.head().await?;
        let nonce = self.nonce().await?;
        let fee = (2 * head.1 + self.policy.tip).min(self.policy.most);
        let tip = self.policy.tip.min(fee);
        let id = TxId(self.last.0 + 1);
        let mut underway =
            Underway { id, call, nonce, gas, fee, tip, sent: Vec::new(), since: head.0, included: None };
        self.sign(&mut underway);
        self.broadcast(&underway).await?;
        (self.last, self.next_nonce) = (id, Some(nonce + 1));
        self.underway.push(underway);
        Ok(id)
    }

    /// Looks after what is underway: tells what came into a block since the last turn, repeats what a reorg dropped,
    /// replaces what waits too long, forgets what is final.
    pub async fn turn(&mut self) -> Result<Vec<Outcome>, Fault> {
        let mut outcomes = Vec::new();
        if self.underway.is_empty() {
            return Ok(outcomes);
        }
        let (head, base_fee) = self.head().await?;
        let final_ = self.block(BlockNumberOrTag::Finalized).await?.map_or(0, |block| block.0);
        let provider = self.endpoints.best().clone();
        let used = provider.get_transaction_count(self.address()).block_id(BlockId::number(final_));
        let used = answer(used.into_future()).await?;
        let mut underway = std::mem::take(&mut self.underway);
        let mut failed = None;
        for one in &mut underway {
            if failed.is_some() {
                break;
            }
            let turned = self.look_after(one, head, base_fee, used).await;
            match turned {
                Ok(outcome) => outcomes.extend(outcome),
                Err(fault) => failed = Some(fault),
            }
        }
        underway.retain(|one| one.included.is_none_or(|(block, _)| final_ < block));
        self.underway = underway;
        if self.underway.is_empty() {
            // The chain may have come to another count meanwhile, by a reorg or another user of the key.
            self.next_nonce = None;
        }
        failed.map_or(Ok(outcomes), Err)
    }

    async fn look_after(
        &mut self,
        one: &mut Underway,
        head: u64,
        base_fee: u128,
        used: u64,
    ) -> Result<Option<Outcome>, Fault> {
        if let Some(receipt) = self.receipt(one).await? {
            let at = (receipt.block_number.unwrap_or_default(), receipt.block_hash.unwrap_or_default());
            let news = one.included != Some(at);
            one.included = Some(at);
            return Ok(news.then(|| Outcome { id: one.id, fate: Fate::Included(Box::new(receipt)) }));
        }
        let dropped = one.included.take().is_some();
        if one.nonce < used {
            // Somebody else's transaction has this number for good.
            one.nonce = self.fresh_nonce().await?;
            self.next_nonce = Some(one.nonce + 1);
            one.sent.clear();
            self.sign(one);
        } else if !dropped && one.since + self.policy.patience <= head {
            let raised = |fee: u128| fee + fee * u128::from(self.policy.raise) / 100 + 1;
            let fee = raised(one.fee).max(2 * base_fee + one.tip);
            if fee <= self.policy.most {
                (one.fee, one.tip) = (fee, raised(one.tip).min(fee));
                self.sign(one);
            }
        } else if !dropped {
            return Ok(None);
        }
        one.since = head;
        // A node that has it already says so, and one that refuses it may take it at the next turn.
        match self.broadcast(one).await {
            Ok(()) | Err(Fault::Silent(_)) => {
                Ok(dropped.then_some(Outcome { id: one.id, fate: Fate::Dropped }))
            }
            Err(fault) => Err(fault),
        }
    }

    /// The receipt of whichever of them was included.
    async fn receipt(&self, one: &Underway) -> Result<Option<TransactionReceipt>, Fault> {
        for (hash, _) in one.sent.iter().rev() {
            let receipt = answer(self.endpoints.best().get_transaction_receipt(*hash).into_future()).await?;
            if receipt.is_some() {
                return Ok(receipt);
            }
        }
        Ok(None)
    }

    /// Gives every endpoint the last one that was signed; one that takes it is enough.
    async fn broadcast(&self, one: &Underway) -> Result<(), Fault> {
        let (_, bytes) = one.sent.last().expect("signed before");
        let mut fault = None;
        let mut taken = false;
        for provider in self.endpoints.providers() {
            match answer(provider.send_raw_transaction(bytes)).await {
                Ok(_) => taken = true,
                Err(Fault::Silent(why))
                    if why.contains("already known") || why.contains("already imported") =>
                {
                    taken = true;
                }
                Err(refused) => fault = Some(refused),
            }
        }
        match fault {
            Some(fault) if !taken => Err(fault),
            _ => Ok(()),
        }
    }

    fn sign(&self, one: &mut Underway) {
        let transaction = TxEip1559 {
            chain_id: self.endpoints.chain_id(),
            nonce: one.nonce,
            gas_limit: one.gas,
            max_fee_per_gas: one.fee,
            max_priority_fee_per_gas: one.tip,
            to: TxKind::Call(one.call.to),
            value: one.call.value,
            access_list: Default::default(),
            input: one.call.data.clone(),
        };
        let signature = self.key.sign_hash_sync(&transaction.signature_hash()).expect("a local key signs");
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        one.sent.push((*envelope.tx_hash(), envelope.encoded_2718().into()));
    }

    /// Gas that a call needs, and a fifth more: a vault asks for some in reserve.
    async fn estimate(&self, call: &Call) -> Result<u64, SendError> {
        let request = TransactionRequest {
            from: Some(self.address()),
            to: Some(TxKind::Call(call.to)),
            value: Some(call.value),
            input: TransactionInput::new(call.data.clone()),
            ..Default::default()
        };
        let estimate = async {
            match self.endpoints.best().estimate_gas(request).await {
                Ok(gas) => Ok(Ok(gas + gas / 5)),
                Err(error) => match error.as_error_resp().and_then(|response| response.as_revert_data()) {
                    Some(data) => Ok(Err(SendError::WouldFail { why: error.to_string(), data })),
                    None => Err(error),
                },
            }
        };
        answer(estimate).await?
    }

    /// The next number: ours, or the chain's where nothing is underway.
    async fn nonce(&self) -> Result<u64, Fault> {
        match self.next_nonce {
            Some(nonce) => Ok(nonce),
            None => self.fresh_nonce().await,
        }
    }

    /// The chain's next number, and none of those underway.
    async fn fresh_nonce(&self) -> Result<u64, Fault> {
        let count = self.endpoints.best().get_transaction_count(self.address()).pending();
        let count = answer(count.into_future()).await?;
        Ok(self.next_nonce.unwrap_or_default().max(count))
    }

    /// Number of the head, and wei a unit of gas burnt there.
    async fn head(&self) -> Result<(u64, u128), Fault> {
        let head = self.block(BlockNumberOrTag::Latest).await?;
        head.ok_or_else(|| Fault::lie("no latest block"))
    }

    async fn block(&self, tag: BlockNumberOrTag) -> Result<Option<(u64, u128)>, Fault> {
        let block = answer(self.endpoints.best().get_block(BlockId::Number(tag)).into_future()).await?;
        Ok(block.map(|block| {
            (block.header.number, u128::from(block.header.base_fee_per_gas.unwrap_or_default()))
        }))
    }
}
