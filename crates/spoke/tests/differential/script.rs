//! Random scripts of deposits, signed batches, freezes and takes: the vault in Solidity beside the vault in this
//! process. Both accept and refuse the same, tell the same facts in the same order, and hold the same in the end.

use crate::evm::{CHAIN_ID, Evm};
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::{SolError, SolEvent, SolValue};
use ballast_spoke::certificate::{Certificate, Key, ValidatorSet};
use ballast_spoke::evm::bindings::auction_house::AuctionHouse;
use ballast_spoke::evm::bindings::mock_token::MockToken;
use ballast_spoke::evm::bindings::vault::Vault;
use ballast_spoke::evm::hub_address;
use ballast_spoke::message::{Freeze, Payload};
use ballast_spoke::{Carried, Conditions, Done, Revert, SimChain, SimChainParams, Spoke, Take};
use ballast_types::digest::{domain, result_start, result_take};
use ballast_types::{
    AssetId, Auction, ChainId, ChainKind, Hash, LotId, Nonce, Observation, Order, OrderAction, Owner,
    ReleaseReason, VaultEvent,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

const CHAIN: ChainId = ChainId(2);
const USD: AssetId = AssetId(0);
const ETH: AssetId = AssetId(1);
const BTC: AssetId = AssetId(2);
const DECIMALS: [(AssetId, u8); 3] = [(USD, 6), (ETH, 18), (BTC, 8)];
const OPENED: u64 = 1_621_427_400_000;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Deposit(u8, u128),
    /// Orders, signed by so many of four.
    Deliver(Vec<Draft>, usize),
    /// Delivers the last batch again.
    Repeat,
    Take {
        lot: u8,
        by: u8,
        wanted: u128,
        least: u128,
        price_max: u64,
    },
    /// Of so many milliseconds, signed by so many.
    Freeze(u64, usize),
    /// One of the last ones, signed by so many.
    FreezeAgain(usize, usize),
}

#[derive(Clone, Debug)]
enum Draft {
    Release {
        asset: u8,
        amount: u128,
    },
    Start {
        /// Of the last lots, from 1; 0 is a new one.
        again: u64,
        asset: u8,
        factor: i64,
        quantity: u128,
        start: u64,
        floor: u64,
        step: u64,
        falls: u64,
        stays: u64,
        need: u64,
        dust: u128,
    },
    Cancel {
        lot: u8,
        back: u64,
    },
    Maker(u8, bool),
    Limits {
        asset: u8,
        outflow: u64,
        window: u64,
        /// What need not wait, and how long the rest does.
        at_once: u64,
        delay: u64,
    },
    Unfreeze,
    Rotate,
    Expired,
}

fn amounts() -> impl Strategy<Value = u128> {
    // Whole units of every token, whole ones of some, and wei that only the finest has.
    prop_oneof![
        (0..50_000_000_u128).prop_map(|parts| parts * 1_000_000_000_000),
        (0..5_000_000_u128).prop_map(|parts| parts * 10_000_000_000),
        0..20_000_000_000_000_000_000_u128,
    ]
}

fn drafts() -> impl Strategy<Value = Draft> {
    let start = (1..3_u8, amounts(), 100..200_u64, 1..110_u64, 1..20_u64, 0..60_u64, 20..200_u64);
    // Now and then a lot is offered again, whole, in part, or with more than it has left.
    let again = prop_oneof![2 => Just(0), 1 => 1..4_u64];
    let factor = prop_oneof![3 => Just(93_i64), 1 => Just(0)];
    let start = (start, (again, factor), 1..4_000_u64, amounts()).prop_map(
        |((asset, quantity, start, floor, step, falls, stays), (again, factor), need, dust)| Draft::Start {
            again,
            factor,
            asset,
            quantity,
            start,
            floor,
            step,
            falls,
            stays,
            need,
            dust: dust / 16,
        },
    );
    prop_oneof![
        2 => (0..4_u8, amounts()).prop_map(|(asset, amount)| Draft::Release { asset, amount }),
        // Some that the limits have hardly room for.
        3 => (1..3_u8, 4..26_u128)
            .prop_map(|(asset, whole)| Draft::Release { asset, amount: whole * 1_000_000_000_000_000_000 }),
        4 => start,
        1 => (0..4_u8, 0..8_u64).prop_map(|(lot, back)| Draft::Cancel { lot, back }),
        1 => (0..3_u8, any::<bool>()).prop_map(|(who, listed)| Draft::Maker(who, listed)),
        1 => (0..3_u8, 0..100_u64, 0..100_u64, 0..40_u64, 0..20_u64).prop_map(
            |(asset, outflow, window, at_once, delay)| {
                let delay = delay.saturating_sub(10);
                Draft::Limits { asset, outflow, window, at_once, delay }
            },
        ),
        1 => Just(Draft::Unfreeze),
        1 => Just(Draft::Rotate),
        1 => Just(Draft::Expired),
    ]
}

