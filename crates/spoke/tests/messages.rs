//! Messages byte by byte: the worked example of `docs/messages.md`, every kind there and back, every way not to be one.

use ballast_spoke::certificate::Key;
use ballast_spoke::message::{
    Bridged, DecodeError, EncodeError, Freeze, GatewayMessage, Payload, Root, RootKind, decode_batch,
    decode_order, encode_batch, encode_order, orders_digest,
};
use ballast_types::digest::{domain, keccak};
use ballast_types::{
    Address, AssetId, Auction, ChainId, ChainKind, Hash, Height, LotId, Nonce, Order, OrderAction,
    ReleaseReason, Signer,
};
use ballast_units::{Amount, Bps, Millis, Price, Ratio, Time};
use proptest::prelude::*;

const CHAIN: ChainId = ChainId(0);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn address(byte: u8) -> Address {
    let mut bytes = [0; 32];
    bytes[12..].fill(byte);
    Address(bytes)
}

fn order(nonce: u64, action: OrderAction) -> Order {
    Order { chain: CHAIN, nonce: Nonce(nonce), expires: Time::from_millis(1_621_468_800_000), action }
}

fn auction() -> Auction {
    Auction {
        quantity: Amount::whole(10),
        opened: Time::from_millis(1_621_425_600_000),
        start: Price::whole(3_300),
        floor: Price::whole(2_400),
        step_factor: Ratio::percent(95),
        step: Millis::seconds(10),
        invites: Time::from_millis(1_621_425_670_000),
        ends: Time::from_millis(1_621_425_730_000),
        need: Amount::whole(20_000),
        dust: Amount::from_wei(33_333_333_333_333_334),
        rebate: Bps::new(50),
    }
}

fn release() -> OrderAction {
    OrderAction::Release {
        reason: ReleaseReason::Withdrawal,
        to: address(0x22),
        asset: AssetId(0),
        amount: Amount::from_wei(1_250_500_000_000_000_000_000),
    }
}

fn start() -> OrderAction {
    OrderAction::StartAuction { lot: LotId(7), asset: AssetId(1), auction: auction() }
}

/// One of every kind.
fn actions() -> Vec<OrderAction> {
    let (asset, amount, lot) = (AssetId(3), Amount::from_wei(1_000_000), LotId(u64::MAX));
    let limits = OrderAction::SetLimits {
        asset,
        outflow: amount,
        window: Millis::hours(1),
        delay_above: Amount::MAX,
        delay: Millis::minutes(5),
    };
    vec![
        release(),
        start(),
        OrderAction::CancelAuction { lot, start: Nonce(5) },
        OrderAction::Bridge { lot, asset, amount, to: ChainId(2) },
        OrderAction::Rotate { epoch: 1, signers: vec![Signer([1; 20]), Signer([2; 20])] },
        limits,
        OrderAction::ListMaker { maker: address(9), listed: true },
        OrderAction::Unfreeze {},
        OrderAction::ListToken { asset, token: address(8), unit: Amount::from_wei(10) },
        OrderAction::Migrate { to: address(7) },
    ]
}

/// `docs/messages.md`, line by line: whoever reads these bytes elsewhere can check himself against it.
#[test]
fn the_worked_example_stands_in_the_document() {
    let vault = address(0x11);
    let domain = domain(ChainKind::Evm, 1, vault);
    let orders = [order(1, release()), order(2, start())];
    let [first, second] = [&orders[0], &orders[1]].map(|order| encode_order(order).unwrap());
    let batch = encode_batch(&orders).unwrap();
    let digest = orders_digest(domain, 0, &orders).unwrap();
    let key = Key::from_bytes(&[0x46; 32]).unwrap();
    let payload = Payload::sign(domain, CHAIN, 0, orders.to_vec(), std::slice::from_ref(&key)).unwrap();
    let lines = [
        format!("domain     0x{}", hex(&domain.0)),
        format!("order 1    0x{}", hex(&first)),
        format!("  its hash 0x{}", hex(&keccak(&[&first]).0)),
        format!("order 2    0x{}", hex(&second)),
        format!("  its hash 0x{}", hex(&keccak(&[&second]).0)),
        format!("batch      0x{}", hex(&batch)),
        format!("digest     0x{}", hex(&digest.0)),
        format!("signer     {}", key.signer()),
        format!("signature  0x{}", hex(&payload.encode().unwrap()[1..66])),
    ];
    let document = include_str!("../../../docs/messages.md");
    for line in lines {
        assert!(document.lines().any(|found| found == line), "docs/messages.md lacks the line\n{line}");
    }
    // Lengths as the tables say: 8 + 8 + 1 and the body.
    assert_eq!((first.len(), second.len()), (17 + 51, 17 + 140));
    assert_eq!(batch.len(), 2 + 2 + first.len() + 2 + second.len());
}

