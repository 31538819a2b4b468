//! What owners sign: the digest of another EIP-712 library, the text, and every signature that does not count.

mod support;

use alloy_dyn_abi::TypedData;
use ballast_engine::{Engine, Outcome};
use ballast_node::auth::{Approval, AuthError, Message, Nonces, OwnerSignature, Party, Permit, check_record};
use ballast_node::log::{Record, Walk};
use ballast_node::{Node, Options, SubmitError};
use ballast_spoke::certificate::Key;
use ballast_types::{
    AccountId, Address, AssetId, ChainId, Change, Command, Hash, Layer, MarketId, Owner, Scope, Side, Token,
    TradeAmount,
};
use ballast_units::{Amount, Price, Ratio, Time};
use std::collections::BTreeSet;
use support::{Folder, Town, Wallet, ethereum_bytes, open};

const HUB: Hash = Hash([7; 32]);
const LATER: Time = Time::from_millis(1_900_000_000_000);

/// Commands that differ in one thing each, of every kind that an owner signs.
fn commands() -> Vec<Command> {
    let (account, chain, market) = (AccountId(5), ChainId(1), MarketId(2));
    let amount = Amount::from_wei(1_000_500_000_000_000_000_000);
    let token = Token { asset: AssetId(1), chain };
    let address = Address([0xab; 32]);
    let trade = |side, amount, limit, reduce_only| Command::Trade {
        account,
        market,
        side,
        amount,
        limit,
        reduce_only,
    };
    let limit = Some(Price::whole(3_400));
    let contribute = |layer| Command::Contribute { account, layer, amount };
    vec![
        Command::RegisterAddress { account, chain, address },
        Command::RegisterAddress { account: AccountId(6), chain, address },
        trade(Side::Long, TradeAmount::Quote(amount), None, false),
        trade(Side::Short, TradeAmount::Quote(amount), None, false),
        trade(Side::Long, TradeAmount::Base(amount), None, false),
        trade(Side::Long, TradeAmount::Quote(Amount::whole(1)), None, false),
        trade(Side::Long, TradeAmount::Quote(amount), limit, false),
        trade(Side::Long, TradeAmount::Quote(amount), None, true),
        Command::ClosePosition { account, market, limit: None },
        Command::ClosePosition { account, market, limit },
        Command::RequestWithdrawal { account, token, amount },
        Command::RequestWithdrawal { account, token: Token { asset: AssetId(2), chain }, amount },
        Command::Lend { account, chain, amount },
        Command::Redeem { account, chain, amount: Some(amount) },
        Command::Redeem { account, chain, amount: Some(Amount::ZERO) },
        Command::Redeem { account, chain, amount: None },
        Command::Borrow { account, chain, amount },
        Command::Repay { account, chain, amount: Some(Amount::ZERO) },
        Command::Repay { account, chain, amount: None },
        contribute(Layer::Float),
        contribute(Layer::Budget(market)),
        contribute(Layer::Tranche(Scope::Market(MarketId(1)))),
        contribute(Layer::Tranche(Scope::Chain(chain))),
    ]
}

#[test]
fn the_digest_is_that_of_eip_712() {
    for command in commands() {
        let message = Message::of(&command, 9, LATER).unwrap();
        let json = message.ethereum_json(HUB);
        let typed: TypedData = serde_json::from_value(json.clone()).unwrap();
        let want = typed.eip712_signing_hash().unwrap();
        assert_eq!(message.ethereum_digest(HUB), Hash(want.0), "{json}");
    }
}

#[test]
fn no_two_commands_hubs_nonces_or_times_have_the_same_message() {
    let (mut digests, mut texts, mut all) = (BTreeSet::new(), BTreeSet::new(), 0);
    for command in commands() {
        let sooner = Time::from_millis(LATER.millis() - 1);
        for (hub, nonce, expires) in
            [(HUB, 9, LATER), (Hash([8; 32]), 9, LATER), (HUB, 10, LATER), (HUB, 9, sooner)]
        {
            let message = Message::of(&command, nonce, expires).unwrap();
            digests.insert(message.ethereum_digest(hub));
            texts.insert(message.text(hub));
            all += 1;
        }
    }
    assert_eq!((digests.len(), texts.len()), (all, all));
}