/// Spans of freezes: of a moment, of a while, of about a day.
fn freezes() -> impl Strategy<Value = u64> {
    prop_oneof![1 => 0..3_u64, 3 => 0..120_000_u64, 1 => 86_399_000..86_401_001_u64]
}

fn steps() -> impl Strategy<Value = Step> {
    // Some accept as little as they get, some no less than they want, some no less than anything.
    let least = prop_oneof![3 => Just(0_u128), 1 => Just(u128::MAX), 1 => amounts()];
    let take =
        (0..3_u8, 0..3_u8, amounts(), least, 50..250_u64).prop_map(|(lot, by, wanted, least, price_max)| {
            Step::Take { lot, by, wanted, least: least.min(wanted), price_max }
        });
    // Less than the dust, which only an auction without a rest lets through.
    let crumb = (0..3_u8, 0..3_u8, 1..1_000_000_000_000_u128).prop_map(|(lot, by, wanted)| Step::Take {
        lot,
        by,
        wanted,
        least: 0,
        price_max: 250,
    });
    prop_oneof![
        1 => (1..30_u64).prop_map(Step::Wait),
        3 => (0..3_u8, amounts()).prop_map(|(asset, amount)| Step::Deposit(asset, amount)),
        4 => (prop::collection::vec(drafts(), 1..4), 0..12_usize)
            .prop_map(|(drafts, signers)| Step::Deliver(drafts, if signers == 0 { 2 } else { 3 + signers % 2 })),
        1 => Just(Step::Repeat),
        10 => take,
        2 => crumb,
        1 => (freezes(), 1..4_usize).prop_map(|(millis, signers)| Step::Freeze(millis, signers)),
        1 => (0..4_usize, 2..4_usize).prop_map(|(back, signers)| Step::FreezeAgain(back, signers)),
    ]
}

/// The same vault twice.
struct Twins {
    sim: SimChain,
    evm: Evm,
    vault: Address,
    house: Address,
    tokens: BTreeMap<AssetId, Address>,
    now: Time,
    keys: Vec<Key>,
    epoch: u32,
    nonce: u64,
    last: Option<(Payload, Payload)>,
    /// Freezes that were sent, taken or not.
    frozen: Vec<Freeze>,
    /// Releases that wait, the longest first; how many were paid and dropped, how often one could not be paid yet.
    queued: BTreeSet<(Time, Nonce)>,
    paid: u64,
    dropped: u64,
    full: u64,
    /// Takes that got less than they wanted, and those that accept no such part.
    cut: u64,
    below: u64,
    refused: u64,
    evm_events: Vec<VaultEvent>,
    sim_events: Vec<VaultEvent>,
    /// Results of running lots by the wire's own hashes, and the ends expected of them.
    lots: BTreeMap<LotId, (Hash, Time)>,
    /// Lots that a start was ordered for.
    last_lot: u64,
    domain: Hash,
}

fn unit(asset: AssetId) -> Amount {
    let decimals = DECIMALS.iter().find(|(known, _)| *known == asset).map_or(18, |(_, decimals)| *decimals);
    Amount::from_wei(10_u128.pow(18 - u32::from(decimals)))
}

fn person(number: u8) -> Address {
    Address::repeat_byte(0x10 + number)
}

