//! The targets, apart from what drives them.

use crate::walk::world::World;
use crate::walk::{Setting, Step};
use ballast_types::{Block, Command, Event, Observation, Order, Reject};
use borsh::{BorshDeserialize, BorshSerialize};

/// Bytes that decode encode to themselves; others are an error, and never a panic.
pub(crate) fn codec(bytes: &[u8]) {
    canonical::<Block>(bytes);
    canonical::<Command>(bytes);
    canonical::<Observation>(bytes);
    canonical::<Order>(bytes);
    canonical::<Event>(bytes);
    canonical::<Reject>(bytes);
}

fn canonical<T: BorshSerialize + BorshDeserialize>(bytes: &[u8]) {
    let mut rest = bytes;
    if let Ok(value) = T::deserialize(&mut rest) {
        let read = bytes.len() - rest.len();
        let again = borsh::to_vec(&value).expect("memory takes all bytes");
        assert_eq!(Some(again.as_slice()), bytes.get(..read), "one value, two encodings");
    }
}

/// The first byte says in which house; every five after it are a step. Every invariant holds after every block, and
/// what was refused has changed nothing.
pub(crate) fn commands(bytes: &[u8]) {
    let Some((house, steps)) = bytes.split_first() else { return };
    let setting = match house % 4 {
        0 => Setting::Guarded,
        1 => Setting::Shallow,
        2 => Setting::Wild,
        _ => Setting::Corners,
    };
    let mut world = World::new(setting);
    for gene in steps.chunks_exact(5) {
        let gene = gene.try_into().expect("five bytes");
        world.take(Step::of(gene));
    }
}
