//! A node between two blocks: what it takes, what it refuses, what it signs.

mod support;

use ballast_node::auth::{AuthError, Party};
use ballast_node::{CLOCK_TOLERANCE, MempoolLimits, Node, Options, ProposalError, StepError, SubmitError};
use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_types::digest::domain_in_process;
use ballast_types::{AccountId, Block, ChainId, Command, Height};
use ballast_units::{Amount, Millis, Time};
use support::{Folder, Town, Wallet, open};

/// A node after its first three blocks, so that everybody has an account.
fn begun(folder: &Folder, options: Options) -> (Node, Town) {
    let (mut node, town) = (open(folder, options).unwrap(), Town::new(1));
    town.steps(&mut node, 3);
    (node, town)
}

fn lend(node: &Node, wallet: &Wallet) -> (AccountId, Command) {
    let account = node.state().unwrap().account_of(wallet.owner()).unwrap();
    (account, Command::Lend { account, chain: ChainId(0), amount: Amount::whole(1) })
}

fn submit(node: &mut Node, wallet: &Wallet, nonce: u64) -> Result<(), SubmitError> {
    let (_, command) = lend(node, wallet);
    let permit = wallet.sign(node.hub(), &command, nonce, Town::time(1_000));
    node.submit(command, Some(permit)).map(|_| ())
}

#[test]
fn a_full_mempool_refuses_and_forgets_nothing() {
    let folder = Folder::new("mempool");
    let limits = MempoolLimits { all: 13, account: 3, unsigned: 2 };
    let (mut node, town) = begun(&folder, Options { mempool: limits, ..Options::default() });
    let (one, other) = (&town.people[0], &town.people[1]);
    for nonce in 100..103 {
        submit(&mut node, one, nonce).unwrap();
    }
    let (account, _) = lend(&node, one);
    let refused = submit(&mut node, one, 103).unwrap_err();
    assert_eq!(refused, SubmitError::AccountFull { account, limit: 3 });
    let want = format!("3 commands of account {account} wait already; send it again after the next block");
    assert_eq!(refused.to_string(), want);
    let pointed_at = |number| Command::LiquidateAccount { account: AccountId(number) };
    for number in 1..3 {
        node.submit(pointed_at(number), None).unwrap();
    }
    let refused = node.submit(pointed_at(3), None).unwrap_err();
    assert_eq!(refused, SubmitError::UnsignedFull { limit: 2 });
    for (wallet, nonce) in town.people[1..9].iter().zip(100..) {
        submit(&mut node, wallet, nonce).unwrap();
    }
    let refused = submit(&mut node, other, 200).unwrap_err();
    assert_eq!(refused, SubmitError::Full { limit: 13 });
    assert_eq!(
        refused.to_string(),
        "the mempool is full: 13 commands wait; send it again after the next block"
    );
    let seed = node.block_hash();
    let produced = node.step(Town::time(4), seed).unwrap();
    assert_eq!(produced.tickets.len(), 13);
    assert_eq!(produced.record.approvals.len(), 11);
    assert_eq!(node.waiting(), 0);
    submit(&mut node, one, 103).unwrap();
}

#[test]
fn a_block_takes_so_many_commands_and_the_rest_waits_in_order() {
    let folder = Folder::new("limit");
    let (mut node, town) = begun(&folder, Options { block_commands: 4, ..Options::default() });
    // Twelve people asked in the third block, which took four.
    assert_eq!(node.waiting(), 8);
    submit(&mut node, &town.people[0], 100).unwrap();
    let mut tickets = Vec::new();
    for height in 4..7 {
        let seed = node.block_hash();
        let produced = node.step(Town::time(height), seed).unwrap();
        tickets.extend(produced.tickets.iter().map(|(_, ticket)| *ticket));
    }
    assert_eq!(tickets.len(), 9);
    assert!(tickets.is_sorted());
}

#[test]
fn a_command_that_waited_too_long_is_dropped_and_said_so() {
    let folder = Folder::new("expired");
    let (mut node, town) = begun(&folder, Options::default());
    let wallet = &town.people[0];
    let (account, command) = lend(&node, wallet);
    let permit = wallet.sign(node.hub(), &command, 100, Town::time(4));
    let ticket = node.submit(command.clone(), Some(permit)).unwrap();
    let seed = node.block_hash();
    let produced = node.step(Town::time(4), seed).unwrap();
    assert_eq!(produced.expired, [ticket]);
    assert!(produced.record.block.commands.is_empty());
    let party = Party { account, address: wallet.owner().address };
    assert_ne!(node.nonces().last(party), Some(100));
    let refused = node.submit(command, Some(permit)).unwrap_err();
    let (expires, now) = (Town::time(4), Town::time(4));
    assert_eq!(refused, AuthError::Expired { expires, now }.into());
}

