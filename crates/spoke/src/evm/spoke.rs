//! A chain of the EVM kind as a [`Spoke`].
//!
//! - Blocks its thread while it asks: call it from threads that are no tasks of an async runtime. Who has one of those
//!   uses [`Watcher`] and [`Courier`] themselves.
//! - Time passes by itself here: [`Spoke::advance`] looks, it does not wait.
//! - Follows its vault to a successor: what is sent goes to the vault that was the chain's at the last look, orders to the one
//!   that they are signed for. Its domain stays that of the first one.
//! - Sends with the keys it is given: orders, freezes, pokes and deposits with the courier's, takes with the taker's.

use super::bindings::auction_house::AuctionHouse;
use super::bindings::gateway::Gateway;
use super::bindings::mock_token::MockToken;
use super::bindings::vault::Vault;
use super::courier::{Call, Courier, Fate, FeePolicy, Outcome, SendError};
use super::endpoint::{Endpoints, Fault, answer};
use super::watch::{Resume, WatchConfig, Watcher};
use super::{Deployment, EvmError, Holdings, chain_address, facts, freeze_call, hub_address, refusal};
use crate::certificate::Certificate;
use crate::message::{Freeze, Payload};
use crate::vault::{Moving, Waiting};
use crate::{Carried, Conditions, Done, Heads, Offer, Poke, Receipt, Revert, Spoke, SpokeError, Take, TxId};
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, TransactionReceipt};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use ballast_types::{
    AssetId, Auction, ChainId, ChainKind, Hash, LotId, Nonce, Observation, Owner, VaultEvent, digest,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::Runtime;

/// Gas of the common calls, for what they are said to cost: as the snapshot of `contracts` has them, and a little more.
const GAS_ORDER: u64 = 130_000;
const GAS_TAKE: u64 = 170_000;
const GAS_BRIDGE: u64 = 700_000;

/// Gas of a deposit or take that cannot be estimated, because its allowance is still on the way.
const GAS_AFTER_APPROVAL: u64 = 350_000;

/// What a chain's adapter is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpokeConfig {
    /// Where its contracts lie.
    pub deployment: Deployment,
    /// Endpoints in order of preference.
    pub endpoints: Vec<String>,
    /// How to watch.
    pub watch: WatchConfig,
    /// How to pay.
    pub fees: FeePolicy,
    /// Time between two blocks.
    pub block_time: Millis,
    /// From sending to being included, as its keepers measure it.
    pub inclusion: Millis,
    /// Dollars for one of the chain's own coins, for what things cost.
    pub coin_price: Price,
}

/// Who sends.
#[derive(Clone, Debug)]
pub struct SpokeKeys {
    /// Orders, freezes, pokes and deposits.
    pub courier: PrivateKeySigner,
    /// Takes, and orders from a sender of their own; each with its own money and numbers.
    pub others: Vec<PrivateKeySigner>,
}

/// A chain of the EVM kind.
#[derive(Debug)]
pub struct EvmSpoke {
    runtime: Runtime,
    config: SpokeConfig,
    watcher: Watcher,
    /// Vaults whose other contracts are known.
    sites: BTreeMap<Address, Site>,
    couriers: BTreeMap<Address, Courier>,
    courier: Address,
    sent: BTreeMap<(Address, TxId), Sent>,
    last: TxId,
    /// Receipts that are known already: of what was never sent because it would fail.
    refused: Vec<Receipt>,
}

/// A vault and what belongs to it.
#[derive(Clone, Copy, Debug)]
struct Site {
    vault: Address,
    house: Address,
    gateway: Option<Address>,
}

/// Something that was sent.
#[derive(Clone, Debug)]
struct Sent {
    tx: TxId,
    what: What,
    included: Option<Time>,
}

#[derive(Clone, Debug)]
enum What {
    /// Orders by their numbers.
    Orders(Vec<Nonce>),
    Freeze,
    Deposit,
    Take,
    Poke,
    /// Comes before what needs it; tells nothing.
    Approval,
}

