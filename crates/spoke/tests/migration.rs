//! The model of a vault hands over to a successor, as the contract does: late enough, whole, once, and not past a freeze.

use ballast_spoke::certificate::{Certificate, Key, ValidatorSet};
use ballast_spoke::message::{Freeze, Payload};
use ballast_spoke::vault::Vault;
use ballast_spoke::{Carried, Poke, Revert};
use ballast_types::digest::{ChainKind, domain, domain_in_process};
use ballast_types::{
    Address, AssetId, ChainId, MIGRATION_DELAY, MIGRATION_WINDOW, Nonce, Order, OrderAction, Owner,
    ReleaseReason, VaultEvent,
};
use ballast_units::{Amount, Millis, Time};

const CHAIN: ChainId = ChainId(3);
const ETH: AssetId = AssetId(1);
const TO: Address = Address([9; 32]);
const START: Time = Time::from_millis(1_000_000);

/// A vault with 10 ETH of which 4 may leave in an hour, 3 of them without waiting for ten minutes.
fn vault() -> Vault {
    let units = [(AssetId(0), Amount::from_wei(1)), (ETH, Amount::from_wei(1))].into();
    let keys = ValidatorSet::of(0, &[Key::from_label("one")]).unwrap();
    let mut vault = Vault::new(domain_in_process(CHAIN), CHAIN, AssetId(0), units, keys);
    vault.deposit(Owner { address: TO, subaccount: 0 }, ETH, Amount::whole(10)).unwrap();
    let limits = OrderAction::SetLimits {
        asset: ETH,
        outflow: Amount::whole(4),
        window: Millis::hours(1),
        delay_above: Amount::whole(3),
        delay: Millis::minutes(10),
    };
    assert!(vault.execute(&order(1, limits), START).is_ok());
    vault
}

fn order(nonce: u64, action: OrderAction) -> Order {
    Order { chain: CHAIN, nonce: Nonce(nonce), expires: START.after(Millis::days(7)), action }
}

fn release(nonce: u64, amount: u64) -> Order {
    let (to, amount) = (TO, Amount::whole(amount));
    order(nonce, OrderAction::Release { reason: ReleaseReason::Withdrawal, to, asset: ETH, amount })
}

/// Its order came at `START`; with the time from which it can be carried out.
fn ordered() -> (Vault, Time) {
    let mut vault = vault();
    let ready = START.after(MIGRATION_DELAY);
    let migrate = order(2, OrderAction::Migrate { to: TO });
    assert_eq!(vault.execute(&migrate, START), Ok(Carried::Waiting(ready)));
    vault.take_told();
    (vault, ready)
}

fn migrate(vault: &mut Vault, time: Time) -> Result<(), Revert> {
    vault.attempt(|vault| vault.poke(Poke::Migrate(Nonce(2)), time)).map(drop)
}

fn before(time: Time) -> Time {
    Time::from_millis(time.millis() - 1)
}

#[test]
fn it_waits_three_days_and_is_told_once() {
    let (mut vault, ready) = ordered();
    assert_eq!(migrate(&mut vault, before(ready)), Err(Revert::NotReady { nonce: Nonce(2), ready }));
    assert_eq!(vault.books().next_due(), Some(ready));
    assert_eq!(migrate(&mut vault, ready), Ok(()));
    assert_eq!(vault.take_told().events, [VaultEvent::Executed { nonce: Nonce(2) }]);
    assert_eq!(vault.domain(), domain(ChainKind::InProcess, 3, TO));
    assert_eq!(vault.books().balance(ETH).booked, Amount::whole(10));
    assert_eq!(migrate(&mut vault, ready), Err(Revert::NotWaiting(Nonce(2))));
}

