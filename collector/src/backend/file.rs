//! Events as newline-delimited JSON in a local file: where they go when the user said "local only".

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::json::Line;
use super::{Backend, Batch, Outcome, SendContext};
use crate::platform::private;

/// A file is moved aside when it has grown to this: two of them are what a user may find.
const ROTATE_AT: u64 = 5 * 1024 * 1024;

/// Appends each event as one line of JSON to a file, which only its owner can read. No link is followed, and nothing
/// but a file of the user's own is written to. At 5 MiB the
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
        let mut file = private::open_to_append(&self.path)?;
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

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn each_event_is_a_line_and_a_file_of_five_mebibytes_is_moved_aside_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.ndjson");
        let mut file = File::new(&path);
        let mut send = || assert_eq!(file.send(&sample::batch(2), &sample::context()), Outcome::Delivered);
        let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().count();

        send();
        assert_eq!(lines(&path), 2);
        let text = fs::read_to_string(&path).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!((&line["name"], &line["origin"]["tool"]), (&"event-0".into(), &"greet".into()));

        // One byte short it goes on, and at the mark it does not.
        for (length, moved) in [(ROTATE_AT - 1, false), (ROTATE_AT, true)] {
            fs::write(&path, vec![b'x'; length as usize]).unwrap();
            send();
            assert_eq!(rotated(&path).exists(), moved, "{length}");
        }
        assert_eq!(fs::metadata(rotated(&path)).unwrap().len(), ROTATE_AT);
        assert_eq!(lines(&path), 2, "a new one has begun");

        // The one before is replaced: two files are all that there ever are.
        fs::write(&path, vec![b'y'; ROTATE_AT as usize]).unwrap();
        send();
        assert_eq!(fs::read(rotated(&path)).unwrap()[0], b'y');
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_or_a_pipe_in_its_place_is_neither_followed_nor_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let (link, pipe) = (directory.path().join("link"), directory.path().join("pipe"));
        let other = directory.path().join("other");
        fs::write(&other, "theirs").unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [link, pipe] {
            let outcome = File::new(&path).send(&sample::batch(1), &sample::context());
            assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
        }
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_tried_again_and_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/events.ndjson");
        match File::new(&path).send(&sample::batch(1), &sample::context()) {
            Outcome::Retry { reason, after: None } => assert!(reason.contains("events.ndjson"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}
