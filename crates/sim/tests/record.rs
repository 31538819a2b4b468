//! The block log: written, read, cut and damaged.

use ballast_sim::house;
use ballast_sim::record::{Entry, MAGIC, Reader, RecordError, Writer};
use ballast_types::{AccountId, Block, ChainId, Command, Hash, Height};
use ballast_units::{Amount, Time};

fn entry(height: u64) -> Entry {
    let lend = Command::Lend { account: AccountId(7), chain: ChainId(1), amount: Amount::whole(height) };
    let block = Block {
        height: Height(height),
        time: Time::from_millis(height * 1_000),
        commands: vec![lend],
        ..Block::default()
    };
    Entry { block, state_hash: Hash([height.to_le_bytes()[0]; 32]) }
}

fn log(blocks: u64) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &house::genesis()).unwrap();
    for Entry { block, state_hash } in (1..=blocks).map(entry) {
        writer.block(&block, state_hash).unwrap();
    }
    writer.finish().unwrap()
}

/// Every block up to the end or the first error.
fn read(bytes: &[u8]) -> (Vec<Entry>, Option<RecordError>) {
    let mut entries = Vec::new();
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (entries, Some(error)),
    };
    loop {
        match reader.next_block() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => return (entries, None),
            Err(error) => return (entries, Some(error)),
        }
    }
}

#[test]
fn a_log_reads_as_it_was_written() {
    let bytes = log(5);
    assert_eq!(Reader::new(bytes.as_slice()).unwrap().genesis(), &house::genesis());
    let (entries, error) = read(&bytes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(entries, (1..=5).map(entry).collect::<Vec<_>>());
}

#[test]
fn the_same_blocks_give_the_same_bytes() {
    assert_eq!(log(3), log(3));
}

#[test]
fn a_log_cut_anywhere_says_where() {
    let bytes = log(3);
    for length in MAGIC.len()..bytes.len() {
        let (entries, error) = read(&bytes[..length]);
        let Some(RecordError::CutOff { offset, height }) = error else {
            panic!("cut at {length}: {error:?}")
        };
        assert_eq!((offset, height.0), (length as u64, entries.len() as u64));
    }
}

#[test]
fn a_bit_flipped_anywhere_is_found() {
    let bytes = log(2);
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        let (entries, error) = read(&damaged);
        assert!(error.is_some(), "a bit flipped at byte {place} went unseen");
        // What was read before it is sound.
        assert!(entries.iter().eq((1..=2).map(entry).take(entries.len()).collect::<Vec<_>>().iter()));
    }
}

#[test]
fn a_frame_left_out_is_found() {
    let (one, two) = (log(1).len(), log(2).len());
    let mut bytes = log(3);
    let end = one - 12; // before the end frame: four bytes of length, eight of seal
    bytes.drain(end..end + (two - one));
    let (entries, error) = read(&bytes);
    assert_eq!(entries, [entry(1)]);
    assert!(matches!(error, Some(RecordError::Damaged { height: Height(1), .. })), "{error:?}");
}

#[test]
fn another_file_is_no_log() {
    for bytes in [&b""[..], b"BALLAST", b"timestamp_ms,open,high,low,close,volume\n"] {
        assert!(matches!(read(bytes).1, Some(RecordError::Magic { .. })));
    }
}

#[test]
fn bytes_after_the_end_are_found() {
    let mut bytes = log(1);
    bytes.push(0);
    assert!(matches!(read(&bytes).1, Some(RecordError::Damaged { .. })));
}