#[test]
fn time_that_does_not_go_forward_is_refused_and_nothing_is_lost() {
    let folder = Folder::new("time");
    let (mut node, town) = begun(&folder, Options::default());
    submit(&mut node, &town.people[0], 100).unwrap();
    let seed = node.block_hash();
    let last = Town::time(3);
    for time in [last, Town::time(2)] {
        let error = node.step(time, seed).unwrap_err();
        let refused =
            matches!(error, StepError::Refused(found) if found == ProposalError::NotLater { last, time });
        assert!(refused, "{error}");
    }
    let error = node.step(Town::time(2), seed).unwrap_err().to_string();
    assert!(error.contains("has the clock been set back?"), "{error}");
    assert_eq!(node.height(), Height(3));
    assert_eq!(node.step(last.after(Millis::new(1)), seed).unwrap().tickets.len(), 1);
}

#[test]
fn a_proposal_two_seconds_from_the_clock_is_agreed_to_and_not_one_further() {
    let folder = Folder::new("proposal");
    let (node, _) = begun(&folder, Options::default());
    let (time, last) = (Town::time(10), Town::time(3));
    let block = Block { height: Height(4), time, ..Block::default() };
    let (late, early) = (time.after(CLOCK_TOLERANCE), Town::time(9));
    for clock in [time, late, early] {
        assert_eq!(node.check(&block, clock), Ok(()));
    }
    let one_more = Time::from_millis(early.millis() - 1);
    for clock in [late.after(Millis::new(1)), one_more] {
        assert_eq!(node.check(&block, clock), Err(ProposalError::ClockApart { time, clock }));
    }
    let same = Block { time: last, ..block.clone() };
    assert_eq!(node.check(&same, last), Err(ProposalError::NotLater { last, time: last }));
    let next = Block { height: Height(5), ..block };
    let (want, have) = (Height(4), Height(5));
    assert_eq!(node.check(&next, time), Err(ProposalError::Height { want, have }));
}

#[test]
fn each_spoke_gets_its_orders_signed_by_the_quorum_of_one() {
    let folder = Folder::new("payloads");
    let (mut node, town) = (open(&folder, Options::default()).unwrap(), Town::new(1));
    let set = ValidatorSet::of(0, &[Key::from_label("validator")]).unwrap();
    assert_eq!(node.validators(), set);
    assert_eq!(set.quorum(), 1);
    let mut payloads = 0;
    for _ in 0..70 {
        let produced = town.step(&mut node);
        let mut ordered = produced.outcome.orders.clone();
        // In the batches in which a chain takes them.
        ordered.sort_by_key(|order| (order.chain, order.nonce));
        let signed = produced.payloads.iter().flat_map(|payload| payload.orders.clone());
        let mut signed: Vec<_> = signed.collect();
        signed.sort_by_key(|order| (order.chain, order.nonce));
        assert_eq!(signed, ordered);
        for payload in &produced.payloads {
            let domain = domain_in_process(payload.chain);
            payload.verify(domain, &set).unwrap();
            payloads += 1;
        }
    }
    assert!(10 < payloads, "{payloads}");
    // What nobody has answered is handed out again, and only that.
    let open = node.open_orders().unwrap();
    let state = node.state().unwrap();
    let unanswered = state.orders.iter().filter(|(_, sent)| sent.seen.is_none());
    let unanswered: Vec<_> = unanswered.map(|(_, sent)| sent.order.clone()).collect();
    assert!(!unanswered.is_empty());
    assert!(open.iter().flat_map(|payload| payload.orders.clone()).eq(unanswered));
    for payload in &open {
        payload.verify(domain_in_process(payload.chain), &set).unwrap();
    }
}

#[test]
fn the_randomness_of_a_lone_node_is_the_block_hash() {
    let folder = Folder::new("seed");
    let (mut node, town) = (open(&folder, Options::default()).unwrap(), Town::new(1));
    assert_eq!(node.block_hash(), node.hub());
    let first = town.step(&mut node);
    assert_eq!(first.record.block.seed, node.hub());
    let second = town.step(&mut node);
    assert_eq!(second.record.block.seed, first.block_hash);
    assert_eq!(node.block_hash(), second.block_hash);
}
