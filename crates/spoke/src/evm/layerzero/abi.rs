//! The part of LayerZero's interfaces that is used here.

alloy::sol! {
    #[derive(Debug, PartialEq, Eq)]
    struct UlnConfig {
        uint64 confirmations;
        uint8 requiredDVNCount;
        uint8 optionalDVNCount;
        uint8 optionalDVNThreshold;
        address[] requiredDVNs;
        address[] optionalDVNs;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct ExecutorConfig {
        uint32 maxMessageSize;
        address executor;
    }

    struct SetDefaultUlnConfigParam {
        uint32 eid;
        UlnConfig config;
    }

    struct SetDefaultExecutorConfigParam {
        uint32 eid;
        ExecutorConfig config;
    }

    struct SetConfigParam {
        uint32 eid;
        uint32 configType;
        bytes config;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Origin {
        uint32 srcEid;
        bytes32 sender;
        uint64 nonce;
    }

    #[sol(rpc)]
    interface IEndpoint {
        #[derive(Debug)]
        event PacketSent(bytes encodedPayload, bytes options, address sendLibrary);
        #[derive(Debug)]
        event ComposeSent(address from, address to, bytes32 guid, uint16 index, bytes message);

        function registerLibrary(address lib) external;
        function setDefaultSendLibrary(uint32 eid, address lib) external;
        function setDefaultReceiveLibrary(uint32 eid, address lib, uint256 gracePeriod) external;
        function setSendLibrary(address oapp, uint32 eid, address lib) external;
        function setReceiveLibrary(address oapp, uint32 eid, address lib, uint256 gracePeriod) external;
        function setConfig(address oapp, address lib, SetConfigParam[] params) external;
        function inboundPayloadHash(address receiver, uint32 srcEid, bytes32 sender, uint64 nonce)
            external
            view
            returns (bytes32);
        function lazyInboundNonce(address receiver, uint32 srcEid, bytes32 sender) external view returns (uint64);
        function inboundNonce(address receiver, uint32 srcEid, bytes32 sender) external view returns (uint64);
        function lzReceive(Origin origin, address receiver, bytes32 guid, bytes message, bytes extraData)
            external
            payable;
        function composeQueue(address from, address to, bytes32 guid, uint16 index)
            external
            view
            returns (bytes32);
        function lzCompose(
            address from,
            address to,
            bytes32 guid,
            uint16 index,
            bytes message,
            bytes extraData
        ) external payable;
    }

    interface IUln {
        function setDefaultUlnConfigs(SetDefaultUlnConfigParam[] params) external;
        function setDefaultExecutorConfigs(SetDefaultExecutorConfigParam[] params) external;
        function verify(bytes packetHeader, bytes32 payloadHash, uint64 confirmations) external;
        function commitVerification(bytes packetHeader, bytes32 payloadHash) external;
    }

    #[sol(rpc)]
    interface IReceiveUln {
        function hashLookup(bytes32 headerHash, bytes32 payloadHash, address dvn)
            external
            view
            returns (bool submitted, uint64 confirmations);
        function verifiable(UlnConfig config, bytes32 headerHash, bytes32 payloadHash)
            external
            view
            returns (bool);
    }

    interface IDvn {
        function verify(address library, bytes packetHeader, bytes32 payloadHash, uint64 confirmations) external;
    }

    interface IOApp {
        function setPeer(uint32 eid, bytes32 peer) external;
    }
}
