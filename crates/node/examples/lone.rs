//! A lone node in a folder: `lone DIR BLOCKS` makes so many blocks there and prints height and state hash of each once it
//! lasts. Started again, it goes on where it ended. The people are those of the tests, and so are their keys.

#[path = "../tests/support/mod.rs"]
mod support;

use ballast_node::{Node, Options};
use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use support::{Town, setup};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, folder, blocks] = &args[..] else { return Err("expected: lone DIR BLOCKS".into()) };
    let blocks: u64 = blocks.parse()?;
    let options = Options { snapshot_blocks: 20, segment_bytes: 64 << 10, ..Options::default() };
    let town = Town::new(1);
    let mut node = match Node::open(Path::new(folder), setup(options)) {
        Ok(node) => node,
        Err(error) => return fail(&error),
    };
    let mut out = std::io::stdout().lock();
    for _ in 0..blocks {
        let now = town.feed(&mut node);
        let seed = node.block_hash();
        let produced = match node.step(now, seed) {
            Ok(produced) => produced,
            Err(error) => return fail(&error),
        };
        writeln!(out, "{} {}", produced.record.block.height, produced.record.state_hash)?;
        out.flush()?;
        for notice in node.take_notices() {
            eprintln!("{notice}");
        }
    }
    Ok(())
}

/// Tells an error with its causes, and ends with exit code 1.
fn fail(error: &dyn Error) -> Result<(), Box<dyn Error>> {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    eprintln!("{text}");
    std::process::exit(1)
}
