//! What people do with the house, each step of it settled and compared.

use super::genesis::*;
use super::hub::House;
use crate::support::*;
use alloy::primitives::{Address, U256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolValue;
use ballast_spoke::evm::bindings::auction_house::AuctionHouse;
use ballast_spoke::evm::bindings::mock_taker::MockTaker;
use ballast_spoke::evm::kit::dev_key;
use ballast_spoke::evm::{deploy, execute, hub_address};
use ballast_types::digest::{report_commit, result_start, result_take, task_report};
use ballast_types::{
    AccountId, AssetId, ChainId, Command, Event, Hash, KeeperId, LotId, Nonce, Owner, RegionId, TaskId,
    Token, VaultEvent,
};
use ballast_units::{Amount, Price};

/// What every keeper's report is salted with.
const SALT: Hash = Hash([0x5a; 32]);

/// How a task ended.
pub(super) struct Closed {
    pub(super) task: TaskId,
    pub(super) debt: Amount,
    pub(super) fee: Amount,
    pub(super) returned: Amount,
    pub(super) shortfall: Amount,
}

pub(super) fn person(name: &str) -> PrivateKeySigner {
    dev_key(name, 0)
}

pub(super) fn owner_of(name: &str) -> Owner {
    Owner { address: hub_address(person(name).address()), subaccount: 0 }
}

impl House {
    pub(super) fn account(&self, name: &str) -> AccountId {
        self.engine.state().account_of(owner_of(name)).expect("it has deposited")
    }

    pub(super) fn deposit(&mut self, name: &str, chain: ChainId, asset: AssetId, amount: Amount) {
        let key = person(name);
        self.runtime.block_on(self.chain(chain).deposit(&key, owner_of(name), asset, amount)).unwrap();
        self.settle();
    }

    pub(super) fn run(&mut self, command: Command) {
        self.block(vec![command]);
        self.settle();
    }

    /// A loan on Polygon, paid out there.
    pub(super) fn borrow(&mut self, name: &str, amount: Amount) {
        let account = self.account(name);
        let address = owner_of(name).address;
        self.run(Command::RegisterAddress { account, chain: POLYGON, address });
        self.run(Command::Borrow { account, chain: POLYGON, amount });
        assert_eq!(self.wallet(USD, person(name).address()), amount, "the loan is paid out");
    }

    /// Takes so much out of Polygon's vault; it arrives in the owner's wallet.
    pub(super) fn withdraw(&mut self, name: &str, asset: AssetId, amount: Amount) {
        let (account, token) = (self.account(name), Token { asset, chain: POLYGON });
        let wallet = self.wallet(asset, person(name).address());
        self.run(Command::RequestWithdrawal { account, token, amount });
        assert_eq!(self.wallet(asset, person(name).address()), wallet + amount);
    }

    /// What somebody has on Polygon.
    pub(super) fn wallet(&self, asset: AssetId, who: Address) -> Amount {
        self.runtime.block_on(self.chain(POLYGON).balance(asset, who)).unwrap()
    }

    /// Three keepers of different operators in different regions, with a stake on Ethereum each.
    pub(super) fn hire(&mut self) {
        for number in 0..3 {
            let name = format!("operator {number}");
            self.deposit(&name, ETHEREUM, BAL, whole(10_000));
            let register = Command::RegisterKeeper {
                account: self.account(&name),
                operator: owner_of(&name).address,
                region: RegionId(number),
                cores: 32,
                memory: 64,
                signer: hub_address(dev_key("keeper", usize::from(number)).address()),
                stake: whole(10_000),
            };
            self.run(register);
        }
    }

    /// The price falls, and one lot is for sale on Polygon.
    pub(super) fn fall(&mut self, price: u64) -> (LotId, Amount) {
        self.eth = Price::whole(price);
        let out = self.block(Vec::new());
        let offered: Vec<_> = out
            .events
            .iter()
            .filter_map(|event| match event {
                Event::LotOffered { lot, token, quantity, .. } => Some((*lot, *token, *quantity)),
                _ => None,
            })
            .collect();
        assert_eq!(offered.len(), 1, "{:?}", out.events);
        assert_eq!(offered[0].1, Token { asset: ETH, chain: POLYGON });
        (offered[0].0, offered[0].2)
    }

    /// Where a lot is for sale.
    pub(super) fn place_of(&self, lot: LotId) -> ChainId {
        let offered = self.events.iter().find_map(|event| match event {
            Event::LotOffered { lot: of, token, .. } if *of == lot => Some(token.chain),
            _ => None,
        });
        offered.expect("it was offered")
    }

    pub(super) fn take(&mut self, lot: LotId, quantity: Amount) {
        let bidder = person("bidder");
        let take = self.chain(self.place_of(lot)).take(&bidder, lot, quantity, Price::whole(3_000));
        self.runtime.block_on(take).unwrap();
    }

    /// Takes all that is left without a cent, by the callback.
    pub(super) fn flash(&mut self, lot: LotId) {
        let chain = self.chain(self.place_of(lot));
        let (house, coin) = (chain.deployment.house, chain.deployment.token(USD).unwrap().token);
        self.runtime.block_on(async {
            let arguments = (house, coin).abi_encode_params();
            let code = MockTaker::BYTECODE.clone();
            let taker = deploy(chain.deployer(), "MockTaker", code, arguments).await.unwrap();
            let call = MockTaker::runCall {
                lot: lot.0,
                wanted: u128::MAX,
                priceMost: u128::MAX,
                recipient: person("flash").address(),
                data: vec![1].into(),
            };
            execute(chain.deployer(), taker, call, U256::ZERO).await.unwrap();
        });
    }

    /// How the only task of an account ended.
    pub(super) fn closed(&self, name: &str) -> Closed {
        let of = self.account(name);
        let closed = self.events.iter().filter_map(|event| match *event {
            Event::TaskClosed { task, account, principal, interest, fee, returned, shortfall, .. }
                if account == of =>
            {
                Some(Closed { task, debt: principal + interest, fee, returned, shortfall })
            }
            _ => None,
        });
        let mut closed: Vec<Closed> = closed.collect();
        assert_eq!(closed.len(), 1);
        closed.remove(0)
    }

    /// Dollars that a lot's takes brought. Its result, as the chain told it, is theirs, and nobody disputes it.
    pub(super) fn proceeds(&self, lot: LotId, takes: usize) -> Amount {
        let (start, place) = (self.start_of(lot), self.place_of(lot));
        let mut result = result_start(self.chain(place).deployment.domain(), lot, start);
        let (mut paid_in, mut seen) = (Amount::ZERO, 0);
        for (chain, _, event) in &self.facts {
            match *event {
                VaultEvent::Taken { lot: of, taker, quantity, paid, rebate } if of == lot => {
                    assert_eq!(*chain, place);
                    result = result_take(result, taker, quantity, paid, rebate);
                    (paid_in, seen) = (paid_in + paid, seen + 1);
                }
                _ => {}
            }
        }
        assert_eq!((seen, self.ended(lot).0), (takes, result));
        assert!(!self.events.iter().any(|event| matches!(event, Event::TaskDisputed { .. })));
        paid_in
    }

    /// A lot's result as its chain told it, and the block that it stood in.
    fn ended(&self, lot: LotId) -> (Hash, Hash) {
        let ended = self.facts.iter().find_map(|(_, version, event)| match *event {
            VaultEvent::Ended { lot: of, result } if of == lot => Some((result, *version)),
            _ => None,
        });
        ended.expect("the auction is over")
    }

    /// The order that started a lot's auction, as its chain has it.
    pub(super) fn start_of(&self, lot: LotId) -> Nonce {
        let chain = self.chain(self.place_of(lot));
        let house = AuctionHouse::new(chain.deployment.house, chain.node.provider());
        let auction = self.runtime.block_on(async { house.auction(lot.0).call().await.unwrap() });
        Nonce(auction.start)
    }

    /// A task's keepers commit, the second of them first, and then show what Polygon told of its lot. Gives what each
    /// was paid, bonus and share, in order of keeper.
    pub(super) fn report(&mut self, task: TaskId, lot: LotId) -> Vec<(KeeperId, Amount, Amount)> {
        let (told, block) = self.ended(lot);
        let result = task_report(task, POLYGON, &[told]);
        let chain = POLYGON;
        let commit = |keeper| {
            let commit = report_commit(result, block, keeper, SALT);
            Command::CommitReport { keeper, task, chain, commit }
        };
        let reveal = |keeper| Command::RevealReport { keeper, task, chain, result, block, salt: SALT };
        self.block([1, 0, 2].map(KeeperId).map(commit).to_vec());
        self.block([0, 1, 2].map(KeeperId).map(reveal).to_vec());
        self.settle();
        let paid = self.events.iter().filter_map(|event| match *event {
            Event::KeeperPaid { keeper, task: of, bonus, share } if of == task => {
                Some((keeper, bonus, share))
            }
            _ => None,
        });
        let mut paid: Vec<_> = paid.collect();
        paid.sort_unstable();
        paid
    }
}
