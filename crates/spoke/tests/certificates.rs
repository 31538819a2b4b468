//! Certificates: every way to be worth nothing, and that any quorum is enough.

use ballast_spoke::certificate::{
    Certificate, CertificateError, Key, SetError, ValidatorSet, freeze_quorum, quorum,
};
use ballast_spoke::message::{EncodeError, Freeze, Payload};
use ballast_types::digest::{domain, domain_in_process, keccak};
use ballast_types::{Address, AssetId, ChainId, ChainKind, Hash, Nonce, Order, OrderAction, Signer};
use ballast_units::{Millis, Ratio, Time};
use proptest::prelude::*;

const CHAIN: ChainId = ChainId(2);

/// By signer, ascending.
fn keys(count: usize) -> Vec<Key> {
    let mut keys: Vec<Key> = (0..count).map(|number| Key::from_label(&format!("{number}"))).collect();
    keys.sort_unstable_by_key(Key::signer);
    keys
}

fn orders() -> Vec<Order> {
    let expires = Time::from_millis(1_000);
    vec![Order { chain: CHAIN, nonce: Nonce(1), expires, action: OrderAction::Unfreeze {} }]
}

fn digest() -> Hash {
    keccak(&[b"what is signed"])
}

fn here() -> Hash {
    domain_in_process(CHAIN)
}

/// The group's order less `s`: the other half.
fn upper(s: [u8; 32]) -> [u8; 32] {
    let order: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
        0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let mut result = [0; 32];
    let mut borrow = false;
    for index in (0..32).rev() {
        let (less, first) = order[index].overflowing_sub(s[index]);
        let (less, second) = less.overflowing_sub(u8::from(borrow));
        (result[index], borrow) = (less, first || second);
    }
    result
}

#[test]
fn quorums_are_those_of_the_design() {
    // floor(2n/3) + 1 and floor(n/3) + 1.
    let asked: Vec<(usize, usize)> = (1..=7).map(|n| (quorum(n), freeze_quorum(n))).collect();
    assert_eq!(asked, [(1, 1), (2, 1), (3, 2), (3, 2), (4, 2), (5, 3), (5, 3)]);
}

#[test]
fn a_set_is_ascending_and_of_somebody() {
    let [low, high] = [Signer([1; 20]), Signer([2; 20])];
    assert_eq!(ValidatorSet::new(0, vec![]), Err(SetError::Empty));
    let many = |count: u32| {
        let signer = |number: u32| {
            let mut bytes = [0; 20];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            Signer(bytes)
        };
        ValidatorSet::new(0, (1..=count).map(signer).collect())
    };
    assert_eq!(many(382).unwrap().quorum(), 255);
    assert_eq!(many(383), Err(SetError::TooMany { count: 383, limit: 382 }));
    let unsorted = Err(SetError::Unsorted { before: high, after: low });
    assert_eq!(ValidatorSet::new(0, vec![high, low]), unsorted);
    assert_eq!(ValidatorSet::new(0, vec![low, low]), Err(SetError::Unsorted { before: low, after: low }));
    // Nobody has the key of zero, which is what recovering gives for nobody: the contract refuses it too.
    let zero = Signer([0; 20]);
    assert_eq!(ValidatorSet::new(0, vec![zero, low]), Err(SetError::Unsorted { before: zero, after: zero }));
    assert_eq!(ValidatorSet::new(3, vec![low, high]).unwrap().signers(), [low, high]);
}

#[test]
fn a_certificate_for_another_spoke_is_refused() {
    let keys = keys(4);
    let set = ValidatorSet::of(0, &keys).unwrap();
    let vault = Address::default();
    let elsewhere = [
        domain_in_process(ChainId(3)),
        domain(ChainKind::Evm, 2, vault),
        domain(ChainKind::InProcess, 2, Address([1; 32])),
    ];
    for other in elsewhere {
        let payload = Payload::sign(other, CHAIN, 0, orders(), &keys).unwrap();
        let refused = Err(CertificateError::WrongDomain { have: other, want: here() });
        assert_eq!(payload.verify(here(), &set), refused);
        // A courier who relabels it gains nothing: what was signed is another digest, so the signers are others.
        let relabelled = Payload { domain: here(), ..payload };
        let refused = relabelled.verify(here(), &set).unwrap_err();
        assert!(!matches!(refused, CertificateError::WrongDomain { .. }), "{refused}");
    }
    assert_eq!(Payload::sign(here(), CHAIN, 0, orders(), &keys).unwrap().verify(here(), &set), Ok(()));
}

