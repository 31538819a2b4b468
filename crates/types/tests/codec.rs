//! The wire: golden bytes of everything that travels, what does not decode, and the same values as JSON.
//!
//! The bytes are borsh: integers little-endian, a variant's number in one byte, lists with a length of four
//! bytes. They are pinned because nodes of different versions, block logs and signatures rest on them: a line
//! here that changes is a change of the protocol.

mod golden;

use ballast_types::{
    Block, Change, Command, Event, Genesis, Observation, Order, OrderAction, Reject, Signer, VaultEvent,
};
use borsh::{BorshDeserialize, BorshSerialize};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    let byte =
        |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hexadecimal digits");
    digits.chunks(2).map(byte).collect()
}

/// The value encodes to these bytes and they decode to it; every shorter run of them, and a longer one, does not.
fn check<T>(name: &str, value: &T)
where
    T: BorshSerialize + BorshDeserialize + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let bytes = borsh::to_vec(value).expect("memory takes all bytes");
    assert_eq!(hex(&bytes), golden::bytes(name), "bytes of {name}");
    assert_eq!(&T::try_from_slice(&bytes).expect("what was encoded decodes"), value, "{name} from bytes");
    for short in 0..bytes.len() {
        let cut = bytes.get(..short).expect("shorter");
        assert!(T::try_from_slice(cut).is_err(), "{name} decodes from {short} of {} bytes", bytes.len());
    }
    let mut long = bytes;
    long.push(0);
    assert!(T::try_from_slice(&long).is_err(), "{name} decodes with a byte too many");
    let json = serde_json::to_string(value).expect("everything has a JSON form");
    assert_eq!(&serde_json::from_str::<T>(&json).expect("what was written reads"), value, "{name} as {json}");
}

#[test]
fn every_command_has_its_bytes() {
    let number = |command: &Command| match command {
        Command::OpenAccount { .. } => 0,
        Command::RegisterAddress { .. } => 1,
        Command::Trade { .. } => 2,
        Command::ClosePosition { .. } => 3,
        Command::RequestWithdrawal { .. } => 4,
        Command::Lend { .. } => 5,
        Command::Redeem { .. } => 6,
        Command::Borrow { .. } => 7,
        Command::Repay { .. } => 8,
        Command::Contribute { .. } => 9,
        Command::LiquidateAccount { .. } => 10,
        Command::Govern(_) => 11,
        Command::EnterSafeMode => 12,
        Command::RegisterKeeper { .. } => 13,
        Command::StakeKeeper { .. } => 14,
        Command::UnstakeKeeper { .. } => 15,
        Command::Heartbeat { .. } => 16,
        Command::CommitReport { .. } => 17,
        Command::RevealReport { .. } => 18,
        Command::WithdrawSuspense { .. } => 19,
        Command::CancelWithdrawal { .. } => 20,
        Command::RefuseToken { .. } => 21,
    };
    let mut numbers = Vec::new();
    for (name, command) in golden::commands() {
        check(name, &command);
        assert_eq!(unhex(golden::bytes(name)).first(), Some(&number(&command)), "number of {name}");
        numbers.push(number(&command));
    }
    numbers.dedup();
    assert_eq!(numbers, (0..=21).collect::<Vec<u8>>(), "a command is missing in the table");
}

#[test]
fn every_change_has_its_bytes() {
    let number = |change: &Change| match change {
        Change::Market { .. } => 0,
        Change::Token { .. } => 1,
        Change::Depth { .. } => 2,
        Change::WriteDown { .. } => 3,
        Change::Maker { .. } => 4,
        Change::Resolve { .. } => 5,
        Change::Keepers { .. } => 6,
        Change::Verdict { .. } => 7,
        Change::AddChain { .. } => 8,
        Change::ListToken { .. } => 9,
        Change::SetLimits { .. } => 10,
        Change::SetColdStore { .. } => 11,
        Change::Collect { .. } => 12,
        Change::Liquidation { .. } => 13,
        Change::Rotate { .. } => 14,
        Change::Unfreeze { .. } => 15,
        Change::OpenPath { .. } => 16,
        Change::Migrate { .. } => 17,
        Change::List { .. } => 18,
        Change::WindDown { .. } => 19,
    };
    let mut numbers = Vec::new();
    for (name, change) in golden::changes() {
        check(name, &change);
        numbers.push(number(&change));
    }
    numbers.dedup();
    assert_eq!(numbers, (0..=19).collect::<Vec<u8>>(), "a change is missing in the table");
}

#[test]
fn every_observation_has_its_bytes() {
    let number = |observation: &Observation| match observation {
        Observation::Seen { event: VaultEvent::Deposited { .. }, .. } => 0,
        Observation::Seen { event: VaultEvent::Executed { .. }, .. } => 1,
        Observation::Seen { event: VaultEvent::Taken { .. }, .. } => 2,
        Observation::Seen { event: VaultEvent::Ended { .. }, .. } => 3,
        Observation::Seen { event: VaultEvent::BridgedIn { .. }, .. } => 4,
        Observation::Final { .. } => 5,
        Observation::Dropped { .. } => 6,
    };
    let mut numbers = Vec::new();
    for (name, observation) in golden::observations() {
        check(name, &observation);
        numbers.push(number(&observation));
    }
    assert_eq!(numbers, (0..=6).collect::<Vec<u8>>(), "an observation is missing in the table");
}