impl EvmSpoke {
    /// A chain, watched from its vault's first block or from where it was left.
    pub fn new(config: SpokeConfig, keys: SpokeKeys, resume: Option<Resume>) -> Result<Self, EvmError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| EvmError::Reverted {
            what: "async runtime".to_owned(),
            why: error.to_string(),
        })?;
        let endpoints = Endpoints::new(config.deployment.chain_id, &config.endpoints)?;
        let watcher = Watcher::new(config.watch.clone(), endpoints.clone(), resume);
        let Deployment { vault, house, gateway, .. } = config.deployment;
        let sites = [(vault, Site { vault, house, gateway })].into();
        let all = keys.others.into_iter().chain([keys.courier.clone()]);
        let couriers =
            all.map(|key| (key.address(), Courier::new(endpoints.clone(), key, config.fees))).collect();
        Ok(Self {
            runtime,
            config,
            watcher,
            sites,
            couriers,
            courier: keys.courier.address(),
            sent: BTreeMap::new(),
            last: TxId::default(),
            refused: Vec::new(),
        })
    }

    /// What the vault has at a block: what the hub was told has to come to its books, and its tokens have to be there.
    pub fn holdings(&self, block: Hash) -> Result<Holdings, SpokeError> {
        let holdings = self.runtime.block_on(self.watcher.holdings(&self.config.deployment, block));
        holdings.map_err(|fault| self.network(&fault))
    }

    /// What watches it: endpoints and their faults, gas history, where a restart goes on. To be read only: its
    /// connections live in this adapter's runtime, and stand still outside of it.
    #[must_use]
    pub fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    /// How many more bridges the gateway's own money pays for: of its ways to these chains, by the dearest. None where
    /// it has no way. Without a fee nothing is bridged, so this is to be watched.
    pub fn bridges_left(&self, others: &[ChainId]) -> Result<Option<u64>, SpokeError> {
        let Deployment { chain, tokens, .. } = &self.config.deployment;
        let Some(gateway) = self.here()?.gateway else { return Ok(None) };
        let gateway = Gateway::new(gateway, self.watcher.endpoints().best());
        let others = others.iter().filter(|other| *other != chain);
        let ways = tokens.iter().flat_map(|token| others.clone().map(|other| (token.asset, *other)));
        let mut least = None;
        for (asset, other) in ways {
            let left = gateway.bridgesPaid(asset.0, other.0);
            // A contract that refuses to say has no such way.
            let left = self.runtime.block_on(answer(async {
                match left.call().await {
                    Ok(left) => Ok(Some(left.saturating_to::<u64>())),
                    Err(error) if error.as_revert_data().is_some() => Ok(None),
                    Err(error) => Err(error),
                }
            }));
            least = least.into_iter().chain(left.map_err(|fault| self.network(&fault))?).min();
        }
        Ok(least)
    }

    /// Who sends orders and deposits, as the hub writes addresses.
    #[must_use]
    pub fn sender(&self) -> ballast_types::Address {
        hub_address(self.courier)
    }

    /// What a coin of the chain is worth from now on, for what things cost.
    pub fn set_coin_price(&mut self, price: Price) {
        self.config.coin_price = price;
    }

    /// What became of orders in a transaction that somebody else sent; none while it is in no block.
    pub fn delivered_by(
        &mut self,
        nonces: Vec<Nonce>,
        transaction: B256,
    ) -> Result<Option<Receipt>, SpokeError> {
        let provider = self.watcher.endpoints().best().clone();
        let found = self
            .runtime
            .block_on(answer(provider.get_transaction_receipt(transaction).into_future()))
            .map_err(|fault| self.network(&fault))?;
        let Some(found) = found else { return Ok(None) };
        let time = self.time_of(found.block_hash.unwrap_or_default());
        let included = Some(time.map_err(|fault| self.network(&fault))?);
        let sent = Sent { tx: self.next_tx(), what: What::Orders(nonces), included };
        self.receipt_of(&sent, &found).map(Some).map_err(|fault| self.network(&fault))
    }

    fn deliver_by(&mut self, sender: Address, payload: &Payload) -> Result<TxId, SpokeError> {
        let here = self.chain();
        if payload.chain != here {
            return Err(SpokeError::OtherChain { order: payload.chain, here });
        }
        let call = Vault::executeCall { payload: payload.encode()?.into() };
        let nonces: Vec<Nonce> = payload.orders.iter().map(|order| order.nonce).collect();
        let vault = self.signed_for(payload.domain);
        if self.runtime.block_on(self.are_done(vault, &nonces)) {
            // It would tell nothing but this.
            let (tx, time) = (self.next_tx(), self.watcher.heads().head.time);
            let seen = nonces.into_iter().map(|nonce| (nonce, Err(Revert::OrderSeen(nonce)))).collect();
            self.refused.push(Receipt { tx, time, result: Ok(Done::Delivered(seen)) });
            return Ok(tx);
        }
        let tx = self.send(sender, plain(vault, call.abi_encode()), What::Orders(nonces.clone()))?;
        let called_off = |receipt: &Receipt| matches!(receipt.result, Err(Revert::GasTooLow { .. }));
        if nonces.len() < 2 || !self.refused.last().is_some_and(|last| last.tx == tx && called_off(last)) {
            return Ok(tx);
        }
        // An order takes more gas than a transaction has: the others are brought without it.
        self.refused.pop();
        let mut first = None;
        for (from, nonce) in (0_u64..).zip(nonces) {
            let [from, to] = [from, from + 1].map(U256::from);
            let call = Vault::executePartCall { payload: payload.encode()?.into(), from, to };
            let part = self.send(sender, plain(vault, call.abi_encode()), What::Orders(vec![nonce]))?;
            first.get_or_insert(part);
        }
        Ok(first.unwrap_or(tx))
    }

    /// The vault that orders of this domain are for. Of an unknown one, that may be to come, the present one, which refuses them.
    fn signed_for(&self, domain: Hash) -> Address {
        let chain_id = self.config.deployment.chain_id;
        let of = |vault: &Address| digest::domain(ChainKind::Evm, chain_id, hub_address(*vault));
        let known = self.watcher.vaults().into_iter().find(|vault| of(vault) == domain);
        known.unwrap_or_else(|| self.watcher.vault())
    }

    /// Whether all these orders were carried out, or wait, for good: in the last final block. An order that waits is put out
    /// again until its end has come, and whoever brought it would pay for nothing.
    async fn are_done(&self, vault: Address, nonces: &[Nonce]) -> bool {
        let final_ = self.watcher.heads().final_.number;
        let vault = Vault::new(vault, self.watcher.endpoints().best());
        for nonce in nonces {
            // One that does not say is sent to.
            let done = vault.isDone(nonce.0).block(BlockId::number(final_));
            if answer(done.call().into_future()).await != Ok(true) {
                return false;
            }
        }
        !nonces.is_empty()
    }

    /// The contracts of the vault that is the chain's.
    async fn site(&self) -> Result<Site, Fault> {
        let vault = self.watcher.vault();
        if let Some(site) = self.sites.get(&vault) {
            return Ok(*site);
        }
        let contract = Vault::new(vault, self.watcher.endpoints().best());
        let house = answer(contract.house().call().into_future()).await?;
        let gateway = answer(contract.gateway().call().into_future()).await?;
        Ok(Site { vault, house, gateway: Some(gateway).filter(|gateway| !gateway.is_zero()) })
    }

    fn here(&self) -> Result<Site, SpokeError> {
        self.runtime.block_on(self.site()).map_err(|fault| self.network(&fault))
    }

    fn network(&self, fault: &impl std::fmt::Display) -> SpokeError {
        SpokeError::Network { chain: self.config.deployment.chain, reason: fault.to_string() }
    }

    fn next_tx(&mut self) -> TxId {
        self.last = TxId(self.last.0 + 1);
        self.last
    }

    fn send(&mut self, from: Address, call: Call, what: What) -> Result<TxId, SpokeError> {
        let Some(courier) = self.couriers.get_mut(&from) else {
            return Err(self.network(&format!("no key of {from} is here")));
        };
        match self.runtime.block_on(courier.send(call)) {
            Ok(id) => {
                let tx = self.next_tx();
                self.sent.insert((from, id), Sent { tx, what, included: None });
                Ok(tx)
            }
            // It has a receipt all the same: that of a block in which it would have failed.
            Err(SendError::WouldFail { data, .. }) => {
                let (tx, time) = (self.next_tx(), self.watcher.heads().head.time);
                self.refused.push(Receipt { tx, time, result: Err(refusal::read(&data)) });
                Ok(tx)
            }
            Err(SendError::Fault(fault)) => Err(self.network(&fault)),
        }
    }

    /// A call of the vault or house that pulls tokens from `from`: lets the vault take them first, once.
    fn send_paying(
        &mut self,
        from: Address,
        token: Address,
        need: U256,
        mut call: Call,
        what: What,
    ) -> Result<TxId, SpokeError> {
        let vault = self.watcher.vault();
        let provider = self.watcher.endpoints().best().clone();
        let allowance = self.runtime.block_on(async {
            let contract = MockToken::new(token, provider);
            answer(contract.allowance(from, vault).call().into_future()).await
        });
        if allowance.map_err(|fault| self.network(&fault))? < need {
            let approve = MockToken::approveCall { spender: vault, value: U256::MAX };
            let approval =
                Call { to: token, data: approve.abi_encode().into(), value: U256::ZERO, gas: None };
            self.send(from, approval, What::Approval)?;
            call.gas = Some(GAS_AFTER_APPROVAL);
        }
        self.send(from, call, what)
    }

    fn token(&self, asset: AssetId) -> Result<(Address, Amount), SpokeError> {
        let deployment = &self.config.deployment;
        let token =
            deployment.token(asset).ok_or(SpokeError::UnknownAsset { chain: deployment.chain, asset })?;
        Ok((token.token, Amount::from_wei(token.unit())))
    }

    fn receipt_of(&self, sent: &Sent, receipt: &TransactionReceipt) -> Result<Receipt, Fault> {
        let time = sent.included.unwrap_or_default();
        let result = if receipt.status() { done(&sent.what, receipt) } else { Err(self.why(receipt)?) };
        Ok(Receipt { tx: sent.tx, time, result })
    }

    /// Why a transaction failed: what it says when it is tried again on the state before its block.
    fn why(&self, receipt: &TransactionReceipt) -> Result<Revert, Fault> {
        let provider = self.watcher.endpoints().best().clone();
        let (hash, block) = (receipt.transaction_hash, receipt.block_number.unwrap_or_default());
        self.runtime.block_on(async {
            let Some(transaction) = answer(provider.get_transaction_by_hash(hash).into_future()).await?
            else {
                return Ok(Revert::Reorged);
            };
            let request = transaction.into_request();
            let tried = provider.call(request).block(BlockId::number(block)).await;
            let data = tried.err().and_then(|error| error.as_error_resp()?.as_revert_data());
            Ok(refusal::read(&data.unwrap_or_default()))
        })
    }

    fn time_of(&self, block: B256) -> Result<Time, Fault> {
        let provider = self.watcher.endpoints().best().clone();
        let block = self
            .runtime
            .block_on(answer(provider.get_block(BlockId::hash(block)).into_future()))?
            .ok_or(Fault::Moved)?;
        Ok(Time::from_millis(block.header.timestamp.saturating_mul(1_000)))
    }

    /// Lots that an auction was started for, with how much was for sale and since which block; the last start counts.
    async fn started(&self, only: Option<LotId>) -> Result<BTreeMap<LotId, (Amount, u64)>, Fault> {
        let (house, first_block) = (self.site().await?.house, self.config.deployment.first_block);
        let filter = Filter::new()
            .address(house)
            .event_signature(AuctionHouse::Started::SIGNATURE_HASH)
            .from_block(first_block);
        let filter = match only {
            Some(lot) => filter.topic1(U256::from(lot.0)),
            None => filter,
        };
        let logs = answer(self.watcher.endpoints().best().get_logs(&filter)).await?;
        let started = logs.iter().filter_map(|log| {
            let event = AuctionHouse::Started::decode_log(&log.inner).ok()?;
            Some((LotId(event.lot), (Amount::from_wei(event.quantity), log.block_number?)))
        });
        Ok(started.collect())
    }

    /// Releases that were told to wait, and neither that they were paid nor that they were dropped.
    async fn queued(&self) -> Result<BTreeSet<Nonce>, Fault> {
        let (vault, first_block) = (self.watcher.vault(), self.config.deployment.first_block);
        let told =
            [Vault::Queued::SIGNATURE_HASH, Vault::Released::SIGNATURE_HASH, Vault::Dropped::SIGNATURE_HASH];
        let filter = Filter::new().address(vault).event_signature(told.to_vec()).from_block(first_block);
        let mut queued = BTreeSet::new();
        for log in answer(self.watcher.endpoints().best().get_logs(&filter)).await? {
            // All three name the order first.
            let [name, nonce, ..] = log.topics() else { continue };
            let nonce = Nonce(U256::from_be_bytes(nonce.0).saturating_to());
            if *name == Vault::Queued::SIGNATURE_HASH {
                queued.insert(nonce);
            } else {
                queued.remove(&nonce);
            }
        }
        Ok(queued)
    }

    async fn waiting_of(&self, nonce: Nonce) -> Result<Option<Waiting>, Fault> {
        let vault = Vault::new(self.watcher.vault(), self.watcher.endpoints().best());
        let release = answer(vault.waiting(nonce.0).call().into_future()).await?;
        Ok((!release.to.is_zero()).then(|| Waiting {
            asset: AssetId(release.asset),
            amount: Amount::from_wei(release.amount),
            ready: Time::from_millis(release.ready),
            expires: Time::from_millis(release.expires),
        }))
    }

    async fn offer_of(&self, lot: LotId, quantity: Amount, since: u64) -> Result<Option<Offer>, Fault> {
        let provider = self.watcher.endpoints().best();
        let Site { house, vault, .. } = self.site().await?;
        let contract = AuctionHouse::new(house, provider);
        let auction = answer(contract.auction(lot.0).call().into_future()).await?;
        if auction.stock.left.is_zero() {
            return Ok(None);
        }
        let filter = Filter::new()
            .address(vault)
            .event_signature(Vault::Taken::SIGNATURE_HASH)
            .topic2(U256::from(lot.0))
            .from_block(since);
        let logs = answer(provider.get_logs(&filter)).await?;
        let paid = logs.iter().filter_map(|log| match facts::read(&log.inner) {
            Ok(Some((_, VaultEvent::Taken { paid, .. }))) => Some(paid),
            _ => None,
        });
        Ok(offer(&auction, quantity, paid.sum()))
    }
}

