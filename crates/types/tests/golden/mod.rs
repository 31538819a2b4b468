//! What travels, and its bytes. Values are such that every byte can be told from its neighbours.

use ballast_types::digest::ChainKind;
use ballast_types::{
    AccountId, Address, AssetId, Auction, AuctionSchedule, Block, ChainId, ChainParams, ChainTier, Change,
    Command, CostReport, DepthReport, DepthWeights, Hash, Height, KeeperId, Layer, Listing, LotId, MarketId,
    MarketParams, Nonce, Observation, Order, OrderAction, Owner, PriceReport, RateParams, RegionId,
    ReleaseReason, Scope, Sequence, Side, Signer, SourceId, TaskId, Token, TokenParams, TradeAmount,
    VaultEvent, VaultLimits,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};

const ACCOUNT: AccountId = AccountId(0x0403_0201);
const MARKET: MarketId = MarketId(0x0605);
const CHAIN: ChainId = ChainId(0x0807);
const ASSET: AssetId = AssetId(0x0a09);
const TOKEN: Token = Token { asset: ASSET, chain: CHAIN };
const ADDRESS: Address = Address([0xad; 32]);
const OWNER: Owner = Owner { address: ADDRESS, subaccount: 0x0c0b };
const KEEPER: KeeperId = KeeperId(0x1d1c_1b1a);
const TASK: TaskId = TaskId(0x2807_0605_0403_0201);
const LOT: LotId = LotId(0x1807_0605_0403_0201);

fn amount(wei: u128) -> Amount {
    Amount::from_wei(wei)
}

fn price(text: &str) -> Price {
    text.parse().expect("a decimal above zero")
}

/// The pinned bytes of a name, in hexadecimal: `bytes.txt`, a name and its bytes a line.
pub(crate) fn bytes(name: &str) -> &'static str {
    let lines = include_str!("bytes.txt").lines().filter_map(|line| line.split_once(' '));
    lines.into_iter().find(|(of, _)| *of == name).map_or("", |(_, bytes)| bytes)
}

/// Names that `bytes.txt` has.
pub(crate) fn names() -> Vec<&'static str> {
    include_str!("bytes.txt").lines().filter_map(|line| Some(line.split_once(' ')?.0)).collect()
}