#[test]
fn every_kind_comes_back_as_it_went() {
    let orders: Vec<Order> = (1..).zip(actions()).map(|(nonce, action)| order(nonce, action)).collect();
    for (number, one) in (1_u8..).zip(&orders) {
        let bytes = encode_order(one).unwrap();
        assert_eq!(bytes[16], number, "the kind of {one:?}");
        assert_eq!(decode_order(CHAIN, &bytes).unwrap(), *one);
    }
    let bytes = encode_batch(&orders).unwrap();
    assert_eq!(decode_batch(CHAIN, &bytes).unwrap(), orders);
    let keys = ["a", "b", "c"].map(Key::from_label);
    let payload = Payload::sign(Hash([3; 32]), CHAIN, 4, orders, &keys).unwrap();
    let bytes = payload.encode().unwrap();
    assert_eq!(Payload::decode(Hash([3; 32]), CHAIN, &bytes).unwrap(), payload);
    let bridged = Bridged { from: CHAIN, nonce: Nonce(4), asset: AssetId(1), amount: Amount::whole(3) };
    for message in [GatewayMessage::Orders(bytes), GatewayMessage::Bridged(bridged)] {
        assert_eq!(GatewayMessage::decode(&message.encode()).unwrap(), message);
    }
}

#[test]
fn every_reason_of_a_release_has_its_byte() {
    let reasons = [
        ReleaseReason::Withdrawal,
        ReleaseReason::Loan,
        ReleaseReason::Collection,
        ReleaseReason::Spending,
        ReleaseReason::Replenishment,
        ReleaseReason::Auction,
        ReleaseReason::Rebalancing,
    ];
    for (byte, reason) in (0_u8..).zip(reasons) {
        let (to, asset, amount) = (address(1), AssetId(2), Amount::whole(1));
        let one = order(1, OrderAction::Release { reason, to, asset, amount });
        let bytes = encode_order(&one).unwrap();
        assert_eq!(bytes[17], byte);
        assert_eq!(decode_order(CHAIN, &bytes).unwrap(), one);
    }
}

#[test]
fn a_message_cut_short_says_where() {
    let bytes = encode_order(&order(1, release())).unwrap();
    let truncated = |field, at, need, have| DecodeError::Truncated { field, at, need, have };
    assert_eq!(decode_order(CHAIN, &[]), Err(truncated("nonce", 0, 8, 0)));
    assert_eq!(decode_order(CHAIN, &bytes[..30]), Err(truncated("amount", 20, 16, 10)));
    assert_eq!(decode_order(CHAIN, &bytes[..67]), Err(truncated("to", 36, 32, 31)));
    assert_eq!(decode_batch(CHAIN, &[0]), Err(truncated("orders", 0, 2, 1)));
    assert_eq!(decode_batch(CHAIN, &[0, 1, 0, 68, 9]), Err(truncated("order", 4, 68, 1)));
    let error = decode_order(CHAIN, &bytes[..30]).unwrap_err();
    assert_eq!(error.to_string(), "byte 20: amount takes 16 bytes, 10 are left");
}

#[test]
fn a_message_with_something_behind_it_is_none() {
    let mut bytes = encode_order(&order(1, OrderAction::Unfreeze {})).unwrap();
    bytes.push(0);
    let overlong = |message, at| DecodeError::Overlong { message, at, left: 1 };
    assert_eq!(decode_order(CHAIN, &bytes), Err(overlong("order", 17)));
    let mut bytes = encode_batch(&[]).unwrap();
    bytes.push(0);
    assert_eq!(decode_batch(CHAIN, &bytes), Err(overlong("batch", 2)));
    let mut bytes = Payload::sign(Hash([3; 32]), CHAIN, 4, vec![], &[]).unwrap().encode().unwrap();
    bytes.push(0);
    assert_eq!(Payload::decode(Hash([3; 32]), CHAIN, &bytes), Err(overlong("payload", 7)));
    let bridged = Bridged { from: CHAIN, nonce: Nonce(4), asset: AssetId(1), amount: Amount::whole(3) };
    let mut bytes = GatewayMessage::Bridged(bridged).encode();
    bytes.push(0);
    assert_eq!(GatewayMessage::decode(&bytes), Err(overlong("message", 29)));
}

