//! One order: `nonce (8) || expires (8) || kind (1) || body`.

use super::wire::{DecodeError, EncodeError, Reader, Writer};
use ballast_types::{
    Address, AssetId, Auction, ChainId, LotId, Nonce, Order, OrderAction, ReleaseReason, Signer,
};
use ballast_units::Bps;

/// The bytes of an order.
pub fn encode_order(order: &Order) -> Result<Vec<u8>, EncodeError> {
    let mut out = Writer::default();
    out.u64(order.nonce.0).time(order.expires).u8(kind(&order.action));
    write_body(&mut out, &order.action)?;
    Ok(out.finish())
}

/// The order that bytes are; which chain it is for, they do not say.
pub fn decode_order(chain: ChainId, bytes: &[u8]) -> Result<Order, DecodeError> {
    let mut reader = Reader::new(bytes);
    let order = read_order(chain, &mut reader)?;
    reader.end("order")?;
    Ok(order)
}

pub(super) fn read_order(chain: ChainId, reader: &mut Reader<'_>) -> Result<Order, DecodeError> {
    let nonce = Nonce(reader.u64("nonce")?);
    let expires = reader.time("expires")?;
    let at = reader.at();
    let kind = reader.u8("kind")?;
    let action = read_body(kind, at, reader)?;
    Ok(Order { chain, nonce, expires, action })
}

const fn kind(action: &OrderAction) -> u8 {
    match action {
        OrderAction::Release { .. } => 1,
        OrderAction::StartAuction { .. } => 2,
        OrderAction::CancelAuction { .. } => 3,
        OrderAction::Bridge { .. } => 4,
        OrderAction::Rotate { .. } => 5,
        OrderAction::SetLimits { .. } => 6,
        OrderAction::ListMaker { .. } => 7,
        OrderAction::Unfreeze {} => 8,
        OrderAction::ListToken { .. } => 9,
        OrderAction::Migrate { .. } => 10,
    }
}

const fn reason_byte(reason: ReleaseReason) -> u8 {
    match reason {
        ReleaseReason::Withdrawal => 0,
        ReleaseReason::Loan => 1,
        ReleaseReason::Collection => 2,
        ReleaseReason::Spending => 3,
        ReleaseReason::Replenishment => 4,
        ReleaseReason::Auction => 5,
        ReleaseReason::Rebalancing => 6,
    }
}

fn write_body(out: &mut Writer, action: &OrderAction) -> Result<(), EncodeError> {
    match action {
        OrderAction::Release { reason, to, asset, amount } => {
            out.u8(reason_byte(*reason)).u16(asset.0).amount(*amount).bytes(&to.0);
        }
        OrderAction::StartAuction { lot, asset, auction } => {
            out.u64(lot.0).u16(asset.0);
            write_auction(out, auction)?;
        }
        OrderAction::CancelAuction { lot, start } => {
            out.u64(lot.0).u64(start.0);
        }
        OrderAction::Bridge { lot, asset, amount, to } => {
            out.u64(lot.0).u16(asset.0).amount(*amount).u16(to.0);
        }
        OrderAction::Rotate { epoch, signers } => {
            out.u32(*epoch).count_u16("signers", signers.len())?;
            signers.iter().for_each(|signer| {
                out.bytes(&signer.0);
            });
        }
        OrderAction::SetLimits { asset, outflow, window, delay_above, delay } => {
            out.u16(asset.0).amount(*outflow).span(*window).amount(*delay_above).span(*delay);
        }
        OrderAction::ListMaker { maker, listed } => {
            out.bytes(&maker.0).u8(u8::from(*listed));
        }
        OrderAction::Unfreeze {} => {}
        OrderAction::ListToken { asset, token, unit } => {
            out.u16(asset.0).bytes(&token.0).amount(*unit);
        }
        OrderAction::Migrate { to } => {
            out.bytes(&to.0);
        }
    }
    Ok(())
}

fn write_auction(out: &mut Writer, auction: &Auction) -> Result<(), EncodeError> {
    let rebate =
        u16::try_from(auction.rebate.get()).map_err(|_| EncodeError::OutOfRange { field: "rebate" })?;
    out.amount(auction.quantity).time(auction.opened).price(auction.start).price(auction.floor);
    out.ratio("step_factor", auction.step_factor)?.span(auction.step);
    out.time(auction.invites).time(auction.ends).amount(auction.need).amount(auction.dust).u16(rebate);
    Ok(())
}

fn read_body(kind: u8, at: usize, reader: &mut Reader<'_>) -> Result<OrderAction, DecodeError> {
    Ok(match kind {
        1 => {
            let reason = read_reason(reader)?;
            let asset = AssetId(reader.u16("asset")?);
            let amount = reader.amount("amount")?;
            OrderAction::Release { reason, to: Address(reader.array("to")?), asset, amount }
        }
        2 => OrderAction::StartAuction {
            lot: LotId(reader.u64("lot")?),
            asset: AssetId(reader.u16("asset")?),
            auction: read_auction(reader)?,
        },
        3 => {
            OrderAction::CancelAuction { lot: LotId(reader.u64("lot")?), start: Nonce(reader.u64("start")?) }
        }
        4 => OrderAction::Bridge {
            lot: LotId(reader.u64("lot")?),
            asset: AssetId(reader.u16("asset")?),
            amount: reader.amount("amount")?,
            to: ChainId(reader.u16("to")?),
        },
        5 => {
            let epoch = reader.u32("epoch")?;
            let count = reader.u16("signers")?;
            let signer = |_| reader.array("signer").map(Signer);
            OrderAction::Rotate { epoch, signers: (0..count).map(signer).collect::<Result<_, _>>()? }
        }
        6 => OrderAction::SetLimits {
            asset: AssetId(reader.u16("asset")?),
            outflow: reader.amount("outflow")?,
            window: reader.span("window")?,
            delay_above: reader.amount("delay_above")?,
            delay: reader.span("delay")?,
        },
        7 => {
            OrderAction::ListMaker { maker: Address(reader.array("maker")?), listed: reader.flag("listed")? }
        }
        8 => OrderAction::Unfreeze {},
        9 => OrderAction::ListToken {
            asset: AssetId(reader.u16("asset")?),
            token: Address(reader.array("token")?),
            unit: reader.amount("unit")?,
        },
        10 => OrderAction::Migrate { to: Address(reader.array("to")?) },
        found => return Err(DecodeError::UnknownKind { field: "kind of order", at, found }),
    })
}

fn read_reason(reader: &mut Reader<'_>) -> Result<ReleaseReason, DecodeError> {
    let at = reader.at();
    Ok(match reader.u8("reason")? {
        0 => ReleaseReason::Withdrawal,
        1 => ReleaseReason::Loan,
        2 => ReleaseReason::Collection,
        3 => ReleaseReason::Spending,
        4 => ReleaseReason::Replenishment,
        5 => ReleaseReason::Auction,
        6 => ReleaseReason::Rebalancing,
        found => return Err(DecodeError::UnknownKind { field: "reason of a release", at, found }),
    })
}

fn read_auction(reader: &mut Reader<'_>) -> Result<Auction, DecodeError> {
    Ok(Auction {
        quantity: reader.amount("quantity")?,
        opened: reader.time("opened")?,
        start: reader.price("start")?,
        floor: reader.price("floor")?,
        step_factor: reader.ratio("step_factor")?,
        step: reader.span("step")?,
        invites: reader.time("invites")?,
        ends: reader.time("ends")?,
        need: reader.amount("need")?,
        dust: reader.amount("dust")?,
        rebate: Bps::new(u32::from(reader.u16("rebate")?)),
    })
}
