//! What survives a loss of power: a promise of its own, and one that a process asks for.

use super::fast::Fast;
use super::recorder::Common;
use super::writer::Writer;
use super::{format, names};
use crate::platform::file;
use crate::platform::folder::{Folder, How};
use std::io;

impl Writer {
    pub(super) fn sync(&mut self, common: &Common, fast: &Fast) -> io::Result<()> {
        self.flush_memory(common, fast)?;
        self.say_losses(common, fast);
        self.settle();
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        if let Some(lease) = &self.lease {
            // What was stored into a mapping is the file's too.
            lease.file.sync_data()?;
        }
        while let Some((id, name)) = self.unsynced.last() {
            sync_segment(folder, *id, name)?;
            self.unsynced.pop();
        }
        folder.sync()
    }
}

/// Syncs a segment that was given up, whatever its name is by now: a drain may have sealed it, and its slot may be
/// another one's. Where it is gone it was delivered, merged (which syncs) or purged.
fn sync_segment(folder: &Folder, id: u64, slot: &str) -> io::Result<()> {
    // It gets another name once, which may be between two looks.
    for _ in 0..2 {
        let is_it = |name: &String| names::Sealed::parse(name).is_some_and(|sealed| sealed.id == id);
        let sealed = folder.names()?.into_iter().find(is_it);
        match folder.open_file(sealed.as_deref().unwrap_or(slot), How::Write) {
            Ok(file) if sealed.is_some() || is_segment(&file, id)? => return file.sync_data(),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_segment(file: &std::fs::File, id: u64) -> io::Result<bool> {
    let mut bytes = vec![0; format::MAX_HEADER];
    let read = file::read_at(file, &mut bytes, 0)?;
    Ok(format::Header::parse(&bytes[..read]).is_some_and(|(header, _)| header.id == id))
}
