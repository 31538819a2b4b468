//! Names and ids: a script speaks of "alice" and "ethereum", the engine of numbers.

use ballast_engine::State;
use ballast_types::{
    AccountId, Address, AssetId, ChainId, Genesis, Hash, LedgerAccount, MarketId, Money, Owner, Scope,
    Sequence, Signer, Token,
};
use std::collections::BTreeMap;

/// The names of a script.
#[derive(Clone, Debug)]
pub struct Names {
    assets: Vec<String>,
    chains: Vec<String>,
    markets: Vec<String>,
    accounts: BTreeMap<String, AccountId>,
    account_names: BTreeMap<AccountId, String>,
    owners: BTreeMap<Owner, String>,
    /// The next id to stand for a name that has no account, counted down from the last.
    next_stranger: u32,
}

impl Names {
    /// The names of a genesis, and of the accounts that the house itself has.
    pub(crate) fn new(genesis: &Genesis, state: &State) -> Self {
        let mut names = Self {
            assets: genesis.assets.iter().map(|asset| asset.symbol.clone()).collect(),
            chains: genesis.chains.iter().map(|chain| chain.name.clone()).collect(),
            markets: genesis.markets.iter().map(|market| market.asset.clone()).collect(),
            accounts: BTreeMap::new(),
            account_names: BTreeMap::new(),
            owners: BTreeMap::new(),
            next_stranger: u32::MAX,
        };
        for (market, record) in state.markets.iter() {
            names.name(record.backstop, &format!("backstop {}", names.market_name(market)));
        }
        names
    }

    /// Whose account a name is; remembered, so that the account gets this name when it opens.
    pub(crate) fn owner(&mut self, name: &str) -> Result<Owner, String> {
        let owner = owner(name)?;
        self.owners.insert(owner, name.to_owned());
        Ok(owner)
    }

    /// An account exists now.
    pub(crate) fn opened(&mut self, account: AccountId, owner: Owner) {
        if let Some(name) = self.owners.get(&owner).cloned() {
            self.name(account, &name);
        }
    }

    fn name(&mut self, account: AccountId, name: &str) {
        self.accounts.insert(name.to_owned(), account);
        self.account_names.insert(account, name.to_owned());
    }

    /// The account of a name; for a name without one, an id that no account has.
    pub(crate) fn account(&mut self, name: &str) -> AccountId {
        if let Some(account) = self.accounts.get(name) {
            return *account;
        }
        let stranger = AccountId(self.next_stranger);
        self.next_stranger -= 1;
        self.name(stranger, name);
        stranger
    }

    /// The asset of a symbol.
    pub fn asset(&self, symbol: &str) -> Result<AssetId, String> {
        place("asset", &self.assets, symbol).map(AssetId)
    }

    /// The chain of a name.
    pub fn chain(&self, name: &str) -> Result<ChainId, String> {
        place("chain", &self.chains, name).map(ChainId)
    }

    /// The market of a name.
    pub fn market(&self, name: &str) -> Result<MarketId, String> {
        place("market", &self.markets, name).map(MarketId)
    }

    /// The token of an asset on a chain.
    pub fn token(&self, asset: &str, chain: &str) -> Result<Token, String> {
        Ok(Token { asset: self.asset(asset)?, chain: self.chain(chain)? })
    }

    /// Name of an account.
    #[must_use]
    pub fn account_name(&self, account: AccountId) -> String {
        self.account_names.get(&account).cloned().unwrap_or_else(|| format!("account {account}"))
    }

    /// Symbol of an asset.
    #[must_use]
    pub fn asset_name(&self, asset: AssetId) -> String {
        self.assets.get(usize::from(asset.0)).cloned().unwrap_or_else(|| format!("asset {asset}"))
    }

    /// Name of a chain.
    #[must_use]
    pub fn chain_name(&self, chain: ChainId) -> String {
        self.chains.get(usize::from(chain.0)).cloned().unwrap_or_else(|| format!("chain {chain}"))
    }

    /// Name of a market.
    #[must_use]
    pub fn market_name(&self, market: MarketId) -> String {
        self.markets.get(usize::from(market.0)).cloned().unwrap_or_else(|| format!("market {market}"))
    }

    /// "ETH@ethereum".
    #[must_use]
    pub fn token_name(&self, token: Token) -> String {
        format!("{}@{}", self.asset_name(token.asset), self.chain_name(token.chain))
    }

    /// "USD", or a token.
    pub(crate) fn money_name(&self, money: Money) -> String {
        match money {
            Money::Usd => "USD".to_owned(),
            Money::Token(token) => self.token_name(token),
        }
    }

