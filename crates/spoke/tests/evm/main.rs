//! The EVM spoke on real nodes. Needs `npm ci` in `contracts`; each test starts its own nodes and ends them.
#![cfg(feature = "kit")]

mod adapter;
mod attacks;
mod attestation;
mod certificate;
mod courier;
mod feed;
mod house;
mod layerzero;
mod migration;
mod node;
mod poison;
mod proxy;
mod reorg;
mod reorg_hub;
mod safe;
mod spoke;
mod support;
