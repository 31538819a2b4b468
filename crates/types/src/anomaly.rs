//! Anomalies: what a fact of a chain had that the books did not expect.
//!
//! - A fact that a quorum agreed on always uses up its number. What does not fit is kept under that number, with its
//!   figures, and the chain goes on.
//! - Only missing value freezes something: a lot or a way between two chains ([`Anomaly::freezes`]). Surplus and oddity
//!   freeze nothing.

use crate::{AccountId, ChainId, LotId, Nonce, Token};
use ballast_units::Amount;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

macro_rules! anomalies {
    ($($(#[doc = $doc:literal])* $name:ident { $($field:ident: $ty:ty),* } $freezes:ident;)*) => {
        /// What a fact had that the books did not expect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "fields are the figures of the variant's sentence")]
        pub enum Anomaly {
            $($(#[doc = $doc])* $name { $($field: $ty),* },)*
        }

        /// A kind of anomaly, without figures.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum AnomalyKind {
            $($(#[doc = $doc])* $name,)*
        }

        impl Anomaly {
            /// Its kind.
            #[must_use]
            pub const fn kind(&self) -> AnomalyKind {
                match self { $(Self::$name { .. } => AnomalyKind::$name,)* }
            }

            /// The figures, one `name value` pair each, for people.
            #[must_use]
            pub fn figures(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(Self::$name { $($field),* } => vec![$((stringify!($field), $field.to_string())),*],)*
                }
            }
        }

        impl AnomalyKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The kind's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it freezes until the chain's figures stand, or a vote decides.
            #[must_use]
            pub const fn freezes(self) -> Freezes {
                match self { $(Self::$name => Freezes::$freezes,)* }
            }
        }
    };
}

/// What an anomaly freezes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freezes {
    /// Nothing: nothing is missing.
    Nothing,
    /// The lot that it names.
    Lot,
    /// The way that it came over, between two chains.
    Path,
}

anomalies! {
    /// A deposit was finer than the hub's unit: the rest is in the token's dust account.
    DepositBelowUnit { token: Token, rest: Amount } Nothing;
    /// A deposit of nothing, or of more than the house counts: nothing was booked.
    DepositOutOfRange { token: Token, amount: Amount } Nothing;
    /// A deposit of a token that the house does not take: its owner's, in suspense, until he takes it out again.
    DepositSuspended { account: AccountId, token: Token, amount: Amount } Nothing;
    /// A deposit for an owner without an account that is worth less than a dollar, or when no account is left: surplus of the token.
    DepositUnowned { token: Token, amount: Amount } Nothing;
    /// An order was carried out that is not open: never given, carried out before, or expired.
    ExecutedUnknown { nonce: Nonce } Nothing;
    /// A take of a lot that is not the hub's, or lies elsewhere: what was paid is surplus.
    TakenUnknown { lot: LotId, quantity: Amount, paid: Amount } Lot;
    /// A take of a lot that has no auction running: it counts for the lot all the same.
    TakenVoid { lot: LotId, quantity: Amount, paid: Amount } Lot;
    /// A take of more than the lot had left: `over` was other people's.
    TakenTooMuch { lot: LotId, over: Amount } Lot;
    /// A take that brought `missing` dollars less than the auction's floor, or than its rebate allows.
    TakenTooCheap { lot: LotId, missing: Amount } Lot;
    /// The end of an auction that does not run: told before, or of a lot that is not the hub's.
    EndedUnknown { lot: LotId } Nothing;
    /// The chain's result of an auction is not the engine's.
    EndedOtherwise { lot: LotId } Lot;
    /// Collateral came over a way from an order that never sent it there: surplus, and the way is closed until a vote.
    ArrivedUnknown { from: ChainId, nonce: Nonce, amount: Amount } Path;
    /// Collateral came a second time: surplus.
    ArrivedAgain { from: ChainId, nonce: Nonce, amount: Amount } Nothing;
    /// More collateral came than was sent: `over` is surplus.
    ArrivedMore { from: ChainId, nonce: Nonce, over: Amount } Nothing;
    /// Less collateral came than was sent: `missing` is the receiving chain's loss.
    ArrivedLess { from: ChainId, nonce: Nonce, missing: Amount } Path;
}
