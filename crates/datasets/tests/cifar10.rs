//! The reader on files made here, sound and damaged.

use std::fs;
use std::path::Path;

use datasets::cifar10::{self, FOLDER, RECORD_BYTES, TEST_FILE, TRAIN_FILES, parse_batch};
use datasets::{DataError, Source, fingerprint};
use proptest::prelude::*;
use tempfile::TempDir;

const RECORDS: usize = 3;

/// A batch file whose record `r` has label `(first + r) % 10` and pixels that tell file, record and position.
fn batch(first: usize) -> Vec<u8> {
    let record = |r: usize| {
        let label = ((first + r) % 10) as u8;
        let pixels = (0..RECORD_BYTES - 1).map(move |i| (first * 50 + r * 10 + i / 1024) as u8);
        std::iter::once(label).chain(pixels)
    };
    (0..RECORDS).flat_map(record).collect()
}

fn write_set(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for (i, name) in TRAIN_FILES.iter().chain([&TEST_FILE]).enumerate() {
        fs::write(dir.join(name), batch(i)).unwrap();
    }
}

/// A sound set in a temporary directory, and the directory of its files.
fn sound() -> (TempDir, std::path::PathBuf) {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join(FOLDER);
    write_set(&folder);
    (temp, folder)
}

fn refusal(dir: &Path) -> String {
    let error = cifar10::read(dir, RECORDS).unwrap_err();
    assert!(error.is_bad_input(), "{error}");
    error.to_string()
}

#[test]
fn a_sound_set_is_read_from_either_directory() {
    let (temp, folder) = sound();
    let set = cifar10::read(temp.path(), RECORDS).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (15, 3));
    assert_eq!(
        set.train.labels(),
        [0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6]
    );
    assert_eq!(set.test.labels(), [5, 6, 7]);
    // Image 4 is record 1 of file 1; its green plane holds 1·50 + 1·10 + 1.
    let green = &set.train.pixels()[4 * 3072 + 1024..][..1024];
    assert!(green.iter().all(|&byte| byte == 61));
    let expected = (61.0 / 255.0 - cifar10::MEAN[1]) / cifar10::DEVIATION[1];
    assert!((set.train.value(1, 61) - expected).abs() < 1e-15);
    assert_eq!(set.class_names[9], "truck");
    assert_eq!(
        set.source.to_string(),
        format!("CIFAR-10 from {}", folder.display())
    );
    assert_eq!(cifar10::read(&folder, RECORDS).unwrap(), set);
}

#[test]
fn a_note_beside_the_files_is_shown_without_control_characters() {
    let (temp, folder) = sound();
    let note = |dir: &Path, text: &[u8]| {
        fs::write(dir.join("SOURCE.txt"), text).unwrap();
        match cifar10::read(temp.path(), RECORDS).unwrap().source {
            Source::Cifar10 { note, .. } => note,
            other => panic!("{other}"),
        }
    };
    assert_eq!(
        note(temp.path(), b"JPEG copy\nsecond line"),
        Some("JPEG copy".into())
    );
    // The one beside the files wins.
    assert_eq!(
        note(&folder, "\u{1b}[31mred\u{202e} \u{7}\tand\r\n".as_bytes()),
        Some("[31mred and".into())
    );
    assert_eq!(note(&folder, &[b'x'; 10_000]), Some("x".repeat(200)));
    assert_eq!(note(&folder, &[0xff, b'y']), Some("\u{fffd}y".into()));
    // An empty one says nothing, and the outer one is asked.
    assert_eq!(note(&folder, b"  \n"), Some("JPEG copy".into()));
    fs::write(folder.join("SOURCE.txt"), "a copy").unwrap();
    let sentence = cifar10::read(&folder, RECORDS).unwrap().source.to_string();
    assert!(
        sentence.ends_with("cifar-10-batches-bin (a copy)"),
        "{sentence}"
    );
}

#[test]
fn what_is_missing_is_named() {
    let (temp, folder) = sound();
    let absent = temp.path().join("absent");
    assert!(refusal(&absent).contains("absent` does not exist; fetch the binary version"));
    let empty = temp.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(refusal(&empty).contains("data_batch_1.bin` does not exist"));
    fs::remove_file(folder.join("data_batch_4.bin")).unwrap();
    assert!(refusal(temp.path()).contains("data_batch_4.bin` does not exist"));
}

