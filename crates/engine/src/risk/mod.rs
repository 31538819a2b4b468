//! Risk: what an account is worth less what it needs (`health`), and which accounts a change makes worth
//! a look (`index`).

pub mod health;
pub mod index;