/// What was signed for the old vault is worth nothing to the successor; numbers that the old one used up stay used up.
#[test]
fn a_successor_takes_orders_of_its_own() {
    let (mut vault, ready) = ordered();
    assert_eq!(vault.execute(&release(3, 1), START), Ok(Carried::Executed));
    let key = Key::from_label("one");
    let signed =
        |domain| Payload::sign(domain, CHAIN, 0, vec![release(4, 1)], std::slice::from_ref(&key)).unwrap();
    let old = signed(vault.domain());
    assert_eq!(migrate(&mut vault, ready), Ok(()));
    assert!(matches!(vault.deliver(&old, ready), Err(Revert::Certificate(_))));
    let new = signed(vault.domain());
    assert!(vault.deliver(&new, ready).is_ok());
    assert_eq!(vault.books().balance(ETH).booked, Amount::whole(8));
    assert!(
        vault.books().is_done(Nonce(3)),
        "it would be carried out twice where a reorg has it signed for both"
    );
    // Its limits went on: of the 4 that may leave, what was used has leaked in three days, one is used again.
    let three = vault.execute(&release(5, 3), ready);
    assert!(matches!(three, Ok(Carried::Waiting(_))), "2 may leave without waiting: {three:?}");
}

#[test]
fn too_late_is_never() {
    let (mut vault, ready) = ordered();
    let until = ready.after(MIGRATION_WINDOW);
    let late = Revert::Expired { nonce: Nonce(2), expires: until, time: until };
    assert_eq!(migrate(&mut vault, until), Err(late));
    // Until then no other one is taken.
    let other = |nonce| order(nonce, OrderAction::Migrate { to: Address([8; 32]) });
    assert_eq!(vault.execute(&other(3), before(until)), Err(Revert::MigrationWaits(Nonce(2))));
    assert!(matches!(vault.execute(&other(3), until), Ok(Carried::Waiting(_))));
    let short = Order { expires: START.after(MIGRATION_DELAY), ..order(2, OrderAction::Migrate { to: TO }) };
    let (expires, time) = (short.expires, START.after(MIGRATION_DELAY));
    let revert = Revert::Expired { nonce: Nonce(2), expires, time };
    assert_eq!(self::vault().execute(&short, START), Err(revert));
    let nobody = order(2, OrderAction::Migrate { to: Address::default() });
    assert_eq!(self::vault().execute(&nobody, START), Err(Revert::WrongSuccessor));
}

#[test]
fn a_freeze_that_begins_just_before_outlasts_it() {
    let (mut vault, ready) = ordered();
    let (begin, key) = (before(ready), Key::from_label("one"));
    let freeze = Freeze { until: begin.after(Millis::days(1)) };
    let certificate = Certificate::sign(freeze.digest(vault.domain(), 0), std::slice::from_ref(&key));
    vault.freeze(freeze, 0, &certificate, begin).unwrap();
    assert_eq!(migrate(&mut vault, ready), Err(Revert::Frozen { until: freeze.until }));
    assert!(matches!(migrate(&mut vault, freeze.until), Err(Revert::Expired { .. })));
}

/// Nothing may be reserved, and nothing that would wait is taken once it is due.
#[test]
fn what_waits_holds_it_up_and_nothing_more_waits_then() {
    let (mut vault, ready) = ordered();
    let early = before(ready);
    assert!(matches!(vault.execute(&release(3, 4), early), Ok(Carried::Waiting(_))));
    let reserved = Amount::whole(4);
    assert_eq!(migrate(&mut vault, ready), Err(Revert::StillReserved { asset: ETH, reserved }));
    assert_eq!(vault.execute(&release(4, 4), ready), Err(Revert::MigrationWaits(Nonce(2))));
    vault.tick(early.after(Millis::minutes(10)));
    let events = vault.take_told().events;
    assert_eq!(events, [Nonce(3), Nonce(2)].map(|nonce| VaultEvent::Executed { nonce }), "paid, then moved");
}

#[test]
fn a_dropped_move_is_undone() {
    let (mut vault, ready) = ordered();
    let old = vault.domain();
    assert!(vault.execute(&release(3, 1), START).is_ok());
    vault.take_told();
    assert_eq!(migrate(&mut vault, ready), Ok(()));
    let told = vault.take_told();
    vault.undo(told.journal);
    assert_eq!((vault.domain(), vault.books().is_done(Nonce(3))), (old, true));
    assert_eq!(vault.books().moving().map(|moving| moving.to), Some(TO));
    assert_eq!(migrate(&mut vault, ready), Ok(()));
}