#[test]
fn a_wallet_shows_what_is_at_stake() {
    let limit = Some(Price::from_wei(3_400_500_000_000_000_000_000).unwrap());
    let command = Command::Trade {
        account: AccountId(5),
        market: MarketId(0),
        side: Side::Long,
        amount: TradeAmount::Quote(Amount::from_wei(1_000_500_000_000_000_000_000)),
        limit,
        reduce_only: false,
    };
    let text = Message::of(&command, 9, LATER).unwrap().text(HUB);
    let want = "Ballast 1\n\
        hub: 0x0707070707070707070707070707070707070707070707070707070707070707\n\
        Trade\n\
        account: 5\n\
        market: 0\n\
        side: long\n\
        unit: quote\n\
        amount: 1000.5\n\
        limit: 3400.5\n\
        reduceOnly: false\n\
        nonce: 9\n\
        expires: 1900000000000";
    assert_eq!(text, want);
}

/// A node whose people have accounts, and a command of the `number`th of them.
struct Case {
    _folder: Folder,
    node: Node,
    town: Town,
}

impl Case {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let (mut node, town) = (open(&folder, Options::default()).unwrap(), Town::new(1));
        town.steps(&mut node, 5);
        Self { _folder: folder, node, town }
    }

    fn account(&self, number: usize) -> AccountId {
        self.node.state().unwrap().account_of(self.town.people[number].owner()).unwrap()
    }

    fn command(&self, number: usize) -> Command {
        Command::Lend { account: self.account(number), chain: ChainId(1), amount: Amount::whole(1) }
    }

    /// The `signer`th of the people signs what the `number`th would ask for.
    fn sign(&self, number: usize, signer: usize, nonce: u64) -> (Command, Permit) {
        let command = self.command(number);
        let permit = self.town.people[signer].sign(self.node.hub(), &command, nonce, LATER);
        (command, permit)
    }

    fn refused(&mut self, command: Command, permit: Option<Permit>) -> AuthError {
        match self.node.submit(command, permit) {
            Err(SubmitError::Auth(error)) => error,
            other => panic!("{other:?}"),
        }
    }
}

/// Of the town's people the first signs EIP-712, the third ed25519.
const ETHEREUM: usize = 0;
const SOLANA: usize = 2;

#[test]
fn what_only_the_house_may_ask_for_is_refused() {
    let mut case = Case::new("house-only");
    let token = Token { asset: AssetId(0), chain: ChainId(0) };
    let write_down = Command::Govern(Change::WriteDown { token, worth: Ratio::ZERO });
    let (_, permit) = case.sign(ETHEREUM, ETHEREUM, 100);
    for command in [write_down, Command::EnterSafeMode] {
        assert_eq!(case.refused(command.clone(), None), AuthError::HouseOnly);
        assert_eq!(case.refused(command, Some(permit)), AuthError::HouseOnly);
    }
}

#[test]
fn a_command_of_an_owner_without_signature_is_refused() {
    let mut case = Case::new("missing");
    let account = case.account(ETHEREUM);
    assert_eq!(case.refused(case.command(ETHEREUM), None), AuthError::SignatureMissing { account });
}

#[test]
fn a_signature_under_what_anybody_may_ask_for_is_refused() {
    let mut case = Case::new("needless");
    let (_, permit) = case.sign(ETHEREUM, ETHEREUM, 100);
    let command = Command::LiquidateAccount { account: AccountId(5) };
    assert_eq!(case.refused(command.clone(), Some(permit)), AuthError::SignatureNeedless);
    case.node.submit(command, None).unwrap();
}

#[test]
fn an_account_that_does_not_exist_is_refused() {
    let mut case = Case::new("unknown");
    let account = AccountId(4_711);
    let command = Command::Lend { account, chain: ChainId(1), amount: Amount::whole(1) };
    let permit = case.town.people[ETHEREUM].sign(case.node.hub(), &command, 100, LATER);
    assert_eq!(case.refused(command, Some(permit)), AuthError::UnknownAccount { account });
}

#[test]
fn a_forged_signature_is_refused() {
    let mut case = Case::new("forged");
    let (command, permit) = case.sign(ETHEREUM, ETHEREUM + 1, 100);
    let account = case.account(ETHEREUM);
    let owner = case.town.people[ETHEREUM].owner().address;
    let Wallet::Ethereum(key) = &case.town.people[ETHEREUM + 1] else {
        unreachable!("the second signs EIP-712")
    };
    let signer = key.signer();
    assert_eq!(case.refused(command, Some(permit)), AuthError::WrongSigner { account, owner, signer });
    let (command, permit) = case.sign(SOLANA, SOLANA + 3, 100);
    let account = case.account(SOLANA);
    let owner = case.town.people[SOLANA].owner().address;
    assert_eq!(case.refused(command, Some(permit)), AuthError::WrongText { account, owner });
}

