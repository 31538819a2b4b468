//! A message of LayerZero as it travels.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};

/// A message that an endpoint sent: `PacketSent.encodedPayload`, taken apart.
///
/// `header (81) || guid (32) || message`; header: version 1 (1) || nonce (8) || source (4) || sender (32) ||
/// destination (4) || receiver (32).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The first 81 bytes.
    pub header: Bytes,
    /// The path's own number, from 1.
    pub nonce: u64,
    /// LayerZero's id of the chain that it came from.
    pub source: u32,
    /// Who sent it there.
    pub sender: B256,
    /// LayerZero's id of the chain that it goes to.
    pub destination: u32,
    /// Who gets it there.
    pub receiver: Address,
    /// Hash of number and path, not of what is said: two messages can have the same after a reorg.
    pub guid: B256,
    /// What is said.
    pub message: Bytes,
    /// Hash of GUID and message: this, and only this, says which message it is.
    pub payload_hash: B256,
}

const HEADER: usize = 81;

impl Packet {
    /// Takes a packet apart. `None` where it is not one of version 1.
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let (header, payload) = packet.split_at_checked(HEADER)?;
        let (guid, message) = payload.split_at_checked(32)?;
        let mut rest = header;
        if take::<1>(&mut rest)? != [1] {
            return None;
        }
        Some(Self {
            nonce: u64::from_be_bytes(take(&mut rest)?),
            source: u32::from_be_bytes(take(&mut rest)?),
            sender: B256::from(take(&mut rest)?),
            destination: u32::from_be_bytes(take(&mut rest)?),
            receiver: Address::from_word(B256::from(take(&mut rest)?)),
            header: Bytes::copy_from_slice(header),
            guid: B256::from_slice(guid),
            message: Bytes::copy_from_slice(message),
            payload_hash: keccak256(payload),
        })
    }
}

/// Options of a message (type 3): the executor is to give its receiver this much gas.
#[must_use]
pub fn lz_receive_option(gas: u128) -> Bytes {
    // type 3 (2) || worker 1 (1) || size 17 (2) || option 1, lzReceive (1) || gas (16)
    [&[0, 3, 1, 0, 17, 1][..], &gas.to_be_bytes()].concat().into()
}

/// The gas that a message's options ask for its receiver, and for what it composes; zero where they say nothing.
#[must_use]
pub(super) fn gas_asked(options: &[u8]) -> (U256, U256) {
    let (mut receive, mut compose) = (U256::ZERO, U256::ZERO);
    let mut rest = options.get(2..).unwrap_or_default();
    while let Some([_worker, high, low, kind]) = rest.first_chunk::<4>() {
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(body) = rest.get(4..3 + size) else { break };
        match kind {
            1 => receive += U256::from_be_slice(body.get(..16).unwrap_or_default()),
            // index (2) || gas (16)
            3 => compose += U256::from_be_slice(body.get(2..18).unwrap_or_default()),
            _ => {}
        }
        rest = rest.get(3 + size..).unwrap_or_default();
    }
    (receive, compose)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}
