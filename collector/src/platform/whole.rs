//! The first two megabytes of a file, got in one piece.
//!
//! A mapping's memory comes in pages of 4 KiB: each one is asked for, entered into the table of pages, and taken out again at the
//! end. Where the system keeps a file in larger pieces (Linux: XFS since 5.18, ext4 since 6.16) and one `write` makes a whole
//! one of 2 MiB, its mapping is a single entry. Measured on ext4: half of what the kernel takes for a record. Elsewhere
//! it is a write like any other.

use std::fs::File;

/// Bytes of the piece: what one entry maps where pages have 4 KiB.
pub(crate) const WHOLE: u64 = 2 << 20;
#[cfg(any(target_os = "linux", target_os = "android"))]
const PAGE: usize = 4 << 10;

/// Preallocates an empty file and writes `header` and zeros behind it. Says how many bytes it has then: 0, and it is
/// empty, where they are not to be had.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn write(file: &File, header: &[u8]) -> u64 {
    use std::io::IoSlice;
    const PAGES: usize = WHOLE as usize / PAGE;
    let (mut first, zeros) = ([0; PAGE], [0; PAGE]);
    let Some(room) = first.get_mut(..header.len()) else { return 0 };
    room.copy_from_slice(header);
    // Without a size as yet: a file that has one begins with a header.
    let flags = rustix::fs::FallocateFlags::KEEP_SIZE;
    if rustix::fs::fallocate(file, flags, 0, WHOLE).is_err() {
        // A disk that is nearly full gave what it had, and would keep it in a file that is as good as empty.
        let _ = file.set_len(0);
        return 0;
    }
    let mut pages = [IoSlice::new(&zeros); PAGES];
    pages[0] = IoSlice::new(&first);
    match rustix::io::pwritev(file, &pages, 0) {
        Ok(wrote) if wrote as u64 == WHOLE => WHOLE,
        _ => {
            let _ = file.set_len(0);
            0
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn write(_: &File, _: &[u8]) -> u64 {
    0
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;
    use std::io::Read;

    fn written(header: &[u8]) -> (u64, Vec<u8>) {
        let mut file = tempfile::tempfile().unwrap();
        let ready = write(&file, header);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        (ready, bytes)
    }

    #[test]
    fn a_file_gets_its_header_and_zeros_to_the_end_of_the_piece() {
        let (ready, bytes) = written(b"header");
        if ready == 0 {
            return assert_eq!(bytes, b"", "this file system preallocates nothing");
        }
        assert_eq!((ready, bytes.len() as u64), (WHOLE, WHOLE));
        assert!(bytes.starts_with(b"header") && bytes[6..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn where_the_header_is_longer_than_a_page_nothing_is_written() {
        assert_eq!(written(&[1; PAGE + 1]), (0, Vec::new()));
    }
}
