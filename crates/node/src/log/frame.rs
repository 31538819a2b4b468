//! Frames: a body with its length before it, and a seal after it that hangs on every frame before.

use ballast_types::Hash;
use std::io;

/// Length and check.
pub(super) const HEADER: usize = 8;

/// A body above this is damage, not a block: 1 GiB.
const BODY_MAX: u32 = 1 << 30;

/// Appends a frame to `out`, and gives its seal.
pub(super) fn write(before: Hash, body: &[u8], out: &mut Vec<u8>) -> io::Result<Hash> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= BODY_MAX);
    let length = length.ok_or_else(|| io::Error::other("a block above 1 GiB does not fit a log"))?;
    let seal = seal(before, length, body);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&check(before, length));
    out.extend_from_slice(body);
    out.extend_from_slice(&seal.0);
    Ok(seal)
}

/// The length that a header gives; none where the header is not one that was written here.
pub(super) fn length(before: Hash, header: [u8; HEADER]) -> Option<u32> {
    let [a, b, c, d, found @ ..] = header;
    let length = u32::from_le_bytes([a, b, c, d]);
    (found == check(before, length) && length <= BODY_MAX).then_some(length)
}

/// The seal of a frame.
pub(super) fn seal(before: Hash, length: u32, body: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&before.0).update(&length.to_le_bytes()).update(body);
    Hash(*hasher.finalize().as_bytes())
}

fn check(before: Hash, length: u32) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&before.0).update(&length.to_le_bytes());
    *hasher.finalize().as_bytes().first_chunk().expect("a hash has 32 bytes")
}