#[test]
fn a_signature_under_another_command_nonce_time_or_hub_is_refused() {
    let mut case = Case::new("other");
    for who in [ETHEREUM, SOLANA] {
        let (command, permit) = case.sign(who, who, 100);
        let wallet = &case.town.people[who];
        let Command::Lend { account, chain, .. } = command else { unreachable!("see above") };
        let more = Command::Lend { account, chain, amount: Amount::whole(2) };
        let foreign = wallet.sign(Hash([1; 32]), &command, 100, LATER);
        let wrong = [
            (more, permit),
            (command.clone(), Permit { nonce: 101, ..permit }),
            (command.clone(), Permit { expires: Time::from_millis(LATER.millis() + 1), ..permit }),
            (command.clone(), foreign),
        ];
        for (command, permit) in wrong {
            let error = case.refused(command, Some(permit));
            assert!(matches!(error, AuthError::WrongSigner { .. } | AuthError::WrongText { .. }), "{error}");
            assert!(error.to_string().contains("hub, command, nonce and time are signed"), "{error}");
        }
        case.node.submit(command, Some(permit)).unwrap();
    }
}

#[test]
fn a_signature_counts_once_also_after_a_restart() {
    let folder = Folder::new("replayed");
    let (mut node, town) = (open(&folder, Options::default()).unwrap(), Town::new(1));
    town.steps(&mut node, 5);
    let wallet = &town.people[ETHEREUM];
    let account = node.state().unwrap().account_of(wallet.owner()).unwrap();
    let command = Command::Lend { account, chain: ChainId(1), amount: Amount::whole(1) };
    let permit = wallet.sign(node.hub(), &command, 100, LATER);
    node.submit(command.clone(), Some(permit)).unwrap();
    let used = SubmitError::from(AuthError::NonceUsed { account, nonce: 100, last: 100 });
    // While it waits, in the log, and after a restart from the log or a snapshot.
    assert_eq!(node.submit(command.clone(), Some(permit)), Err(used));
    town.step_alone(&mut node);
    assert_eq!(node.submit(command.clone(), Some(permit)), Err(used));
    for snapshot_blocks in [1_000_000, 1, 1_000_000] {
        drop(node);
        node = open(&folder, Options { snapshot_blocks, ..Options::default() }).unwrap();
        assert_eq!(node.submit(command.clone(), Some(permit)), Err(used));
        town.step_alone(&mut node);
    }
    let lower = wallet.sign(node.hub(), &command, 99, LATER);
    let refused = node.submit(command.clone(), Some(lower)).unwrap_err();
    assert_eq!(refused, AuthError::NonceUsed { account, nonce: 99, last: 100 }.into());
    let higher = wallet.sign(node.hub(), &command, 102, LATER);
    node.submit(command, Some(higher)).unwrap();
}

#[test]
fn the_other_kind_of_wallet_is_refused() {
    let mut case = Case::new("scheme");
    for (who, signer, ethereum) in [(ETHEREUM, SOLANA, true), (SOLANA, ETHEREUM, false)] {
        let (command, permit) = case.sign(who, signer, 100);
        let (account, owner) = (case.account(who), case.town.people[who].owner().address);
        assert_eq!(case.refused(command, Some(permit)), AuthError::WrongScheme { account, owner, ethereum });
    }
}

#[test]
fn a_signature_that_another_could_be_made_of_is_refused() {
    let mut case = Case::new("malleable");
    let (command, permit) = case.sign(ETHEREUM, ETHEREUM, 100);
    let OwnerSignature::Ethereum(sound) = permit.signature else { unreachable!("the first signs EIP-712") };
    let with = |bytes| Some(Permit { signature: OwnerSignature::Ethereum(bytes), ..permit });
    let mut other = sound;
    other[64] = 1;
    assert_eq!(case.refused(command.clone(), with(other)), AuthError::BadV { v: 1 });
    let mut other = sound;
    other[32..64].copy_from_slice(&negated(&sound[32..64]));
    other[64] = 55 - sound[64];
    assert_eq!(case.refused(command.clone(), with(other)), AuthError::HighS);
    assert_eq!(case.refused(command, with([0; 65])), AuthError::BadV { v: 0 });
    let (command, permit) = case.sign(ETHEREUM, ETHEREUM, 100);
    let mut none = [0; 65];
    none[64] = 27;
    let permit = Permit { signature: OwnerSignature::Ethereum(none), ..permit };
    assert_eq!(case.refused(command, Some(permit)), AuthError::NoSignature);
}

/// The order of secp256k1 less `s`.
fn negated(s: &[u8]) -> [u8; 32] {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
        0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let (mut result, mut borrow) = ([0; 32], 0);
    for place in (0..32).rev() {
        let difference = i16::from(ORDER[place]) - i16::from(s[place]) - borrow;
        borrow = i16::from(difference < 0);
        result[place] = u8::try_from(difference + 256 * borrow).unwrap();
    }
    result
}

