//! A small town: people with keys, who deposit, trade, lend and borrow in the default house, block for block.
//!
//! - What a block is fed depends on its height, the seed and the house as it is: a node that was restarted is fed what
//!   one that never stopped is.
//! - Prices fall by half from block 30 to block 60 and come back by block 90, so that people are liquidated.

#![allow(dead_code, reason = "each test uses a part of it")]

use ballast_engine::orders::Sent;
use ballast_node::auth::{Message, OwnerSignature, Permit};
use ballast_node::{Node, OpenError, Options, Produced, Setup};
use ballast_sim::{Seed, Stream, house};
use ballast_spoke::certificate::Key;
use ballast_types::{
    AccountId, Address, AssetId, ChainId, Command, Genesis, Hash, Layer, MarketId, Nonce, Observation,
    OrderAction, Owner, PriceReport, Sequence, Side, SourceId, Token, TradeAmount, VaultEvent,
};
use ballast_units::{Amount, Millis, Price, Ratio, Time};
use std::path::{Path, PathBuf};

/// Blocks of the town are so far apart.
const BLOCK: Millis = Millis::seconds(2);
const COIN: AssetId = AssetId(0);
const ETHER: AssetId = AssetId(1);
/// Dollars of each asset of the default house before the fall.
const PRICES: [u64; 5] = [1, 3_400, 52, 510, 2];

