//! The houses that a walk goes through.

use crate::support::genesis::{asset, guarded, no_guards};
use ballast_types::{Genesis, LiquidationParams, TokenGenesis, TokenParams};
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
    /// Reserves and deposits at the largest amount that may enter, marks near the largest and the smallest price.
    Corners,
}

impl Setting {
    /// The ordinary ones.
    pub(crate) const ALL: [Self; 3] = [Self::Guarded, Self::Shallow, Self::Wild];

    /// What everybody has to begin with, in dollars and in each token: a whole number of units of any token.
    pub(crate) fn money(self) -> Amount {
        match self {
            Self::Guarded | Self::Shallow | Self::Wild => Amount::whole(20_000),
            Self::Corners => Amount::whole(1_298_074_214_633_706),
        }
    }

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
        genesis.liquidation.target_fall = LiquidationParams::default().target_fall;
        match self {
            Self::Guarded => {}
            Self::Shallow => shallow(&mut genesis),
            Self::Wild => wild(&mut genesis),
            Self::Corners => corners(&mut genesis),
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

fn corners(genesis: &mut Genesis) {
    wild(genesis);
    // ETH at 2^90 wei, which is 1.2e9 dollars, SOL at one wei: between them every product that a formula makes.
    let marks =
        [(Amount::whole(1 << 20), Amount::LIMIT), (Amount::LIMIT, Amount::from_wei(1_298_074_214_633_707))];
    for (market, (base, quote)) in genesis.markets.iter_mut().zip(marks) {
        market.base_reserve = base;
        market.quote_reserve = quote;
        market.params.open_interest_cap = Amount::LIMIT;
        market.params.open_interest_margin_from = Amount::LIMIT;
        market.params.open_interest_margin_full = Amount::LIMIT;
        market.params.backstop_cap = Amount::LIMIT;
        market.params.tranche_cap = Amount::LIMIT;
        market.params.budget_cap = Amount::LIMIT;
        market.params.depth = Some(ballast_types::DepthWeights::default());
    }
    for chain in &mut genesis.chains {
        chain.tranche_cap = Amount::LIMIT;
        chain.pending_cap = Amount::LIMIT;
        for token in &mut chain.tokens {
            token.params.auction_cap = Amount::LIMIT;
            token.params.reserve_cap = Amount::LIMIT;
        }
    }
}
