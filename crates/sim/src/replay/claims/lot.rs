//! A lot as the claims count it: what it lost on its way from detection to its takers, by part.

use ballast_keeper::Sale;
use ballast_types::{ChainId, TaskId, Token};
use ballast_units::{Amount, Price, Ratio, Time, Usd};

/// A lot.
#[derive(Clone, Debug)]
pub(super) struct LotTrack {
    pub(super) token: Token,
    pub(super) opened: Time,
    /// Index when it was first offered.
    pub(super) entry: Price,
    pub(super) bought: Amount,
    pub(super) left: Amount,
    pub(super) parts: Vec<PartTrack>,
}

/// A task's part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartTrack {
    pub(super) task: TaskId,
    pub(super) home: ChainId,
    pub(super) quantity: Amount,
    /// Index when its task was detected.
    pub(super) detected: Price,
}

/// A take, and the index at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sold {
    pub(super) sale: Sale,
    pub(super) index: Price,
}

/// Where the value of what was sold went, dollars. What it brought is the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    /// At the index of its detection.
    pub(super) worth: Amount,
    /// The index fell until the lot was first offered,
    pub(super) waiting: Usd,
    /// and from then on until the take,
    pub(super) selling: Usd,
    /// which paid less than index.
    pub(super) discount: Usd,
}

impl Sold {
    /// What was paid, over index.
    pub(super) fn price(&self) -> Ratio {
        let worth = self.sale.quantity.value_down(self.index);
        worth.and_then(|worth| self.sale.paid.ratio_to_down(worth)).unwrap_or(Ratio::ZERO)
    }
}

impl LotTrack {
    /// What a take of it meant to each of its parts: by quantity.
    pub(super) fn shares<'a>(&'a self, sold: &'a Sold) -> impl Iterator<Item = (&'a PartTrack, Lost)> {
        let whole: Amount = self.parts.iter().map(|part| part.quantity).sum();
        self.parts.iter().map(move |part| {
            let of = |amount: Amount| amount.share_down(part.quantity, whole).unwrap_or(Amount::ZERO);
            let quantity = of(sold.sale.quantity);
            let at = |price: Price| quantity.value_down(price).unwrap_or(Amount::ZERO);
            let [detected, entry, taken] = [part.detected, self.entry, sold.index].map(at);
            let lost = Lost {
                worth: detected,
                waiting: detected.dollars() - entry.dollars(),
                selling: entry.dollars() - taken.dollars(),
                discount: taken.dollars() - of(sold.sale.paid).dollars(),
            };
            (part, lost)
        })
    }
}

impl Lost {
    pub(super) fn add(&mut self, other: &Self) {
        self.worth += other.worth;
        self.waiting += other.waiting;
        self.selling += other.selling;
        self.discount += other.discount;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_spoke::TxId;
    use ballast_types::{AssetId, LotId};

    /// Detected at 100, offered at 98, taken at 95 for 92: of 8 units the first part has three quarters.
    #[test]
    fn what_is_lost_has_its_stage() {
        let [detected, entry, index] = [100, 98, 95].map(Price::whole);
        let part = |task, quantity| PartTrack {
            task: TaskId(task),
            home: ChainId(1),
            quantity: Amount::whole(quantity),
            detected,
        };
        let lot = LotTrack {
            token: Token { asset: AssetId(1), chain: ChainId(0) },
            opened: Time::ZERO,
            entry,
            bought: Amount::ZERO,
            left: Amount::whole(12),
            parts: vec![part(1, 9), part(2, 3)],
        };
        let (quantity, paid) = (Amount::whole(8), Amount::whole(8 * 92));
        let key = (ChainId(0), TxId(1));
        let sold = Sold { sale: Sale { key, lot: LotId(1), time: Time::ZERO, quantity, paid }, index };
        let found: Vec<_> = lot.shares(&sold).map(|(part, lost)| (part.task.0, lost)).collect();
        let figures = |lost: &Lost| [lost.waiting, lost.selling, lost.discount].map(|usd| usd.to_string());
        assert_eq!(found.iter().map(|(task, _)| *task).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(
            (found[0].1.worth, figures(&found[0].1)),
            (Amount::whole(600), ["12", "18", "18"].map(String::from))
        );
        assert_eq!(
            (found[1].1.worth, figures(&found[1].1)),
            (Amount::whole(200), ["4", "6", "6"].map(String::from))
        );
    }
}
