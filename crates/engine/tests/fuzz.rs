//! The fuzz targets on drawn bytes: a short pass without cargo-fuzz, and the proof that they still compile.
//! `make fuzz` runs them under libFuzzer.

mod drawn;
mod support;
#[path = "../../../fuzz/src/targets.rs"]
mod targets;
mod walk;

use drawn::property;
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn codec_on_drawn_bytes() {
    // Small bytes more often than not: variants and lengths.
    let byte = prop_oneof![any::<u8>(), 0..16_u8];
    property("codec", 20_000, &vec(byte, 0..400), |bytes| targets::codec(&bytes));
}

#[test]
fn commands_on_drawn_bytes() {
    property("commands", 100, &vec(any::<u8>(), 0..2_000), |bytes| targets::commands(&bytes));
}
