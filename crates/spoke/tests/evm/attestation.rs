//! The attestation chain: three members that are no validators, one more node.

use crate::support::*;
use alloy::providers::DynProvider;
use ballast_spoke::certificate::{Certificate, Key};
use ballast_spoke::evm::kit::{AttestationChain, NodeConfig};
use ballast_spoke::evm::{EvmError, Npm, Place, connect};
use ballast_spoke::message::{Root, RootKind};
use ballast_spoke::quorum::{RootVotes, VoteError};
use ballast_types::{Hash, Height, TaskId, digest};

fn members() -> Vec<Key> {
    ["foundation", "auditor", "exchange"].map(Key::from_label).to_vec()
}

async fn start() -> AttestationChain {
    let node = NodeConfig::new("attestation", 7_777, 2, START);
    AttestationChain::start(&Npm::find().unwrap(), node, members()).await.unwrap()
}

fn root(byte: u8) -> Root {
    Root { kind: RootKind::H0, height: Height(12), root: Hash([byte; 32]) }
}

async fn refused(chain: &AttestationChain, root: Root, certificate: &Certificate, error: &str) {
    let done = chain.site.post(chain.courier(), root, certificate).await;
    let Err(EvmError::Reverted { why, .. }) = &done else { panic!("{done:?}") };
    let id = alloy::primitives::hex::encode(&alloy::primitives::keccak256(error)[..4]);
    assert!(why.contains(&id), "{why} is not {error}");
}

async fn read(chain: &AttestationChain, provider: &DynProvider) -> Option<Hash> {
    let read = chain.site.root(provider, RootKind::H0, Height(12)).await.unwrap();
    read.map(|attested| attested.root)
}

#[tokio::test]
async fn a_root_counts_with_two_thirds_of_the_members() {
    let chain = start().await;
    // Anybody reads: a connection of its own, without a key.
    let reader = connect(chain.node.url()).unwrap();
    let mut signers: Vec<_> = members().iter().map(Key::signer).collect();
    signers.sort_unstable();
    assert_eq!(chain.site.members(&reader).await.unwrap(), signers);

    // One of three says something else: alone it counts for nothing, and the contract refuses it too.
    let (right, wrong) = (root(1), root(2));
    let voted = [Some(right.root), Some(wrong.root), None];
    assert_eq!(chain.vote(RootKind::H0, Height(12), &voted).unwrap(), None);
    let digest = |root: Root| root.digest(chain.site.domain());
    let few = "TooFewSignatures(uint256,uint256)";
    refused(&chain, right, &Certificate::sign(digest(right), &members()[..1]), few).await;
    refused(&chain, wrong, &Certificate::sign(digest(wrong), &members()[1..2]), few).await;
    assert_eq!(read(&chain, &reader).await, None);

    // A signature of another root does not help it, nor does one of a stranger or of another contract.
    let stranger = "NotASigner(uint256,address)";
    let mut mixed = Certificate::sign(digest(wrong), &members()[..2]);
    mixed.signatures[0] = Certificate::sign(digest(right), &members()[..1]).signatures[0];
    refused(&chain, wrong, &mixed, stranger).await;
    let keys = [members()[0].clone(), Key::from_label("validator 0")];
    refused(&chain, right, &Certificate::sign(digest(right), &keys), stranger).await;
    let elsewhere = right.digest(Hash([7; 32]));
    refused(&chain, right, &Certificate::sign(elsewhere, &members()), stranger).await;

    // Two of three: it counts, for ever.
    let voted = [Some(right.root), Some(wrong.root), Some(right.root)];
    let (root, certificate) = chain.vote(RootKind::H0, Height(12), &voted).unwrap().unwrap();
    assert_eq!((root, certificate.signatures.len()), (right, 2));
    chain.site.post(chain.courier(), root, &certificate).await.unwrap();
    assert_eq!(read(&chain, &reader).await, Some(right.root));
    let stands = "RootStands(uint8,uint64,bytes32)";
    refused(&chain, root, &certificate, stands).await;
    refused(&chain, wrong, &Certificate::sign(digest(wrong), &members()), stands).await;
    assert_eq!(read(&chain, &reader).await, Some(right.root));
    // As another kind or of another height it was not signed.
    let other = Root { kind: RootKind::H1, ..right };
    refused(&chain, other, &certificate, stranger).await;
    let other = Root { height: Height(13), ..right };
    refused(&chain, other, &certificate, stranger).await;
}

#[tokio::test]
async fn anybody_proves_what_a_task_was_under_a_root() {
    let chain = start().await;
    let hash = |task: u64| Hash([task as u8; 32]);
    let leaves: Vec<Hash> = (1..=5).map(|task| digest::leaf(TaskId(task), hash(task))).collect();
    chain.attest(RootKind::H1, Height(9), digest::root(&leaves)).await.unwrap();
    let reader = connect(chain.node.url()).unwrap();
    let under = (RootKind::H1, Height(9));
    for (index, task) in (0_u64..5).zip(1..) {
        let place = Place { index, count: 5, proof: digest::proof(&leaves, index as usize) };
        let held = chain.site.holds(&reader, under, (TaskId(task), hash(task)), &place).await;
        assert_eq!(held, Ok(true), "task {task}");
        let other = chain.site.holds(&reader, under, (TaskId(task), hash(9)), &place).await;
        assert_eq!(other, Ok(false), "task {task}");
    }
}

#[test]
fn a_member_that_signs_two_roots_is_told_of_and_its_first_stands() {
    let domain = Hash([5; 32]);
    let keys = members();
    let mut votes = RootVotes::new(domain, keys.iter().map(Key::signer).collect());
    let vote = |root: Root, key: &Key| (root, key.sign(root.digest(domain)));
    let (right, signature) = vote(root(1), &keys[0]);
    assert_eq!(votes.vote(right, signature), Ok(None));
    // Twice the same is one vote.
    assert_eq!(votes.vote(right, signature), Ok(None));
    let (wrong, signature) = vote(root(2), &keys[0]);
    let changed = VoteError::Changed { signer: keys[0].signer(), first: right.root, second: wrong.root };
    assert_eq!(votes.vote(wrong, signature), Err(changed));
    let stranger = Key::from_label("stranger");
    let (root, signature) = vote(right, &stranger);
    assert_eq!(votes.vote(root, signature), Err(VoteError::NotAMember(stranger.signer())));
    let (root, signature) = vote(right, &keys[2]);
    let certificate = votes.vote(root, signature).unwrap().unwrap();
    assert_eq!(certificate, Certificate::sign(right.digest(domain), &[keys[0].clone(), keys[2].clone()]));
}
