//! A local chain with a spoke on it: node, tokens, price feeds, LayerZero, Safe, vault, and the people's side of it.
//!
//! - Everything of ours is what runs on real chains. LayerZero's and Safe's contracts are their authors'.
//! - Stands in: tokens that anybody mints, price feeds that anybody sets, five DVNs and an executor of ours.

use super::node::{Node, NodeConfig, NodeError, dev_key};
use crate::evm::bindings::auction_house::AuctionHouse;
use crate::evm::bindings::dev_dvn::DevDvn;
use crate::evm::bindings::dev_executor::DevExecutor;
use crate::evm::bindings::gateway::Gateway;
use crate::evm::bindings::mock_aggregator::MockAggregator;
use crate::evm::bindings::mock_oft::MockOft;
use crate::evm::bindings::mock_token::MockToken;
use crate::evm::bindings::mock_wrapped::MockWrapped;
use crate::evm::bindings::vault::Vault;
use crate::evm::layerzero::{
    DVNS_DEFAULT, DVNS_LEAST, Dvns, LayerZero, LayerZeroError, PathError, Remote, WorkerChain,
    deploy_layerzero, wire_oapp,
};
use crate::evm::{
    Deployment, EvmError, FeePolicy, Finality, Npm, SafeError, SpokeConfig, SpokePlan, TokenAddress,
    WatchConfig, connection, deploy, deploy_safe, deploy_spoke, execute,
};
use crate::message::Payload;
use crate::quorum::VoteError;
use alloy::network::TransactionBuilder as _;
use alloy::primitives::{Address, B256, I256, U256};
use alloy::providers::{DynProvider, Provider as _};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolValue;
use ballast_engine::State;
use ballast_types::{AssetId, ChainId, Change, LotId, OrderAction, Owner, Signer, Token, VaultLimits};
use ballast_units::{Amount, Millis, Price, Time};

/// Wei that each of them and the executor ask for a message.
const WORKER_FEE: u64 = 1_000_000_000;

/// Gas of a feed's round, at most.
const ROUND_GAS: u64 = 200_000;

/// Gas of the gateway's own part of a delivery.
const GATEWAY_GAS: u64 = 100_000;

/// Gas of an order that cannot be measured.
const GUESS_GAS: u64 = 500_000;

/// Gas that a delivery may take: what a block has, less LayerZero's own.
const DELIVERY_MOST: u64 = 25_000_000;

/// Digits of a feed's answers, as Chainlink's dollar feeds have.
const FEED_DECIMALS: u8 = 8;

/// A token to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlan {
    /// The hub's id.
    pub asset: AssetId,
    /// Its name.
    pub symbol: String,
    /// Its digits.
    pub decimals: u8,
    /// What kind.
    pub kind: TokenKind,
    /// The market's price, where there is a feed.
    pub price: Option<Price>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A plain one.
    Plain,
    /// The chain's own coin, wrapped.
    Wrapped,
    /// One that moves between chains by LayerZero; 18 digits.
    Bridged,
}

/// A chain to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPlan {
    /// The node.
    pub node: NodeConfig,
    /// The hub's id of the chain.
    pub chain: ChainId,
    /// LayerZero's id of it; none without LayerZero.
    pub eid: Option<u32>,
    /// The first set of validators, ascending, and its epoch.
    pub signers: Vec<Signer>,
    /// Of the first set.
    pub epoch: u32,
    /// Tokens; the first one is what takers pay in.
    pub tokens: Vec<TokenPlan>,
    /// Owners of the reserve's Safe; none without one.
    pub safe_owners: Vec<Address>,
}

/// A local chain with a spoke on it.
#[derive(Debug)]
pub struct LocalChain {
    /// Its node.
    pub node: Node,
    /// Where everything lies.
    pub deployment: Deployment,
    deployer: DynProvider,
    dvns: Vec<Address>,
    kinds: Vec<(AssetId, TokenKind)>,
    /// Confirmations of what gateways send; none where they wait for finality.
    order_confirmations: Option<u64>,
}

