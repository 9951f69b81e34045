//! The download against a server on this machine that behaves, and ones that do not.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::server::{Answer, RECORDS, Server, good_archive, md5, tar_gz};
use datasets::cifar10::{self, FOLDER};
use datasets::download::{Archive, DownloadError, Progress, download};
use tempfile::TempDir;

const PART: &str = "cifar-10-binary.tar.gz.part";

fn quiet(archive: &Archive, into: &Path) -> Result<std::path::PathBuf, DownloadError> {
    download(archive, into, &mut |_| {})
}

/// Names in a directory.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn assert_complete(into: &Path) {
    assert_eq!(names(into), [FOLDER]);
    let files = names(&into.join(FOLDER));
    assert_eq!(files.len(), 7, "{files:?}");
    assert!(files.contains(&"batches.meta.txt".to_owned()));
    assert_eq!(
        cifar10::read(into, RECORDS).unwrap().train.len(),
        5 * RECORDS
    );
    assert!(!into.parent().unwrap().join("escaped.txt").exists());
}

#[test]
fn a_whole_download() {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        move |_, start| Answer::ranged(&content, start)
    });
    let temp = TempDir::new().unwrap();
    // Directories are made as needed.
    let into = temp.path().join("a/data");
    let mut progress: Vec<Progress> = Vec::new();
    let folder = download(&server.archive(&content), &into, &mut |now| {
        progress.push(now)
    })
    .unwrap();
    assert_eq!(folder, into.join(FOLDER));
    assert_complete(&into);
    let total = content.len() as u64;
    assert!(progress.len() > 2 && progress.iter().all(|p| p.total == Some(total)));
    assert_eq!(
        (progress[0].received, progress[progress.len() - 1].received),
        (0, total)
    );
    assert!(
        progress
            .windows(2)
            .all(|pair| pair[0].received < pair[1].received)
    );
    assert_eq!(server.requests(), [None]);

    let error = quiet(&server.archive(&content), &into).unwrap_err();
    assert!(
        error.to_string().contains("exists already; move it away"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_cut_is_continued_at_once() {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        move |_, start| Answer::ranged(&content, start).cut_after(60_000)
    });
    let temp = TempDir::new().unwrap();
    quiet(&server.archive(&content), temp.path()).unwrap();
    assert_complete(temp.path());
    let expected = (0..content.len())
        .step_by(60_000)
        .map(|start| (start > 0).then_some(start));
    assert_eq!(server.requests(), expected.collect::<Vec<_>>());
}

#[test]
fn the_next_call_continues_where_the_last_one_broke_off() {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        // Nothing more comes from the second to the third request.
        move |number, start| {
            let cut = [50_000, 0, 0].get(number).copied().unwrap_or(usize::MAX);
            Answer::ranged(&content, start).cut_after(cut)
        }
    });
    let temp = TempDir::new().unwrap();
    let archive = server.archive(&content);
    let error = quiet(&archive, temp.path()).unwrap_err();
    assert!(error.is_network());
    let sentence = format!("ended after 50000 bytes of {}; start again", content.len());
    assert!(error.to_string().contains(&sentence), "{error}");
    assert_eq!(names(temp.path()), [PART]);
    assert!(quiet(&archive, temp.path()).is_err());
    assert_eq!(fs::metadata(temp.path().join(PART)).unwrap().len(), 50_000);
    quiet(&archive, temp.path()).unwrap();
    assert_complete(temp.path());
    assert_eq!(
        server.requests(),
        [None, Some(50_000), Some(50_000), Some(50_000)]
    );
}

#[test]
fn a_server_without_ranges_starts_over() {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        move |number, _| {
            let cut = if number == 0 { 70_000 } else { usize::MAX };
            Answer::new("200 OK", &content).cut_after(cut)
        }
    });
    let temp = TempDir::new().unwrap();
    quiet(&server.archive(&content), temp.path()).unwrap();
    assert_complete(temp.path());
    assert_eq!(server.requests(), [None, Some(70_000)]);
}

#[test]
fn a_server_without_ranges_that_always_breaks_off_is_given_up() {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        move |_, _| Answer::new("200 OK", &content).cut_after(70_000)
    });
    let temp = TempDir::new().unwrap();
    let error = quiet(&server.archive(&content), temp.path()).unwrap_err();
    assert!(
        matches!(
            error,
            DownloadError::Cut {
                received: 70_000,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn leftovers_of_any_length_are_dealt_with() {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        move |_, start| Answer::ranged(&content, start)
    });
    // Complete but not unpacked: nothing is sent again. Too long: fetched afresh.
    for (leftover, requests) in [(content.len(), 1), (content.len() + 7, 2)] {
        let temp = TempDir::new().unwrap();
        let mut bytes = content.clone();
        bytes.resize(leftover, 0);
        fs::write(temp.path().join(PART), bytes).unwrap();
        // A staging directory of a process that was killed.
        let staging = temp.path().join(format!("{FOLDER}.part"));
        fs::create_dir(&staging).unwrap();
        fs::write(staging.join("old"), "old").unwrap();
        let before = server.requests().len();
        quiet(&server.archive(&content), temp.path()).unwrap();
        assert_complete(temp.path());
        assert_eq!(server.requests().len() - before, requests);
    }
}

#[test]
fn a_range_that_was_not_asked_for_is_not_believed() {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        move |_, start| Answer::ranged(&content, start.map(|start| start - 10))
    });
    let temp = TempDir::new().unwrap();
    fs::write(temp.path().join(PART), &content[..1000]).unwrap();
    quiet(&server.archive(&content), temp.path()).unwrap();
    assert_complete(temp.path());
    assert_eq!(server.requests(), [Some(1000), None]);
}