#[test]
fn a_certificate_of_another_epoch_is_refused() {
    let keys = keys(4);
    let set = ValidatorSet::of(1, &keys).unwrap();
    let payload = Payload::sign(here(), CHAIN, 0, orders(), &keys).unwrap();
    assert_eq!(payload.verify(here(), &set), Err(CertificateError::WrongEpoch { have: 0, want: 1 }));
    let relabelled = Payload { epoch: 1, ..payload };
    assert!(relabelled.verify(here(), &set).is_err());
}

#[test]
fn orders_that_cannot_be_written_are_refused() {
    let keys = keys(1);
    let set = ValidatorSet::of(0, &keys).unwrap();
    let mut payload = Payload::sign(here(), CHAIN, 0, orders(), &keys).unwrap();
    let auction = ballast_types::Auction {
        quantity: ballast_units::Amount::whole(1),
        opened: Time::default(),
        start: ballast_units::Price::whole(2),
        floor: ballast_units::Price::whole(1),
        step_factor: Ratio::percent(-1),
        step: Millis::seconds(1),
        invites: Time::default(),
        ends: Time::default(),
        need: ballast_units::Amount::ZERO,
        dust: ballast_units::Amount::ZERO,
        rebate: ballast_units::Bps::new(0),
    };
    payload.orders[0].action =
        OrderAction::StartAuction { lot: ballast_types::LotId(1), asset: AssetId(1), auction };
    let fault = EncodeError::OutOfRange { field: "step_factor" };
    assert_eq!(payload.verify(here(), &set), Err(CertificateError::Unwritable(fault)));
}

#[test]
fn a_certificate_below_quorum_is_refused() {
    let keys = keys(4);
    let set = ValidatorSet::of(0, &keys).unwrap();
    let two = Certificate::sign(digest(), &keys[..2]);
    let refused = Err(CertificateError::BelowQuorum { have: 2, need: 3 });
    assert_eq!(set.verify(digest(), &two, set.quorum()), refused);
    // Two of four may stop what they may not move.
    assert_eq!(set.verify(digest(), &two, set.freeze_quorum()), Ok(()));
    let none = Certificate::default();
    let refused = Err(CertificateError::BelowQuorum { have: 0, need: 2 });
    assert_eq!(set.verify(digest(), &none, set.freeze_quorum()), refused);
}

#[test]
fn a_signature_with_another_v_is_refused() {
    let keys = keys(1);
    let set = ValidatorSet::of(0, &keys).unwrap();
    for found in [0, 1, 26, 29, 30, 255] {
        let mut certificate = Certificate::sign(digest(), &keys);
        certificate.signatures[0].v = found;
        let refused = Err(CertificateError::BadV { index: 0, found });
        assert_eq!(set.verify(digest(), &certificate, 1), refused);
    }
    let mut other = Certificate::sign(digest(), &keys);
    other.signatures[0].v = 27 + 28 - other.signatures[0].v;
    let refused = set.verify(digest(), &other, 1).unwrap_err();
    assert!(matches!(refused, CertificateError::UnknownSigner { index: 0, .. }), "{refused}");
}

#[test]
fn a_signature_with_a_high_s_is_refused() {
    let keys = keys(3);
    let set = ValidatorSet::of(0, &keys).unwrap();
    let mut certificate = Certificate::sign(digest(), &keys);
    let signature = &mut certificate.signatures[1];
    // The other signature of the same key over the same digest: good mathematics, and a second encoding.
    (signature.s, signature.v) = (upper(signature.s), 27 + 28 - signature.v);
    assert_eq!(set.verify(digest(), &certificate, 3), Err(CertificateError::HighS { index: 1 }));
}