impl Spoke for EvmSpoke {
    fn chain(&self) -> ChainId {
        self.config.deployment.chain
    }

    fn domain(&self) -> Hash {
        self.config.deployment.domain()
    }

    fn conditions(&self) -> Result<Conditions, SpokeError> {
        let provider = self.watcher.endpoints().best().clone();
        let price = self.runtime.block_on(answer(provider.get_gas_price()));
        let price = price.map_err(|fault| self.network(&fault))?;
        let cost = |gas: u64| {
            let coins = Amount::from_wei(price.saturating_mul(u128::from(gas)));
            coins
                .value_up(self.config.coin_price)
                .map_err(|_| self.network(&"a gas price beyond what can be counted"))
        };
        let SpokeConfig { block_time, inclusion, .. } = self.config;
        Ok(Conditions {
            block_time,
            inclusion,
            gas_order: cost(GAS_ORDER)?,
            gas_take: cost(GAS_TAKE)?,
            bridge: cost(GAS_BRIDGE)?,
        })
    }

    fn heads(&self) -> Result<Heads, SpokeError> {
        Ok(self.watcher.heads())
    }

    fn block_hash(&self, number: u64) -> Result<Option<Hash>, SpokeError> {
        let provider = self.watcher.endpoints().best().clone();
        let block = self.runtime.block_on(answer(provider.get_block(BlockId::number(number)).into_future()));
        let block = block.map_err(|fault| self.network(&fault))?;
        Ok(block.map(|block| Hash(block.header.hash.0)))
    }