impl Twins {
    fn new() -> Self {
        let keys: Vec<Key> = (0..4).map(|number| Key::from_label(&format!("validator {number}"))).collect();
        let set = ValidatorSet::of(1, &keys).unwrap();
        let mut evm = Evm::new();
        evm.at(Time::from_millis(OPENED));
        let mut tokens = BTreeMap::new();
        for (asset, decimals) in DECIMALS {
            let arguments = ("token".to_owned(), "TKN".to_owned(), U256::from(decimals)).abi_encode_params();
            tokens.insert(asset, evm.deploy(&MockToken::BYTECODE, arguments));
        }
        let signers: Vec<Address> = set.signers().iter().map(|signer| Address::from(signer.0)).collect();
        let arguments = (1_u32, signers, USD.0, tokens[&USD], Address::ZERO, Address::ZERO, Address::ZERO)
            .abi_encode_params();
        let vault = evm.deploy(&Vault::BYTECODE, arguments);
        let (house, _) = evm.call(Address::ZERO, vault, &Vault::houseCall {}).unwrap();
        for number in 0..3 {
            for token in tokens.values() {
                let approve = MockToken::approveCall { spender: vault, value: U256::MAX };
                evm.call(person(number), *token, &approve).unwrap();
                let mint = MockToken::mintCall { to: person(number), raw: U256::from(u128::MAX >> 16) };
                evm.call(person(number), *token, &mint).unwrap();
            }
        }
        let second = Millis::seconds(1);
        let sim = SimChain::new(SimChainParams {
            chain: CHAIN,
            coin: USD,
            units: DECIMALS.iter().map(|(asset, _)| (*asset, unit(*asset))).collect(),
            validators: set,
            start: Time::from_millis(OPENED),
            conditions: Conditions {
                block_time: second,
                inclusion: Millis::ZERO,
                gas_order: Amount::ZERO,
                gas_take: Amount::ZERO,
                bridge: Amount::ZERO,
            },
            safe_depth: 0,
            final_depth: 0,
            final_every: Millis::seconds(1_000_000),
        });
        let domain = domain(ChainKind::Evm, CHAIN_ID, hub_address(vault));
        let (nonce, epoch) = (0, 1);
        let now = Time::from_millis(OPENED);
        let mut twins = Self {
            sim,
            evm,
            vault,
            house,
            tokens,
            now,
            keys,
            epoch,
            nonce,
            last: None,
            frozen: Vec::new(),
            queued: BTreeSet::new(),
            paid: 0,
            dropped: 0,
            full: 0,
            cut: 0,
            below: 0,
            refused: 0,
            domain,
            evm_events: Vec::new(),
            sim_events: Vec::new(),
            lots: BTreeMap::new(),
            last_lot: 0,
        };
        // A vault knows no token but its coin, and pays nothing before it has limits.
        let listed: Vec<OrderAction> = [ETH, BTC]
            .into_iter()
            .map(|asset| {
                let (token, unit) = (hub_address(twins.tokens[&asset]), unit(asset));
                OrderAction::ListToken { asset, token, unit }
            })
            .chain(DECIMALS.iter().map(|(asset, _)| OrderAction::SetLimits {
                asset: *asset,
                outflow: Amount::whole(25),
                window: Millis::seconds(60),
                delay_above: Amount::whole(6),
                delay: Millis::seconds(5),
            }))
            .collect();
        let makers =
            (0..2).map(|number| OrderAction::ListMaker { maker: hub_address(person(number)), listed: true });
        let listed: Vec<OrderAction> = listed.into_iter().chain(makers).collect();
        twins.deliver(listed.into_iter().map(|action| (action, 1_000_000)).collect(), 3);
        for asset in [ETH, BTC] {
            twins.deposit(asset, Amount::whole(200));
        }
        twins
    }

    /// One second later on both; what its time has come for is done on both.
    fn tick(&mut self) {
        self.now = self.now.after(Millis::seconds(1));
        self.evm.at(self.now);
        let over: Vec<LotId> = {
            let mut over: Vec<(Time, LotId)> = self
                .lots
                .iter()
                .filter(|(_, (_, ends))| *ends <= self.now)
                .map(|(lot, (_, ends))| (*ends, *lot))
                .collect();
            over.sort();
            over.into_iter().map(|(_, lot)| lot).collect()
        };
        for lot in over {
            let ended = self.evm.call(person(0), self.house, &AuctionHouse::endCall { lot: lot.0 });
            let (_, logs) = ended.unwrap();
            self.read(&logs);
        }
        // What expired first, then what has waited, the longest first.
        for (ready, nonce) in self.queued.clone() {
            let dropped = self.evm.call(person(0), self.vault, &Vault::dropCall { nonce: nonce.0 });
            if dropped.is_ok() {
                self.queued.remove(&(ready, nonce));
                self.dropped += 1;
            }
        }
        for (ready, nonce) in self.queued.clone() {
            let paid = self.evm.call(person(0), self.vault, &Vault::payCall { nonce: nonce.0 });
            if let Ok((_, logs)) = paid {
                self.queued.remove(&(ready, nonce));
                self.paid += 1;
                self.read(&logs);
            } else if ready <= self.now {
                self.full += 1;
            }
        }
    }