#[test]
fn a_damaged_archive_is_deleted_before_unpacking() {
    let content = good_archive();
    let server = Server::start({
        let content = content.clone();
        move |_, start| Answer::ranged(&content, start)
    });
    let temp = TempDir::new().unwrap();
    let mut archive = server.archive(&content);
    archive.md5 = md5(b"another one");
    let error = quiet(&archive, temp.path()).unwrap_err();
    let sentence = error.to_string();
    assert!(
        sentence.contains(&format!(
            "its MD5 is {} instead of {}",
            md5(&content),
            archive.md5
        )),
        "{sentence}"
    );
    assert!(sentence.ends_with("it was deleted, so start again to fetch it afresh"));
    assert!(!error.is_network());
    assert!(names(temp.path()).is_empty());

    // A leftover of something else: resumed, found to be damaged, fetched afresh by the next call.
    fs::write(temp.path().join(PART), b"not the beginning of it").unwrap();
    let archive = server.archive(&content);
    assert!(matches!(
        quiet(&archive, temp.path()),
        Err(DownloadError::Checksum { .. })
    ));
    quiet(&archive, temp.path()).unwrap();
    assert_complete(temp.path());
}

#[test]
fn archives_that_cannot_be_unpacked_leave_nothing() {
    let link = {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(
            &mut header,
            format!("{FOLDER}/data_batch_1.bin"),
            "/etc/passwd",
        )
        .unwrap();
        let bytes = tar.into_inner().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &bytes).unwrap();
        gzip.finish().unwrap()
    };
    let mut cut = good_archive();
    cut.truncate(cut.len() / 2);
    let mut flipped = good_archive();
    flipped[100_000..100_050].fill(0);
    let elsewhere = tar_gz(&[
        ("other/data_batch_1.bin", b"x"),
        ("cifar-10-batches-bin/../data_batch_1.bin", b"x"),
    ]);
    let lacks = format!("there is no file `{FOLDER}/data_batch_1.bin` in it");
    for (content, why) in [
        (b"no gzip at all".to_vec(), "cannot be unpacked"),
        (cut, "cannot be unpacked"),
        (flipped, "cannot be unpacked"),
        (link, &lacks),
        (elsewhere, &lacks),
        (tar_gz(&[]), &lacks),
    ] {
        let server = Server::start({
            let content = content.clone();
            move |_, start| Answer::ranged(&content, start)
        });
        let temp = TempDir::new().unwrap();
        let error = quiet(&server.archive(&content), temp.path()).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert!(!error.is_network());
        assert!(names(temp.path()).is_empty(), "{:?}", names(temp.path()));
    }
}

#[test]
fn refusals_of_the_server_are_told() {
    for status in [
        "404 Not Found",
        "500 Oops",
        "416 Range Not Satisfiable",
        "206 Partial Content",
    ] {
        let server = Server::start(move |_, _| Answer::new(status, b"page"));
        let temp = TempDir::new().unwrap();
        let error = quiet(&server.archive(b""), temp.path()).unwrap_err();
        assert!(error.is_network());
        let sentence = format!("with HTTP status {}", &status[..3]);
        assert!(error.to_string().ends_with(&sentence), "{error}");
        assert!(names(temp.path()).is_empty());
    }
}

#[test]
fn a_server_cannot_fill_the_disk() {
    let server = Server::start(|_, _| {
        let mut answer = Answer::new("200 OK", b"abc");
        answer.headers = vec!["Content-Length: 99999999999".into()];
        answer
    });
    let temp = TempDir::new().unwrap();
    let error = quiet(&server.archive(b""), temp.path()).unwrap_err();
    assert!(matches!(error, DownloadError::TooLarge { .. }), "{error}");
    assert!(names(temp.path()).is_empty());
}

#[test]
fn without_a_server_it_fails_at_once() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let temp = TempDir::new().unwrap();
    let begin = Instant::now();
    for url in [
        format!("http://{address}/x"),
        "no url".into(),
        String::new(),
    ] {
        let archive = Archive {
            url: url.clone(),
            md5: String::new(),
        };
        let error = quiet(&archive, temp.path()).unwrap_err();
        assert!(error.is_network(), "{error}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("{url} cannot be reached (")),
            "{error}"
        );
    }
    assert!(begin.elapsed() < Duration::from_secs(8));
    let archive = Archive {
        url: format!("http://{address}/x"),
        md5: String::new(),
    };
    assert!(quiet(&archive, &temp.path().join("new")).is_err());
    assert!(names(temp.path()).is_empty());
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let temp = TempDir::new().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    let archive = Archive {
        url: "http://127.0.0.1:1/x".into(),
        md5: String::new(),
    };
    let error = quiet(&archive, &file.join("data")).unwrap_err();
    assert!(matches!(error, DownloadError::Disk { .. }), "{error}");
    assert!(!error.is_network());
}

#[test]
fn two_downloads_into_one_place_do_not_meet() {
    let temp = TempDir::new().unwrap();
    let held = fs::File::create(temp.path().join(PART)).unwrap();
    held.lock().unwrap();
    let archive = Archive {
        url: "http://127.0.0.1:1/x".into(),
        md5: String::new(),
    };
    let error = quiet(&archive, temp.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Busy { .. }), "{error}");
}