    fn epoch(&self) -> Result<u32, SpokeError> {
        let vault = Vault::new(self.watcher.vault(), self.watcher.endpoints().best());
        let validators = self.runtime.block_on(answer(vault.validators().call().into_future()));
        validators.map(|validators| validators.epoch).map_err(|fault| self.network(&fault))
    }

    fn vault(&self, asset: AssetId) -> Result<Amount, SpokeError> {
        self.token(asset)?;
        let mut booked = Amount::ZERO;
        // What stayed behind in one that has handed over is the chain's as well.
        for vault in self.watcher.vaults() {
            let vault = Vault::new(vault, self.watcher.endpoints().best());
            let books = vault.balances(asset.0);
            let books = self.runtime.block_on(answer(books.call().into_future()));
            booked += Amount::from_wei(books.map_err(|fault| self.network(&fault))?.booked);
        }
        Ok(booked)
    }

    fn offer(&self, lot: LotId) -> Result<Option<Offer>, SpokeError> {
        let offer = self.runtime.block_on(async {
            match self.started(Some(lot)).await?.get(&lot) {
                Some((quantity, since)) => self.offer_of(lot, *quantity, *since).await,
                None => Ok(None),
            }
        });
        offer.map_err(|fault| self.network(&fault))
    }

    fn offers(&self) -> Result<Vec<(LotId, Offer)>, SpokeError> {
        let offers = self.runtime.block_on(async {
            let mut offers = Vec::new();
            for (lot, (quantity, since)) in self.started(None).await? {
                offers.extend(self.offer_of(lot, quantity, since).await?.map(|offer| (lot, offer)));
            }
            Ok(offers)
        });
        offers.map_err(|fault: Fault| self.network(&fault))
    }

