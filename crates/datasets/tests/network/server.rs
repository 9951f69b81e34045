//! A small HTTP server on this machine, and archives to serve.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use datasets::cifar10::{FOLDER, RECORD_BYTES, TEST_FILE, TRAIN_FILES};
use datasets::download::Archive;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};

/// What the server does with a request, given the first byte asked for, if a range is asked for.
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
    /// Bytes after which the connection is closed.
    pub(crate) cut: usize,
}

impl Answer {
    pub(crate) fn new(status: &'static str, body: &[u8]) -> Self {
        Self {
            status,
            headers: vec![format!("Content-Length: {}", body.len())],
            body: body.to_vec(),
            cut: usize::MAX,
        }
    }

    /// All of `content`, or the part from `start` on.
    pub(crate) fn ranged(content: &[u8], start: Option<usize>) -> Self {
        let total = content.len();
        match start {
            None => Self::new("200 OK", content),
            Some(start) if start >= total => {
                let mut answer = Self::new("416 Range Not Satisfiable", b"");
                answer
                    .headers
                    .push(format!("Content-Range: bytes */{total}"));
                answer
            }
            Some(start) => {
                let mut answer = Self::new("206 Partial Content", &content[start..]);
                let range = format!("Content-Range: bytes {start}-{}/{total}", total - 1);
                answer.headers.push(range);
                answer
            }
        }
    }

    pub(crate) fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = bytes;
        self
    }
}

/// A server that lives as long as the test process.
pub(crate) struct Server {
    pub(crate) url: String,
    /// First byte asked for in each request so far.
    pub(crate) requests: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    /// `answer` gets the number of the request, from 0, and the first byte asked for.
    pub(crate) fn start(answer: impl Fn(usize, Option<usize>) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/cifar.tar.gz", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let start = read_request(&stream);
                let number = seen.lock().unwrap().len();
                seen.lock().unwrap().push(start);
                // A client that has gone is its own affair.
                let _ = send(stream, answer(number, start));
            }
        });
        Self { url, requests }
    }

    pub(crate) fn archive(&self, content: &[u8]) -> Archive {
        Archive {
            url: self.url.clone(),
            md5: md5(content),
        }
    }

    pub(crate) fn requests(&self) -> Vec<Option<usize>> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream) -> Option<usize> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut start = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        let line = line.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().ok();
        }
    }
    start
}

fn send(mut stream: TcpStream, answer: Answer) -> std::io::Result<()> {
    let headers = answer.headers.join("\r\n");
    write!(
        stream,
        "HTTP/1.1 {}\r\n{headers}\r\nConnection: close\r\n\r\n",
        answer.status
    )?;
    let cut = answer.cut.min(answer.body.len());
    stream.write_all(&answer.body[..cut])?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Until the client has read all: closing earlier may destroy what is on its way.
    let _ = stream.read(&mut [0]);
    Ok(())
}

pub(crate) fn md5(bytes: &[u8]) -> String {
    let digest = Md5::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `RECORDS` records, hard to compress, so that the archive is longer than the client's buffer.
pub(crate) const RECORDS: usize = 8;

fn records(file: usize) -> Vec<u8> {
    let mut state = file as u32 + 1;
    let mut next = |position: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let byte = (state >> 24) as u8;
        if position.is_multiple_of(RECORD_BYTES) {
            byte % 10
        } else {
            byte
        }
    };
    (0..RECORDS * RECORD_BYTES).map(&mut next).collect()
}

/// An archive of these entries.
pub(crate) fn tar_gz(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // Not `set_path`, which refuses the paths that a hostile archive would have.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// An archive as the official one, with small files.
pub(crate) fn good_archive() -> Vec<u8> {
    let mut names: Vec<String> = TRAIN_FILES
        .iter()
        .map(|name| format!("{FOLDER}/{name}"))
        .collect();
    names.push(format!("./{FOLDER}/{TEST_FILE}"));
    let contents: Vec<Vec<u8>> = (0..6).map(records).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("../escaped.txt", b"no"),
        ("cifar-10-batches-bin/readme.html", b"no"),
    ];
    let meta = format!("{FOLDER}/batches.meta.txt");
    entries.push((&meta, b"airplane\n"));
    entries.extend(
        names
            .iter()
            .map(String::as_str)
            .zip(contents.iter().map(Vec::as_slice)),
    );
    tar_gz(&entries)
}
