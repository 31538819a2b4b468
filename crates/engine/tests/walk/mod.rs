//! A random walk through a house: steps that bytes decode to, and the world they are taken in.
//!
//! - A step is five bytes, so that proptest shrinks it and a fuzzer mutates it; any bytes are some step.
//! - Amounts are relative to what is there ([`Sum`]), so that most steps get past the first check, and the exact
//!   and the absurd both come up.
//! - [`World::take`] checks, beyond the invariants that the engine checks in every block, that what was refused
//!   changed nothing.

#![allow(dead_code, reason = "each test file uses its part")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

mod settings;
mod vaults;
pub(crate) mod world;

pub(crate) use settings::Setting;

/// How often each event and each reject came up.
pub(crate) type Seen = BTreeMap<String, u64>;

thread_local! {
    /// Where and why the last panic inside [`quietly`] happened; outside of it, nothing.
    static REASON: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does what may panic; the reason and its place instead of a message on the screen for each of a thousand
/// attempts to shrink.
pub(crate) fn quietly<T>(attempt: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let quiet =
                REASON.with_borrow_mut(|reason| reason.as_mut().map(|reason| *reason = info.to_string()));
            if quiet.is_none() {
                loud(info);
            }
        }));
    });
    REASON.set(Some(String::new()));
    let done = panic::catch_unwind(AssertUnwindSafe(attempt));
    let reason = REASON.take().unwrap_or_default();
    done.map_err(|_| reason)
}

/// What a step is made of.
pub(crate) type Gene = [u8; 5];

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Time passes, in so many blocks.
    Wait {
        seconds: u64,
        blocks: u8,
    },
    /// Commands from here on come in one block, with the next step that is none.
    Together,
    Trade {
        who: u8,
        market: u8,
        long: bool,
        by: By,
        sum: Sum,
        limit: bool,
        reduce_only: bool,
    },
    Close {
        who: u8,
        market: u8,
    },
    Deposit {
        who: u8,
        token: u8,
        sum: Sum,
        safe: bool,
    },
    Withdraw {
        who: u8,
        token: u8,
        sum: Sum,
    },
    Lend {
        who: u8,
        chain: u8,
        sum: Sum,
    },
    Redeem {
        who: u8,
        chain: u8,
        sum: Option<Sum>,
    },
    Borrow {
        who: u8,
        chain: u8,
        sum: Sum,
    },
    Repay {
        who: u8,
        chain: u8,
        sum: Option<Sum>,
    },
    Contribute {
        who: u8,
        layer: u8,
        sum: Sum,
    },
    /// The price of an asset moves by so many percent.
    Move {
        asset: u8,
        percent: i16,
    },
    /// The price of an asset becomes something else.
    Odd {
        asset: u8,
        oddity: Oddity,
    },
    /// Somebody takes part of a lot.
    Take {
        lot: u8,
        sum: Sum,
    },
    /// An auction ends.
    Expire {
        lot: u8,
    },
    /// Everything on a chain becomes final.
    Finalise {
        chain: u8,
    },
    /// Orders to a chain get lost from now on, or no longer.
    Deaf {
        chain: u8,
    },
    /// Depths and costs of every chain are measured.
    Measure {
        sum: Sum,
    },
    /// A chain drops its last unfinal events.
    Reorg {
        chain: u8,
        events: u8,
    },
    /// A vault tells what it cannot have done.
    Lie {
        chain: u8,
        lie: Lie,
        sum: Sum,
    },
    Liquidate {
        who: u8,
    },
    SafeMode,
    /// Another figure in a market's terms.
    Tune {
        market: u8,
        dial: u8,
        notch: u8,
    },
    /// Another figure in a token's terms.
    Relist {
        token: u8,
        dial: u8,
        notch: u8,
    },
    Deepen {
        market: u8,
        bps: i8,
    },
    WriteDown {
        token: u8,
        percent: u8,
    },
    /// An owner gets an account, or another address.
    Register {
        who: u8,
        chain: u8,
    },
    /// Part of the float goes to a chain's cold store.
    Collect {
        chain: u8,
        sum: Sum,
    },
    /// Coin comes to the reserve's account: of what is cold, or more.
    Recall {
        chain: u8,
        sum: Sum,
    },
    /// Another chain, up to five.
    Grow {
        like: u8,
    },
}

/// In what a trade is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Quote,
    Base,
}

/// How much, of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// So many 64ths of what is there; up to twice of it.
    Part(u8),
    /// Exactly what is there.
    Exact,
    /// A wei more than is there.
    OneMore,
    /// So many dollars or units.
    Whole(u16),
    /// One wei.
    Wei,
    /// Nothing.
    Zero,
    /// The largest amount that may enter the books.
    Limit,
    /// The largest number there is.
    Most,
}