    fn waiting(&self) -> Result<Vec<(Nonce, Waiting)>, SpokeError> {
        let waiting = self.runtime.block_on(async {
            let mut waiting = Vec::new();
            for nonce in self.queued().await? {
                waiting.extend(self.waiting_of(nonce).await?.map(|release| (nonce, release)));
            }
            Ok(waiting)
        });
        waiting.map_err(|fault: Fault| self.network(&fault))
    }

    fn moving(&self) -> Result<Option<Moving>, SpokeError> {
        let vault = Vault::new(self.watcher.vault(), self.watcher.endpoints().best());
        let moving = self.runtime.block_on(answer(vault.migration().call().into_future()));
        let moving = moving.map_err(|fault| self.network(&fault))?;
        Ok((moving.nonce != 0).then(|| Moving {
            nonce: Nonce(moving.nonce),
            to: hub_address(moving.to),
            ready: Time::from_millis(moving.ready.to()),
            until: Time::from_millis(moving.until.to()),
        }))
    }

    fn deliver(&mut self, payload: &Payload) -> Result<TxId, SpokeError> {
        self.deliver_by(self.courier, payload)
    }

    fn deliver_from(
        &mut self,
        sender: ballast_types::Address,
        payload: &Payload,
    ) -> Result<TxId, SpokeError> {
        let known = chain_address(sender).filter(|sender| self.couriers.contains_key(sender));
        self.deliver_by(known.unwrap_or(self.courier), payload)
    }