    /// What the sim did in the block of now.
    fn sim_receipt(&mut self) -> Result<Done, Revert> {
        self.sim_events();
        let receipts = self.sim.receipts().unwrap();
        assert_eq!(receipts.len(), 1, "{receipts:?}");
        receipts[0].result.clone()
    }

    fn sim_events(&mut self) {
        let told = self.sim.advance(self.now).unwrap();
        self.sim_events.extend(told.iter().filter_map(|observation| match observation {
            Observation::Seen { event, .. } => Some(*event),
            Observation::Final { .. } | Observation::Dropped { .. } => None,
        }));
    }

    /// Facts out of the contracts' logs, by their numbers; results of auctions by the wire's hashes.
    fn read(&mut self, logs: &[alloy::primitives::Log]) {
        for log in logs.iter().filter(|log| log.address == self.vault) {
            let event = match log.topics()[0] {
                Vault::Deposited::SIGNATURE_HASH => {
                    let event = Vault::Deposited::decode_log(log).unwrap();
                    let owner = Owner {
                        address: ballast_types::Address(event.owner.0),
                        subaccount: event.subaccount,
                    };
                    let (asset, amount) = (AssetId(event.asset), Amount::from_wei(event.amount));
                    (event.sequence, VaultEvent::Deposited { owner, asset, amount })
                }
                Vault::Executed::SIGNATURE_HASH => {
                    let event = Vault::Executed::decode_log(log).unwrap();
                    (event.sequence, VaultEvent::Executed { nonce: Nonce(event.nonce) })
                }
                Vault::Taken::SIGNATURE_HASH => {
                    let event = Vault::Taken::decode_log(log).unwrap();
                    let (lot, taker) = (LotId(event.lot), ballast_types::Address(event.taker.0));
                    let (quantity, paid) = (Amount::from_wei(event.quantity), Amount::from_wei(event.paid));
                    let rebate = Amount::from_wei(event.rebate);
                    let (result, _) = self.lots.get_mut(&lot).expect("a lot that runs");
                    *result = result_take(*result, taker, quantity, paid, rebate);
                    (event.sequence, VaultEvent::Taken { lot, taker, quantity, paid, rebate })
                }
                Vault::Ended::SIGNATURE_HASH => {
                    let event = Vault::Ended::decode_log(log).unwrap();
                    let lot = LotId(event.lot);
                    let result = Hash(event.result.0);
                    if self.lots.get(&lot).is_some_and(|(running, _)| *running == result) {
                        self.lots.remove(&lot);
                    } else {
                        // A start that never was, cancelled: its result is that of no take.
                        let never = |nonce| result_start(self.domain, lot, Nonce(nonce)) == result;
                        assert!((1..=self.nonce).any(never), "the result of lot {lot}");
                    }
                    // The other chain has another domain, and so other results.
                    (event.sequence, VaultEvent::Ended { lot, result: Hash::default() })
                }
                _ => continue,
            };
            assert_eq!(
                event.0,
                u64::try_from(self.evm_events.len()).unwrap() + 1,
                "no gap in the vault's numbers"
            );
            self.evm_events.push(event.1);
        }
        for log in logs.iter().filter(|log| log.address == self.house) {
            if let Ok(event) = AuctionHouse::Started::decode_log(log) {
                let lot = LotId(event.lot);
                let auction = self.evm.call(person(0), self.house, &AuctionHouse::auctionCall { lot: lot.0 });
                let clock = auction.unwrap().0.clock;
                let ends = Time::from_millis(clock.opened.to::<u64>() + u64::from(clock.endsAfter));
                self.lots.insert(lot, (result_start(self.domain, lot, Nonce(event.start)), ends));
            }
        }
    }

    fn deposit(&mut self, asset: AssetId, amount: Amount) {
        // The contract counts in the token's unit: what is not whole in it cannot even be said.
        let amount = Amount::from_wei(amount.wei() / unit(asset).wei() * unit(asset).wei());
        if amount.is_zero() {
            return;
        }
        let owner = Owner { address: ballast_types::Address([7; 32]), subaccount: 3 };
        self.sim.deposit(owner, asset, amount).unwrap();
        self.tick();
        let call = Vault::depositCall {
            owner: B256::repeat_byte(7),
            subaccount: 3,
            asset: asset.0,
            raw: U256::from(amount.wei() / unit(asset).wei()),
        };
        let here = self.evm.call(person(0), self.vault, &call);
        let there = self.sim_receipt();
        assert_eq!(here.is_ok(), there.is_ok(), "{here:?} {there:?}");
        self.read(&here.map(|(_, logs)| logs).unwrap_or_default());
    }

