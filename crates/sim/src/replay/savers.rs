//! Attentive borrowers: when the price falls so far that their health nears the threshold, they bring dollars
//! to their chain and repay half of the loan, once; all of it where half would be less than the chain's least. Whether it comes in time is up to the chain: a deposit
//! counts when safe and pays when final.

use super::places::{Places, TokenPlace};
use ballast_keeper::inclusion;
use ballast_spoke::{Spoke, SpokeError};
use ballast_types::{AccountId, AssetId, Command, Owner};
use ballast_units::{Amount, Bps, Millis, Price, Time};
use std::collections::BTreeMap;

/// After a deposit should be final, before its owner repays with it.
const SLACK: Millis = Millis::minutes(1);

/// What a whole loan is repaid with, as a share of what was borrowed: a day's interest is less.
const WITH_INTEREST: Bps = Bps::new(10_100);

/// One who will act.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saver {
    pub(super) account: AccountId,
    pub(super) owner: Owner,
    /// The coin of the chain where the loan is.
    pub(super) coin: TokenPlace,
    pub(super) loan: Amount,
    /// What the collateral is.
    pub(super) asset: AssetId,
    /// The price at which they act.
    pub(super) alarm: Price,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Savers {
    /// By asset, lowest alarm first.
    waiting: BTreeMap<AssetId, Vec<Saver>>,
    /// Repayments to come.
    repaying: BTreeMap<(Time, AccountId), Command>,
}

impl Savers {
    pub(super) fn new(savers: Vec<Saver>) -> Self {
        let mut waiting: BTreeMap<AssetId, Vec<Saver>> = BTreeMap::new();
        for saver in savers {
            waiting.entry(saver.asset).or_default().push(saver);
        }
        for savers in waiting.values_mut() {
            savers.sort_by_key(|saver| (saver.alarm, saver.account));
        }
        Self { waiting, repaying: BTreeMap::new() }
    }

    /// `final_depth` by chain.
    pub(super) fn act<S: Spoke>(
        &mut self,
        chains: &mut [S],
        final_depth: &[u64],
        places: &Places,
        now: Time,
        out: &mut Vec<Command>,
    ) {
        for (asset, savers) in &mut self.waiting {
            let price = places.price(*asset, now);
            while let Some(saver) = savers.pop_if(|saver| price <= saver.alarm) {
                let at = usize::from(saver.coin.token.chain.0);
                let half = saver.coin.whole_units(saver.loan.bps_up(Bps::new(5_000)));
                let least = places.chain(saver.coin.token.chain).debt_min;
                let is_all = saver.loan.saturating_sub(half) < least;
                let all = saver.coin.whole_units(saver.loan.bps_up(WITH_INTEREST));
                let amount = if is_all { all } else { half };
                match chains[at].deposit(saver.owner, saver.coin.token.asset, amount) {
                    Ok(_) => {}
                    // Tried again in the next block.
                    Err(SpokeError::Network { .. }) => {
                        savers.push(saver);
                        break;
                    }
                    Err(_) => continue,
                }
                let (Ok(heads), Ok(conditions)) = (chains[at].heads(), chains[at].conditions()) else {
                    continue;
                };
                let wait = Millis::new((final_depth[at] + 1) * conditions.block_time.get());
                let due = inclusion(&heads, &conditions, now).after(wait).after(SLACK);
                let (account, chain) = (saver.account, saver.coin.token.chain);
                let repaid = (!is_all).then_some(amount);
                self.repaying.insert((due, account), Command::Repay { account, chain, amount: repaid });
            }
        }
        while let Some(entry) = self.repaying.first_entry().filter(|entry| entry.key().0 <= now) {
            out.push(entry.remove());
        }
    }
}
