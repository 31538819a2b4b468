//! A node: the engine, with everything around it that makes its blocks last.
//!
//! - [`Node`]: takes what chains, sources and users say, makes a block of it, signs its orders.
//! - [`log`]: the block log, of a node and of a replay. [`auth`]: who may ask for what.
//! - No network, no thread, no clock; consensus is to come.

pub mod auth;
pub mod log;

mod files;
mod mempool;
mod node;
mod recover;
mod signing;
mod snapshot;

pub use mempool::{MempoolLimits, SubmitError, Ticket};
pub use node::{CLOCK_TOLERANCE, Node, Options, Produced, ProposalError, Setup, StepError, Stopped};
pub use recover::{Notice, OpenError};
pub use snapshot::{SnapshotFault, check_snapshot, snapshots};
