//! Our contracts, as `contracts/artifacts` has them: changing one there rebuilds this.

macro_rules! contract {
    ($(#[$doc:meta])* $module:ident, $name:ident, $path:literal) => {
        $(#[$doc])*
        pub mod $module {
            #![allow(missing_docs, clippy::all, clippy::pedantic)]
            alloy::sol!(#[sol(rpc)] #[derive(Debug, PartialEq, Eq)] $name, $path);
        }
    };
}

contract! {
    /// Roots on the attestation chain.
    attestations, Attestations, "../../contracts/artifacts/Attestations.json"
}
contract! {
    /// Auctions of a vault's collateral.
    auction_house, AuctionHouse, "../../contracts/artifacts/AuctionHouse.json"
}
contract! {
    /// The courier over LayerZero.
    gateway, Gateway, "../../contracts/artifacts/Gateway.json"
}
contract! {
    /// Custody, orders, limits, freezes.
    vault, Vault, "../../contracts/artifacts/Vault.json"
}
contract! {
    /// A verifier of LayerZero's messages, for local chains.
    dev_dvn, DevDvn, "../../contracts/artifacts/DevDvn.json"
}
contract! {
    /// A deliverer of LayerZero's messages, for local chains.
    dev_executor, DevExecutor, "../../contracts/artifacts/DevExecutor.json"
}
contract! {
    /// A price feed that anybody sets, for local chains.
    mock_aggregator, MockAggregator, "../../contracts/artifacts/MockAggregator.json"
}
contract! {
    /// A token on several chains, for local ones.
    mock_oft, MockOft, "../../contracts/artifacts/MockOft.json"
}
contract! {
    /// Who takes without money, for local chains.
    mock_taker, MockTaker, "../../contracts/artifacts/MockTaker.json"
}
contract! {
    /// A token that anybody mints, for local chains.
    mock_token, MockToken, "../../contracts/artifacts/MockToken.json"
}
contract! {
    /// The chain's own coin as a token, for local chains.
    mock_wrapped, MockWrapped, "../../contracts/artifacts/MockWrapped.json"
}
contract! {
    /// The auction's arithmetic laid open, for tests.
    price_probe, PriceProbe, "../../contracts/artifacts/PriceProbe.json"
}