    fn freeze(&mut self, freeze: Freeze, epoch: u32, certificate: &Certificate) -> Result<TxId, SpokeError> {
        let vault = self.watcher.vault();
        self.send(self.courier, plain(vault, freeze_call(freeze, epoch, certificate)), What::Freeze)
    }

    fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) -> Result<TxId, SpokeError> {
        let (token, unit) = self.token(asset)?;
        if amount.is_zero() {
            return Err(SpokeError::AmountZero);
        }
        if !amount.wei().is_multiple_of(unit.wei()) {
            return Err(SpokeError::AmountUneven { amount, unit });
        }
        let raw = U256::from(amount.wei() / unit.wei());
        let (owner, subaccount) = (B256::from(owner.address.0), owner.subaccount);
        let call = Vault::depositCall { owner, subaccount, asset: asset.0, raw };
        let call = plain(self.watcher.vault(), call.abi_encode());
        self.send_paying(self.courier, token, raw, call, What::Deposit)
    }

    fn take(&mut self, take: Take) -> Result<TxId, SpokeError> {
        if take.quantity.is_zero() {
            return Err(SpokeError::AmountZero);
        }
        let taker = chain_address(take.taker);
        let taker =
            taker.ok_or_else(|| self.network(&format!("{} is no address of this chain", take.taker)))?;
        let coin = self.config.deployment.coin;
        let (token, unit) = self.token(coin)?;
        let most = take.quantity.value_up(take.price_max);
        let most = most.map_err(|_| self.network(&"a take beyond what can be counted"))?;
        let call = AuctionHouse::takeCall {
            lot: take.lot.0,
            wanted: take.quantity.wei(),
            least: take.least.wei(),
            priceMost: take.price_max.wei(),
            recipient: taker,
            data: Bytes::new(),
        };
        let call = plain(self.here()?.house, call.abi_encode());
        self.send_paying(taker, token, U256::from(most.wei() / unit.wei()), call, What::Take)
    }

    fn poke(&mut self, poke: Poke) -> Result<TxId, SpokeError> {
        let Site { vault, house, .. } = self.here()?;
        let call = match poke {
            Poke::End(lot) => plain(house, AuctionHouse::endCall { lot: lot.0 }.abi_encode()),
            Poke::Pay(nonce) => plain(vault, Vault::payCall { nonce: nonce.0 }.abi_encode()),
            Poke::Drop(nonce) => plain(vault, Vault::dropCall { nonce: nonce.0 }.abi_encode()),
            Poke::Migrate(nonce) => plain(vault, Vault::migrateCall(nonce.0).abi_encode()),
        };
        self.send(self.courier, call, What::Poke)
    }

    fn advance(&mut self, _to: Time) -> Result<Vec<Observation>, SpokeError> {
        let news = self.runtime.block_on(self.watcher.poll()).map_err(|error| self.network(&error))?;
        // Of a successor that does not say, they are asked for when they are needed: what was told is told.
        if let Ok(site) = self.here() {
            self.sites.insert(site.vault, site);
        }
        Ok(news.observations)
    }

    fn receipts(&mut self) -> Result<Vec<Receipt>, SpokeError> {
        let mut receipts = std::mem::take(&mut self.refused);
        let mut fault = None;
        let mut outcomes: Vec<(Address, Outcome)> = Vec::new();
        for (from, courier) in &mut self.couriers {
            match self.runtime.block_on(courier.turn()) {
                Ok(turned) => outcomes.extend(turned.into_iter().map(|outcome| (*from, outcome))),
                Err(failed) => fault = Some(failed),
            }
        }
        for (from, Outcome { id, fate }) in outcomes {
            let Some(mut sent) = self.sent.remove(&(from, id)) else { continue };
            let receipt = match fate {
                Fate::Dropped => {
                    let time = sent.included.take().unwrap_or_default();
                    Receipt { tx: sent.tx, time, result: Err(Revert::Reorged) }
                }
                Fate::Included(receipt) => {
                    let time = self.time_of(receipt.block_hash.unwrap_or_default());
                    sent.included = time.ok();
                    self.receipt_of(&sent, &receipt).map_err(|fault| self.network(&fault))?
                }
            };
            let quiet = matches!(sent.what, What::Approval);
            self.sent.insert((from, id), sent);
            if !quiet {
                receipts.push(receipt);
            }
        }
        // What is final has nothing more to tell.
        let couriers = &self.couriers;
        self.sent.retain(|(from, id), _| couriers.get(from).is_some_and(|courier| courier.carries(*id)));
        match fault {
            // What is known is told; the rest comes with the next call.
            Some(fault) if receipts.is_empty() => Err(self.network(&fault)),
            _ => Ok(receipts),
        }
    }
}

