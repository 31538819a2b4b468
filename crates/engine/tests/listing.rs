//! Listing: what may be a market, and what its margins have to cover (R8). Single bounds: `rejects_commands.rs`.

mod support;

use ballast_engine::{Engine, GenesisError};
use ballast_types::{Genesis, MarketParams, Reject};
use ballast_units::{Amount, Millis, Ratio};
use support::genesis::guarded;

fn ratio(text: &str) -> Ratio {
    text.parse().expect("a decimal")
}

fn listed(tweak: impl FnOnce(&mut MarketParams)) -> Result<(), Reject> {
    let mut genesis = guarded();
    tweak(&mut genesis.markets[0].params);
    match Engine::new(&genesis) {
        Ok(_) => Ok(()),
        Err(GenesisError::Refused { place, reject }) => {
            assert_eq!(place, "markets[0]");
            Err(reject)
        }
        Err(other) => panic!("{other}"),
    }
}

/// The example of R8: band 2.5 %, J 2 %, fees 0.1 + 1.25 % at the moved price, one period's clamp of 0.1 %: 4.5 % +
/// 1.045 x 1.35 % + 0.1 % = 6.01075 %, which fits 6.25 %. With a band of 10 %: 12 % + 1.12 x 1.35 % + 0.1 % = 13.612 %.
#[test]
fn maintenance_covers_index_band_fees_and_funding() {
    assert_eq!(listed(|_| {}), Ok(()));
    let need = |band, have| Err(Reject::ListingMaintenance { need: band, have });
    let found = listed(|params| params.margin_maintenance = Ratio::percent(6));
    assert_eq!(found, need(ratio("0.0601075"), Ratio::percent(6)));
    let found = listed(|params| params.band = Some(Ratio::percent(10)));
    assert_eq!(found, need(ratio("0.13612"), ratio("0.0625")));
    // A band that is off is one of 100 %.
    let found = listed(|params| params.band = None);
    assert_eq!(found, need(ratio("1.04827"), ratio("0.0625")));
}

/// J by the evidence of 19 May 2021 (21.63 % within 35 minutes): 2.5 % + 21.63 % + 1.2413 x 1.35 % + 0.1 % =
/// 25.905755 %, and initial margin 2.7 % more. That is a market at 3x, not at 10x.
#[test]
fn listing_by_the_evidence_of_a_crash() {
    let crash = |leverage, margin: &str| {
        let margin = ratio(margin);
        listed(|params| {
            params.index_move = ratio("0.2163");
            params.margin_maintenance = margin;
            params.leverage_max = Ratio::whole(leverage);
        })
    };
    let (need, short) = (ratio("0.25905755"), "0.25905754");
    assert_eq!(crash(3, short), Err(Reject::ListingMaintenance { need, have: ratio(short) }));
    assert_eq!(crash(3, "0.25905755"), Ok(()));
    let refused = crash(10, "0.25905755").map_err(|reject| reject.code());
    assert_eq!(refused, Err("E4002"));
}

/// A move limit so tight that leaving takes longer than a funding period has more of it to cover: at 0.5 % in a minute
/// (1 - 0.005)^n reaches (1 / 1.4)² after 135 minutes, three periods of an hour.
#[test]
fn a_slow_exit_pays_funding_for_longer() {
    let tight = |params: &mut MarketParams| {
        params.move_limit = Some(Ratio::bps(50));
        params.close_time_max = Millis::hours(3);
    };
    assert_eq!(listed(|params| tight(params)), Ok(()), "6.01075 % and 0.2 % are 6.21075 %");
    let found = listed(|params| {
        tight(params);
        params.margin_maintenance = ratio("0.062");
    });
    assert_eq!(found, Err(Reject::ListingMaintenance { need: ratio("0.0621075"), have: ratio("0.062") }));
}

/// Without the check anything within bounds is listed; the bounds hold all the same.
#[test]
fn a_house_may_list_without_the_check() {
    let unchecked = |tweak: &dyn Fn(&mut Genesis)| {
        let mut genesis = guarded();
        genesis.listing_check = false;
        tweak(&mut genesis);
        Engine::new(&genesis).map(|_| ())
    };
    assert_eq!(unchecked(&|genesis| genesis.markets[0].params.band = None), Ok(()));
    let reject = Reject::ListingValue { value: Ratio::percent(101), low: Ratio::ZERO, high: Ratio::ONE };
    let refused = unchecked(&|genesis| genesis.markets[0].params.margin_maintenance = Ratio::percent(101));
    assert_eq!(refused, Err(GenesisError::Refused { place: "markets[0]".to_owned(), reject }));
    let empty = unchecked(&|genesis| genesis.markets[0].quote_reserve = Amount::ZERO);
    let reject = Reject::AmountZero {};
    assert_eq!(empty, Err(GenesisError::Refused { place: "markets[0]".to_owned(), reject }));
    let limit = Amount::LIMIT;
    let amount = limit + Amount::from_wei(1);
    let large = unchecked(&|genesis| genesis.markets[0].quote_reserve = amount);
    let reject = Reject::AmountOutOfRange { amount, limit };
    assert_eq!(large, Err(GenesisError::Refused { place: "markets[0]".to_owned(), reject }));
}

/// Names that nothing has, and names that two things have.
#[test]
fn genesis_names_its_mistakes() {
    let refused = |tweak: &dyn Fn(&mut Genesis)| {
        let mut genesis = guarded();
        tweak(&mut genesis);
        Engine::new(&genesis).map(|_| ()).expect_err("it is wrong").to_string()
    };
    let unknown = refused(&|genesis| genesis.markets[0].asset = "BTC".to_owned());
    assert_eq!(unknown, "markets[0].asset names the asset \"BTC\", which genesis does not define");
    let twice = refused(&|genesis| genesis.chains[1].name = "ethereum".to_owned());
    assert_eq!(twice, "chains[1] defines \"ethereum\" a second time");
    let coin = refused(&|genesis| genesis.chains[0].coin = "ETH".to_owned());
    assert_eq!(
        coin,
        "chains[0].coin names the stablecoin among its tokens \"ETH\", which genesis does not define"
    );
}