#[test]
fn every_order_has_its_bytes() {
    let number = |order: &Order| match order.action {
        OrderAction::Release { .. } => 0,
        OrderAction::StartAuction { .. } => 1,
        OrderAction::CancelAuction { .. } => 2,
        OrderAction::Bridge { .. } => 3,
        OrderAction::Rotate { .. } => 4,
        OrderAction::SetLimits { .. } => 5,
        OrderAction::ListMaker { .. } => 6,
        OrderAction::Unfreeze {} => 7,
        OrderAction::ListToken { .. } => 8,
        OrderAction::Migrate { .. } => 9,
    };
    let mut numbers = Vec::new();
    for (name, order) in golden::orders() {
        check(name, &order);
        numbers.push(number(&order));
    }
    assert_eq!(numbers, (0..=9).collect::<Vec<u8>>(), "an order is missing in the table");
}

#[test]
fn a_block_has_its_bytes() {
    for (name, block) in golden::blocks() {
        check(name, &block);
    }
}

/// `UPDATE_GOLDEN=1 cargo test -p ballast-types --test codec every_line` pins the bytes anew.
#[test]
fn every_line_of_the_table_is_checked() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        golden::pin();
        return;
    }
    let mut checked: Vec<&str> = Vec::new();
    checked.extend(golden::commands().iter().map(|(name, _)| *name));
    checked.extend(golden::changes().iter().map(|(name, _)| *name));
    checked.extend(golden::observations().iter().map(|(name, _)| *name));
    checked.extend(golden::orders().iter().map(|(name, _)| *name));
    checked.extend(golden::blocks().iter().map(|(name, _)| *name));
    assert_eq!(checked, golden::names());
}

#[test]
fn garbage_is_an_error() {
    // A variant that does not exist.
    assert!(Command::try_from_slice(&[13]).is_err());
    assert!(Command::try_from_slice(&[255]).is_err());
    // A boolean and an option that are neither.
    assert!(bool::try_from_slice(&[2]).is_err());
    assert!(Option::<u8>::try_from_slice(&[2, 0]).is_err());
    // A list longer than what follows, and longer than memory.
    assert!(Vec::<Command>::try_from_slice(&[1, 0, 0, 0]).is_err());
    assert!(Vec::<Command>::try_from_slice(&[255, 255, 255, 255]).is_err());
    // A price of zero: `close_position` of account 0 in market 0 with the limit 0.
    let mut close = vec![3, 0, 0, 0, 0, 0, 0, 1];
    close.extend([0; 16]);
    assert!(Command::try_from_slice(&close).is_err(), "a limit of zero");
    *close.last_mut().expect("not empty") = 1;
    assert!(Command::try_from_slice(&close).is_ok(), "the same with a limit above zero");
}

#[test]
fn json_that_is_no_command_is_an_error() {
    for text in [
        r#"{"no_such_command":{}}"#,
        r#"{"liquidate_account":{}}"#,
        r#"{"liquidate_account":{"account":-1}}"#,
        r#"{"liquidate_account":{"account":4294967296}}"#,
        r#"{"lend":{"account":1,"chain":0,"amount":"-1"}}"#,
        r#"{"lend":{"account":1,"chain":0,"amount":"1.0000000000000000001"}}"#,
        r#"{"lend":{"account":1,"chain":0,"amount":1.5}}"#,
        r#"{"close_position":{"account":1,"market":0,"limit":"0"}}"#,
        r#"{"open_account":{"owner":{"address":"0x12","subaccount":0}}}"#,
    ] {
        assert!(serde_json::from_str::<Command>(text).is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    /// Borsh is canonical: whatever decodes, encodes to the very same bytes.
    #[test]
    fn what_decodes_encodes_to_the_same_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        fn canonical<T: BorshSerialize + BorshDeserialize>(bytes: &[u8]) -> Result<(), TestCaseError> {
            let mut rest = bytes;
            if let Ok(value) = T::deserialize(&mut rest) {
                let read = bytes.len() - rest.len();
                prop_assert_eq!(borsh::to_vec(&value).expect("memory takes all bytes"), &bytes[..read]);
            }
            Ok(())
        }
        canonical::<Command>(&bytes)?;
        canonical::<Observation>(&bytes)?;
        canonical::<Order>(&bytes)?;
        canonical::<Event>(&bytes)?;
        canonical::<Reject>(&bytes)?;
        canonical::<Block>(&bytes)?;
    }

    /// One byte of a golden block is another: an error, or another block that encodes to those bytes.
    #[test]
    fn a_damaged_block_is_an_error_or_another_block(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (name, block) in golden::blocks() {
            let golden = unhex(golden::bytes(name));
            let mut bytes = golden.clone();
            let place = at.index(bytes.len());
            bytes[place] = byte;
            if let Ok(other) = Block::try_from_slice(&bytes) {
                prop_assert_eq!(borsh::to_vec(&other).expect("memory takes all bytes"), bytes.clone(), "{}", name);
                prop_assert_eq!(other == block, bytes == golden);
            }
        }
    }
}

/// The hub's id is over the text of its genesis: one that names no validators is written as before they could be named.
#[test]
fn a_genesis_names_validators_where_it_has_any() {
    let none = Genesis::default();
    let text = serde_json::to_string(&none).expect("everything has a JSON form");
    assert!(!text.contains("validators"), "{text}");
    assert_eq!(serde_json::from_str::<Genesis>(&text).expect("what was written reads"), none);
    let named = Genesis { validators: vec![Signer([2; 20]), Signer([1; 20])], ..none };
    let text = serde_json::to_string(&named).expect("everything has a JSON form");
    assert_eq!(serde_json::from_str::<Genesis>(&text).expect("what was written reads"), named);
}
