//! A freeze put together from signatures: what counts, what is refused, and that the vault takes it.

mod support;

use ballast_spoke::certificate::{Key, Signature, SignatureFault, ValidatorSet};
use ballast_spoke::freeze::{FreezeError, FreezeVote, SignedFreeze};
use ballast_spoke::message::Freeze;
use ballast_spoke::{Done, SimChain, SimChainParams, Spoke as _};
use support::*;

fn seven() -> ValidatorSet {
    ValidatorSet::of(0, &keys(7)).unwrap()
}

fn vote(chain: &SimChain, key: &Key, until: u64) -> FreezeVote {
    FreezeVote::sign(chain.domain(), 0, Freeze { until: at(until) }, key)
}

#[test]
fn a_third_and_one_more_freeze_a_vault() {
    let mut chain = SimChain::new(SimChainParams { validators: seven(), ..params() });
    let votes: Vec<FreezeVote> = keys(7)[4..].iter().rev().map(|key| vote(&chain, key, 500)).collect();
    let freeze = SignedFreeze::combine(&votes, &seven()).unwrap();
    assert_eq!((freeze.until, freeze.epoch, freeze.signatures.len()), (at(500), 0, 3));
    chain.freeze(freeze.freeze(), freeze.epoch, &freeze.certificate()).unwrap();
    advance(&mut chain, 100);
    assert_eq!(results(&mut chain), [Ok(Done::Frozen)]);
    assert_eq!(chain.frozen_until(), at(500));
}

#[test]
fn it_is_said_how_many_are_missing() {
    let (chain, keys, set) = (chain(), keys(7), seven());
    assert_eq!(SignedFreeze::combine(&[], &set), Err(FreezeError::None { need: 3 }));
    let [one, other] = [0, 1].map(|place| vote(&chain, &keys[place], 500));
    let refused = SignedFreeze::combine(&[one, other], &set).unwrap_err();
    assert_eq!(refused, FreezeError::TooFew { have: 2, need: 3, of: 7 });
    assert_eq!(refused.to_string(), "2 of 7 validators signed, 3 are needed: 1 more");
    // Whoever signs twice counts once.
    let refused = SignedFreeze::combine(&[one, other, one], &set).unwrap_err();
    assert_eq!(refused, FreezeError::TooFew { have: 2, need: 3, of: 7 });
}

#[test]
fn signatures_of_something_else_are_named_and_refused() {
    let (chain, keys, set) = (chain(), keys(7), seven());
    let [one, other] = [0, 1].map(|place| vote(&chain, &keys[place], 500));
    let later = vote(&chain, &keys[2], 501);
    let refused = |votes: &[FreezeVote]| SignedFreeze::combine(votes, &set).unwrap_err();
    assert_eq!(refused(&[one, other, later]), FreezeError::Different { place: 3 });
    let next = FreezeVote::sign(chain.domain(), 1, Freeze { until: at(500) }, &keys[0]);
    assert_eq!(refused(&[next]), FreezeError::WrongEpoch { have: 1, want: 0 });
    // What another one signed, under this one's name.
    let forged = FreezeVote { signer: one.signer, ..other };
    let (signer, found) = (one.signer, other.signer);
    assert_eq!(refused(&[one, forged]), FreezeError::Forged { place: 2, signer, found });
    let signature = Signature { v: 29, ..one.signature };
    let fault = SignatureFault::BadV(29);
    assert_eq!(
        refused(&[FreezeVote { signature, ..one }]),
        FreezeError::Malformed { place: 1, signer, fault }
    );
    let stranger = vote(&chain, &Key::from_label("stranger"), 500);
    let unknown = FreezeError::UnknownSigner { place: 3, signer: stranger.signer, of: 7, epoch: 0 };
    assert_eq!(refused(&[one, other, stranger]), unknown);
}

#[test]
fn a_signature_travels_as_json() {
    let vote = vote(&chain(), &keys(1)[0], 500);
    let text = serde_json::to_string(&vote).unwrap();
    assert!(text.contains(r#""until":500000"#) && text.contains(r#""signature":"0x"#), "{text}");
    assert_eq!(serde_json::from_str::<FreezeVote>(&text).unwrap(), vote);
    // A digit too many, and no 0x.
    for (from, to) in [("\"}", "0\"}"), ("\"signature\":\"0x", "\"signature\":\"")] {
        let bad = text.replacen(from, to, 1);
        let error = serde_json::from_str::<FreezeVote>(&bad).map(drop).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("expected 0x and 130 hexadecimal digits")), "{bad}");
    }
}
