//! The targets on their seeds, whole and damaged at random: what a stable compiler can do of fuzzing.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Insert(Index, u8),
    Delete(Index, usize),
    /// Copies a piece to another place.
    Copy(Index, usize, Index),
    /// Puts a word of the dictionary in the place of a piece.
    Word(Index, usize, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = any::<Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (place(), any::<u8>()).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        (place(), 1..40usize).prop_map(|(at, length)| Edit::Delete(at, length)),
        (place(), 1..200usize, place()).prop_map(|(from, length, to)| Edit::Copy(from, length, to)),
        (place(), 0..12usize, place()).prop_map(|(at, length, word)| Edit::Word(at, length, word)),
    ]
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>, words: &[Vec<u8>]) {
        let size = bytes.len();
        let piece = |at: &Index, length: usize| {
            let start = at.index(size + 1);
            start..size.min(start + length)
        };
        match self {
            Edit::Set(at, byte) => {
                if let Some(place) = bytes.get_mut(at.index(size + 1)) {
                    *place = *byte;
                }
            }
            Edit::Insert(at, byte) => bytes.insert(at.index(size + 1), *byte),
            Edit::Delete(at, length) => drop(bytes.drain(piece(at, *length))),
            Edit::Copy(from, length, to) => {
                let copied = bytes[piece(from, *length)].to_vec();
                let to = to.index(size + 1);
                bytes.splice(to..to, copied);
            }
            Edit::Word(at, length, word) => {
                if !words.is_empty() {
                    bytes.splice(piece(at, *length), word.get(words).clone());
                }
            }
        }
    }
}

/// Runs a target on each of its seeds, then on `cases` damaged ones.
fn drive(target: fn(&[u8]), name: &str, cases: u32) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = fs::read_dir(here.join("seeds").join(name)).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| target(seed));

    let words = fs::read_to_string(here.join(name).with_extension("dict")).unwrap_or_default();
    let words: Vec<Vec<u8>> = words
        .lines()
        .filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'))
        .map(|word| word.as_bytes().to_vec())
        .collect();
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let edits = proptest::collection::vec(edit(), 1..6);
    proptest!(config, |(seed in any::<Index>(), edits in edits)| {
        let mut bytes = seed.get(&seeds).clone();
        edits.iter().for_each(|edit| edit.apply(&mut bytes, &words));
        target(&bytes);
    });
}

#[test]
fn experiment() {
    drive(texp_fuzz::experiment, "experiment", 4000);
}

#[test]
fn cifar10_batch() {
    drive(texp_fuzz::cifar10_batch, "cifar10_batch", 4000);
}

#[test]
fn run_folder() {
    drive(texp_fuzz::run_folder, "run_folder", 1000);
}

#[test]
fn recipe() {
    drive(texp_fuzz::recipe, "recipe", 4000);
}

#[test]
fn laws() {
    drive(texp_fuzz::laws, "laws", 20_000);
}

#[test]
fn audit() {
    drive(texp_fuzz::audit, "audit", 4000);
}

#[test]
fn onnx() {
    drive(texp_fuzz::onnx, "onnx", 4000);
}

#[test]
fn the_seeds_of_experiments_are_accepted() {
    for name in ["tiny", "schedules"] {
        let path = format!(
            "{}/seeds/experiment/{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        trainer::experiment::Experiment::read(path.as_ref(), None).unwrap();
    }
    let path = format!(
        "{}/seeds/experiment/schedules.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    trainer::experiment::Experiment::read(path.as_ref(), Some("p")).unwrap();
}