fn plain(to: Address, data: Vec<u8>) -> Call {
    Call { to, data: data.into(), value: U256::ZERO, gas: None }
}

/// What a transaction that passed did, by the events it left.
fn done(what: &What, receipt: &TransactionReceipt) -> Result<Done, Revert> {
    let logs = receipt.inner.logs();
    let facts = || logs.iter().filter_map(|log| facts::read(&log.inner).ok().flatten());
    Ok(match what {
        What::Orders(nonces) => {
            let executed: BTreeSet<Nonce> = facts()
                .filter_map(|(_, event)| match event {
                    VaultEvent::Executed { nonce } => Some(nonce),
                    _ => None,
                })
                .collect();
            Done::Delivered(
                nonces.iter().map(|nonce| (*nonce, carried(*nonce, &executed, receipt))).collect(),
            )
        }
        What::Freeze => Done::Frozen,
        What::Deposit => {
            let sequence = facts().find(|(_, event)| matches!(event, VaultEvent::Deposited { .. }));
            Done::Deposited(sequence.map(|(sequence, _)| sequence).unwrap_or_default())
        }
        What::Take => {
            let taken = facts().find_map(|(_, event)| match event {
                VaultEvent::Taken { lot, quantity, paid, rebate, .. } => {
                    Some(Done::Taken { lot, quantity, paid, rebate })
                }
                _ => None,
            });
            taken.ok_or(Revert::TakeRefused)?
        }
        What::Poke | What::Approval => Done::Poked,
    })
}

