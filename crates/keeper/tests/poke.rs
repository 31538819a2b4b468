//! What a keeper has vaults do: on a chain where nobody else does it.

use ballast_keeper::Poker;
use ballast_spoke::certificate::{Certificate, Key, ValidatorSet};
use ballast_spoke::message::{Freeze, Payload};
use ballast_spoke::vault::{Moving, Waiting};
use ballast_spoke::{
    Conditions, Heads, Offer, Poke, Receipt, SimChain, SimChainParams, Spoke, SpokeError, Take, TxId,
};
use ballast_types::{
    Address, AssetId, Auction, ChainId, Hash, LotId, Nonce, Observation, OrderAction, Owner, ReleaseReason,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};

const CHAIN: ChainId = ChainId(1);
const COIN: AssetId = AssetId(0);

/// A chain whose vault has what it is said to have, and writes down what it is asked to do.
struct Lazy {
    inner: SimChain,
    offers: Vec<(LotId, Offer)>,
    waiting: Vec<(Nonce, Waiting)>,
    moving: Option<Moving>,
    poked: Vec<Poke>,
}

impl Lazy {
    fn new() -> Self {
        let validators = ValidatorSet::of(0, &[Key::from_label("one")]).unwrap();
        let conditions = Conditions {
            block_time: Millis::seconds(1),
            inclusion: Millis::ZERO,
            gas_order: Amount::ZERO,
            gas_take: Amount::ZERO,
            bridge: Amount::ZERO,
        };
        let params = SimChainParams {
            chain: CHAIN,
            coin: COIN,
            units: [(COIN, Amount::from_wei(1))].into(),
            validators,
            start: Time::default(),
            conditions,
            safe_depth: 0,
            final_depth: 0,
            final_every: Millis::hours(1),
        };
        Self {
            inner: SimChain::new(params),
            offers: Vec::new(),
            waiting: Vec::new(),
            moving: None,
            poked: Vec::new(),
        }
    }

    /// What the keeper asks for in the block of a second.
    fn asked(&mut self, poker: &mut Poker, second: u64) -> Vec<Poke> {
        let now = at(second);
        self.inner.advance(now).unwrap();
        poker.act(self, now);
        std::mem::take(&mut self.poked)
    }
}

impl Spoke for Lazy {
    fn chain(&self) -> ChainId {
        CHAIN
    }

    fn domain(&self) -> Hash {
        self.inner.domain()
    }

    fn conditions(&self) -> Result<Conditions, SpokeError> {
        self.inner.conditions()
    }

    fn heads(&self) -> Result<Heads, SpokeError> {
        self.inner.heads()
    }

    fn block_hash(&self, number: u64) -> Result<Option<Hash>, SpokeError> {
        self.inner.block_hash(number)
    }

    fn epoch(&self) -> Result<u32, SpokeError> {
        self.inner.epoch()
    }

    fn vault(&self, asset: AssetId) -> Result<Amount, SpokeError> {
        self.inner.vault(asset)
    }

    fn offer(&self, lot: LotId) -> Result<Option<Offer>, SpokeError> {
        Ok(self.offers.iter().find(|(id, _)| *id == lot).map(|(_, offer)| *offer))
    }

    fn offers(&self) -> Result<Vec<(LotId, Offer)>, SpokeError> {
        Ok(self.offers.clone())
    }

    fn waiting(&self) -> Result<Vec<(Nonce, Waiting)>, SpokeError> {
        Ok(self.waiting.clone())
    }

    fn moving(&self) -> Result<Option<Moving>, SpokeError> {
        Ok(self.moving)
    }

    fn deliver(&mut self, payload: &Payload) -> Result<TxId, SpokeError> {
        self.inner.deliver(payload)
    }

    fn freeze(&mut self, freeze: Freeze, epoch: u32, certificate: &Certificate) -> Result<TxId, SpokeError> {
        self.inner.freeze(freeze, epoch, certificate)
    }

    fn deposit(&mut self, owner: Owner, asset: AssetId, amount: Amount) -> Result<TxId, SpokeError> {
        self.inner.deposit(owner, asset, amount)
    }

    fn take(&mut self, take: Take) -> Result<TxId, SpokeError> {
        self.inner.take(take)
    }

    fn poke(&mut self, poke: Poke) -> Result<TxId, SpokeError> {
        self.poked.push(poke);
        Ok(TxId::default())
    }

    fn advance(&mut self, to: Time) -> Result<Vec<Observation>, SpokeError> {
        self.inner.advance(to)
    }

    fn receipts(&mut self) -> Result<Vec<Receipt>, SpokeError> {
        self.inner.receipts()
    }
}

