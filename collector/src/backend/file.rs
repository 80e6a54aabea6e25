//! Events as newline-delimited JSON in a local file: where they go when the user said "local only".

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::json::Line;
use super::{Backend, Batch, Outcome, SendContext};

/// A file is moved aside when it has grown to this: two of them are what a user may find.
const ROTATE_AT: u64 = 5 * 1024 * 1024;

/// Appends each event as one line of JSON to a file, which only its owner can read. At 5 MiB the
/// file is renamed to `<name>.1`, replacing the one before, and a new one begins.
pub struct File {
    path: PathBuf,
}

impl File {
    /// A backend that appends to this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn append(&self, text: &[u8]) -> std::io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|meta| meta.len() >= ROTATE_AT) {
            fs::rename(&self.path, rotated(&self.path))?;
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        let before = file.metadata()?.len();
        crate::platform::file::fits(before + text.len() as u64)?;
        let written = file.write_all(text);
        if written.is_err() {
            // All of it comes again, and half a line would be in the way of the next.
            let _ = file.set_len(before);
        }
        written
    }
}

/// Where a full file goes.
pub(crate) fn rotated(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

impl Backend for File {
    fn send(&mut self, batch: &Batch, _: &SendContext) -> Outcome {
        let mut text = Vec::new();
        for event in &batch.events {
            if serde_json::to_writer(&mut text, &Line::new(event, Some(&batch.origin))).is_err() {
                return Outcome::Rejected("an event cannot be written as JSON".into());
            }
            text.push(b'\n');
        }
        match self.append(&text) {
            Ok(()) => Outcome::Delivered,
            Err(error) => Outcome::Retry {
                reason: format!("cannot write to {}: {error}", self.path.display()),
                after: None,
            },
        }
    }
}
