// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Vm } from "forge-std/Vm.sol";
import {
    ILayerZeroEndpointV2,
    Origin
} from "@layerzerolabs/lz-evm-protocol-v2/contracts/interfaces/ILayerZeroEndpointV2.sol";
import { SetConfigParam } from "@layerzerolabs/lz-evm-protocol-v2/contracts/interfaces/IMessageLibManager.sol";
import { IReceiveUlnE2 } from "@layerzerolabs/lz-evm-messagelib-v2/contracts/uln/interfaces/IReceiveUlnE2.sol";
import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { OptionsBuilder } from "@layerzerolabs/oapp-evm/contracts/oapp/libs/OptionsBuilder.sol";
import { OFTComposeMsgCodec } from "@layerzerolabs/oft-evm/contracts/libs/OFTComposeMsgCodec.sol";
import { Gateway } from "../src/Gateway.sol";
import { Vault } from "../src/Vault.sol";
import { IVault } from "../src/interfaces/IVault.sol";
import { Messages } from "../src/lib/Messages.sol";
import { Outflow } from "../src/lib/Outflow.sol";
import { Paths } from "../src/lib/Paths.sol";
import { DevDvn } from "../src/mocks/DevDvn.sol";
import { DevExecutor } from "../src/mocks/DevExecutor.sol";
import { MockOft } from "../src/mocks/MockOft.sol";
import { Base, IVaultEvents } from "./Base.sol";

interface IUln {
    struct DefaultUln {
        uint32 eid;
        Paths.Uln config;
    }

    struct Executor {
        uint32 maxMessageSize;
        address executor;
    }

    struct DefaultExecutor {
        uint32 eid;
        Executor config;
    }

    function setDefaultUlnConfigs(DefaultUln[] calldata) external;
    function setDefaultExecutorConfigs(DefaultExecutor[] calldata) external;
}

