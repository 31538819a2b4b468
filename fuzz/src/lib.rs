//! What the fuzz targets run. `crates/engine/tests/fuzz.rs` runs the same functions on drawn bytes, so that
//! `cargo test` needs no cargo-fuzz.

#[path = "../../crates/engine/tests/support/mod.rs"]
mod support;
#[path = "../../crates/engine/tests/walk/mod.rs"]
mod walk;
mod targets;

/// [`targets::codec`].
pub fn codec(bytes: &[u8]) {
    targets::codec(bytes);
}

/// [`targets::commands`].
pub fn commands(bytes: &[u8]) {
    targets::commands(bytes);
}
