//! Ballast spoke.