/// What became of one order of a delivery.
fn carried(
    nonce: Nonce,
    executed: &BTreeSet<Nonce>,
    receipt: &TransactionReceipt,
) -> Result<Carried, Revert> {
    if executed.contains(&nonce) {
        return Ok(Carried::Executed);
    }
    for log in receipt.inner.logs() {
        if let Ok(queued) = Vault::Queued::decode_log(&log.inner)
            && queued.nonce == nonce.0
        {
            return Ok(Carried::Waiting(Time::from_millis(queued.ready)));
        }
        if let Ok(queued) = Vault::MigrationQueued::decode_log(&log.inner)
            && queued.nonce == nonce.0
        {
            return Ok(Carried::Waiting(Time::from_millis(queued.ready)));
        }
        if let Ok(failed) = Vault::OrderFailed::decode_log(&log.inner)
            && failed.nonce == nonce.0
        {
            return Err(refusal::read(&failed.reason));
        }
    }
    Err(Revert::OrderSeen(nonce))
}

/// An auction as the hub knows it. `None` where the chain has figures that the hub could not have ordered.
fn offer(auction: &AuctionHouse::Auction, quantity: Amount, paid: Amount) -> Option<Offer> {
    let AuctionHouse::Auction { stock, prices, clock, start, unsold: _, began, result } = auction;
    let opened = Time::from_millis(clock.opened.to::<u64>());
    let unmet = Amount::from_wei(stock.unmet.to());
    Some(Offer {
        asset: AssetId(stock.asset),
        start: Nonce(*start),
        began: Time::from_millis(began.to()),
        auction: Auction {
            quantity,
            opened,
            start: Price::from_wei(prices.start.to()).ok()?,
            floor: Price::from_wei(prices.floor.to()).ok()?,
            step_factor: Ratio::from_wei(i128::from(prices.stepFactor)),
            step: Millis::new(u64::from(clock.step)),
            invites: opened.after(Millis::new(u64::from(clock.invitesAfter))),
            ends: opened.after(Millis::new(u64::from(clock.endsAfter))),
            need: unmet + paid,
            dust: Amount::from_wei(clock.dust.to()),
            rebate: Bps::new(u32::from(stock.rebate)),
        },
        left: Amount::from_wei(stock.left.to()),
        paid,
        result: Hash(result.0),
    })
}
