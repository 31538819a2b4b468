//! Attacks on certificates, on a real chain.

use crate::support::*;
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::evm::kit::{KitError, dev_key};
use ballast_spoke::evm::{EvmError, hub_address};
use ballast_spoke::message::Payload;
use ballast_types::OrderAction;
use ballast_units::Amount;

/// 2^256 less this much is the order of secp256k1's group: s and order - s sign alike.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

async fn is_refused(world: &World, payload: &Payload, selector: &str) {
    let refused = world.chain.carry(payload).await;
    let Err(KitError::Evm(EvmError::Reverted { why, .. })) = &refused else { panic!("{refused:?}") };
    let id = alloy::primitives::hex::encode(&alloy::primitives::keccak256(selector)[..4]);
    assert!(why.contains(&id), "{why} is not {selector}");
}

async fn paid(world: &World) -> Amount {
    world.chain.balance(ETH, dev_key("user", 1).address()).await.unwrap()
}

#[tokio::test]
async fn replayed_foreign_short_high_and_rotated_out_certificates_move_nothing() {
    let mut world = World::start(plan(POLYGON)).await;
    world.chain.deposit(&dev_key("user", 0), owner(1), ETH, Amount::whole(10)).await.unwrap();
    let to = hub_address(dev_key("user", 1).address());
    let good = world.payload(vec![release(to, Amount::whole(1))]).await;
    world.chain.carry(&good).await.unwrap();
    assert_eq!(paid(&world).await, Amount::whole(1));

    // The same again: its order is done.
    world.chain.carry(&good).await.unwrap();
    assert_eq!(paid(&world).await, Amount::whole(1));

    // One for another chain's vault, signed by the right people: there it has another domain.
    let mut elsewhere = world.chain.deployment.clone();
    elsewhere.chain_id = 1;
    let orders = world.payload(vec![release(to, Amount::whole(1))]).await.orders;
    let foreign = Payload::sign(elsewhere.domain(), POLYGON, 1, orders.clone(), &world.keys[..3]).unwrap();
    is_refused(&world, &foreign, "NotASigner(uint256,address)").await;

    // Two of four; three of whom one is a stranger; the same one twice; out of order.
    let domain = world.chain.deployment.domain();
    let sign = |keys: &[Key]| Payload::sign(domain, POLYGON, 1, orders.clone(), keys).unwrap();
    is_refused(&world, &sign(&world.keys[..2]), "TooFewSignatures(uint256,uint256)").await;
    let mut keys = world.keys[..2].to_vec();
    keys.push(Key::from_label("stranger"));
    is_refused(&world, &sign(&keys), "NotASigner(uint256,address)").await;
    keys[2] = keys[1].clone();
    is_refused(&world, &sign(&keys), "NotASigner(uint256,address)").await;
    let mut unsorted = sign(&world.keys[..3]);
    unsorted.certificate.signatures.swap(0, 1);
    is_refused(&world, &unsorted, "NotASigner(uint256,address)").await;

    // A signature with the other s.
    let mut high = sign(&world.keys[..3]);
    let one = &mut high.certificate.signatures[0];
    (one.s, one.v) = (minus(one.s), 55 - one.v);
    is_refused(&world, &high, "MalformedSignature(uint256,uint8,bytes32)").await;

    // A signer that was rotated out signs with the old set's epoch, then with the new one's.
    let next: Vec<Key> = (1..5).map(|number| Key::from_label(&format!("validator {number}"))).collect();
    let signers = ValidatorSet::of(2, &next).unwrap().signers().to_vec();
    world.order(vec![OrderAction::Rotate { epoch: 2, signers }]).await;
    is_refused(&world, &sign(&world.keys[..3]), "WrongEpoch(uint32,uint32)").await;
    let late = Payload::sign(domain, POLYGON, 2, orders.clone(), &world.keys[..3]).unwrap();
    is_refused(&world, &late, "NotASigner(uint256,address)").await;
    assert_eq!(paid(&world).await, Amount::whole(1));

    // The new set moves what the old one could not any more.
    world.chain.carry(&Payload::sign(domain, POLYGON, 2, orders, &next[..3]).unwrap()).await.unwrap();
    assert_eq!(paid(&world).await, Amount::whole(2));
}

/// The group's order less `s`.
fn minus(s: [u8; 32]) -> [u8; 32] {
    let (order, s) =
        (alloy::primitives::U256::from_be_bytes(ORDER), alloy::primitives::U256::from_be_bytes(s));
    (order - s).to_be_bytes()
}