fn at(second: u64) -> Time {
    Time::from_millis(second * 1_000)
}

fn offer(ends: u64) -> Offer {
    let auction = Auction {
        quantity: Amount::whole(1),
        opened: at(1),
        start: Price::whole(2),
        floor: Price::whole(1),
        step_factor: Ratio::percent(90),
        step: Millis::seconds(1),
        invites: at(ends),
        ends: at(ends),
        need: Amount::whole(1),
        dust: Amount::ZERO,
        rebate: Bps::new(0),
    };
    let (asset, start, left) = (COIN, Nonce(1), auction.quantity);
    Offer { asset, start, began: at(1), auction, left, paid: Amount::ZERO, result: Hash::default() }
}

fn waits(ready: u64, expires: u64) -> Waiting {
    Waiting { asset: COIN, amount: Amount::whole(1), ready: at(ready), expires: at(expires) }
}

#[test]
fn a_keeper_has_a_vault_hand_over_while_it_can() {
    let (mut chain, mut poker) = (Lazy::new(), Poker::default());
    let (nonce, to) = (Nonce(5), Address([9; 32]));
    chain.moving = Some(Moving { nonce, to, ready: at(100), until: at(200) });
    assert_eq!(chain.asked(&mut poker, 99), []);
    assert_eq!(chain.asked(&mut poker, 100), [Poke::Migrate(nonce)]);
    // Something was under auction, say.
    assert_eq!(chain.asked(&mut poker, 160), [Poke::Migrate(nonce)]);
    assert_eq!(chain.asked(&mut poker, 220), []);
}

#[test]
fn a_keeper_ends_pays_and_drops_what_its_time_has_come_for() {
    let (mut chain, mut poker) = (Lazy::new(), Poker::default());
    chain.offers = vec![(LotId(3), offer(10))];
    chain.waiting = vec![(Nonce(7), waits(20, 500)), (Nonce(8), waits(15, 30))];
    assert_eq!(chain.asked(&mut poker, 9), []);
    assert_eq!(chain.asked(&mut poker, 10), [Poke::End(LotId(3))]);
    chain.offers.clear();
    assert_eq!(chain.asked(&mut poker, 20), [Poke::Pay(Nonce(7)), Poke::Pay(Nonce(8))]);
    chain.waiting.remove(0);
    // It was not paid in time.
    assert_eq!(chain.asked(&mut poker, 30), [Poke::Drop(Nonce(8))]);
    chain.waiting.clear();
    assert_eq!(chain.asked(&mut poker, 100), []);
}

/// Frozen, or without room: a minute later it may pass.
#[test]
fn what_does_not_pass_is_tried_again_every_minute() {
    let (mut chain, mut poker) = (Lazy::new(), Poker::default());
    chain.waiting = vec![(Nonce(7), waits(20, 150))];
    let tries: Vec<u64> =
        (1..=300).filter(|second| chain.asked(&mut poker, *second) == [Poke::Pay(Nonce(7))]).collect();
    assert_eq!(tries, [20, 80, 140]);
    assert_eq!(chain.asked(&mut poker, 350), [Poke::Drop(Nonce(7))]);
}

/// On the chain in this process the vault has done it all before anybody asks.
#[test]
fn nobody_has_to_ask_a_chain_in_this_process() {
    let (mut chain, mut poker) = (Lazy::new(), Poker::default());
    let key = Key::from_label("one");
    let release = |nonce| ballast_types::Order {
        chain: CHAIN,
        nonce: Nonce(nonce),
        expires: at(1_000),
        action: OrderAction::Release {
            reason: ReleaseReason::Withdrawal,
            to: Address([1; 32]),
            asset: COIN,
            amount: Amount::whole(1),
        },
    };
    let owner = Owner { address: Address([1; 32]), subaccount: 0 };
    chain.inner.deposit(owner, COIN, Amount::whole(5)).unwrap();
    let limits = OrderAction::SetLimits {
        asset: COIN,
        outflow: Amount::whole(5),
        window: Millis::hours(1),
        delay_above: Amount::ZERO,
        delay: Millis::seconds(30),
    };
    let orders = vec![ballast_types::Order { nonce: Nonce(1), action: limits, ..release(1) }, release(2)];
    let payload = Payload::sign(chain.domain(), CHAIN, 0, orders, &[key]).unwrap();
    chain.deliver(&payload).unwrap();
    for second in 1..100 {
        let now = at(second);
        chain.inner.advance(now).unwrap();
        chain.waiting = chain.inner.waiting().unwrap();
        poker.act(&mut chain, now);
    }
    assert_eq!(chain.poked, []);
    assert_eq!(chain.inner.held(COIN), Amount::whole(4));
}
