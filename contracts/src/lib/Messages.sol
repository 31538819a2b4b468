// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The wire format: payloads, batches and orders as `docs/messages.md` lays them out.
///
/// - Integers: unsigned, big endian, of fixed width, read straight from calldata; nothing is copied.
/// - Bounds: a reader checks the whole length once ({Messages-exact}); the field readers do not check again.
/// - Domain: what is signed for one vault on one chain is worth nothing anywhere else.
library Messages {
    /// What an order is, as its byte 16 says.
    uint8 internal constant RELEASE = 1;
    uint8 internal constant START_AUCTION = 2;
    uint8 internal constant CANCEL_AUCTION = 3;
    uint8 internal constant BRIDGE = 4;
    uint8 internal constant ROTATE = 5;
    uint8 internal constant SET_LIMITS = 6;
    uint8 internal constant LIST_MAKER = 7;
    uint8 internal constant UNFREEZE = 8;
    uint8 internal constant LIST_TOKEN = 9;
    uint8 internal constant MIGRATE = 10;

    /// Bytes of a whole order: its head, nonce (8) || expires (8) || kind (1), and its body.
    uint256 internal constant HEAD = 17;
    uint256 internal constant RELEASE_BYTES = 68;
    uint256 internal constant START_AUCTION_BYTES = 157;
    uint256 internal constant CANCEL_AUCTION_BYTES = 33;
    uint256 internal constant BRIDGE_BYTES = 45;
    uint256 internal constant ROTATE_HEAD_BYTES = 23;
    uint256 internal constant SET_LIMITS_BYTES = 67;
    uint256 internal constant LIST_MAKER_BYTES = 50;
    uint256 internal constant UNFREEZE_BYTES = 17;
    uint256 internal constant LIST_TOKEN_BYTES = 67;
    uint256 internal constant MIGRATE_BYTES = 49;

    /// Bytes of one signature, r (32) || s (32) || v (1).
    uint256 internal constant SIGNATURE = 65;

    /// The first byte of a message between gateways.
    uint8 internal constant GATEWAY_ORDERS = 1;
    uint8 internal constant GATEWAY_COLLATERAL = 2;

    /// Some message has `have` bytes where its format asks for `need`.
    error WrongLength(uint256 have, uint256 need);
    /// 32 bytes that hold no address of this chain: its twelve high bytes are not zero, or it is zero.
    error WrongAddress(bytes32 account);

    /// `domain` of a contract of ours on this chain.
    function domain(address spoke) internal view returns (bytes32) {
        return keccak256(
            abi.encodePacked("BALLAST-SPOKE-1", uint8(1), uint64(block.chainid), bytes32(uint256(uint160(spoke))))
        );
    }

    /// What validators sign over a batch; `orders` comes from {hashBatch}.
    function ordersDigest(bytes32 domain_, uint32 epoch, bytes32 orders) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("BALLAST-ORDERS-1", domain_, epoch, orders));
    }

    /// What validators sign to freeze a vault until `until`, milliseconds since 1970.
    function freezeDigest(bytes32 domain_, uint32 epoch, uint64 until) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("BALLAST-FREEZE-1", domain_, epoch, until));
    }

    /// result(0) of an auction; `start` is the nonce of the order that started it.
    function lotResult(bytes32 domain_, uint64 lot, uint64 start) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("BALLAST-LOT-1", domain_, lot, start));
    }

    /// certificate || epoch (4) || batch, cut apart.
    function payload(bytes calldata whole)
        internal
        pure
        returns (bytes calldata certificate, uint32 epoch, bytes calldata batch)
    {
        if (whole.length == 0) revert WrongLength(0, 1);
        uint256 end = 1 + SIGNATURE * u8(whole, 0);
        if (whole.length < end + 6) revert WrongLength(whole.length, end + 6);
        return (whole[:end], u32(whole, end), whole[end + 4:]);
    }

    /// keccak(keccak(order 1) || .. || keccak(order n)), and n. The batch has to end where its last order does, so
    /// that {order} may read it unchecked.
    function hashBatch(bytes calldata batch) internal pure returns (bytes32 hash, uint256 count) {
        count = u16(batch, 0);
        bytes32[] memory hashes = new bytes32[](count);
        uint256 pos = 2;
        for (uint256 i; i < count; ++i) {
            if (batch.length < pos + 2) revert WrongLength(batch.length, pos + 2);
            uint256 end = pos + 2 + u16(batch, pos);
            if (batch.length < end) revert WrongLength(batch.length, end);
            hashes[i] = keccak256(batch[pos + 2:end]);
            pos = end;
        }
        if (batch.length != pos) revert WrongLength(batch.length, pos);
        assembly ("memory-safe") {
            hash := keccak256(add(hashes, 32), shl(5, count))
        }
    }

    /// The order whose length stands at `pos`, and where the next one's does. Only after {hashBatch}.
    function order(bytes calldata batch, uint256 pos) internal pure returns (bytes calldata one, uint256 next) {
        next = pos + 2 + u16(batch, pos);
        return (batch[pos + 2:next], next);
    }

    /// Refuses bytes of any other length.
    function exact(bytes calldata b, uint256 need) internal pure {
        if (b.length != need) revert WrongLength(b.length, need);
    }

    /// An address of this chain out of its 32 bytes.
    function account(bytes32 padded) internal pure returns (address) {
        if (uint256(padded) >> 160 != 0 || padded == 0) revert WrongAddress(padded);
        return address(uint160(uint256(padded)));
    }

    /// Milliseconds since 1970 of this block.
    function time() internal view returns (uint64) {
        return uint64(block.timestamp) * 1000;
    }

    function u8(bytes calldata b, uint256 pos) internal pure returns (uint8) {
        return uint8(_word(b, pos) >> 248);
    }

    function u16(bytes calldata b, uint256 pos) internal pure returns (uint16) {
        return uint16(_word(b, pos) >> 240);
    }

    function u32(bytes calldata b, uint256 pos) internal pure returns (uint32) {
        return uint32(_word(b, pos) >> 224);
    }

    function u64(bytes calldata b, uint256 pos) internal pure returns (uint64) {
        return uint64(_word(b, pos) >> 192);
    }

    function u128(bytes calldata b, uint256 pos) internal pure returns (uint128) {
        return uint128(_word(b, pos) >> 128);
    }

    function b32(bytes calldata b, uint256 pos) internal pure returns (bytes32) {
        return bytes32(_word(b, pos));
    }

    /// 32 bytes from `pos`; beyond the end of calldata they are zero.
    function _word(bytes calldata b, uint256 pos) private pure returns (uint256 w) {
        assembly ("memory-safe") {
            w := calldataload(add(b.offset, pos))
        }
    }
}
