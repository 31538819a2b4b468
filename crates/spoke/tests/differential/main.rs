//! The contracts, run in this process, beside the engine's Rust and the chain in this process: random inputs, not one
//! wei apart.
#![cfg(feature = "evm")]

mod arithmetic;
mod evm;
mod script;