    fn deliver(&mut self, actions: Vec<(OrderAction, u64)>, signers: usize) {
        let orders: Vec<Order> = actions
            .into_iter()
            .map(|(action, seconds)| {
                self.nonce += 1;
                let expires = self.now.after(Millis::seconds(seconds));
                Order { chain: CHAIN, nonce: Nonce(self.nonce), expires, action }
            })
            .collect();
        let signers = &self.keys[..signers];
        let sign = |domain| Payload::sign(domain, CHAIN, self.epoch, orders.clone(), signers).unwrap();
        self.last = Some((sign(self.sim.domain()), sign(self.domain)));
        self.repeat();
    }

    fn repeat(&mut self) {
        let Some((there, here)) = self.last.clone() else { return };
        let rotates = here.orders.iter().any(|order| matches!(order.action, OrderAction::Rotate { .. }));
        self.sim.deliver(&there).unwrap();
        self.tick();
        let call = Vault::executeCall { payload: here.encode().unwrap().into() };
        let done = self.evm.call(person(1), self.vault, &call);
        let there = self.sim_receipt();
        match (done, there) {
            (Ok((took, logs)), Ok(Done::Delivered(orders))) => {
                let carried = orders.iter().filter(|(_, result)| result.is_ok()).count();
                assert_eq!(took, U256::from(carried), "{orders:?} {logs:?}");
                let waits = |(nonce, result): &(Nonce, Result<Carried, Revert>)| match result {
                    Ok(Carried::Waiting(ready)) => Some((*ready, *nonce)),
                    _ => None,
                };
                self.queued.extend(orders.iter().filter_map(waits));
                self.read(&logs);
                let (set, _) = self.evm.call(person(0), self.vault, &Vault::validatorsCall {}).unwrap();
                assert!(rotates || set.epoch == self.epoch);
                self.epoch = set.epoch;
            }
            (Err(_), Err(_)) => {}
            (here, there) => panic!("{here:?} {there:?}"),
        }
    }

    fn take(&mut self, lot: LotId, by: u8, (wanted, least): (Amount, Amount), price_max: Price) {
        if wanted.is_zero() {
            return;
        }
        let taker = hub_address(person(by));
        self.sim.take(Take { lot, taker, quantity: wanted, least, price_max }).unwrap();
        self.tick();
        let call = AuctionHouse::takeCall {
            lot: lot.0,
            wanted: wanted.wei(),
            least: least.wei(),
            priceMost: price_max.wei(),
            recipient: person(by),
            data: Default::default(),
        };
        let here = self.evm.call(person(by), self.house, &call);
        match (here, self.sim_receipt()) {
            (Ok((sold, logs)), Ok(Done::Taken { quantity, paid, .. })) => {
                assert_eq!((sold.taken, sold.due), (quantity.wei(), paid.wei()));
                self.cut += u64::from(quantity < wanted);
                self.read(&logs);
            }
            (Err(data), Err(revert)) => {
                // Of those that need and dust refuse, the reason is the same too.
                let part = revert == Revert::TakeRefused;
                let below = matches!(revert, Revert::TakeBelowLeast { .. });
                assert_eq!(part, data.starts_with(&AuctionHouse::NoSuchPart::SELECTOR), "{revert:?}");
                assert_eq!(below, data.starts_with(&AuctionHouse::PartBelow::SELECTOR), "{revert:?}");
                self.below += u64::from(below);
                self.refused += u64::from(part);
            }
            (here, there) => panic!("{here:?} {there:?}"),
        }
    }

    fn freeze(&mut self, millis: u64, signers: usize) {
        let freeze = Freeze { until: self.now.after(Millis::new(millis)) };
        self.send_freeze(freeze, signers);
        self.frozen.push(freeze);
    }

    /// One that was sent before.
    fn freeze_again(&mut self, back: usize, signers: usize) {
        let last = self.frozen.len().saturating_sub(1);
        if let Some(&freeze) = self.frozen.get(last.saturating_sub(back)) {
            self.send_freeze(freeze, signers);
        }
    }