#[test]
fn a_kind_that_does_not_exist_is_refused() {
    let unknown = |field, at, found| DecodeError::UnknownKind { field, at, found };
    for found in [0, 11, 255] {
        let mut bytes = encode_order(&order(1, OrderAction::Unfreeze {})).unwrap();
        bytes[16] = found;
        assert_eq!(decode_order(CHAIN, &bytes), Err(unknown("kind of order", 16, found)));
    }
    let mut bytes = encode_order(&order(1, release())).unwrap();
    bytes[17] = 7;
    assert_eq!(decode_order(CHAIN, &bytes), Err(unknown("reason of a release", 17, 7)));
    let maker = OrderAction::ListMaker { maker: address(1), listed: true };
    let mut bytes = encode_order(&order(1, maker)).unwrap();
    bytes[49] = 2;
    assert_eq!(decode_order(CHAIN, &bytes), Err(unknown("listed", 49, 2)));
    assert_eq!(GatewayMessage::decode(&[3]), Err(unknown("message of a gateway", 0, 3)));
}

#[test]
fn an_order_is_as_long_as_it_says() {
    let mut bytes = encode_batch(&[order(1, OrderAction::Unfreeze {})]).unwrap();
    bytes[3] += 1;
    bytes.push(0);
    assert_eq!(decode_batch(CHAIN, &bytes), Err(DecodeError::WrongLength { at: 4, said: 18, ends: 17 }));
    bytes[3] -= 2;
    // One byte too few: the kind is missing, though bytes follow.
    let truncated = DecodeError::Truncated { field: "kind", at: 20, need: 1, have: 0 };
    assert_eq!(decode_batch(CHAIN, &bytes), Err(truncated));
}

#[test]
fn a_number_that_nothing_can_have_is_refused() {
    let bytes = encode_order(&order(1, start())).unwrap();
    let mut zero = bytes.clone();
    zero[51..67].fill(0);
    assert_eq!(decode_order(CHAIN, &zero), Err(DecodeError::OutOfRange { field: "start", at: 51 }));
    let mut large = bytes;
    large[83] = 0x80;
    assert_eq!(decode_order(CHAIN, &large), Err(DecodeError::OutOfRange { field: "step_factor", at: 83 }));
}

#[test]
fn what_does_not_fit_is_not_written() {
    let with = |auction| order(1, OrderAction::StartAuction { lot: LotId(1), asset: AssetId(1), auction });
    let negative = with(Auction { step_factor: Ratio::percent(-1), ..auction() });
    assert_eq!(encode_order(&negative), Err(EncodeError::OutOfRange { field: "step_factor" }));
    let generous = with(Auction { rebate: Bps::new(65_536), ..auction() });
    assert_eq!(encode_order(&generous), Err(EncodeError::OutOfRange { field: "rebate" }));
    let many = vec![order(1, OrderAction::Unfreeze {}); 65_536];
    let refused = EncodeError::TooMany { field: "orders", count: 65_536, limit: 65_535 };
    assert_eq!(encode_batch(&many), Err(refused));
    let signers = vec![Signer::default(); 4_000];
    let long = order(1, OrderAction::Rotate { epoch: 1, signers });
    let refused = EncodeError::TooMany { field: "bytes of an order", count: 80_023, limit: 65_535 };
    assert_eq!(encode_batch(&[long]), Err(refused));
}

#[test]
fn what_else_is_signed_is_hashed_as_written() {
    let domain = Hash([5; 32]);
    let freeze = Freeze { until: Time::from_millis(1_000) };
    let bytes = [&b"BALLAST-FREEZE-1"[..], &[5; 32], &[0, 0, 0, 2]];
    let until = [0, 0, 0, 0, 0, 0, 3, 0xe8];
    assert_eq!(freeze.digest(domain, 2), keccak(&[&bytes.concat(), &until]));
    for (byte, kind) in [RootKind::H0, RootKind::H1, RootKind::Liabilities].into_iter().enumerate() {
        let byte = [u8::try_from(byte).unwrap()];
        let bytes = [&b"BALLAST-ROOT-1"[..], &[5; 32], &byte, &[0, 0, 0, 0, 0, 0, 1, 0], &[6; 32]];
        let root = Root { kind, height: Height(256), root: Hash([6; 32]) };
        assert_eq!(root.digest(domain), keccak(&bytes));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// One encoding a message: bytes that are read at all are written back the same.
    #[test]
    fn bytes_that_are_an_order_are_its_only_bytes(
        kind in 0_u8..12,
        body in prop::collection::vec(0_u8..4, 0..200),
    ) {
        let mut bytes = vec![0; 16];
        bytes.push(kind);
        bytes.extend(body);
        // Bodies of the right length are rare in random bytes: cut to what the kind takes.
        let length = [0, 51, 140, 16, 28, 6, 50, 33, 0, 50].get(usize::from(kind)).copied().unwrap_or(0);
        bytes.resize(17 + length, 1);
        if let Ok(order) = decode_order(CHAIN, &bytes) {
            prop_assert_eq!(encode_order(&order).unwrap(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_batch(CHAIN, &bytes);
        let _ = Payload::decode(Hash::default(), CHAIN, &bytes);
        let _ = GatewayMessage::decode(&bytes);
    }
}