#[test]
fn what_no_key_signs_is_refused() {
    let keys = keys(1);
    let set = ValidatorSet::of(0, &keys).unwrap();
    for (r, s) in [([0; 32], [1; 32]), ([1; 32], [0; 32]), ([0xff; 32], [1; 32]), ([1; 32], [0xff; 32])] {
        let mut certificate = Certificate::sign(digest(), &keys);
        (certificate.signatures[0].r, certificate.signatures[0].s) = (r, s);
        let refused = Err(CertificateError::NoSignature { index: 0 });
        assert_eq!(set.verify(digest(), &certificate, 1), refused);
    }
}

#[test]
fn a_signer_counts_once() {
    let keys = keys(3);
    let set = ValidatorSet::of(0, &keys).unwrap();
    let mut certificate = Certificate::sign(digest(), &keys[..2]);
    certificate.signatures.push(certificate.signatures[1]);
    let refused = Err(CertificateError::SignerRepeated { index: 2, signer: keys[1].signer() });
    assert_eq!(set.verify(digest(), &certificate, 3), refused);
}

#[test]
fn signers_ascend() {
    let keys = keys(3);
    let set = ValidatorSet::of(0, &keys).unwrap();
    let mut certificate = Certificate::sign(digest(), &keys);
    certificate.signatures.swap(1, 2);
    let refused = Err(CertificateError::SignersUnsorted { index: 2, signer: keys[1].signer() });
    assert_eq!(set.verify(digest(), &certificate, 3), refused);
}

#[test]
fn somebody_outside_the_set_is_refused() {
    let keys = keys(4);
    let set = ValidatorSet::of(0, &keys[..3]).unwrap();
    let certificate = Certificate::sign(digest(), &keys);
    let refused = Err(CertificateError::UnknownSigner { index: 3, signer: keys[3].signer() });
    assert_eq!(set.verify(digest(), &certificate, 3), refused);
}

#[test]
fn a_freeze_is_signed_for_one_vault_and_end() {
    let keys = keys(4);
    let set = ValidatorSet::of(0, &keys).unwrap();
    let freeze = Freeze { until: Time::from_millis(5_000) };
    let certificate = Certificate::sign(freeze.digest(here(), 0), &keys[1..3]);
    let check = |freeze: Freeze, domain, epoch| {
        set.verify(freeze.digest(domain, epoch), &certificate, set.freeze_quorum())
    };
    assert_eq!(check(freeze, here(), 0), Ok(()));
    assert!(check(Freeze { until: Time::from_millis(5_001) }, here(), 0).is_err());
    assert!(check(freeze, domain_in_process(ChainId(1)), 0).is_err());
    assert!(check(freeze, here(), 1).is_err());
}

#[test]
fn a_key_shows_nothing_secret() {
    let key = Key::from_label("a");
    assert_eq!(format!("{key:?}"), format!("Key({})", key.signer()));
    assert!(Key::from_bytes(&[0; 32]).is_none());
    assert!(Key::from_bytes(&[0xff; 32]).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_quorum_is_enough_and_nothing_less(count in 1_usize..8, chosen in any::<u8>(), text in any::<u64>()) {
        let keys = keys(count);
        let set = ValidatorSet::of(0, &keys).unwrap();
        let some: Vec<Key> =
            keys.iter().enumerate().filter(|(index, _)| chosen >> index & 1 == 1).map(|(_, key)| key.clone()).collect();
        let digest = keccak(&[&text.to_be_bytes()]);
        let certificate = Certificate::sign(digest, &some);
        for need in [set.quorum(), set.freeze_quorum()] {
            let expected = if some.len() < need {
                Err(CertificateError::BelowQuorum { have: some.len(), need })
            } else {
                Ok(())
            };
            prop_assert_eq!(set.verify(digest, &certificate, need), expected);
        }
    }
}
