//! The curve: x · y = k over virtual reserves.
//!
//! - A swap sets the reserve that it does not name to `ceil(k / other)`: rounding stays in the curve.
//! - k is the product of the reserves, 256 bits, never stored (R11).
//! - No fee here: the fee is taken beside the curve, so that k does not move with trades.
//! - Source: Perpetual Protocol v1's vAMM; its figures are in `docs/rules.md`.

use ballast_types::{MarketId, Reject, Side, TradeAmount};
use ballast_units::math::mul_div_up;
use ballast_units::{Amount, Overflow, Price, Ratio, Size, Usd};
use borsh::{BorshDeserialize, BorshSerialize};

/// Virtual reserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Curve {
    /// Base units.
    pub base: Amount,
    /// Dollars.
    pub quote: Amount,
}

/// What a swap does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Base to the trader (positive) or from them.
    pub size: Size,
    /// Dollars into the curve (positive) or out of it.
    pub quote: Usd,
    /// The reserves afterwards.
    pub after: Curve,
}

/// A swap may not take more than this share of a reserve.
const RESERVE_SHARE_MAX: Ratio = Ratio::percent(90);

impl Curve {
    /// Dollars a base unit, rounded down.
    pub fn mark(&self) -> Result<Price, Overflow> {
        self.quote.price_of(self.base)
    }

    /// The swap that a trade asks for.
    pub fn swap(&self, market: MarketId, side: Side, amount: TradeAmount) -> Result<Swap, Reject> {
        match (side, amount) {
            (Side::Long, TradeAmount::Quote(quote)) => {
                let after_quote = self.quote.checked_add(quote)?;
                let base = self.other(self.base, self.quote, after_quote)?;
                self.moved(market, Curve { base, quote: after_quote })
            }
            (Side::Long, TradeAmount::Base(base)) => {
                let after_base = self.left(market, self.base, base)?;
                let quote = self.other(self.base, self.quote, after_base)?;
                self.moved(market, Curve { base: after_base, quote })
            }
            (Side::Short, TradeAmount::Quote(quote)) => {
                let after_quote = self.left(market, self.quote, quote)?;
                let base = self.other(self.base, self.quote, after_quote)?;
                self.moved(market, Curve { base, quote: after_quote })
            }
            (Side::Short, TradeAmount::Base(base)) => {
                let after_base = self.base.checked_add(base)?;
                let quote = self.other(self.base, self.quote, after_base)?;
                self.moved(market, Curve { base: after_base, quote })
            }
        }
    }

    /// The swap that closes `size`: sells a long, buys back a short.
    pub fn close(&self, market: MarketId, size: Size) -> Result<Swap, Reject> {
        let side = if size.is_long() { Side::Short } else { Side::Long };
        self.swap(market, side, TradeAmount::Base(size.magnitude()))
    }

    /// V(N): what closing a net position would move out of the curve, rounded up; negative where
    /// closing would pay in (R3).
    pub fn closing_value(&self, net: Size) -> Result<Usd, Overflow> {
        let held = net.magnitude();
        if net.is_long() {
            Ok(self.quote.share_up(held, self.base.checked_add(held)?)?.dollars())
        } else {
            Ok(-self.quote.share_down(held, self.base.checked_sub(held)?)?.dollars())
        }
    }

    /// V(N), rounded down.
    pub fn closing_value_down(&self, net: Size) -> Result<Usd, Overflow> {
        let held = net.magnitude();
        if net.is_long() {
            Ok(self.quote.share_down(held, self.base.checked_add(held)?)?.dollars())
        } else {
            Ok(-self.quote.share_up(held, self.base.checked_sub(held)?)?.dollars())
        }
    }

    /// Both reserves times `factor`: the same price, another depth.
    pub fn scaled(&self, factor: Ratio) -> Result<Self, Overflow> {
        Ok(Self { base: self.base.mul_ratio_down(factor)?, quote: self.quote.mul_ratio_down(factor)? })
    }

    /// Base that has to be bought (long) or sold (short) to bring mark to `price`, rounded down.
    pub fn base_to(&self, price: Price) -> Result<Size, Overflow> {
        // base² = k / price; both reserves are at most 2^110, price at least 1 wei.
        let after = Amount::from_wei(ballast_units::math::sqrt_mul_div(
            self.base.wei(),
            self.quote.wei(),
            ballast_units::math::WAD,
            price.wei(),
        )?);
        Ok(if after <= self.base {
            Size::from_amount(self.base - after, true)
        } else {
            Size::from_amount(after - self.base, false)
        })
    }

    fn other(&self, base: Amount, quote: Amount, divisor: Amount) -> Result<Amount, Overflow> {
        mul_div_up(base.wei(), quote.wei(), divisor.wei()).map(Amount::from_wei)
    }

    fn left(&self, market: MarketId, reserve: Amount, take: Amount) -> Result<Amount, Reject> {
        let limit = reserve.mul_ratio_down(RESERVE_SHARE_MAX)?;
        if limit < take {
            return Err(Reject::TradeTooLarge { market, reserve, limit });
        }
        Ok(reserve.checked_sub(take)?)
    }

    fn moved(&self, market: MarketId, after: Curve) -> Result<Swap, Reject> {
        for (before, left) in [(self.base, after.base), (self.quote, after.quote)] {
            let limit = before.mul_ratio_down(RESERVE_SHARE_MAX)?;
            if left < before && limit < before.checked_sub(left)? {
                return Err(Reject::TradeTooLarge { market, reserve: before, limit });
            }
        }
        if !after.base.in_range() || !after.quote.in_range() {
            return Err(Reject::Overflow {});
        }
        let size = if after.base <= self.base {
            Size::from_amount(self.base - after.base, true)
        } else {
            Size::from_amount(after.base - self.base, false)
        };
        let quote = after.quote.dollars() - self.quote.dollars();
        Ok(Swap { size, quote, after })
    }
}
