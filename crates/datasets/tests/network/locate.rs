//! Which images are chosen, and what is said about it.

use std::fs;
use std::path::Path;

use crate::server::{Answer, RECORDS, Server, good_archive};
use datasets::cifar10::FOLDER;
use datasets::download::{Archive, download};
use datasets::{DataError, Dataset, LocateOptions, Network, Preference, Source, locate};
use tempfile::TempDir;

/// Options that look into `dir` by default and find no network.
fn options(dir: &Path) -> LocateOptions {
    let mut options = LocateOptions {
        default_dir: dir.join("data"),
        records_per_file: RECORDS,
        archive: Archive {
            url: "http://127.0.0.1:1/x".into(),
            md5: String::new(),
        },
        ..LocateOptions::default()
    };
    (options.synthetic.train, options.synthetic.test) = (20, 10);
    options
}

fn find(options: &LocateOptions) -> Result<Dataset, DataError> {
    locate(options, &mut |_| {})
}

fn server() -> (Server, Archive) {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        move |_, start| Answer::ranged(&content, start)
    });
    let archive = server.archive(&content);
    (server, archive)
}

/// A set in `dir`.
fn provide(dir: &Path) {
    download(&server().1, dir, &mut |_| {}).unwrap();
}

#[test]
fn the_named_directory_comes_first_then_the_environment_then_the_default() {
    let temp = TempDir::new().unwrap();
    let place = |name: &str| temp.path().join(name);
    for name in ["named", "environment", "data"] {
        provide(&place(name));
    }
    let mut options = options(temp.path());
    let source = |options: &LocateOptions, name: &str| {
        let found = find(options).unwrap().source;
        assert_eq!(
            found,
            Source::Cifar10 {
                dir: place(name).join(FOLDER),
                note: None
            }
        );
    };
    source(&options, "data");
    options.environment = Some("".into());
    source(&options, "data");
    options.environment = Some(place("environment"));
    source(&options, "environment");
    options.dir = Some(place("named"));
    source(&options, "named");
    options.preference = Preference::Synthetic;
    assert_eq!(
        find(&options).unwrap().source.to_string(),
        "the built-in synthetic set (seed 0), as asked for"
    );
}

#[test]
fn a_directory_that_was_named_is_never_replaced() {
    let temp = TempDir::new().unwrap();
    provide(&temp.path().join("data"));
    let bad = temp.path().join("bad");
    let mut options = options(temp.path());
    options.dir = Some(bad.clone());
    let sentence = find(&options).unwrap_err().to_string();
    assert!(sentence.contains("bad` does not exist"), "{sentence}");
    fs::create_dir(&bad).unwrap();
    let sentence = find(&options).unwrap_err().to_string();
    assert!(
        sentence.contains("data_batch_1.bin` does not exist"),
        "{sentence}"
    );
    options.environment = options.dir.take();
    let error = find(&options).unwrap_err();
    assert!(error.is_bad_input());
    let sentence = error.to_string();
    assert!(sentence.starts_with("$CIFAR10_DIR: `"), "{sentence}");
}

#[test]
fn damaged_files_in_the_default_directory_are_an_error() {
    let temp = TempDir::new().unwrap();
    let options = options(temp.path());
    let data = &options.default_dir;
    provide(data);
    fs::remove_file(data.join(FOLDER).join("data_batch_3.bin")).unwrap();
    let sentence = find(&options).unwrap_err().to_string();
    assert!(
        sentence.contains("data_batch_3.bin` does not exist"),
        "{sentence}"
    );
    fs::remove_dir_all(data.join(FOLDER)).unwrap();
    fs::write(data.join("test_batch.bin"), "").unwrap();
    assert!(find(&options).is_err());
    fs::remove_dir_all(data).unwrap();
    fs::write(data, "a file").unwrap();
    let sentence = find(&options).unwrap_err().to_string();
    assert!(sentence.contains("data` is not a directory"), "{sentence}");
}

#[test]
fn what_is_missing_is_downloaded_once() {
    let temp = TempDir::new().unwrap();
    let mut options = options(temp.path());
    // Other files may lie there.
    fs::create_dir(&options.default_dir).unwrap();
    fs::write(options.default_dir.join("notes.txt"), "").unwrap();
    let (server, archive) = server();
    options.archive = archive;
    let mut calls = 0;
    let first = locate(&options, &mut |_| calls += 1).unwrap();
    assert!(calls > 1);
    let sentence = first.source.to_string();
    assert!(
        sentence.starts_with("CIFAR-10 from ")
            && sentence.ends_with(&format!("downloaded from {}", server.url))
    );
    assert_eq!(first.train.len(), 5 * RECORDS);
    let again = find(&options).unwrap();
    assert_eq!(again.train, first.train);
    assert!(matches!(again.source, Source::Cifar10 { .. }));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn without_network_the_synthetic_set_says_why() {
    let temp = TempDir::new().unwrap();
    let mut options = options(temp.path());
    let set = find(&options).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (20, 10));
    let sentence = set.source.to_string();
    assert!(
        sentence.starts_with(
            "the built-in synthetic set (seed 0), because CIFAR-10 was not found and the download failed: http://127.0.0.1:1/x cannot be reached ("
        ),
        "{sentence}"
    );
    options.network = Network::Forbidden;
    assert!(
        find(&options)
            .unwrap()
            .source
            .to_string()
            .ends_with("not found and downloading is switched off")
    );
}

#[test]
fn a_damaged_download_is_an_error_and_no_synthetic_set() {
    let temp = TempDir::new().unwrap();
    let mut options = options(temp.path());
    let (_server, archive) = server();
    options.archive = Archive {
        md5: "0".into(),
        ..archive
    };
    let error = find(&options).unwrap_err();
    assert!(matches!(error, DataError::Download(_)), "{error}");
    assert!(!error.is_bad_input());
}