#[test]
fn what_is_no_file_or_no_directory_is_named() {
    let (temp, folder) = sound();
    let file = folder.join(TEST_FILE);
    assert!(refusal(&file).contains("test_batch.bin` is not a directory"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(refusal(temp.path()).contains("test_batch.bin` is not a file"));
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file where the directory should be").unwrap();
    let error = cifar10::read(temp.path(), RECORDS).unwrap_err();
    assert!(matches!(error, DataError::Unreadable { .. }), "{error}");
}

#[test]
fn a_wrong_length_is_told_with_its_position() {
    let (temp, folder) = sound();
    let file = folder.join("data_batch_2.bin");
    let damage = |length: usize| {
        let mut bytes = batch(1);
        bytes.resize(length, 0);
        fs::write(&file, bytes).unwrap();
        refusal(temp.path())
    };
    let sentence = damage(RECORD_BYTES + 5);
    assert!(
        sentence.contains("data_batch_2.bin` is truncated: it ends at byte 3078, inside record 1, which starts at byte 3073"),
        "{sentence}"
    );
    let sentence = damage(2 * RECORD_BYTES);
    assert!(
        sentence.contains("has 6146 bytes where 9219 (3 records) are expected"),
        "{sentence}"
    );
    let sentence = damage(3 * RECORD_BYTES + 1);
    assert!(sentence.contains("has 9220 bytes where 9219"), "{sentence}");
    assert!(damage(0).contains("data_batch_2.bin` is empty"));
    // A set of the right sizes for three records is not the official one.
    fs::write(&file, batch(1)).unwrap();
    let error = cifar10::read(temp.path(), cifar10::RECORDS_PER_FILE).unwrap_err();
    assert!(
        error.to_string().contains("30730000 (10000 records)"),
        "{error}"
    );
}

#[test]
fn a_label_above_9_is_told_with_its_position() {
    let (temp, folder) = sound();
    let mut bytes = batch(5);
    bytes[2 * RECORD_BYTES] = 10;
    fs::write(folder.join(TEST_FILE), bytes).unwrap();
    let sentence = refusal(temp.path());
    assert!(sentence.starts_with("record 2 of `"), "{sentence}");
    assert!(
        sentence.contains("test_batch.bin` (byte 6146) has label 10"),
        "{sentence}"
    );
}

#[cfg(unix)]
#[test]
fn what_cannot_be_opened_is_told() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (temp, folder) = sound();
    let file = folder.join("data_batch_1.bin");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything.
    if fs::read(&file).is_err() {
        assert!(refusal(temp.path()).contains("data_batch_1.bin` cannot be read"));
    }
    fs::remove_file(&file).unwrap();
    symlink("/dev/zero", &file).unwrap();
    assert!(refusal(temp.path()).contains("data_batch_1.bin` is not a file"));
    fs::remove_file(&file).unwrap();
    symlink("data_batch_1.bin", &file).unwrap();
    assert!(refusal(temp.path()).contains("data_batch_1.bin` cannot be read"));
}

#[test]
fn the_fingerprint_tells_every_change() {
    let (temp, folder) = sound();
    let read = || cifar10::read(temp.path(), RECORDS).unwrap();
    let set = read();
    let original = fingerprint(&set);
    assert_eq!(original, fingerprint(&read()));
    let truncated = set.clone().truncated(14, 3);
    assert_ne!(original, fingerprint(&truncated));
    let mut swapped = set.clone();
    std::mem::swap(&mut swapped.train, &mut swapped.test);
    assert_ne!(original, fingerprint(&swapped));
    for position in [0, 1, RECORDS * RECORD_BYTES - 1] {
        let mut bytes = batch(0);
        bytes[position] ^= 1;
        fs::write(folder.join(TRAIN_FILES[0]), bytes).unwrap();
        assert_ne!(original, fingerprint(&read()), "byte {position}");
    }
}

/// The whole set, if there is one.
#[test]
fn the_real_set_has_the_published_statistics() {
    let Some(dir) = std::env::var_os("CIFAR10_DIR").filter(|dir| !dir.is_empty()) else {
        eprintln!("skipped: set CIFAR10_DIR to a directory with CIFAR-10 to run this");
        return;
    };
    let set = cifar10::read(Path::new(&dir), cifar10::RECORDS_PER_FILE).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (50_000, 10_000));
    let mut of_each_class = [0; 10];
    for &label in set.train.labels() {
        of_each_class[usize::from(label)] += 1;
    }
    assert_eq!(of_each_class, [5000; 10]);
    for channel in 0..3 {
        let planes = set.train.pixels().chunks(1024).skip(channel).step_by(3);
        let (mut sum, mut squares) = (0u64, 0u64);
        for &byte in planes.flatten() {
            sum += u64::from(byte);
            squares += u64::from(byte).pow(2);
        }
        let count = 50_000.0 * 1024.0;
        let mean = sum as f64 / count;
        let deviation = (squares as f64 / count - mean * mean).sqrt();
        // Copies that were compressed differ a little.
        assert!(
            (mean / 255.0 - cifar10::MEAN[channel]).abs() < 0.005,
            "{mean}"
        );
        assert!(
            (deviation / 255.0 - cifar10::DEVIATION[channel]).abs() < 0.005,
            "{deviation}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_parser_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        length in 0usize..4 * RECORD_BYTES,
    ) {
        bytes.resize(length, 0);
        match parse_batch(&bytes, "fuzz") {
            Ok(batch) => {
                prop_assert_eq!(batch.labels.len() * RECORD_BYTES, bytes.len());
                prop_assert_eq!(batch.pixels.len(), batch.labels.len() * 3072);
                prop_assert!(batch.labels.iter().all(|&label| label < 10));
            }
            Err(error) => prop_assert!(error.to_string().contains("`fuzz`")),
        }
    }

    #[test]
    fn whole_records_with_small_labels_are_accepted(labels in prop::collection::vec(0u8..10, 1..5)) {
        let record = |&label: &u8| std::iter::once(label).chain((0..3072).map(move |i| label ^ i as u8));
        let bytes: Vec<u8> = labels.iter().flat_map(record).collect();
        let batch = parse_batch(&bytes, "x").unwrap();
        prop_assert_eq!(&batch.labels, &labels);
        prop_assert_eq!(batch.pixels[3071], labels[0] ^ 255);
    }
}
