//! What is where: ids, names and terms of a genesis, and the price of each asset at each moment.

use crate::path::MarketData;
use ballast_types::{AssetId, ChainId, Genesis, MarketId, Token};
use ballast_units::{Amount, Price, Ratio, Time};

/// Ids, names and terms of the house, by id.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) assets: Vec<AssetPlace>,
    pub(crate) chains: Vec<ChainPlace>,
    pub(crate) markets: Vec<MarketPlace>,
    data: MarketData,
    from: Time,
}

#[derive(Clone, Debug)]
pub(crate) struct AssetPlace {
    pub(crate) id: AssetId,
    pub(crate) symbol: String,
    pub(crate) stable: bool,
    /// What keepers stake: nobody measures its price.
    pub(crate) staked: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ChainPlace {
    pub(crate) id: ChainId,
    pub(crate) name: String,
    pub(crate) coin: TokenPlace,
    /// Volatile tokens that can be collateral.
    pub(crate) tokens: Vec<TokenPlace>,
    /// What keepers stake, where this chain lists it.
    pub(crate) stake: Option<TokenPlace>,
    /// Dollars that a loan owes at least.
    pub(crate) debt_min: Amount,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenPlace {
    pub(crate) token: Token,
    pub(crate) threshold: Ratio,
    pub(crate) threshold_initial: Ratio,
    pub(crate) unit: Amount,
}

#[derive(Clone, Debug)]
pub(crate) struct MarketPlace {
    pub(crate) id: MarketId,
    pub(crate) asset: AssetId,
    pub(crate) symbol: String,
    /// Whole dollars of depth at the start.
    pub(crate) weight: u64,
}

impl Places {
    /// A chain's name; of one that joined later, its number.
    pub(crate) fn chain_name(&self, chain: ChainId) -> String {
        let place = self.chains.iter().find(|place| place.id == chain);
        place.map_or_else(|| format!("chain {}", chain.0), |place| place.name.clone())
    }

    /// The places of a genesis whose names all resolve. `from` is the first moment of the replay.
    pub(crate) fn new(genesis: &Genesis, data: MarketData, from: Time) -> Self {
        let assets: Vec<AssetPlace> = (0..)
            .zip(&genesis.assets)
            .map(|(id, asset)| AssetPlace {
                id: AssetId(id),
                symbol: asset.symbol.clone(),
                stable: asset.stable,
                staked: genesis.stake_asset.as_ref() == Some(&asset.symbol),
            })
            .collect();
        let find = |symbol: &str| {
            let place = assets.iter().find(|asset| asset.symbol == symbol);
            place.expect("the engine has refused names that resolve to nothing")
        };
        let chains = (0..)
            .zip(&genesis.chains)
            .map(|(id, chain)| {
                let tokens = chain.tokens.iter().map(|token| {
                    let asset = find(&token.asset);
                    let place = TokenPlace {
                        token: Token { asset: asset.id, chain: ChainId(id) },
                        threshold: token.params.threshold,
                        threshold_initial: token.params.threshold_initial,
                        unit: token.params.unit,
                    };
                    (asset, place)
                });
                let (staked, tokens): (Vec<_>, Vec<_>) = tokens.partition(|(asset, _)| asset.staked);
                let (coins, volatile): (Vec<_>, Vec<_>) =
                    tokens.into_iter().partition(|(asset, _)| asset.stable);
                let coin = coins.iter().find(|(asset, _)| asset.symbol == chain.coin);
                ChainPlace {
                    id: ChainId(id),
                    name: chain.name.clone(),
                    coin: coin.expect("a chain lists its coin").1,
                    tokens: volatile.into_iter().map(|(_, token)| token).collect(),
                    stake: staked.first().map(|(_, token)| *token),
                    debt_min: chain.debt_min,
                }
            })
            .collect();
        let markets = (0..)
            .zip(&genesis.markets)
            .map(|(id, market)| MarketPlace {
                id: MarketId(id),
                asset: find(&market.asset).id,
                symbol: market.asset.clone(),
                weight: u64::try_from(market.quote_reserve.wei() / 10_u128.pow(18))
                    .unwrap_or(u64::MAX)
                    .max(1),
            })
            .collect();
        Self { assets, chains, markets, data, from }
    }

    /// The price of an asset: a dollar for a stablecoin, that of the first moment before it.
    pub(crate) fn price(&self, asset: AssetId, at: Time) -> Price {
        let place = &self.assets[usize::from(asset.0)];
        if place.stable || place.staked {
            return Price::ONE;
        }
        let price = self.data.at(&place.symbol, at.max(self.from));
        price.expect("every volatile asset has a price from the first moment to the last")
    }

    /// The unit of a token; one wei of one that the chain does not list.
    pub(crate) fn unit(&self, chain: ChainId, asset: AssetId) -> Amount {
        let chain = self.chain(chain);
        let mut tokens = chain.tokens.iter().chain([&chain.coin]).chain(&chain.stake);
        tokens.find(|token| token.token.asset == asset).map_or(Amount::from_wei(1), |token| token.unit)
    }

    pub(crate) fn chain(&self, id: ChainId) -> &ChainPlace {
        &self.chains[usize::from(id.0)]
    }

    pub(crate) fn market(&self, id: MarketId) -> &MarketPlace {
        &self.markets[usize::from(id.0)]
    }
}

impl TokenPlace {
    /// `amount`, rounded down to whole units of the token.
    pub(crate) fn whole_units(&self, amount: Amount) -> Amount {
        Amount::from_wei(amount.wei() / self.unit.wei() * self.unit.wei())
    }
}