    /// "market ETH" or "chain ethereum".
    pub(crate) fn scope_name(&self, scope: Scope) -> String {
        match scope {
            Scope::Market(market) => format!("market {}", self.market_name(market)),
            Scope::Chain(chain) => format!("chain {}", self.chain_name(chain)),
        }
    }

    /// As the design writes it: "Cash(alice)", "Collateral(alice, ETH@ethereum)".
    pub(crate) fn ledger_name(&self, account: LedgerAccount) -> String {
        match account {
            LedgerAccount::Cash(account) => format!("Cash({})", self.account_name(account)),
            LedgerAccount::Collateral(account, token) => {
                format!("Collateral({}, {})", self.account_name(account), self.token_name(token))
            }
            LedgerAccount::Pending(account, token) => {
                format!("Pending({}, {})", self.account_name(account), self.token_name(token))
            }
            LedgerAccount::Pool(market) => format!("Pool({})", self.market_name(market)),
            LedgerAccount::Payable(market) => format!("Payable({})", self.market_name(market)),
            LedgerAccount::Budget(market) => format!("Budget({})", self.market_name(market)),
            LedgerAccount::Tranche(scope) => format!("Tranche({})", self.scope_name(scope)),
            LedgerAccount::Lending(chain) => format!("Lending({})", self.chain_name(chain)),
            LedgerAccount::Lot(lot) => format!("Lot({lot})"),
            LedgerAccount::Proceeds(task) => format!("Proceeds({task})"),
            LedgerAccount::Warehouse(token) => format!("Warehouse({})", self.token_name(token)),
            LedgerAccount::Inventory(token) => format!("Inventory({})", self.token_name(token)),
            LedgerAccount::InFlight(chain) => format!("InFlight({})", self.chain_name(chain)),
            LedgerAccount::Fees(scope) => format!("Fees({})", self.scope_name(scope)),
            LedgerAccount::Float => "Float".to_owned(),
            LedgerAccount::Cold(chain) => format!("Cold({})", self.chain_name(chain)),
            LedgerAccount::Treasury => "Treasury".to_owned(),
            LedgerAccount::Stake(keeper) => format!("Stake({keeper})"),
            LedgerAccount::Fines => "Fines".to_owned(),
            LedgerAccount::Pot(task) => format!("Pot({task})"),
            LedgerAccount::Dust(token) => format!("Dust({})", self.token_name(token)),
            LedgerAccount::Suspense(account, token) => {
                format!("Suspense({}, {})", self.account_name(account), self.token_name(token))
            }
            LedgerAccount::Surplus(token) => format!("Surplus({})", self.token_name(token)),
            LedgerAccount::ParReserve(token) => format!("ParReserve({})", self.token_name(token)),
            LedgerAccount::Waiting(id, token) => {
                format!("Waiting({}, {})", self.account_name(id), self.token_name(token))
            }
        }
    }
}

fn place(kind: &str, known: &[String], name: &str) -> Result<u16, String> {
    let at = known.iter().position(|known| known == name).and_then(|at| u16::try_from(at).ok());
    at.ok_or_else(|| format!("unknown {kind} {name:?}, expected one of {}", known.join(", ")))
}

/// Whose account a name is: its part before a slash is the owner, a number after it the subaccount.
pub(crate) fn owner(name: &str) -> Result<Owner, String> {
    let (holder, subaccount) = match name.split_once('/') {
        None => (name, 0),
        Some((holder, number)) => {
            let number = number.parse().map_err(|_| {
                format!("account {name:?}: expected a subaccount number from 0 to 65535 after the slash")
            })?;
            (holder, number)
        }
    };
    if holder.is_empty() {
        return Err("expected an account name, found an empty one".to_owned());
    }
    Ok(Owner { address: address(holder), subaccount })
}

/// The address of a name, the same on every chain.
pub(crate) fn address(name: &str) -> Address {
    Address(
        *blake3::Hasher::new_derive_key("ballast exec address").update(name.as_bytes()).finalize().as_bytes(),
    )
}

/// The validator of a name.
pub(crate) fn signer(name: &str) -> Signer {
    let Address(bytes) = address(name);
    Signer(std::array::from_fn(|at| bytes[at + 12]))
}

/// The hash of the block in which a chain has an event, on its branch number `fork`.
pub(crate) fn version(chain: ChainId, sequence: Sequence, fork: u64) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("ballast exec block");
    hasher.update(&chain.0.to_le_bytes()).update(&sequence.0.to_le_bytes()).update(&fork.to_le_bytes());
    Hash(*hasher.finalize().as_bytes())
}
