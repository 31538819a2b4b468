// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { ILayerZeroComposer } from "@layerzerolabs/lz-evm-protocol-v2/contracts/interfaces/ILayerZeroComposer.sol";
import { MessagingFee, MessagingReceipt, OApp, Origin } from "@layerzerolabs/oapp-evm/contracts/oapp/OApp.sol";
import { OptionsBuilder } from "@layerzerolabs/oapp-evm/contracts/oapp/libs/OptionsBuilder.sol";
import { IOFT, SendParam } from "@layerzerolabs/oft-evm/contracts/interfaces/IOFT.sol";
import { OFTComposeMsgCodec } from "@layerzerolabs/oft-evm/contracts/libs/OFTComposeMsgCodec.sol";
import { IGateway } from "./interfaces/IGateway.sol";
import { Messages } from "./lib/Messages.sol";
import { Paths } from "./lib/Paths.sol";
import { Vault } from "./Vault.sol";

/// The courier between chains, over LayerZero V2: orders from the home chain, and bridged collateral.
///
/// - Orders: a courier proves nothing, the certificate in the payload does. Anybody sends them at its own cost.
/// - Collateral: moves as LayerZero's OFT, with a composed message that names the order. Here the path is trusted with
///   tokens, so every transfer, out and in, asks that so many different DVNs verify it as it was made with ({Paths}).
/// - Never stuck: LayerZero delivers in any order, and what reverts here can be retried; it holds up nothing else.
/// - Owner: sets peers, chains, tokens and, as LayerZero's delegate, the path's DVNs. It belongs to the 5-of-8 and can
///   be renounced. It can misdirect collateral in flight; it cannot move what is in a vault.
contract Gateway is OApp, IGateway, ILayerZeroComposer {
    using OptionsBuilder for bytes;
    using SafeERC20 for IERC20;

    /// Fewer DVNs no path of tokens may ask for, outside development.
    uint256 public constant VERIFIERS_LEAST = 3;

    Vault public immutable vault;
    /// The hub's id of this chain.
    uint16 public immutable chain;
    /// Different DVNs that a path of tokens needs.
    uint256 public immutable verifiers;

    /// LayerZero's id of a chain, by the hub's.
    mapping(uint16 chain => uint32 eid) public eids;
    /// And the other way.
    mapping(uint32 eid => uint16 chain) public chains;
    /// What moves an asset between chains: the token itself, or an adapter that locks it.
    mapping(uint16 asset => address oft) public ofts;
    /// Gas that LayerZero's executor is paid for at the other end: for an OFT's mint or unlock, and for the vault's
    /// {Vault-bridgeIn}. With too little nothing is lost: anybody delivers it again with more.
    uint128 public receiveGas = 200_000;
    uint128 public composeGas = 350_000;

    event ChainSet(uint16 indexed chain, uint32 eid);
    event OftSet(uint16 indexed asset, address oft);
    event GasSet(uint128 receiveGas, uint128 composeGas);
    /// Collateral is on its way.
    event BridgedOut(uint64 indexed nonce, uint16 indexed to, uint16 asset, uint128 amount, bytes32 guid);

    error NotTheVault(address sender);
    error NotTheEndpoint(address sender);
    /// The token with its OFT is not the vault's token of that asset.
    error WrongToken(uint16 asset, address have, address need);
    error NoPathTo(uint16 chain);
    error NoOft(uint16 asset);
    /// LayerZero asks for more of the chain's own coin than this contract has; anybody can send it some.
    error FeeAbove(uint256 fee, uint256 have);
    error VerifiersBelow(uint256 have, uint256 least);
    error UnknownMessage(uint8 first);
    /// Composed by somebody else than the gateway of the chain that it names, or with another token.
    error NotFromThePeer(uint32 eid, bytes32 from, uint16 chain, address oft);

    /// @param verifiers_ different DVNs that a path of tokens needs: five, and {VERIFIERS_LEAST} at least.
    /// @param development one is enough.
    constructor(
        address endpoint_,
        address owner_,
        Vault vault_,
        uint16 chain_,
        uint256 verifiers_,
        bool development
    ) OApp(endpoint_, owner_) Ownable(owner_) {
        uint256 least = development ? 1 : VERIFIERS_LEAST;
        if (verifiers_ < least) revert VerifiersBelow(verifiers_, least);
        vault = vault_;
        chain = chain_;
        verifiers = verifiers_;
    }

    /// LayerZero's fees for bridging are paid out of what anybody sends here.
    receive() external payable { }

    function setChain(uint16 chain_, uint32 eid) external onlyOwner {
        (eids[chain_], chains[eid]) = (eid, chain_);
        emit ChainSet(chain_, eid);
    }

    function setOft(uint16 asset, address oft) external onlyOwner {
        (address token,) = vault.tokens(asset);
        if (oft != address(0) && IOFT(oft).token() != token) revert WrongToken(asset, IOFT(oft).token(), token);
        ofts[asset] = oft;
        emit OftSet(asset, oft);
    }

    function setGas(uint128 receive_, uint128 compose_) external onlyOwner {
        (receiveGas, composeGas) = (receive_, compose_);
        emit GasSet(receive_, compose_);
    }

    /// Sends a payload of orders to the gateway of `eid`. Anybody may; the caller pays.
    /// @param options LayerZero's, with gas enough for the batch.
    function send(uint32 eid, bytes calldata payload, bytes calldata options)
        external
        payable
        returns (MessagingReceipt memory)
    {
        bytes memory message = abi.encodePacked(Messages.GATEWAY_ORDERS, payload);
        return _lzSend(eid, message, options, MessagingFee(msg.value, 0), msg.sender);
    }

    /// Wei that {send} costs.
    function quote(uint32 eid, bytes calldata payload, bytes calldata options) external view returns (uint256) {
        return _quote(eid, abi.encodePacked(Messages.GATEWAY_ORDERS, payload), options, false).nativeFee;
    }

    /// @inheritdoc IGateway
    function bridge(uint64 nonce, uint16 asset, uint128 amount, uint256 raw, uint16 to) external {
        if (msg.sender != address(vault)) revert NotTheVault(msg.sender);
        (IOFT oft, SendParam memory param) = _transfer(nonce, asset, amount, raw, to);
        Paths.checkOut(endpoint, address(oft), param.dstEid, verifiers);
        MessagingFee memory fee = oft.quoteSend(param, false);
        if (address(this).balance < fee.nativeFee) revert FeeAbove(fee.nativeFee, address(this).balance);
        if (oft.approvalRequired()) IERC20(oft.token()).forceApprove(address(oft), raw);
        (MessagingReceipt memory receipt,) = oft.send{ value: fee.nativeFee }(param, fee, address(this));
        emit BridgedOut(nonce, to, asset, amount, receipt.guid);
    }

    /// Wei that LayerZero asks for a bridge of an asset to a chain now.
    function bridgeFee(uint16 asset, uint16 to) public view returns (uint256) {
        (IOFT oft, SendParam memory param) = _transfer(0, asset, 0, 0, to);
        return oft.quoteSend(param, false).nativeFee;
    }

    /// How many more of them what is here pays for. Whoever runs the house is told when these become few: without a fee
    /// nothing is bridged.
    function bridgesPaid(uint16 asset, uint16 to) external view returns (uint256) {
        uint256 fee = bridgeFee(asset, to);
        return fee == 0 ? type(uint256).max : address(this).balance / fee;
    }

    /// Collateral has arrived, and this is what was composed with it: pays it into the vault.
    function lzCompose(address oft, bytes32, bytes calldata message, address, bytes calldata) external payable {
        if (msg.sender != address(endpoint)) revert NotTheEndpoint(msg.sender);
        (uint16 from, uint64 nonce, uint16 asset) = _composed(oft, message);
        // What arrived counts, not what the message says.
        uint256 raw = OFTComposeMsgCodec.amountLD(message);
        IERC20(IOFT(oft).token()).forceApprove(address(vault), raw);
        vault.bridgeIn(from, nonce, asset, raw);
    }

    /// A transfer of collateral, and the OFT that makes it. All of it or nothing: an amount with more digits than the OFT
    /// shares among chains is refused there.
    function _transfer(uint64 nonce, uint16 asset, uint128 amount, uint256 raw, uint16 to)
        private
        view
        returns (IOFT oft, SendParam memory param)
    {
        uint32 eid = eids[to];
        oft = IOFT(ofts[asset]);
        if (eid == 0) revert NoPathTo(to);
        if (address(oft) == address(0)) revert NoOft(asset);
        param = SendParam({
            dstEid: eid,
            to: _getPeerOrRevert(eid),
            amountLD: raw,
            minAmountLD: raw,
            extraOptions: OptionsBuilder.newOptions().addExecutorLzReceiveOption(receiveGas, 0)
                .addExecutorLzComposeOption(0, composeGas, 0),
            composeMsg: abi.encodePacked(Messages.GATEWAY_COLLATERAL, chain, nonce, asset, amount),
            oftCmd: ""
        });
    }

    /// What was composed with a transfer, if the gateway of the chain that it names composed it.
    function _composed(address oft, bytes calldata message)
        private
        view
        returns (uint16 from, uint64 nonce, uint16 asset)
    {
        uint32 eid = OFTComposeMsgCodec.srcEid(message);
        bytes32 composer = OFTComposeMsgCodec.composeFrom(message);
        bytes calldata content = message[76:];
        Messages.exact(content, 29);
        uint8 first = Messages.u8(content, 0);
        if (first != Messages.GATEWAY_COLLATERAL) revert UnknownMessage(first);
        (from, nonce, asset) = (Messages.u16(content, 1), Messages.u64(content, 3), Messages.u16(content, 11));
        if (peers[eid] != composer || chains[eid] != from || ofts[asset] != oft || oft == address(0)) {
            revert NotFromThePeer(eid, composer, from, oft);
        }
        Paths.checkIn(endpoint, oft, eid, verifiers);
    }

    /// Orders from another chain's gateway.
    function _lzReceive(Origin calldata, bytes32, bytes calldata message, address, bytes calldata) internal override {
        if (message.length == 0) revert Messages.WrongLength(0, 1);
        uint8 first = Messages.u8(message, 0);
        if (first != Messages.GATEWAY_ORDERS) revert UnknownMessage(first);
        // What it reverts with, a stale epoch say, leaves the message retryable; an order that fails does not revert.
        vault.execute(message[1:]);
    }
}
