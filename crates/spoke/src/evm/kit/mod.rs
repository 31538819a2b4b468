//! Local chains for tests and for `ballast up`: nodes, keys, and what has to be deployed on them.

mod node;

pub use node::{Node, NodeConfig, NodeError, Running, dev_key};
