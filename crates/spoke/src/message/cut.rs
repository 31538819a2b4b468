//! How the orders of a block are put together: what is signed as one is delivered as one, or not at all.
//!
//! - A payload's orders take no more gas than any chain's transaction may: below half of 2^24, so that a vault's costs can double.
//! - Liquidations travel apart from releases and from what governance decided: who fills a block with withdrawals holds up no start of
//!   an auction. A set of validators and a successor each travel alone: what they cost grows with the set.

use ballast_types::{ChainId, Order, OrderAction};

/// Gas of one payload's orders, at most.
const GAS_MOST: u64 = 8_000_000;

/// Orders of one payload, at most.
const COUNT_MOST: usize = 64;

/// What orders travel with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mail {
    Liquidation,
    House,
    Release,
}

/// The orders in the batches in which they are signed: by chain, liquidations first, in order of their numbers.
#[must_use]
pub fn cut(orders: impl IntoIterator<Item = Order>) -> Vec<(ChainId, Vec<Order>)> {
    let mut orders: Vec<Order> = orders.into_iter().collect();
    orders.sort_by_key(|order| (order.chain, mail(&order.action), order.nonce));
    let mut batches: Vec<(ChainId, Vec<Order>)> = Vec::new();
    let mut last = None;
    let mut gas = 0_u64;
    for order in orders {
        let key = (order.chain, mail(&order.action));
        let needs = gas_of(&order.action);
        match batches.last_mut() {
            Some((_, batch))
                if last == Some(key) && batch.len() < COUNT_MOST && gas.saturating_add(needs) <= GAS_MOST =>
            {
                gas = gas.saturating_add(needs);
                batch.push(order);
            }
            _ => {
                last = Some(key);
                gas = needs;
                batches.push((order.chain, vec![order]));
            }
        }
    }
    batches
}

fn mail(action: &OrderAction) -> Mail {
    match action {
        OrderAction::StartAuction { .. } | OrderAction::CancelAuction { .. } | OrderAction::Bridge { .. } => {
            Mail::Liquidation
        }
        OrderAction::Release { .. } => Mail::Release,
        OrderAction::Rotate { .. }
        | OrderAction::SetLimits { .. }
        | OrderAction::ListMaker { .. }
        | OrderAction::Unfreeze {}
        | OrderAction::ListToken { .. }
        | OrderAction::Migrate { .. } => Mail::House,
    }
}

/// More than each costs on an EVM chain (contracts/GAS.md).
fn gas_of(action: &OrderAction) -> u64 {
    match action {
        OrderAction::Release { .. } | OrderAction::CancelAuction { .. } | OrderAction::ListMaker { .. } => {
            150_000
        }
        OrderAction::StartAuction { .. } => 250_000,
        OrderAction::Bridge { .. } | OrderAction::SetLimits { .. } | OrderAction::ListToken { .. } => 500_000,
        OrderAction::Unfreeze {} => 100_000,
        OrderAction::Rotate { .. } | OrderAction::Migrate { .. } => GAS_MOST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_types::{Address, AssetId, LotId, Nonce, ReleaseReason};
    use ballast_units::{Amount, Time};

    fn order(chain: u16, nonce: u64, action: OrderAction) -> Order {
        Order { chain: ChainId(chain), nonce: Nonce(nonce), expires: Time::MAX, action }
    }

    fn release(chain: u16, nonce: u64) -> Order {
        let (reason, to) = (ReleaseReason::Withdrawal, Address([1; 32]));
        order(chain, nonce, OrderAction::Release { reason, to, asset: AssetId(1), amount: Amount::whole(1) })
    }

    /// Ten thousand withdrawals of a block were one batch that no chain can carry, and the start of a liquidation in it did not
    /// arrive.
    #[test]
    fn a_block_of_withdrawals_is_many_payloads_and_holds_up_no_liquidation() {
        let mut orders: Vec<Order> = (0..10_000).map(|nonce| release(0, nonce)).collect();
        let cancel = OrderAction::CancelAuction { lot: LotId(1), start: Nonce(1) };
        orders.push(order(0, 10_000, cancel));
        orders.push(release(1, 7));
        let batches = cut(orders.clone());
        assert_eq!(batches.iter().map(|(_, batch)| batch.len()).sum::<usize>(), orders.len());
        let first = &batches.first().expect("there are some").1;
        assert_eq!(first.iter().map(|order| order.nonce).collect::<Vec<_>>(), [Nonce(10_000)]);
        for (chain, batch) in &batches {
            assert!(batch.iter().all(|order| order.chain == *chain));
            assert!(batch.iter().map(|order| gas_of(&order.action)).sum::<u64>() <= GAS_MOST);
        }
        assert_eq!(batches.last().expect("there are some").0, ChainId(1));
    }
}
