//! One segment of the block log: written, read, cut and damaged.

use ballast_node::log::{MAGIC, ReadError, Reader, Record, Writer};
use ballast_sim::house;
use ballast_types::{AccountId, Block, ChainId, Command, Hash, Height};
use ballast_units::{Amount, Time};

fn entry(height: u64) -> Record {
    let lend = Command::Lend { account: AccountId(7), chain: ChainId(1), amount: Amount::whole(height) };
    let block = Block {
        height: Height(height),
        time: Time::from_millis(height * 1_000),
        commands: vec![lend],
        ..Block::default()
    };
    Record { state_hash: Hash([height.to_le_bytes()[0]; 32]), block, approvals: Vec::new() }
}

fn log(blocks: u64) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &house::genesis()).unwrap();
    for Record { block, state_hash, .. } in (1..=blocks).map(entry) {
        writer.block(&block, state_hash).unwrap();
    }
    writer.finish().unwrap()
}

/// Every block up to the end or the first error.
fn read(bytes: &[u8]) -> (Vec<Record>, Option<ReadError>) {
    let mut entries = Vec::new();
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (entries, Some(error)),
    };
    loop {
        match reader.next_record() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => return (entries, None),
            Err(error) => return (entries, Some(error)),
        }
    }
}

#[test]
fn a_log_reads_as_it_was_written() {
    let bytes = log(5);
    assert_eq!(Reader::new(bytes.as_slice()).unwrap().head().genesis, house::genesis());
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
        let Some(ReadError::CutOff { end, height, .. }) = error else { panic!("cut at {length}: {error:?}") };
        assert_eq!((end, height.0), (length as u64, entries.len() as u64));
    }
}

#[test]
fn a_bit_flipped_anywhere_is_found() {
    let bytes = log(2);
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        let (entries, error) = read(&damaged);
        // Never taken for a file that ends too early: what follows it would be cut off.
        assert!(
            matches!(error, Some(ReadError::Damaged { .. } | ReadError::Magic { .. })),
            "a bit flipped at byte {place}: {error:?}"
        );
        // What was read before it is sound.
        assert!(entries.iter().eq((1..=2).map(entry).take(entries.len()).collect::<Vec<_>>().iter()));
    }
}

#[test]
fn a_frame_left_out_is_found() {
    let (one, two) = (log(1).len(), log(2).len());
    let mut bytes = log(3);
    let end = one - 40; // before the end frame: length, check, seal
    bytes.drain(end..end + (two - one));
    let (entries, error) = read(&bytes);
    assert_eq!(entries, [entry(1)]);
    assert!(matches!(error, Some(ReadError::Damaged { height: Height(1), .. })), "{error:?}");
}

#[test]
fn another_file_is_no_log() {
    for bytes in [&b""[..], b"BALLAST", b"timestamp_ms,open,high,low,close,volume\n"] {
        assert!(matches!(read(bytes).1, Some(ReadError::Magic { .. })));
    }
}

#[test]
fn bytes_after_the_end_are_found() {
    let mut bytes = log(1);
    bytes.push(0);
    assert!(matches!(read(&bytes).1, Some(ReadError::Damaged { .. })));
}

/// A power cut keeps some sectors of the last record, and a file that is long enough for all.
#[test]
fn a_last_record_whose_sectors_were_not_all_written_is_cut_off() {
    let sound = log(1);
    let start = sound.len() - 40; // before the end frame
    let mut writer = Writer::new(Vec::new(), &house::genesis()).unwrap();
    let Record { block, state_hash, .. } = entry(1);
    writer.block(&block, state_hash).unwrap();
    let commands = vec![Command::LiquidateAccount { account: AccountId(u32::MAX) }; 1_000];
    writer.block(&Block { height: Height(2), commands, ..block }, state_hash).unwrap();
    let whole = writer.finish().unwrap();
    let whole = &whole[..whole.len() - 40];
    let sectors: Vec<usize> = (start.next_multiple_of(512)..whole.len()).step_by(512).collect();
    assert!(8 < sectors.len());
    for sector in sectors {
        let mut torn = whole.to_vec();
        let end = torn.len().min(sector + 512);
        torn[sector..end].fill(0);
        if end - sector < 16 {
            continue;
        }
        let (entries, error) = read(&torn);
        assert_eq!(entries.len(), 1);
        let Some(ReadError::CutOff { from, .. }) = error else { panic!("sector at {sector}: {error:?}") };
        assert_eq!(from, start as u64);
        // The same bytes with something after them are no last record.
        torn.extend([1, 2, 3]);
        assert!(matches!(read(&torn).1, Some(ReadError::Damaged { .. })));
    }
    let mut unwritten = whole[..start].to_vec();
    unwritten.resize(whole.len(), 0);
    assert!(matches!(read(&unwritten).1, Some(ReadError::CutOff { .. })));
}