/// A folder that is gone after the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ballast-node-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    /// The segments of its log.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        files(&self.0.join("blocks"))
    }

    /// Its snapshots, the oldest first.
    pub(crate) fn snapshots(&self) -> Vec<PathBuf> {
        files(&self.0.join("snapshots"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// The default house and a key, with the options that a test wants.
pub(crate) fn setup(options: Options) -> Setup {
    let genesis = Genesis { time: Town::time(0), ..house::genesis() };
    Setup { genesis, keys: vec![Key::from_label("validator")], options }
}

pub(crate) fn open(folder: &Folder, options: Options) -> Result<Node, OpenError> {
    Node::open(&folder.0, setup(options))
}

/// Somebody with a wallet.
pub(crate) enum Wallet {
    Ethereum(Key),
    Solana(ed25519_dalek::SigningKey),
}

impl Wallet {
    pub(crate) fn ethereum(name: &str) -> Self {
        Self::Ethereum(Key::from_label(name))
    }

    pub(crate) fn solana(name: &str) -> Self {
        Self::Solana(ed25519_dalek::SigningKey::from_bytes(
            &ballast_types::digest::keccak(&[name.as_bytes()]).0,
        ))
    }

    pub(crate) fn owner(&self) -> Owner {
        let mut address = Address::default();
        match self {
            Self::Ethereum(key) => address.0[12..].copy_from_slice(&key.signer().0),
            Self::Solana(key) => address = Address(key.verifying_key().to_bytes()),
        }
        Owner { address, subaccount: 0 }
    }

    pub(crate) fn sign(&self, hub: Hash, command: &Command, nonce: u64, expires: Time) -> Permit {
        let message = Message::of(command, nonce, expires).expect("owners sign it");
        let signature = match self {
            Self::Ethereum(key) => ethereum_bytes(key, message.ethereum_digest(hub)),
            Self::Solana(key) => {
                use ed25519_dalek::Signer as _;
                OwnerSignature::Solana(key.sign(message.text(hub).as_bytes()).to_bytes())
            }
        };
        Permit { nonce, expires, signature }
    }
}

pub(crate) fn ethereum_bytes(key: &Key, digest: Hash) -> OwnerSignature {
    let signature = key.sign(digest);
    let bytes = [signature.r.as_slice(), &signature.s, &[signature.v]].concat();
    OwnerSignature::Ethereum(bytes.try_into().unwrap())
}

/// Everybody there is.
pub(crate) struct Town {
    seed: Seed,
    pub(crate) people: Vec<Wallet>,
}

impl Town {
    pub(crate) fn new(seed: u64) -> Self {
        let wallet = |number: u32| match number % 3 {
            2 => Wallet::solana(&format!("person {number}")),
            _ => Wallet::ethereum(&format!("person {number}")),
        };
        Self { seed: Seed::new(seed), people: (0..12).map(wallet).collect() }
    }

    /// Time of a block.
    pub(crate) fn time(height: u64) -> Time {
        Time::from_millis(1_621_382_400_000).after(Millis::new(BLOCK.get() * height))
    }

    /// Feeds a node what its next block gets, and makes the block.
    pub(crate) fn step(&self, node: &mut Node) -> Produced {
        let now = self.feed(node);
        let seed = node.block_hash();
        node.step(now, seed).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes the next block of what waits already.
    pub(crate) fn step_alone(&self, node: &mut Node) -> Produced {
        let (now, seed) = (Self::time(node.height().0 + 1), node.block_hash());
        node.step(now, seed).unwrap_or_else(|error| panic!("{error}"))
    }

    /// So many blocks.
    pub(crate) fn steps(&self, node: &mut Node, blocks: u64) {
        for _ in 0..blocks {
            self.step(node);
        }
    }

    /// Feeds a node what its next block gets, and tells its time.
    pub(crate) fn feed(&self, node: &mut Node) -> Time {
        let height = node.height().0 + 1;
        let now = Self::time(height);
        let mut draws = self.seed.stream_at("block", height);
        node.prices(prices(height, now, &mut draws));
        let observations = self.observations(node, height, now);
        node.observe(observations);
        for (number, wallet) in self.people.iter().enumerate() {
            let Some(account) = node.state().unwrap().account_of(wallet.owner()) else { continue };
            let command = command(account, number, height, &mut draws);
            let permit = wallet.sign(node.hub(), &command, height, now.after(Millis::seconds(60)));
            node.submit(command, Some(permit)).unwrap_or_else(|error| panic!("{error}"));
        }
        now
    }

    /// Deposits at the start, then what the vaults were told to pay.
    fn observations(&self, node: &Node, height: u64, now: Time) -> Vec<Observation> {
        let state = node.state().unwrap();
        let mut told = Vec::new();
        for (chain, record) in state.chains.iter() {
            let mut sequence = record.next_sequence;
            let mut tell = |event| {
                let version = Hash([chain.0.to_le_bytes()[0]; 32]);
                told.push(Observation::Seen { chain, sequence, version, event });
                sequence.0 += 1;
            };
            // By then the coin has a price, and counts as cash.
            if height == 2 {
                for wallet in &self.people {
                    let owner = wallet.owner();
                    let mut deposit = |asset, amount| tell(VaultEvent::Deposited { owner, asset, amount });
                    match chain {
                        ChainId(0) => deposit(COIN, Amount::whole(4_000)),
                        ChainId(1) => {
                            deposit(COIN, Amount::whole(9_000));
                            deposit(ETHER, Amount::whole(3));
                        }
                        _ => {}
                    }
                }
            }
            let open = state.orders.iter().filter(|((of, _), sent)| *of == chain && sent.seen.is_none());
            let answered = |sent: &Sent| {
                sent.release.is_some() || matches!(sent.order.action, OrderAction::Rotate { .. })
            };
            let releases = open.filter(|(_, sent)| answered(sent));
            let nonces: Vec<Nonce> = releases.map(|((_, nonce), _)| nonce).collect();
            for nonce in nonces {
                tell(VaultEvent::Executed { nonce });
            }
            if sequence == record.next_sequence {
                continue;
            }
            let (sequence, block) =
                (Sequence(sequence.0 - 1), ballast_types::digest::block_in_process(chain, now));
            told.push(Observation::Final { chain, sequence, time: now, block });
        }
        told
    }
}

fn prices(height: u64, now: Time, draws: &mut Stream) -> Vec<PriceReport> {
    // In hundredths of a percent of the price before.
    let level = match height {
        0..30 => 10_000,
        30..60 => 10_000 - (height - 29) * 160,
        60..90 => 5_200 + (height - 59) * 160,
        _ => 10_000,
    };
    let mut reports = Vec::new();
    for (asset, dollars) in (0..).zip(PRICES) {
        let level = if asset == 0 { 10_000 } else { level + draws.below(10) };
        let price = Price::from_wei(u128::from(dollars * level) * 10_u128.pow(14)).unwrap();
        reports.extend((0..3).map(|source| PriceReport {
            asset: AssetId(asset),
            source: SourceId(source),
            price,
            confidence: Ratio::ZERO,
            time: now,
        }));
    }
    reports
}

/// What somebody asks for in a block.
fn command(account: AccountId, number: usize, height: u64, draws: &mut Stream) -> Command {
    let (coin_chain, chain) = (ChainId(0), ChainId(1));
    let amount = Amount::whole(draws.between(10, 2_000));
    let market = MarketId(*draws.pick(&[0, 1, 2, 3]));
    if height == 3 || height == 4 {
        let chain = if height == 3 { coin_chain } else { chain };
        return Command::RegisterAddress { account, chain, address: Address([1; 32]) };
    }
    if height < 7 && number.is_multiple_of(2) {
        return Command::Lend { account, chain, amount: Amount::whole(4_000) };
    }
    match draws.below(14) {
        0..6 => Command::Trade {
            account,
            market,
            side: *draws.pick(&[Side::Long, Side::Long, Side::Short]),
            amount: TradeAmount::Quote(Amount::whole(draws.between(100, 50_000))),
            limit: None,
            reduce_only: draws.chance(1_000),
        },
        6 => Command::ClosePosition { account, market, limit: None },
        7 | 8 => {
            Command::RequestWithdrawal { account, token: Token { asset: COIN, chain: coin_chain }, amount }
        }
        9 | 10 => Command::Borrow { account, chain, amount: Amount::whole(draws.between(2_000, 7_000)) },
        11 => Command::Repay { account, chain, amount: draws.chance(5_000).then_some(amount) },
        12 => Command::Redeem { account, chain, amount: Some(amount) },
        _ => Command::Contribute { account, layer: Layer::Float, amount: Amount::whole(1) },
    }
}
