//! From a URL into a file, continuing what an earlier attempt has left there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Body};

use super::{DownloadError, Progress};

/// Six times CIFAR-10: a server must not fill the disk.
const LIMIT: u64 = 1 << 30;

/// Attempts, of which each must bring more bytes than any before.
const ATTEMPTS: usize = 100;

/// Offline, most systems fail at once; a firewall that swallows packets costs this much.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Silence after which a server counts as gone.
const SILENCE: Duration = Duration::from_secs(20);

/// A URL and the file that receives it.
pub(super) struct Transfer<'a> {
    pub(super) url: &'a str,
    pub(super) part: &'a mut File,
    /// Name of `part`, for messages.
    pub(super) path: &'a Path,
    pub(super) progress: &'a mut dyn FnMut(Progress),
}

/// How an attempt ends that is no error.
enum Attempt {
    Complete,
    /// What was on disk does not fit what the server has, and is gone.
    Restart,
}

impl Transfer<'_> {
    /// Fills `part` with the whole of `url`. After an error of the network it holds what has arrived.
    pub(super) fn run(&mut self) -> Result<(), DownloadError> {
        let agent = agent(self.url);
        let mut furthest = self.length()?;
        let mut last = Ok(());
        for _ in 0..ATTEMPTS {
            match self.attempt(&agent) {
                Ok(Attempt::Complete) => return Ok(()),
                Ok(Attempt::Restart) => furthest = 0,
                // A transfer that was cut goes on at once, as long as it gets anywhere.
                Err(error @ DownloadError::Cut { received, .. }) if received > furthest => {
                    furthest = received;
                    last = Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        last
    }

    fn attempt(&mut self, agent: &Agent) -> Result<Attempt, DownloadError> {
        let start = self.length()?;
        let mut request = agent.get(self.url);
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        let response = request.call().map_err(|error| DownloadError::Network {
            url: self.url.to_owned(),
            reason: error.into_io(),
        })?;
        let range = content_range(&response);
        let total = match response.status() {
            StatusCode::OK => {
                // The whole file, whether or not only the rest was asked for.
                self.truncate()?;
                response.body().content_length()
            }
            StatusCode::PARTIAL_CONTENT if start > 0 => match range {
                Some((Some(first), total)) if first == start => total,
                _ => {
                    self.truncate()?;
                    return Ok(Attempt::Restart);
                }
            },
            // Nothing is left to send: everything is here, or more than there is.
            StatusCode::RANGE_NOT_SATISFIABLE if start > 0 => {
                if matches!(range, Some((_, Some(total))) if total == start) {
                    return Ok(Attempt::Complete);
                }
                self.truncate()?;
                return Ok(Attempt::Restart);
            }
            status => {
                return Err(DownloadError::Status {
                    url: self.url.to_owned(),
                    status: status.as_u16(),
                });
            }
        };
        self.copy(response.into_body().into_reader(), total)?;
        Ok(Attempt::Complete)
    }

    /// Appends the body.
    fn copy(&mut self, mut body: impl Read, total: Option<u64>) -> Result<(), DownloadError> {
        let mut received = self.length()?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            if received.max(total.unwrap_or(0)) > LIMIT {
                self.truncate()?;
                return Err(DownloadError::TooLarge {
                    url: self.url.to_owned(),
                    limit: LIMIT,
                });
            }
            (self.progress)(Progress { received, total });
            let count = match body.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) if total.is_none_or(|total| total == received) => return Ok(()),
                Ok(0) | Err(_) => {
                    return Err(DownloadError::Cut {
                        url: self.url.to_owned(),
                        received,
                        total,
                    });
                }
                Ok(count) => count,
            };
            self.part
                .write_all(&buffer[..count])
                .map_err(|reason| self.disk(reason))?;
            received += count as u64;
        }
    }

    /// Bytes on disk; the next are written after them.
    fn length(&mut self) -> Result<u64, DownloadError> {
        self.part
            .seek(SeekFrom::End(0))
            .map_err(|reason| self.disk(reason))
    }

    fn truncate(&mut self) -> Result<(), DownloadError> {
        let emptied = self.part.set_len(0).and_then(|()| self.part.rewind());
        emptied.map_err(|reason| self.disk(reason))
    }

    fn disk(&self, reason: io::Error) -> DownloadError {
        DownloadError::Disk {
            path: self.path.to_owned(),
            reason,
        }
    }
}

fn agent(url: &str) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // The archive's own bytes, so that lengths and positions mean what they say.
        .accept_encoding("identity")
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE));
    let uri = url.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host);
    if host.is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]") {
        // A proxy cannot reach a server of this machine.
        config = config.proxy(None);
    }
    config.build().into()
}

/// `(first, total)` of `Content-Range: bytes first-last/total`; the first is missing from `bytes */total`.
fn content_range(response: &Response<Body>) -> Option<(Option<u64>, Option<u64>)> {
    let header = response.headers().get("content-range")?.to_str().ok()?;
    let (range, total) = header
        .trim()
        .strip_prefix("bytes")?
        .trim()
        .split_once('/')?;
    let first = range
        .split_once('-')
        .and_then(|(first, _)| first.trim().parse().ok());
    Some((first, total.trim().parse().ok()))
}