/// Writes `bytes.txt` from the values below.
pub(crate) fn pin() {
    fn lines<T: borsh::BorshSerialize>(values: Vec<(&'static str, T)>) -> String {
        let hex = |value: &T| -> String {
            let bytes = borsh::to_vec(value).expect("memory takes all bytes");
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        values.iter().map(|(name, value)| format!("{name} {}\n", hex(value))).collect()
    }
    let all = [lines(commands()), lines(changes()), lines(observations()), lines(orders()), lines(blocks())];
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/bytes.txt");
    std::fs::write(file, all.concat()).expect("the table can be written");
}

pub(crate) fn commands() -> Vec<(&'static str, Command)> {
    let trade = |side, amount, limit, reduce_only| Command::Trade {
        account: ACCOUNT,
        market: MARKET,
        side,
        amount,
        limit,
        reduce_only,
    };
    let quote = TradeAmount::Quote(amount(0x11));
    let base = TradeAmount::Base(Amount::LIMIT);
    let contribute = |layer| Command::Contribute { account: ACCOUNT, layer, amount: amount(0x12) };
    vec![
        ("command.open_account", Command::OpenAccount { owner: OWNER }),
        (
            "command.register_address",
            Command::RegisterAddress { account: ACCOUNT, chain: CHAIN, address: ADDRESS },
        ),
        ("command.trade.long_quote", trade(Side::Long, quote, None, false)),
        ("command.trade.short_base", trade(Side::Short, base, Some(price("2000.5")), true)),
        (
            "command.close_position",
            Command::ClosePosition {
                account: ACCOUNT,
                market: MARKET,
                limit: Some(price("0.000000000000000001")),
            },
        ),
        (
            "command.close_position.any",
            Command::ClosePosition { account: ACCOUNT, market: MARKET, limit: None },
        ),
        (
            "command.request_withdrawal",
            Command::RequestWithdrawal { account: ACCOUNT, token: TOKEN, amount: Amount::MAX },
        ),
        ("command.lend", Command::Lend { account: ACCOUNT, chain: CHAIN, amount: Amount::whole(1) }),
        ("command.redeem", Command::Redeem { account: ACCOUNT, chain: CHAIN, amount: Some(amount(0x13)) }),
        ("command.redeem.all", Command::Redeem { account: ACCOUNT, chain: CHAIN, amount: None }),
        ("command.borrow", Command::Borrow { account: ACCOUNT, chain: CHAIN, amount: amount(0x14) }),
        ("command.repay", Command::Repay { account: ACCOUNT, chain: CHAIN, amount: Some(amount(0x15)) }),
        ("command.repay.all", Command::Repay { account: ACCOUNT, chain: CHAIN, amount: None }),
        ("command.contribute.tranche_market", contribute(Layer::Tranche(Scope::Market(MARKET)))),
        ("command.contribute.tranche_chain", contribute(Layer::Tranche(Scope::Chain(CHAIN)))),
        ("command.contribute.budget", contribute(Layer::Budget(MARKET))),
        ("command.contribute.float", contribute(Layer::Float)),
        ("command.liquidate_account", Command::LiquidateAccount { account: ACCOUNT }),
        ("command.govern", Command::Govern(Change::Depth { market: MARKET, factor: Ratio::percent(99) })),
        ("command.enter_safe_mode", Command::EnterSafeMode),
        (
            "command.register_keeper",
            Command::RegisterKeeper {
                account: ACCOUNT,
                operator: ADDRESS,
                region: RegionId(0x0d0e),
                cores: 0x21,
                memory: 0x22,
                signer: Address([0xae; 32]),
                stake: amount(0x23),
            },
        ),
        ("command.stake_keeper", Command::StakeKeeper { keeper: KEEPER, amount: amount(0x24) }),
        ("command.unstake_keeper", Command::UnstakeKeeper { keeper: KEEPER, amount: amount(0x25) }),
        ("command.heartbeat", Command::Heartbeat { keeper: KEEPER }),
        (
            "command.commit_report",
            Command::CommitReport { keeper: KEEPER, task: TASK, chain: CHAIN, commit: Hash([0x4d; 32]) },
        ),
        (
            "command.reveal_report",
            Command::RevealReport {
                keeper: KEEPER,
                task: TASK,
                chain: CHAIN,
                result: Hash([0x4e; 32]),
                block: Hash([0x4f; 32]),
                salt: Hash([0x50; 32]),
            },
        ),
        ("command.withdraw_suspense", Command::WithdrawSuspense { account: ACCOUNT, token: TOKEN }),
        ("command.cancel_withdrawal", Command::CancelWithdrawal { account: ACCOUNT, token: TOKEN }),
        ("command.refuse_token", Command::RefuseToken { account: ACCOUNT, token: TOKEN, refused: true }),
    ]
}

pub(crate) fn changes() -> Vec<(&'static str, Change)> {
    let on = MarketParams {
        fee_trade: Bps::new(11),
        fee_liquidation: Bps::new(126),
        depth: Some(DepthWeights::default()),
        ..MarketParams::default()
    };
    let limits = VaultLimits {
        outflow: amount(0x27),
        window: Millis::new(0x28),
        delay_above: amount(0x29),
        delay: Millis::new(0x2a),
    };
    let off = MarketParams { band: None, move_limit: None, funding_clamp: None, depth: None, ..on.clone() };
    vec![
        ("change.market", Change::Market { market: MARKET, params: Box::new(on) }),
        ("change.market.guards_off", Change::Market { market: MARKET, params: Box::new(off) }),
        ("change.token", Change::Token { token: TOKEN, params: TokenParams::default() }),
        ("change.depth", Change::Depth { market: MARKET, factor: Ratio::from_wei(-2) }),
        ("change.write_down", Change::WriteDown { token: TOKEN, worth: Ratio::percent(88) }),
        ("change.maker", Change::Maker { maker: ADDRESS, listed: true }),
        ("change.resolve", Change::Resolve { task: TASK }),
        ("change.keepers", Change::Keepers { params: Box::default() }),
        ("change.verdict", Change::Verdict { keeper: KEEPER, upheld: true }),
        ("change.add_chain", Change::AddChain { params: Box::new(chain()) }),
        (
            "change.list_token",
            Change::ListToken {
                token: TOKEN,
                contract: ADDRESS,
                unit: amount(0x2f),
                params: TokenParams::default(),
            },
        ),
        ("change.set_limits", Change::SetLimits { token: TOKEN, limits }),
        ("change.set_cold_store", Change::SetColdStore { chain: CHAIN, address: ADDRESS }),
        ("change.collect", Change::Collect { chain: CHAIN, amount: amount(0x26) }),
        ("change.liquidation", Change::Liquidation { params: Box::default() }),
        ("change.rotate", Change::Rotate { signers: vec![Signer([4; 20]), Signer([3; 20])] }),
        ("change.unfreeze", Change::Unfreeze { chain: CHAIN }),
        ("change.open_path", Change::OpenPath { from: CHAIN, to: ChainId(0x0607) }),
        ("change.migrate", Change::Migrate { chain: CHAIN, to: ADDRESS, domain: Hash([0x31; 32]) }),
        ("change.list", Change::List { token: TOKEN, listing: Listing::WindingDown }),
        ("change.wind_down", Change::WindDown { market: MarketId(0x0809), leaves: true }),
    ]
}

fn chain() -> ChainParams {
    ChainParams {
        tier: ChainTier::Thin,
        block_time: Millis::new(0x2b),
        inclusion_p95: Millis::new(0x2c),
        coin: ASSET,
        tokens: vec![(ASSET, TokenParams::default())],
        rate: RateParams::default(),
        tranche_cap: amount(0x2d),
        pending_cap: amount(0x2e),
        debt_min: amount(0x30),
        auction: AuctionSchedule::default(),
        domain: Hash([0x51; 32]),
        kind: ChainKind::Evm,
    }
}

pub(crate) fn observations() -> Vec<(&'static str, Observation)> {
    let seen =
        |event| Observation::Seen { chain: CHAIN, sequence: Sequence(9), version: Hash([0x4a; 32]), event };
    let deposited = VaultEvent::Deposited { owner: OWNER, asset: ASSET, amount: amount(0x16) };
    let taken = VaultEvent::Taken {
        lot: LOT,
        taker: ADDRESS,
        quantity: amount(0x17),
        paid: amount(0x18),
        rebate: amount(0x1d),
    };
    vec![
        ("observation.seen.deposited", seen(deposited)),
        ("observation.seen.released", seen(VaultEvent::Executed { nonce: Nonce(0x19) })),
        ("observation.seen.taken", seen(taken)),
        ("observation.seen.expired", seen(VaultEvent::Ended { lot: LOT, result: Hash([0x4b; 32]) })),
        (
            "observation.seen.bridged_in",
            seen(VaultEvent::BridgedIn {
                from: ChainId(0x1e),
                nonce: Nonce(0x1f),
                asset: ASSET,
                amount: amount(0x20),
            }),
        ),
        (
            "observation.final",
            Observation::Final {
                chain: CHAIN,
                sequence: Sequence(u64::MAX),
                time: Time::from_millis(0x20),
                block: Hash([0x4d; 32]),
            },
        ),
        ("observation.dropped", Observation::Dropped { chain: CHAIN, sequence: Sequence(1) }),
    ]
}

pub(crate) fn orders() -> Vec<(&'static str, Order)> {
    let order = |action| Order { chain: CHAIN, nonce: Nonce(0x1a), expires: Time::from_millis(0x1c), action };
    let auction = Auction {
        quantity: amount(0x21),
        opened: Time::from_millis(0x22),
        start: price("110"),
        floor: price("80"),
        step_factor: Ratio::percent(95),
        step: Millis::seconds(10),
        invites: Time::from_millis(0x23),
        ends: Time::from_millis(0x24),
        need: amount(0x25),
        dust: amount(0x26),
        rebate: Bps::new(0x27),
    };
    let release = OrderAction::Release {
        reason: ReleaseReason::Collection,
        to: ADDRESS,
        asset: ASSET,
        amount: amount(0x1b),
    };
    let signers = vec![Signer([1; 20]), Signer([2; 20])];
    let limits = OrderAction::SetLimits {
        asset: ASSET,
        outflow: amount(0x28),
        window: Millis::new(0x29),
        delay_above: amount(0x2a),
        delay: Millis::new(0x2b),
    };
    vec![
        ("order.release", order(release)),
        ("order.start_auction", order(OrderAction::StartAuction { lot: LOT, asset: ASSET, auction })),
        ("order.cancel_auction", order(OrderAction::CancelAuction { lot: LOT, start: Nonce(0x19) })),
        (
            "order.bridge",
            order(OrderAction::Bridge { lot: LOT, asset: ASSET, amount: amount(0x2c), to: ChainId(0x2d) }),
        ),
        ("order.rotate", order(OrderAction::Rotate { epoch: 0x2e, signers })),
        ("order.set_limits", order(limits)),
        ("order.list_maker", order(OrderAction::ListMaker { maker: ADDRESS, listed: true })),
        ("order.unfreeze", order(OrderAction::Unfreeze {})),
        (
            "order.list_token",
            order(OrderAction::ListToken { asset: ASSET, token: ADDRESS, unit: amount(0x2f) }),
        ),
        ("order.migrate", order(OrderAction::Migrate { to: ADDRESS })),
    ]
}

pub(crate) fn blocks() -> Vec<(&'static str, Block)> {
    let report = PriceReport {
        asset: ASSET,
        source: SourceId(0x2a),
        price: price("2000"),
        confidence: Ratio::bps(1),
        time: Time::from_millis(1_704_067_200_000),
    };
    let full = Block {
        height: Height(0x2b),
        time: Time::from_millis(1_704_067_200_001),
        observations: observations().into_iter().map(|(_, observation)| observation).take(1).collect(),
        prices: vec![report; 2],
        depths: vec![DepthReport {
            token: TOKEN,
            source: SourceId(0x2a),
            depth: amount(0x2c),
            time: Time::from_millis(0x2d),
        }],
        costs: vec![CostReport {
            chain: CHAIN,
            source: SourceId(0x2a),
            gas: amount(0x2e),
            bridge: amount(0x2f),
            time: Time::from_millis(0x30),
        }],
        seed: Hash([0x5e; 32]),
        commands: vec![Command::EnterSafeMode, Command::LiquidateAccount { account: ACCOUNT }],
    };
    vec![("block.empty", Block::default()), ("block", full)]
}