/// Two chains in one EVM, each with LayerZero's own endpoint and message libraries as their packages ship them.
contract GatewayTest is Base {
    using OptionsBuilder for bytes;

    /// One end of the path.
    struct Side {
        ILayerZeroEndpointV2 endpoint;
        address send;
        address receive_;
        Vault vault;
        Gateway gateway;
        MockOft oft;
        uint16 chain;
        uint32 eid;
    }

    uint16 private constant TOKEN = 5;
    uint256 private constant DVN_FEE = 10;
    uint8 private constant DVNS = 5;
    string private constant PROTOCOL = "node_modules/@layerzerolabs/lz-evm-protocol-v2/artifacts/contracts/";
    string private constant ULN = "node_modules/@layerzerolabs/lz-evm-messagelib-v2/artifacts/contracts/uln/uln302/";

    Side private home;
    Side private thin;
    DevDvn[] private dvns;
    DevExecutor private executor;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < DVNS; ++i) {
            DevDvn dvn = new DevDvn(address(this), DVN_FEE);
            dvns.push(dvn);
            // Ascending, as LayerZero asks.
            for (uint256 j = i; j > 0 && address(dvns[j - 1]) > address(dvns[j]); --j) {
                (dvns[j - 1], dvns[j]) = (dvns[j], dvns[j - 1]);
            }
        }
        executor = new DevExecutor(5);
        home = _side(1, 30_101);
        thin = _side(2, 30_102);
        _connect(home, thin);
        _connect(thin, home);
        _useVault(home);
        order(listToken(TOKEN, address(home.oft), 1));
        _useVault(thin);
        order(listToken(TOKEN, address(thin.oft), 1));
        order(setLimits(TOKEN, type(uint128).max, 1 days, type(uint128).max, 0));
        home.gateway.setOft(TOKEN, address(home.oft));
        thin.gateway.setOft(TOKEN, address(thin.oft));
        thin.oft.mint(ALICE, 100e18);
        vm.startPrank(ALICE);
        thin.oft.approve(address(thin.vault), 100e18);
        thin.vault.deposit(owner(ALICE), 0, TOKEN, 100e18);
        vm.stopPrank();
        vm.deal(address(this), 1 ether);
    }

    // Orders

    function test_orders_cross_and_the_vault_carries_them_out() public {
        bytes memory payload = _release(thin, 4e18);
        Vm.Log memory packet = _send(home, thin, payload);
        _verify(packet, thin, DVNS);
        _receive(packet, home, thin, "");
        assertEq(thin.oft.balanceOf(BOB), 4e18);
        // Delivered by hand as well: nothing happens twice.
        assertEq(thin.vault.execute(payload), 0);
    }

    function test_four_of_five_verifiers_let_nothing_through() public {
        Vm.Log memory packet = _send(home, thin, _release(thin, 4e18));
        vm.expectRevert(bytes4(keccak256("LZ_ULN_Verifying()")));
        this.verify(packet, thin, DVNS - 1);
    }

    /// A courier proves nothing: LayerZero carried it, and the vault still asks for its own certificate.
    function test_orders_without_a_certificate_come_to_nothing_and_block_nothing() public {
        bytes memory orders = batch(release(0, TOKEN, 1e18, BOB));
        Vm.Log memory bad = _send(home, thin, abi.encodePacked(uint8(0), uint32(1), orders));
        Vm.Log memory good = _send(home, thin, _release(thin, 4e18));
        _verify(bad, thin, DVNS);
        _verify(good, thin, DVNS);
        vm.expectPartialRevert(bytes4(keccak256("TooFewSignatures(uint256,uint256)")));
        this.receive_(bad, home, thin, "");
        _receive(good, home, thin, "");
        assertEq(thin.oft.balanceOf(BOB), 4e18);
    }

    function test_orders_from_a_stranger_are_refused() public {
        bytes memory payload = _release(thin, 4e18);
        vm.prank(address(thin.endpoint));
        vm.expectRevert(abi.encodeWithSignature("OnlyPeer(uint32,bytes32)", home.eid, owner(ALICE)));
        thin.gateway.lzReceive(Origin(home.eid, owner(ALICE), 1), 0, abi.encodePacked(uint8(1), payload), BOB, "");
    }

    function test_an_unknown_message_is_refused() public {
        vm.startPrank(address(thin.endpoint));
        Origin memory origin = Origin(home.eid, owner(address(home.gateway)), 1);
        vm.expectRevert(abi.encodeWithSelector(Gateway.UnknownMessage.selector, 9));
        thin.gateway.lzReceive(origin, 0, hex"09", BOB, "");
        vm.expectRevert(abi.encodeWithSelector(Messages.WrongLength.selector, 0, 1));
        thin.gateway.lzReceive(origin, 0, "", BOB, "");
    }

    // Collateral

    function test_bridged_collateral_arrives_as_a_fact() public {
        vm.deal(address(thin.gateway), 1000);
        _useVault(thin);
        vm.recordLogs();
        order(bridge(7, TOKEN, 30e18, home.chain));
        uint64 nonce = lastNonce;
        Vm.Log memory packet = _packet();
        assertEq(booked(TOKEN), 70e18);
        assertEq(thin.oft.totalSupply(), 70e18);
        // Five DVNs and the executor.
        assertEq(address(thin.gateway).balance, 1000 - DVNS * DVN_FEE - 5);

        _verify(packet, home, DVNS);
        vm.recordLogs();
        _receiveOft(packet, thin, home);
        bytes memory composed = _composed();
        _useVault(home);
        uint64 next = sequence() + 1;
        vm.expectEmit(address(home.vault));
        emit IVaultEvents.BridgedIn(next, thin.chain, nonce, TOKEN, 30e18);
        home.endpoint.lzCompose(address(home.oft), address(home.gateway), _guid(packet), 0, composed, "");
        assertEq(booked(TOKEN), 30e18);
        assertEq(home.oft.balanceOf(address(home.vault)), 30e18);
        assertEq(home.oft.balanceOf(address(home.gateway)), 0);
    }

    /// From one vault to another: no delay, but as much as may leave; and what comes in makes room there.
    function test_a_bridge_goes_through_the_bucket_and_does_not_wait() public {
        vm.deal(address(thin.gateway), 1000);
        order(setLimits(TOKEN, 40e18, 1 hours, 1e18, 600));
        order(bridge(7, TOKEN, 30e18, home.chain));
        assertEq(vault.outflowLeft(TOKEN), 10e18);
        assertEq(vault.quickLeft(TOKEN), 1e18);
        orderFails(
            bridge(7, TOKEN, 11e18, home.chain),
            abi.encodeWithSelector(Outflow.OutflowAbove.selector, TOKEN, 11e18, 10e18)
        );
    }

    function test_what_is_bridged_in_makes_room() public {
        vm.deal(address(thin.gateway), 1000);
        _useVault(home);
        order(setLimits(TOKEN, 40e18, 1 hours, 40e18, 600));
        home.oft.mint(address(this), 100e18);
        home.oft.approve(address(home.vault), 100e18);
        home.vault.deposit(owner(ALICE), 0, TOKEN, 100e18);
        order(release(0, TOKEN, 35e18, BOB));
        assertEq(vault.outflowLeft(TOKEN), 5e18);
        _useVault(thin);
        vm.recordLogs();
        order(bridge(7, TOKEN, 30e18, home.chain));
        Vm.Log memory packet = _packet();
        _verify(packet, home, DVNS);
        vm.recordLogs();
        _receiveOft(packet, thin, home);
        home.endpoint.lzCompose(address(home.oft), address(home.gateway), _guid(packet), 0, _composed(), "");
        assertEq(home.vault.outflowLeft(TOKEN), 35e18);
        // Not without waiting.
        assertEq(home.vault.quickLeft(TOKEN), 5e18);
    }

    /// Through the gateway, the OFT, LayerZero's endpoint, library, DVNs and executor: a courier that brings too little
    /// makes no bridge fail.
    function test_a_bridge_takes_effect_or_the_delivery_reverts_at_any_figure() public {
        vm.deal(address(thin.gateway), 1000);
        bytes memory call = abi.encodeCall(vault.execute, (sealed_(batch(bridge(7, TOKEN, 30e18, home.chain)))));
        uint256 passed;
        for (uint256 gas_ = 60_000; gas_ < 1_200_000; gas_ += 2_003) {
            uint256 state = vm.snapshotState();
            (bool delivered, bytes memory answer) = address(vault).call{ gas: gas_ }(call);
            if (delivered) assertEq(abi.decode(answer, (uint256)), 1, vm.toString(gas_));
            if (delivered) ++passed;
            vm.revertToState(state);
        }
        assertGt(passed, 100);
    }

    /// What LayerZero is paid for at the other end can follow what chains charge.
    function test_the_owner_sets_the_gas_of_bridges() public {
        vm.expectEmit(address(thin.gateway));
        emit Gateway.GasSet(900_000, 1_500_000);
        thin.gateway.setGas(900_000, 1_500_000);
        assertEq(thin.gateway.receiveGas(), 900_000);
        assertEq(thin.gateway.composeGas(), 1_500_000);
        vm.deal(address(thin.gateway), 1000);
        vm.recordLogs();
        order(bridge(7, TOKEN, 30e18, home.chain));
        (, bytes memory options,) = abi.decode(_packet().data, (bytes, bytes, address));
        bytes memory asked =
            OptionsBuilder.newOptions().addExecutorLzReceiveOption(900_000, 0).addExecutorLzComposeOption(0, 1_500_000, 0);
        assertEq(options, asked);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, ALICE));
        thin.gateway.setGas(1, 1);
    }

    function test_bridge_without_money_for_the_fee_fails_and_moves_nothing() public {
        _useVault(thin);
        orderFails(
            bridge(7, TOKEN, 30e18, home.chain),
            abi.encodeWithSelector(Gateway.FeeAbove.selector, DVNS * DVN_FEE + 5, 0)
        );
        assertEq(booked(TOKEN), 100e18);
    }

    function test_bridge_of_more_digits_than_the_chains_share_fails() public {
        vm.deal(address(thin.gateway), 1000);
        _useVault(thin);
        orderFails(
            bridge(7, TOKEN, 1e12 + 1, home.chain),
            abi.encodeWithSignature("SlippageExceeded(uint256,uint256)", 1e12, 1e12 + 1)
        );
    }

    function test_bridge_to_nowhere_or_of_what_has_no_oft_fails() public {
        _useVault(thin);
        orderFails(bridge(7, TOKEN, 1e18, 9), abi.encodeWithSelector(Gateway.NoPathTo.selector, 9));
        thin.gateway.setOft(TOKEN, address(0));
        orderFails(bridge(7, TOKEN, 1e18, home.chain), abi.encodeWithSelector(Gateway.NoOft.selector, TOKEN));
        vm.expectRevert(
            abi.encodeWithSelector(Gateway.WrongToken.selector, TOKEN, address(home.oft), address(thin.oft))
        );
        thin.gateway.setOft(TOKEN, address(home.oft));
        vm.expectRevert(abi.encodeWithSelector(Gateway.NotTheVault.selector, address(this)));
        thin.gateway.bridge(1, TOKEN, 1, 1, home.chain);
    }

    /// Whoever deploys asks for three at least.
    function test_a_gateway_of_two_verifiers_is_for_development_only() public {
        bytes memory wrong = abi.encodeWithSelector(Gateway.VerifiersBelow.selector, 2, 3);
        vm.expectRevert(wrong);
        new Gateway(address(thin.endpoint), address(this), thin.vault, 2, 2, false);
        assertEq(new Gateway(address(thin.endpoint), address(this), thin.vault, 2, 3, false).verifiers(), 3);
        assertEq(new Gateway(address(thin.endpoint), address(this), thin.vault, 2, 1, true).verifiers(), 1);
        vm.expectRevert(abi.encodeWithSelector(Gateway.VerifiersBelow.selector, 0, 1));
        new Gateway(address(thin.endpoint), address(this), thin.vault, 2, 0, true);
        assertEq(thin.gateway.verifiers(), 5);
    }

    /// What is to be watched: how many more bridges the gateway's own money pays for.
    function test_the_gateway_tells_how_many_bridges_it_still_pays_for() public {
        uint256 fee = DVNS * DVN_FEE + 5;
        assertEq(thin.gateway.bridgeFee(TOKEN, home.chain), fee);
        assertEq(thin.gateway.bridgesPaid(TOKEN, home.chain), 0);
        vm.deal(address(thin.gateway), 2 * fee + 1);
        assertEq(thin.gateway.bridgesPaid(TOKEN, home.chain), 2);
        _useVault(thin);
        order(bridge(7, TOKEN, 30e18, home.chain));
        assertEq(thin.gateway.bridgesPaid(TOKEN, home.chain), 1);
        order(bridge(8, TOKEN, 30e18, home.chain));
        assertEq(thin.gateway.bridgesPaid(TOKEN, home.chain), 0);
        orderFails(bridge(9, TOKEN, 30e18, home.chain), abi.encodeWithSelector(Gateway.FeeAbove.selector, fee, 1));
        vm.expectRevert(abi.encodeWithSelector(Gateway.NoPathTo.selector, 9));
        thin.gateway.bridgesPaid(TOKEN, 9);
        vm.expectRevert(abi.encodeWithSelector(Gateway.NoOft.selector, USDC));
        thin.gateway.bridgesPaid(USDC, home.chain);
    }

    /// Anybody may send tokens to a gateway and compose what it likes: only a gateway's word is taken.
    function test_a_stranger_composes_a_bridge() public {
        bytes memory content = abi.encodePacked(uint8(2), thin.chain, uint64(1), TOKEN, uint128(1e18));
        bytes memory forged = OFTComposeMsgCodec.encode(1, thin.eid, 1e18, abi.encodePacked(owner(ALICE), content));
        vm.expectRevert(abi.encodeWithSelector(Gateway.NotTheEndpoint.selector, address(this)));
        home.gateway.lzCompose(address(home.oft), 0, forged, BOB, "");
        vm.prank(address(home.endpoint));
        vm.expectRevert(
            abi.encodeWithSelector(
                Gateway.NotFromThePeer.selector, thin.eid, owner(ALICE), thin.chain, address(home.oft)
            )
        );
        home.gateway.lzCompose(address(home.oft), 0, forged, BOB, "");
        // The right composer by a token of the attacker's.
        forged = OFTComposeMsgCodec.encode(
            1, thin.eid, 1e18, abi.encodePacked(owner(address(thin.gateway)), content)
        );
        vm.prank(address(home.endpoint));
        vm.expectRevert(
            abi.encodeWithSelector(
                Gateway.NotFromThePeer.selector, thin.eid, owner(address(thin.gateway)), thin.chain, ALICE
            )
        );
        home.gateway.lzCompose(ALICE, 0, forged, BOB, "");
    }

    /// One DVN, or five of which two are the same: refused before a token moves.
    function test_one_of_one_dvn() public {
        vm.deal(address(thin.gateway), 1000);
        _useVault(thin);
        _setDvns(thin, thin.send, home.eid, 1, 0);
        orderFails(
            bridge(7, TOKEN, 30e18, home.chain),
            abi.encodeWithSelector(Paths.TooFewVerifiers.selector, address(thin.oft), home.eid, 1, DVNS)
        );
        // Four required, and one optional that is one of them: four.
        _setDvns(thin, thin.send, home.eid, 4, 1);
        orderFails(
            bridge(7, TOKEN, 30e18, home.chain),
            abi.encodeWithSelector(Paths.TooFewVerifiers.selector, address(thin.oft), home.eid, 4, DVNS)
        );
        _setDvns(thin, thin.send, home.eid, DVNS, 0);
        vm.recordLogs();
        order(bridge(7, TOKEN, 30e18, home.chain));
        // The other end asks as well.
        Vm.Log memory packet = _packet();
        _verify(packet, home, DVNS);
        vm.recordLogs();
        _receiveOft(packet, thin, home);
        bytes memory composed = _composed();
        _setDvns(home, home.receive_, thin.eid, 1, 0);
        bytes32 guid = _guid(packet);
        vm.expectRevert(
            abi.encodeWithSelector(Paths.TooFewVerifiers.selector, address(home.oft), thin.eid, 1, DVNS)
        );
        home.endpoint.lzCompose(address(home.oft), address(home.gateway), guid, 0, composed, "");
        // It waits there until the path is mended.
        _setDvns(home, home.receive_, thin.eid, DVNS, 0);
        home.endpoint.lzCompose(address(home.oft), address(home.gateway), guid, 0, composed, "");
        _useVault(home);
        assertEq(booked(TOKEN), 30e18);
    }

    function test_only_the_owner_configures() public {
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", ALICE));
        thin.gateway.setChain(3, 3);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", ALICE));
        thin.gateway.setOft(TOKEN, address(0));
    }

    // The two chains

    function _side(uint16 chain, uint32 eid) private returns (Side memory s) {
        (s.chain, s.eid) = (chain, eid);
        s.endpoint = ILayerZeroEndpointV2(
            deployFile(string.concat(PROTOCOL, "EndpointV2.sol/EndpointV2.json"), abi.encode(eid, address(this)))
        );
        s.send = deployFile(
            string.concat(ULN, "SendUln302.sol/SendUln302.json"), abi.encode(address(s.endpoint), 200_000, 0)
        );
        s.receive_ =
            deployFile(string.concat(ULN, "ReceiveUln302.sol/ReceiveUln302.json"), abi.encode(address(s.endpoint)));
        s.vault = newVault(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1));
        s.gateway =
            Gateway(payable(deploy("Gateway", abi.encode(s.endpoint, address(this), s.vault, chain, DVNS, false))));
        assertEq(s.vault.gateway(), address(s.gateway));
        s.oft = new MockOft("Bridged", "BRG", address(s.endpoint), address(this));
    }

    function _connect(Side memory a, Side memory b) private {
        a.endpoint.registerLibrary(a.send);
        a.endpoint.registerLibrary(a.receive_);
        Paths.Uln memory uln = _uln(DVNS, 0);
        IUln.DefaultUln[] memory ulns = new IUln.DefaultUln[](1);
        ulns[0] = IUln.DefaultUln(b.eid, uln);
        IUln(a.send).setDefaultUlnConfigs(ulns);
        IUln(a.receive_).setDefaultUlnConfigs(ulns);
        IUln.DefaultExecutor[] memory executors = new IUln.DefaultExecutor[](1);
        executors[0] = IUln.DefaultExecutor(b.eid, IUln.Executor(10_000, address(executor)));
        IUln(a.send).setDefaultExecutorConfigs(executors);
        a.endpoint.setDefaultSendLibrary(b.eid, a.send);
        a.endpoint.setDefaultReceiveLibrary(b.eid, a.receive_, 0);
        a.gateway.setPeer(b.eid, owner(address(b.gateway)));
        a.gateway.setChain(b.chain, b.eid);
        a.oft.setPeer(b.eid, owner(address(b.oft)));
    }

    function _uln(uint8 required, uint8 optional) private view returns (Paths.Uln memory uln) {
        uln.confirmations = 1;
        (uln.requiredDVNCount, uln.optionalDVNCount, uln.optionalDVNThreshold) = (required, optional, optional);
        uln.requiredDVNs = new address[](required);
        uln.optionalDVNs = new address[](optional);
        for (uint256 i; i < required; ++i) uln.requiredDVNs[i] = address(dvns[i]);
        for (uint256 i; i < optional; ++i) uln.optionalDVNs[i] = address(dvns[i]);
    }

    function _setDvns(Side memory s, address library_, uint32 eid, uint8 required, uint8 optional) private {
        SetConfigParam[] memory params = new SetConfigParam[](1);
        params[0] = SetConfigParam(eid, 2, abi.encode(_uln(required, optional)));
        s.endpoint.setConfig(address(s.oft), library_, params);
    }

    function _useVault(Side memory s) private {
        vault = s.vault;
        house = vault.house();
    }

    function _release(Side memory s, uint128 amount) private returns (bytes memory) {
        _useVault(s);
        return sealed_(batch(release(0, TOKEN, amount, BOB)));
    }

    function _send(Side memory from, Side memory to, bytes memory payload) private returns (Vm.Log memory) {
        bytes memory options = OptionsBuilder.newOptions().addExecutorLzReceiveOption(800_000, 0);
        uint256 fee = from.gateway.quote(to.eid, payload, options);
        assertEq(fee, DVNS * DVN_FEE + 5);
        vm.recordLogs();
        from.gateway.send{ value: fee }(to.eid, payload, options);
        return _packet();
    }

    /// What LayerZero told of the message: version (1) nonce (8) eid (4) sender (32) eid (4) receiver (32) guid (32) ..
    function _packet() private returns (Vm.Log memory) {
        return _log("PacketSent(bytes,bytes,address)");
    }

    function _log(bytes memory name) private returns (Vm.Log memory) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == keccak256(name)) return logs[i];
        }
        revert("no such event");
    }

    function _composed() private returns (bytes memory message) {
        (,,,, message) = abi.decode(
            _log("ComposeSent(address,address,bytes32,uint16,bytes)").data, (address, address, bytes32, uint16, bytes)
        );
    }

    function _encoded(Vm.Log memory packet) private pure returns (bytes memory encoded) {
        (encoded,,) = abi.decode(packet.data, (bytes, bytes, address));
    }

    function _guid(Vm.Log memory packet) private view returns (bytes32) {
        return bytes32(this.cut(_encoded(packet), 81, 113));
    }

    function _verify(Vm.Log memory packet, Side memory to, uint256 count) private {
        bytes memory encoded = _encoded(packet);
        bytes memory header = this.cut(encoded, 0, 81);
        bytes32 hash = keccak256(this.cut(encoded, 81, encoded.length));
        for (uint256 i; i < count; ++i) dvns[i].verify(IReceiveUlnE2(to.receive_), header, hash, 1);
        IReceiveUlnE2(to.receive_).commitVerification(header, hash);
    }

    function _receive(Vm.Log memory packet, Side memory from, Side memory to, bytes memory extra) private {
        _deliver(packet, from.eid, address(from.gateway), to.endpoint, address(to.gateway), extra);
    }

    function _receiveOft(Vm.Log memory packet, Side memory from, Side memory to) private {
        _deliver(packet, from.eid, address(from.oft), to.endpoint, address(to.oft), "");
    }

    function _deliver(
        Vm.Log memory packet,
        uint32 eid,
        address sender,
        ILayerZeroEndpointV2 endpoint,
        address receiver,
        bytes memory extra
    ) private {
        bytes memory encoded = _encoded(packet);
        uint64 nonce = uint64(bytes8(this.cut(encoded, 1, 9)));
        bytes memory message = this.cut(encoded, 113, encoded.length);
        endpoint.lzReceive(Origin(eid, owner(sender), nonce), receiver, _guid(packet), message, extra);
    }

    function verify(Vm.Log calldata packet, Side calldata to, uint256 count) external {
        _verify(packet, to, count);
    }

    function receive_(Vm.Log calldata packet, Side calldata from, Side calldata to, bytes calldata extra) external {
        _receive(packet, from, to, extra);
    }

    function cut(bytes calldata b, uint256 from, uint256 to) external pure returns (bytes memory) {
        return b[from:to];
    }
}