/// What can be wrong with a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// Nobody reports it any more.
    Silent,
    /// One source says twice as much.
    Divergent,
    /// Two sources are left.
    Few,
    /// A source reports the largest price, which is taken.
    Highest,
    /// One wei.
    Lowest,
    /// Back to where it began.
    First,
}

/// What a vault cannot have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Deposited for a backstop: its address has no key, but anybody can deposit to it.
    Backstop,
    /// Deposited for somebody new.
    Stranger,
    /// A take of a lot, for so much.
    Taken,
    /// The end of an auction that may never have been.
    Expired,
    /// A release that may never have been ordered.
    Released,
    /// An event whose number is still to come.
    Gap,
    /// An event again.
    Again,
    /// The last event in another block, as another deposit.
    Version,
    /// Finality of what is not there.
    FinalAhead,
    /// A drop of what is final.
    DropFinal,
}

impl Step {
    /// The step that bytes stand for.
    pub(crate) fn of([kind, who, what, how, much]: Gene) -> Self {
        let sum = Sum::of(how, much);
        let some = (much != 255).then_some(sum);
        match kind {
            0..=21 => Self::Wait { seconds: seconds(who), blocks: [1, 1, 1, 2, 4][usize::from(what % 5)] },
            22..=27 => Self::Together,
            28..=87 => Self::Trade {
                who,
                market: what,
                long: how & 1 == 0,
                by: if what & 16 == 0 { By::Quote } else { By::Base },
                sum: Sum::of(how >> 1, much),
                limit: 192 <= how,
                reduce_only: 224 <= what,
            },
            88..=105 => Self::Close { who, market: what },
            106..=121 => Self::Deposit { who, token: what, sum, safe: what & 128 != 0 },
            122..=133 => Self::Withdraw { who, token: what, sum },
            134..=141 => Self::Lend { who, chain: what, sum },
            142..=147 => Self::Redeem { who, chain: what, sum: some },
            148..=157 => Self::Borrow { who, chain: what, sum },
            158..=163 => Self::Repay { who, chain: what, sum: some },
            164..=169 => Self::Contribute { who, layer: what, sum },
            170..=193 => Self::Move { asset: who, percent: percent(how, much) },
            194..=196 => Self::Odd { asset: who, oddity: Oddity::of(how) },
            197..=212 => Self::Take { lot: who, sum },
            213..=218 => Self::Expire { lot: who },
            219 => Self::Deaf { chain: who },
            220 => Self::Measure { sum },
            221 | 222 => Self::Finalise { chain: who },
            223..=225 => Self::Reorg { chain: who, events: what },
            226..=231 => Self::Lie { chain: who, lie: Lie::of(what), sum },
            232..=234 => Self::Liquidate { who },
            235 => Self::Grow { like: who },
            236 => Self::SafeMode,
            237..=243 => Self::Tune { market: who, dial: what, notch: how },
            244..=247 => Self::Relist { token: who, dial: what, notch: how },
            248..=251 => Self::Deepen { market: who, bps: how.cast_signed() },
            252 => Self::WriteDown { token: who, percent: how },
            253 => Self::Register { who, chain: what },
            254 => Self::Collect { chain: who, sum },
            255 => Self::Recall { chain: who, sum },
        }
    }
}

/// From nothing to a month; mostly seconds.
fn seconds(byte: u8) -> u64 {
    const SPANS: [u64; 16] =
        [0, 1, 1, 2, 10, 10, 12, 30, 61, 200, 600, 1_800, 3_600, 10_800, 86_400, 2_678_400];
    SPANS[usize::from(byte % 16)]
}

/// Mostly small; crashes and rallies too.
fn percent(how: u8, much: u8) -> i16 {
    let small = i16::from(much) % 8;
    let large = i16::from(much) % 60;
    match how % 8 {
        0..=2 => small,
        3..=5 => -small,
        6 => large,
        _ => -large,
    }
}

impl Sum {
    fn of(how: u8, much: u8) -> Self {
        match how % 32 {
            0..=20 => Self::Part(much % 128 + 1),
            21 | 22 => Self::Exact,
            23 => Self::OneMore,
            24..=26 => Self::Whole(u16::from(much) * u16::from(much)),
            27 | 28 => Self::Wei,
            29 => Self::Zero,
            30 => Self::Limit,
            _ => Self::Most,
        }
    }
}

impl Oddity {
    fn of(byte: u8) -> Self {
        [Self::Silent, Self::Divergent, Self::Few, Self::First, Self::First, Self::Highest, Self::Lowest]
            [usize::from(byte % 7)]
    }
}

impl Lie {
    fn of(byte: u8) -> Self {
        [
            Self::Backstop,
            Self::Stranger,
            Self::Taken,
            Self::Expired,
            Self::Released,
            Self::Gap,
            Self::Again,
            Self::Version,
            Self::FinalAhead,
            Self::DropFinal,
        ][usize::from(byte % 10)]
    }
}