    fn send_freeze(&mut self, freeze: Freeze, signers: usize) {
        let sign = |domain| Certificate::sign(freeze.digest(domain, self.epoch), &self.keys[..signers]);
        let (there, here) = (sign(self.sim.domain()), sign(self.domain));
        self.sim.freeze(freeze, self.epoch, &there).unwrap();
        self.tick();
        let mut bytes = vec![u8::try_from(signers).unwrap()];
        for one in &here.signatures {
            bytes.extend(one.r.iter().chain(&one.s).chain([&one.v]));
        }
        let call =
            Vault::freezeCall { certificate: bytes.into(), epoch: self.epoch, until: freeze.until.millis() };
        let here = self.evm.call(person(2), self.vault, &call);
        let there = self.sim_receipt();
        assert_eq!(here.is_ok(), there.is_ok(), "{here:?} {there:?} {freeze:?}");
    }

    fn action(&mut self, draft: &Draft) -> (OrderAction, u64) {
        let asset = |number: u8| AssetId(u16::from(number));
        let action = match *draft {
            Draft::Release { asset: of, amount } => OrderAction::Release {
                reason: ReleaseReason::Withdrawal,
                to: hub_address(Address::repeat_byte(0x99)),
                asset: asset(of),
                amount: Amount::from_wei(amount),
            },
            Draft::Start {
                again,
                asset: of,
                factor,
                quantity,
                start,
                floor,
                step,
                falls,
                stays,
                need,
                dust,
            } => {
                let invites = self.now.after(Millis::seconds(falls));
                self.last_lot += u64::from(again == 0);
                OrderAction::StartAuction {
                    lot: LotId((self.last_lot + 1).saturating_sub(again.max(1)).max(1)),
                    asset: asset(of),
                    auction: Auction {
                        quantity: Amount::from_wei(quantity),
                        opened: self.now,
                        start: Price::whole(start),
                        floor: Price::whole(floor),
                        step_factor: Ratio::percent(factor),
                        // An even fall takes one step.
                        step: Millis::seconds(if factor == 0 { 10 * step } else { step }),
                        invites,
                        ends: invites.after(Millis::seconds(stays)),
                        need: Amount::whole(need),
                        dust: Amount::from_wei(dust),
                        rebate: Bps::new(50),
                    },
                }
            }
            Draft::Cancel { lot, back } => OrderAction::CancelAuction {
                lot: self.recent(lot),
                start: Nonce(self.nonce.saturating_sub(back).max(1)),
            },
            Draft::Maker(who, listed) => OrderAction::ListMaker { maker: hub_address(person(who)), listed },
            Draft::Limits { asset: of, outflow, window, at_once, delay } => OrderAction::SetLimits {
                asset: asset(of),
                // The largest is none at all.
                outflow: if outflow == 99 { Amount::MAX } else { Amount::whole(outflow) },
                window: Millis::seconds(window),
                delay_above: Amount::whole(at_once),
                delay: Millis::seconds(delay),
            },
            Draft::Unfreeze => OrderAction::Unfreeze {},
            Draft::Rotate => {
                let set = ValidatorSet::of(self.epoch + 1, &self.keys).unwrap();
                OrderAction::Rotate { epoch: self.epoch + 1, signers: set.signers().to_vec() }
            }
            Draft::Expired => return (OrderAction::Unfreeze {}, 0),
        };
        // Some releases wait in vain.
        (action, if matches!(draft, Draft::Release { amount, .. } if amount % 3 == 0) { 15 } else { 1_000 })
    }

