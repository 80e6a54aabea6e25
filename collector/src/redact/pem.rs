//! Private keys in PEM and their kin: from the line that begins one to the line that ends it.

use super::cost;
use super::scan::Scan;

/// How long a label may be. The longest in use, `ENCRYPTED PRIVATE KEY`, has 21 letters.
const LABEL: usize = 64;

/// A private key whose first of five dashes is at `at`. Without an end it reaches to the end of the text.
pub(super) fn key(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    // A key inside a key ends with it: looking again would cost time and find nothing.
    if at < scan.key_end {
        return;
    }
    let Some(label) = bytes[at..].strip_prefix(b"-----BEGIN ") else { return };
    let Some(length) = label.iter().take(LABEL).position(|byte| *byte == b'-') else { return };
    if !contains(&label[..length], b"PRIVATE KEY") {
        return;
    }
    let body = at + 11 + length;
    let to = find(bytes, body, b"-----END ").map_or(bytes.len(), |end| {
        let label = end + 9;
        let dashes =
            bytes[label..].iter().take(LABEL).position(|byte| *byte == b'-').map_or(label, |n| label + n);
        dashes + bytes[dashes..].iter().take(5).take_while(|byte| **byte == b'-').count()
    });
    cost::add(to - at);
    scan.key_end = to;
    scan.hit(at, to);
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn find(bytes: &[u8], from: usize, part: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(part.len()).position(|window| window == part).map(|at| from + at)
}