/// Why there is no local chain.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The chain.
    #[error(transparent)]
    Evm(#[from] EvmError),
    /// The Safe.
    #[error(transparent)]
    Safe(#[from] SafeError),
    /// LayerZero.
    #[error(transparent)]
    LayerZero(#[from] LayerZeroError),
    /// A path between chains.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A member's vote on a root.
    #[error(transparent)]
    Vote(#[from] VoteError),
    /// A plan that cannot be carried out.
    #[error("{0}")]
    Plan(&'static str),
}

impl LocalChain {
    /// Starts a node and puts everything on it. The vault lists its coin only: [`Self::listing`] has the rest.
    pub async fn start(npm: &Npm, plan: LocalPlan) -> Result<Self, KitError> {
        let node = Node::start(npm, plan.node).await?;
        let key = dev_key("deployer", 0);
        let deployer = node.wallet(&key).await?;
        let (layerzero, dvns) = match plan.eid {
            Some(eid) => {
                let (layerzero, dvns) = put_layerzero(&deployer, npm, eid, key.address()).await?;
                (Some(layerzero), dvns)
            }
            None => (None, Vec::new()),
        };
        let mut tokens = Vec::new();
        for token in &plan.tokens {
            tokens.push(put_token(&deployer, token, layerzero.as_ref(), key.address()).await?);
        }
        let coin = *tokens.first().ok_or(KitError::Plan("a chain needs a coin that takers pay in"))?;
        let kinds: Vec<_> = plan.tokens.iter().map(|token| (token.asset, token.kind)).collect();
        let wrapped = kinds.iter().position(|(_, kind)| *kind == TokenKind::Wrapped);
        let spoke = SpokePlan {
            name: node.config().name.clone(),
            chain: plan.chain,
            epoch: plan.epoch,
            signers: plan.signers,
            coin,
            wrapped: wrapped.map(|place| tokens[place].token),
            layerzero,
            owner: key.address(),
            verifiers: DVNS_DEFAULT,
            development: false,
            predecessor: None,
        };
        let mut deployment = deploy_spoke(&deployer, key.address(), spoke).await?;
        deployment.tokens = tokens;
        if !plan.safe_owners.is_empty() {
            deployment.safe = Some(deploy_safe(&deployer, npm, &plan.safe_owners).await?);
        }
        if let Some(gateway) = deployment.gateway {
            node.fund(gateway).await?;
        }
        Ok(Self { node, deployment, deployer, dvns, kinds, order_confirmations: None })
    }

    /// Puts a successor beside the vault, with a gateway of its own where the chain has LayerZero. It is closed until the vault
    /// hands over to it, and takes its validators then.
    pub async fn put_successor(&self) -> Result<Deployment, KitError> {
        let Deployment { name, chain, coin, tokens, layerzero, safe, .. } = self.deployment.clone();
        let wrapped = self.kinds.iter().find(|(_, kind)| *kind == TokenKind::Wrapped);
        let spoke = SpokePlan {
            name,
            chain,
            epoch: 0,
            signers: vec![Signer(dev_key("deployer", 0).address().into_array())],
            coin: *self.token(coin)?,
            wrapped: wrapped.map(|(asset, _)| self.token(*asset)).transpose()?.map(|token| token.token),
            layerzero,
            owner: dev_key("deployer", 0).address(),
            verifiers: DVNS_DEFAULT,
            development: false,
            predecessor: Some(self.deployment.vault),
        };
        let deployment = deploy_spoke(&self.deployer, dev_key("deployer", 0).address(), spoke).await?;
        Ok(Deployment { tokens, safe, ..deployment })
    }

    /// Has DVNs wait for so many confirmations of what gateways send, 1 being the block that holds it: an order proves
    /// itself. Before ways are opened, at both ends.
    pub fn hurry_orders(&mut self, confirmations: u64) {
        self.order_confirmations = Some(confirmations);
    }

    /// What has to be ordered before the vault takes and pays every token: listing, and limits of `outflow` in `window`
    /// without delays.
    #[must_use]
    pub fn listing(&self, outflow: Amount, window: Millis) -> Vec<OrderAction> {
        let lists = self.deployment.tokens.iter().filter(|token| token.asset != self.deployment.coin);
        let lists = lists.map(|token| OrderAction::ListToken {
            asset: token.asset,
            token: crate::evm::hub_address(token.token),
            unit: Amount::from_wei(token.unit()),
        });
        let limits = self.deployment.tokens.iter().map(|token| OrderAction::SetLimits {
            asset: token.asset,
            outflow,
            window,
            delay_above: outflow,
            delay: Millis::ZERO,
        });
        lists.chain(limits).collect()
    }

    /// What governance decides so that the hub orders all that itself, once it has the chain: terms as the hub has them,
    /// and where the reserve's cold money lies.
    #[must_use]
    pub fn introduction(&self, state: &State, outflow: Amount, window: Millis) -> Vec<Change> {
        let chain = self.deployment.chain;
        let limits = VaultLimits { outflow, window, delay_above: outflow, delay: Millis::ZERO };
        let mut changes = Vec::new();
        for token in &self.deployment.tokens {
            let contract = crate::evm::hub_address(token.token);
            let unit = Amount::from_wei(token.unit());
            let token = Token { asset: token.asset, chain };
            if let Some(record) = state.token(token).filter(|_| token.asset != self.deployment.coin) {
                changes.push(Change::ListToken { token, contract, unit, params: record.params });
            }
            changes.push(Change::SetLimits { token, limits });
        }
        if let Some(safe) = self.deployment.safe {
            changes.push(Change::SetColdStore { chain, address: crate::evm::hub_address(safe.safe) });
        }
        changes
    }

    /// Opens the ways between this chain and another one, at this end: gateway and bridged tokens. After the tokens
    /// are listed. Both ends need it.
    pub async fn open_way(&self, other: &Self) -> Result<(), KitError> {
        self.open_paths(other).await?;
        for asset in self.bridged() {
            let (gateway, call) = self.oft(asset)?;
            execute(&self.deployer, gateway, call, U256::ZERO).await?;
        }
        Ok(())
    }

    /// Tokens that move between chains.
    pub fn bridged(&self) -> impl Iterator<Item = AssetId> + '_ {
        self.kinds.iter().filter(|(_, kind)| *kind == TokenKind::Bridged).map(|(asset, _)| *asset)
    }

    /// Has the gateway bridge a token, without waiting for the block that takes it. Refused before the vault lists it.
    pub async fn bridge_on(&self, asset: AssetId) -> Result<B256, KitError> {
        let (gateway, call) = self.oft(asset)?;
        let request = TransactionRequest::default().with_to(gateway).with_call(&call);
        Ok(connection::send_on(&self.deployer, "Gateway.setOft", request).await?)
    }

    fn oft(&self, asset: AssetId) -> Result<(Address, Gateway::setOftCall), KitError> {
        let gateway = self.deployment.gateway.ok_or(KitError::Plan("the chain has no gateway"))?;
        Ok((gateway, Gateway::setOftCall { asset: asset.0, oft: self.token(asset)?.token }))
    }

    /// The same for messages and tokens, but nothing that the vault has to know first: no gateway bridges them yet.
    pub async fn open_paths(&self, other: &Self) -> Result<(), KitError> {
        let needs = KitError::Plan("both chains of a way need LayerZero");
        let (Some(here), Some(gateway)) = (&self.deployment.layerzero, self.deployment.gateway) else {
            return Err(needs);
        };
        let (Some(there), Some(peer)) = (&other.deployment.layerzero, other.deployment.gateway) else {
            return Err(needs);
        };
        let (wallet, dvns, eid) = (&self.deployer, self.path()?, there.eid);
        here.open(wallet, eid, &dvns).await?;
        let remote = Remote { eid, oapp: peer, dvns: self.order_path()? };
        wire_oapp(wallet, here, gateway, &remote).await?;
        let chain = other.deployment.chain.0;
        execute(wallet, gateway, Gateway::setChainCall { chain_: chain, eid }, U256::ZERO).await?;
        for (asset, kind) in &self.kinds {
            let (Some(token), Some(peer)) = (self.deployment.token(*asset), other.deployment.token(*asset))
            else {
                continue;
            };
            if *kind == TokenKind::Bridged {
                let remote = Remote { eid, oapp: peer.token, dvns: dvns.clone() };
                wire_oapp(wallet, here, token.token, &remote).await?;
            }
        }
        Ok(())
    }

    /// What a LayerZero worker needs to serve this chain: DVNs that wait for as many blocks as make one final.
    pub async fn worker(&self) -> Result<WorkerChain, KitError> {
        let layerzero = self.deployment.layerzero.clone();
        let layerzero = layerzero.ok_or(KitError::Plan("a worker serves chains with LayerZero"))?;
        let mut operators = std::collections::BTreeMap::new();
        for (number, dvn) in self.dvns.iter().enumerate() {
            operators.insert(*dvn, self.node.wallet(&dev_key("dvn", number)).await?);
        }
        let executor = self.node.wallet(&dev_key("executor", 0)).await?;
        let quick = self.deployment.gateway.filter(|_| self.order_confirmations.is_some());
        let quick = quick.map(|gateway| Ok::<_, PathError>((gateway, self.order_path()?))).transpose()?;
        Ok(WorkerChain { layerzero, executor, operators, dvns: self.path()?, quick, first_block: 1 })
    }

    fn path(&self) -> Result<Dvns, PathError> {
        Dvns::new(&self.dvns, 2 * self.node.config().epoch, false)
    }

    /// Orders that are in a hurry prove themselves: the fewest DVNs are enough.
    fn order_path(&self) -> Result<Dvns, PathError> {
        match self.order_confirmations {
            Some(confirmations) => {
                Dvns::new(self.dvns.get(..DVNS_LEAST).unwrap_or_default(), confirmations, false)
            }
            None => self.path(),
        }
    }

    /// What an adapter of this chain is told: its own node is believed, and a take's gas is paid in coins of `coin_price`.
    #[must_use]
    pub fn spoke_config(&self, coin_price: Price) -> SpokeConfig {
        let deployment = self.deployment.clone();
        let block_time = Millis::seconds(self.node.config().block_time);
        SpokeConfig {
            endpoints: vec![self.node.url().to_owned()],
            watch: WatchConfig {
                chain: deployment.chain,
                vault: deployment.vault,
                first_block: deployment.first_block,
                finality: Finality::Tags,
                proofs: true,
                own_node: true,
                range: 256,
            },
            deployment,
            fees: FeePolicy::default(),
            block_time,
            inclusion: block_time,
            coin_price,
        }
    }

    /// Who set everything up.
    #[must_use]
    pub fn deployer(&self) -> &DynProvider {
        &self.deployer
    }

    /// Time of the head.
    pub async fn time(&self) -> Result<Time, EvmError> {
        Ok(Time::from_millis(self.node.time().await?.saturating_mul(1_000)))
    }

    /// Gives somebody tokens. A wrapped coin is made by wrapping, by the deployer.
    pub async fn mint(&self, asset: AssetId, to: Address, amount: Amount) -> Result<(), KitError> {
        let (token, raw) = self.raw(asset, amount)?;
        let mint = MockToken::mintCall { to, raw };
        if self.kinds.contains(&(asset, TokenKind::Wrapped)) {
            execute(&self.deployer, token, MockWrapped::depositCall {}, raw).await?;
            execute(&self.deployer, token, MockToken::transferCall { to, value: raw }, U256::ZERO).await?;
        } else {
            execute(&self.deployer, token, mint, U256::ZERO).await?;
        }
        Ok(())
    }

    /// Somebody deposits tokens that it is given first, for an account of the hub.
    pub async fn deposit(
        &self,
        key: &PrivateKeySigner,
        owner: Owner,
        asset: AssetId,
        amount: Amount,
    ) -> Result<TransactionReceipt, KitError> {
        let wallet = self.node.wallet(key).await?;
        let (token, raw) = self.raw(asset, amount)?;
        self.mint(asset, key.address(), amount).await?;
        self.approve(&wallet, token).await?;
        let account = B256::from(owner.address.0);
        let call = Vault::depositCall { owner: account, subaccount: owner.subaccount, asset: asset.0, raw };
        Ok(execute(&wallet, self.deployment.vault, call, U256::ZERO).await?)
    }

    /// Somebody takes part of a lot, with coin that it is given first.
    pub async fn take(
        &self,
        key: &PrivateKeySigner,
        lot: LotId,
        quantity: Amount,
        price_max: Price,
    ) -> Result<TransactionReceipt, KitError> {
        let wallet = self.node.wallet(key).await?;
        let most =
            quantity.value_up(price_max).map_err(|_| KitError::Plan("a take beyond what can be counted"))?;
        let coin = self.deployment.coin;
        let unit = self.token(coin)?.unit();
        self.mint(coin, key.address(), Amount::from_wei(most.wei().div_ceil(unit) * unit)).await?;
        self.approve(&wallet, self.token(coin)?.token).await?;
        let call = AuctionHouse::takeCall {
            lot: lot.0,
            wanted: quantity.wei(),
            least: 0,
            priceMost: price_max.wei(),
            recipient: key.address(),
            data: Default::default(),
        };
        Ok(execute(&wallet, self.deployment.house, call, U256::ZERO).await?)
    }

    /// Anybody carries a payload to the vault.
    pub async fn carry(&self, payload: &Payload) -> Result<TransactionReceipt, KitError> {
        let payload = payload.encode().map_err(|_| KitError::Plan("a payload that cannot be written"))?;
        let call = Vault::executeCall { payload: payload.into() };
        Ok(execute(&self.deployer, self.deployment.vault, call, U256::ZERO).await?)
    }

    /// Anybody sends a payload to another chain's gateway by LayerZero, with gas enough for its orders there.
    pub async fn send(&self, to: &Self, payload: &Payload) -> Result<TransactionReceipt, KitError> {
        let request = self.message(to, payload).await?;
        Ok(connection::send(&self.deployer, "Gateway.send", request).await?)
    }

    /// The same from somebody's wallet, without waiting for the block that takes it.
    pub async fn send_on(
        &self,
        wallet: &DynProvider,
        to: &Self,
        payload: &Payload,
    ) -> Result<B256, KitError> {
        let request = self.message(to, payload).await?;
        Ok(connection::send_on(wallet, "Gateway.send", request).await?)
    }

    /// Gas that a message asks for to have a payload carried out here: what it takes now, and half as much more for what
    /// becomes dearer on the way; a guess where the vault would refuse it now, of a rotation that is still on the way say.
    /// A message that asked for too little is not lost: anybody delivers it with more.
    pub async fn delivery_gas(&self, payload: &Payload) -> Result<u64, KitError> {
        let orders = u64::try_from(payload.orders.len()).unwrap_or(u64::MAX);
        let payload = payload.encode().map_err(|_| KitError::Plan("a payload that cannot be written"))?;
        let call = Vault::executeCall { payload: payload.into() };
        let request = TransactionRequest::default().with_to(self.deployment.vault).with_call(&call);
        let gas = match self.node.provider().estimate_gas(request).await {
            Ok(gas) => gas,
            Err(error) if error.is_error_resp() => orders.saturating_mul(GUESS_GAS),
            Err(error) => {
                return Err(connection::unreadable("eth_estimateGas of Vault.execute", &error).into());
            }
        };
        match gas + gas / 2 + GATEWAY_GAS {
            asked if DELIVERY_MOST < asked => {
                Err(KitError::Plan("a batch that takes more gas than a block has"))
            }
            asked => Ok(asked),
        }
    }

    /// A payload as a message to another chain's gateway.
    async fn message(&self, to: &Self, payload: &Payload) -> Result<TransactionRequest, KitError> {
        let needs = KitError::Plan("both chains need a gateway");
        let (Some(gateway), Some(there)) = (self.deployment.gateway, &to.deployment.layerzero) else {
            return Err(needs);
        };
        let gas = to.delivery_gas(payload).await?;
        let payload = payload.encode().map_err(|_| KitError::Plan("a payload that cannot be written"))?;
        let options = crate::evm::layerzero::lz_receive_option(gas.into());
        let contract = Gateway::new(gateway, &self.deployer);
        let fee = contract.quote(there.eid, payload.clone().into(), options.clone()).call().await;
        let fee = fee.map_err(|error| connection::unreadable("Gateway.quote", &error))?;
        let call = Gateway::sendCall { eid: there.eid, payload: payload.into(), options };
        Ok(TransactionRequest::default().with_to(gateway).with_call(&call).with_value(fee))
    }

    /// Moves a token's market: a new round of its feed, of this block.
    pub async fn set_price(&self, asset: AssetId, price: Price) -> Result<(), KitError> {
        connection::send(&self.deployer, "MockAggregator.update", self.round(asset, price)?).await?;
        Ok(())
    }

    /// The same from somebody's wallet, without waiting for the block that takes it.
    pub async fn set_price_on(
        &self,
        wallet: &DynProvider,
        asset: AssetId,
        price: Price,
    ) -> Result<B256, KitError> {
        let request = self.round(asset, price)?.with_gas_limit(ROUND_GAS);
        Ok(connection::send_on(wallet, "MockAggregator.update", request).await?)
    }

    fn round(&self, asset: AssetId, price: Price) -> Result<TransactionRequest, KitError> {
        let feed = self.token(asset)?.feed.ok_or(KitError::Plan("the token has no feed"))?;
        let call = MockAggregator::updateCall { answer: feed_answer(price) };
        Ok(TransactionRequest::default().with_to(feed).with_call(&call))
    }

    /// What somebody has of a token, in Wad.
    pub async fn balance(&self, asset: AssetId, of: Address) -> Result<Amount, KitError> {
        let token = self.token(asset)?;
        let raw = MockToken::new(token.token, self.node.provider()).balanceOf(of).call().await;
        let raw = raw.map_err(|error| connection::unreadable("balanceOf", &error))?;
        Ok(Amount::from_wei(raw.saturating_to::<u128>() * token.unit()))
    }

    /// What the vault has of a token by its own books: booked, and of that under auction or queued.
    pub async fn booked(&self, asset: AssetId) -> Result<(Amount, Amount), KitError> {
        let books = Vault::new(self.deployment.vault, self.node.provider()).balances(asset.0).call().await;
        let books = books.map_err(|error| connection::unreadable("Vault.balances", &error))?;
        Ok((Amount::from_wei(books.booked), Amount::from_wei(books.reserved)))
    }

    fn token(&self, asset: AssetId) -> Result<&TokenAddress, KitError> {
        self.deployment.token(asset).ok_or(KitError::Plan("the chain has no such token"))
    }

    /// A token, and an amount in its own unit.
    fn raw(&self, asset: AssetId, amount: Amount) -> Result<(Address, U256), KitError> {
        let token = self.token(asset)?;
        if !amount.wei().is_multiple_of(token.unit()) {
            return Err(KitError::Plan("an amount that is not whole in the token's unit"));
        }
        Ok((token.token, U256::from(amount.wei() / token.unit())))
    }

    async fn approve(&self, wallet: &DynProvider, token: Address) -> Result<(), EvmError> {
        let call = MockToken::approveCall { spender: self.deployment.vault, value: U256::MAX };
        execute(wallet, token, call, U256::ZERO).await.map(drop)
    }
}

async fn put_layerzero(
    deployer: &DynProvider,
    npm: &Npm,
    eid: u32,
    owner: Address,
) -> Result<(LayerZero, Vec<Address>), KitError> {
    let fee = U256::from(WORKER_FEE);
    let code = DevExecutor::BYTECODE.clone();
    let executor = deploy(deployer, "DevExecutor", code, (fee,).abi_encode_params()).await?;
    let layerzero = deploy_layerzero(deployer, npm, eid, owner, executor).await?;
    let mut dvns = Vec::new();
    for number in 0..DVNS_DEFAULT {
        let arguments = (dev_key("dvn", number).address(), fee).abi_encode_params();
        dvns.push(deploy(deployer, "DevDvn", DevDvn::BYTECODE.clone(), arguments).await?);
    }
    Ok((layerzero, dvns))
}

async fn put_token(
    deployer: &DynProvider,
    plan: &TokenPlan,
    layerzero: Option<&LayerZero>,
    owner: Address,
) -> Result<TokenAddress, KitError> {
    let name = plan.symbol.clone();
    let token = match plan.kind {
        TokenKind::Plain => {
            let arguments = (name.clone(), name, U256::from(plan.decimals)).abi_encode_params();
            deploy(deployer, "MockToken", MockToken::BYTECODE.clone(), arguments).await?
        }
        TokenKind::Wrapped => {
            deploy(deployer, "MockWrapped", MockWrapped::BYTECODE.clone(), Vec::new()).await?
        }
        TokenKind::Bridged => {
            let layerzero = layerzero.ok_or(KitError::Plan("a bridged token needs LayerZero"))?;
            let arguments = (name.clone(), name, layerzero.endpoint, owner).abi_encode_params();
            deploy(deployer, "MockOft", MockOft::BYTECODE.clone(), arguments).await?
        }
    };
    let mut feed = None;
    if let Some(price) = plan.price {
        let about = format!("{} / USD", plan.symbol);
        let arguments = (U256::from(FEED_DECIMALS), about, feed_answer(price)).abi_encode_params();
        feed = Some(deploy(deployer, "MockAggregator", MockAggregator::BYTECODE.clone(), arguments).await?);
    }
    Ok(TokenAddress { asset: plan.asset, token, decimals: plan.decimals, feed })
}

/// A price as a feed answers it: down to its digits.
fn feed_answer(price: Price) -> I256 {
    let unit = 10_u128.pow(18 - u32::from(FEED_DECIMALS));
    I256::try_from(price.wei() / unit).expect("a price below 2^90")
}