    /// One of the last lots.
    fn recent(&self, back: u8) -> LotId {
        LotId(self.last_lot.saturating_sub(u64::from(back)))
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(seconds) => {
                for _ in 0..*seconds {
                    self.tick();
                    self.sim_events();
                }
            }
            Step::Deposit(asset, amount) => {
                self.deposit(AssetId(u16::from(*asset)), Amount::from_wei(*amount))
            }
            Step::Deliver(drafts, signers) => {
                let actions = drafts.iter().map(|draft| self.action(draft)).collect();
                self.deliver(actions, *signers);
            }
            Step::Repeat => self.repeat(),
            Step::Take { lot, by, wanted, least, price_max } => {
                let wanted = [wanted, least].map(|wei| Amount::from_wei(*wei));
                self.take(self.recent(*lot), *by, wanted.into(), Price::whole(*price_max));
            }
            Step::Freeze(millis, signers) => self.freeze(*millis, *signers),
            Step::FreezeAgain(back, signers) => self.freeze_again(*back, *signers),
        }
    }

    fn compare_limits(&mut self, asset: AssetId) {
        let bucket = *self.sim.bucket(asset).expect("every token has limits");
        let used = bucket.used_at(self.sim.free(asset), self.now);
        let (left, _) =
            self.evm.call(person(0), self.vault, &Vault::outflowLeftCall { asset: asset.0 }).unwrap();
        assert_eq!(left, U256::from(bucket.outflow.saturating_sub(used).wei()));
        let (left, _) =
            self.evm.call(person(0), self.vault, &Vault::quickLeftCall { asset: asset.0 }).unwrap();
        let quick = bucket.delay_above.saturating_sub(bucket.quick_at(self.now));
        assert_eq!(left, if bucket.delay.is_zero() { U256::MAX } else { U256::from(quick.wei()) });
    }

    /// The same facts in the same order, and the same holdings.
    fn compare(&mut self) {
        let neutral = |event: &VaultEvent| match *event {
            VaultEvent::Ended { lot, .. } => VaultEvent::Ended { lot, result: Hash::default() },
            other => other,
        };
        let there: Vec<VaultEvent> = self.sim_events.iter().map(neutral).collect();
        assert_eq!(self.evm_events, there);
        let (head, _) = self.evm.call(person(0), self.vault, &Vault::headCall {}).unwrap();
        assert_eq!(head.frozenUntil, self.sim.frozen_until().millis());
        for (asset, _) in DECIMALS {
            let (books, _) =
                self.evm.call(person(0), self.vault, &Vault::balancesCall { asset: asset.0 }).unwrap();
            assert_eq!(books.booked, self.sim.held(asset).wei());
            assert_eq!(books.booked - books.reserved, self.sim.free(asset).wei());
            self.compare_limits(asset);
            let call = MockToken::balanceOfCall { account: self.vault };
            let (raw, _) = self.evm.call(person(0), self.tokens[&asset], &call).unwrap();
            assert_eq!(raw * U256::from(unit(asset).wei()), U256::from(books.booked));
        }
    }
}

#[test]
fn the_vault_in_solidity_is_the_vault_in_this_process() {
    let config = ProptestConfig {
        cases: 192,
        max_shrink_iters: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let (took, rebates, ends) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let (paid, dropped, full) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let (cut, below, refused) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let scripts = prop::collection::vec(steps(), 1..60);
    let ran = TestRunner::new(config).run(&scripts, |script| {
        let mut twins = Twins::new();
        for step in &script {
            twins.step(step);
        }
        // One more block, so that the sim has done all that its time has come for.
        twins.deposit(USD, Amount::whole(1));
        twins.compare();
        paid.set(paid.get() + twins.paid);
        dropped.set(dropped.get() + twins.dropped);
        full.set(full.get() + twins.full);
        cut.set(cut.get() + twins.cut);
        below.set(below.get() + twins.below);
        refused.set(refused.get() + twins.refused);
        for event in &twins.evm_events {
            match event {
                VaultEvent::Taken { rebate, .. } => {
                    took.set(took.get() + 1);
                    rebates.set(rebates.get() + usize::from(!rebate.is_zero()));
                }
                VaultEvent::Ended { .. } => ends.set(ends.get() + 1),
                VaultEvent::Deposited { .. } | VaultEvent::Executed { .. } | VaultEvent::BridgedIn { .. } => {
                }
            }
        }
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
    // The scripts come to what they are for.
    let reached = (took.get(), rebates.get(), ends.get());
    assert!(50 < reached.0 && 0 < reached.1 && 20 < reached.2, "takes, rebates, ends: {reached:?}");
    println!("takes, rebates, ends: {reached:?}");
    let cuts = (cut.get(), below.get(), refused.get());
    assert!(20 < cuts.0 && 5 < cuts.1 && 20 < cuts.2, "takes cut, below their least, refused: {cuts:?}");
    println!("takes cut, below their least, refused: {cuts:?}");
    let waited = (paid.get(), dropped.get(), full.get());
    assert!(50 < waited.0 && 0 < waited.1 && 50 < waited.2, "paid, dropped, not yet paid: {waited:?}");
    println!("paid, dropped, not yet paid: {waited:?}");
}
