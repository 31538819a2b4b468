//! Keys of everybody in a run: the same in every run, worth nothing anywhere else.

use ballast_sim::Scenario;
use ballast_sim::replay::Identities;
use ballast_spoke::certificate::Key;
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::{PrivateKeySigner, hub_address};
use ballast_types::Address;
use std::collections::BTreeMap;

/// Who they are.
pub(super) const IDENTITIES: Identities = Identities {
    owner: |number| hub_address(owner_wallet(number).address()),
    keeper: |number| hub_address(keeper_wallet(number).address()),
};

/// The house's own account, which fills the layers.
const SEEDERS: u64 = 1;

/// The wallet of the owner of the account that is opened as this one, from 0.
fn owner_wallet(number: u64) -> PrivateKeySigner {
    dev_key("owner", usize::try_from(number).unwrap_or(usize::MAX))
}

/// The wallet of a keeper: it signs what the keeper says, and pays for what it sends.
pub(super) fn keeper_wallet(number: u32) -> PrivateKeySigner {
    dev_key("keeper", usize::try_from(number).unwrap_or(usize::MAX))
}

/// Keys by address.
#[derive(Debug)]
pub(super) struct Wallets(BTreeMap<Address, Key>);

impl Wallets {
    /// The keys of everybody in a scenario.
    pub(super) fn of(scenario: &Scenario) -> Self {
        let keepers = scenario.keepers.number;
        let come = scenario.joins.iter().map(|join| join.accounts).chain([scenario.accounts]);
        // Each chain has a lender, however few accounts there are.
        let lenders = scenario.chain_weights.len() as u64;
        let people: u64 = come.map(|accounts| u64::from(accounts) + SEEDERS + lenders).sum();
        let owners = people + u64::from(scenario.makers.number) + u64::from(keepers);
        let wallets = (0..owners).map(owner_wallet).chain((0..keepers).map(keeper_wallet));
        Self(wallets.filter_map(|wallet| Some((hub_address(wallet.address()), key(&wallet)?))).collect())
    }

    /// Whose address it is.
    pub(super) fn key(&self, address: Address) -> Option<&Key> {
        self.0.get(&address)
    }
}

fn key(wallet: &PrivateKeySigner) -> Option<Key> {
    Key::from_bytes(&wallet.to_bytes().0)
}