/// The records of a run, and the state before the last of them.
fn recorded() -> (Engine, Hash, Nonces, Record) {
    let folder = Folder::new("recorded");
    let mut node = open(&folder, Options::default()).unwrap();
    Town::new(1).steps(&mut node, 8);
    drop(node);
    let mut walk = Walk::open(&folder.0).unwrap();
    let hub = walk.head().hub();
    let mut engine = Engine::new(&walk.head().genesis).unwrap();
    let (mut nonces, mut outcome) = (Nonces::default(), Outcome::default());
    while let Some(record) = walk.next_record().unwrap() {
        if record.block.height.0 == 8 {
            assert_eq!(check_record(engine.state(), hub, &record, &mut nonces.clone()), Ok(12));
            return (engine, hub, nonces, record);
        }
        check_record(engine.state(), hub, &record, &mut nonces).unwrap();
        engine.apply(&record.block, &mut outcome);
    }
    unreachable!("eight blocks were made")
}

#[test]
fn a_record_whose_approvals_do_not_fit_its_commands_is_found() {
    let (engine, hub, nonces, sound) = recorded();
    let fault = |change: &dyn Fn(&mut Record)| {
        let mut record = sound.clone();
        change(&mut record);
        let fault = check_record(engine.state(), hub, &record, &mut nonces.clone()).unwrap_err();
        (fault.command, fault.fault)
    };
    let removed = fault(&|record| {
        record.approvals.remove(3);
    });
    assert!(matches!(removed, (3, AuthError::SignatureMissing { .. })), "{removed:?}");
    let swapped = fault(&|record| record.block.commands.swap(0, 1));
    assert!(matches!(swapped, (0, AuthError::WrongSigner { .. })), "{swapped:?}");
    let twice = fault(&|record| {
        let (command, approval) = (record.block.commands[0].clone(), record.approvals[0]);
        record.block.commands.push(command);
        record.approvals.push(Approval { command: 12, ..approval });
    });
    assert!(matches!(twice, (12, AuthError::NonceUsed { .. })), "{twice:?}");
    let beyond = fault(&|record| {
        let approval = record.approvals[0];
        record.approvals.push(Approval { command: 99, ..approval });
    });
    assert_eq!(beyond, (99, AuthError::SignatureNeedless));
    let late = fault(&|record| record.block.time = LATER);
    assert!(matches!(late, (0, AuthError::Expired { .. })), "{late:?}");
    let foreign = check_record(engine.state(), HUB, &sound, &mut nonces.clone()).unwrap_err();
    assert!(matches!(foreign.fault, AuthError::WrongSigner { .. }), "{foreign}");
}

/// A signature by a key whose 20-byte address an ed25519 owner's address happens to end with is no signature of his.
#[test]
fn an_address_that_ends_like_another_is_another() {
    let key = Key::from_label("person 0");
    let mut case = Case::new("suffix");
    let mut address = Address([1; 32]);
    address.0[12..].copy_from_slice(&key.signer().0);
    case.node.enact(Command::OpenAccount { owner: Owner { address, subaccount: 0 } });
    case.town.step_alone(&mut case.node);
    let account = case.node.state().unwrap().account_of(Owner { address, subaccount: 0 }).unwrap();
    let command = Command::Lend { account, chain: ChainId(1), amount: Amount::whole(1) };
    let digest = Message::of(&command, 1, LATER).unwrap().ethereum_digest(case.node.hub());
    let permit = Permit { nonce: 1, expires: LATER, signature: ethereum_bytes(&key, digest) };
    let owner = address;
    assert_eq!(
        case.refused(command, Some(permit)),
        AuthError::WrongScheme { account, owner, ethereum: false }
    );
}

/// A keeper's key signs for its owner's account. Were their nonces one sequence, whoever stole the key could use up all of
/// them, and the owner could never sign again.
#[test]
fn a_keepers_key_cannot_use_up_its_owners_nonces() {
    let account = AccountId(5);
    let [owner, keeper] = [1, 2].map(|byte| Party { account, address: Address([byte; 32]) });
    let mut nonces = Nonces::default();
    nonces.take(keeper, u64::MAX).unwrap();
    let used = AuthError::NonceUsed { account, nonce: u64::MAX, last: u64::MAX };
    assert_eq!(nonces.take(keeper, u64::MAX), Err(used));
    nonces.take(owner, 1).unwrap();
    assert_eq!((nonces.last(owner), nonces.last(keeper)), (Some(1), Some(u64::MAX)));
}
