//! LayerZero V2: the regular courier of orders, and the way of bridged collateral.
//!
//! - Proves nothing: the certificate inside an order does. For tokens the path itself has to be good: at least three
//!   DVNs, outside development.
//! - Contracts: LayerZero's own, read from `contracts/node_modules` at run time.
//! - Roles: on local chains a [`Worker`] of ours is DVN and executor; on real ones LayerZero's are.
//! - Keyed on the payload's hash: after a reorg of the source a message has another content under the same number and
//!   the same GUID.

mod abi;
mod deploy;
mod packet;
mod path;
mod worker;

pub use deploy::{LayerZero, LayerZeroError, Remote, deploy_layerzero, wire_oapp};
pub use packet::{Packet, lz_receive_option};
pub use path::{DVNS_DEFAULT, DVNS_LEAST, Dvns, PathError};
pub use worker::{Carried, Stage, Worker, WorkerChain};
