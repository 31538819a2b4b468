//! Votes on roots of the attestation chain: two thirds of the members, whatever the others vote on.

mod support;

use ballast_spoke::certificate::Key;
use ballast_spoke::message::{Root, RootKind};
use ballast_spoke::quorum::{RootVotes, VoteError};
use ballast_types::{Hash, Height};
use support::keys;

const DOMAIN: Hash = Hash([5; 32]);

fn root(height: u64, byte: u8) -> Root {
    Root { kind: RootKind::H0, height: Height(height), root: Hash([byte; 32]) }
}

fn vote(votes: &mut RootVotes, root: Root, key: &Key) -> Result<bool, VoteError> {
    Ok(votes.vote(root, key.sign(root.digest(DOMAIN)))?.is_some())
}

/// 4,096 roots were open at once, and the one of the lowest height was forgotten for one more. A single member that voted for as
/// many heights of the far future had every honest vote forgotten as soon as it came: no root ever counted again.
#[test]
fn votes_for_heights_of_the_far_future_do_not_push_out_the_others() {
    let keys = keys(4);
    let mut votes = RootVotes::new(DOMAIN, keys.iter().map(Key::signer).collect());
    for height in 0..4_200 {
        assert_eq!(vote(&mut votes, root(1_000_000 + height, 6), &keys[3]), Ok(false));
    }
    assert_eq!(votes.kept_of(keys[3].signer()), 4_096);
    for height in 1..=20 {
        for (key, counts) in keys.iter().zip([false, false, true]) {
            assert_eq!(vote(&mut votes, root(height, 1), key), Ok(counts), "height {height}");
        }
    }
    assert_eq!(votes.kept_of(keys[0].signer()), 20);
    // Its own old votes are forgotten; those that are kept bind it.
    assert_eq!(vote(&mut votes, root(1_000_000, 7), &keys[3]), Ok(false));
    let [first, second] = [6, 7].map(|byte| Hash([byte; 32]));
    let changed = Err(VoteError::Changed { signer: keys[3].signer(), first, second });
    assert_eq!(vote(&mut votes, root(1_004_199, 7), &keys[3]), changed);
}
