//! The houses that a walk goes through.

use crate::support::genesis::{asset, guarded, no_guards};
use ballast_types::{Genesis, TokenGenesis, TokenParams};
use ballast_units::{Amount, Millis, Ratio};

/// A house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Default terms and deep markets; rounds in batches of two.
    Guarded,
    /// Markets a hundredth as deep, small caps everywhere, short lives: everything happens sooner.
    Shallow,
    /// No guard, no fee, no margin, leverage without end.
    Wild,
}

impl Setting {
    /// Every one.
    pub(crate) const ALL: [Self; 3] = [Self::Guarded, Self::Shallow, Self::Wild];

    /// Its genesis. A second coin may be at most half of all inventories at par.
    pub(crate) fn genesis(self) -> Genesis {
        let mut genesis = guarded();
        genesis.assets.push(asset("USDT", true));
        for chain in genesis.chains.iter_mut().take(2) {
            let params = TokenParams {
                unit: Amount::from_wei(1_000_000_000_000),
                par_share: Ratio::percent(50),
                ..TokenParams::default()
            };
            chain.tokens.push(TokenGenesis { asset: "USDT".to_owned(), params });
        }
        genesis.liquidation.round_batch = 2;
        match self {
            Self::Guarded => {}
            Self::Shallow => shallow(&mut genesis),
            Self::Wild => wild(&mut genesis),
        }
        genesis
    }
}

fn shallow(genesis: &mut Genesis) {
    genesis.listing_check = false;
    for market in &mut genesis.markets {
        market.base_reserve = Amount::from_wei(market.base_reserve.wei() / 100);
        market.quote_reserve = Amount::from_wei(market.quote_reserve.wei() / 100);
        market.params.open_interest_cap = Amount::whole(400_000);
        market.params.open_interest_margin_from = Amount::whole(200_000);
        market.params.open_interest_margin_full = Amount::whole(2_000_000);
        market.params.band = Some(Ratio::percent(20));
        market.params.move_limit = Some(Ratio::percent(20));
        market.params.backstop_cap = Amount::whole(5_000);
        market.params.tranche_cap = Amount::whole(2_000);
        market.params.budget_cap = Amount::whole(500);
        market.params.funding_clamp = None;
    }
    for chain in &mut genesis.chains {
        chain.tranche_cap = Amount::whole(2_000);
        for token in &mut chain.tokens {
            token.params.auction_cap = Amount::whole(20_000);
            token.params.reserve_cap = Amount::whole(10_000);
        }
    }
    genesis.liquidation.slice_blocks = 1;
    genesis.liquidation.settlement_grace = Millis::hours(1);
    genesis.liquidation.deficit_life = Millis::days(2);
}

fn wild(genesis: &mut Genesis) {
    genesis.listing_check = false;
    for market in &mut genesis.markets {
        market.base_reserve = Amount::from_wei(market.base_reserve.wei() / 1_000);
        market.quote_reserve = Amount::from_wei(market.quote_reserve.wei() / 1_000);
        market.params = no_guards();
        market.params.variation_margin = true;
        market.params.recentre = true;
        market.params.funding_clamp = None;
    }
}
