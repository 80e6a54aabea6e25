//! Requests compared with files, so that a change of what is sent is seen in review.

use crate::{Body, ContentCoding, Method, Request};
use std::fmt::Write as _;
use std::path::Path;

/// Compares requests with a file, relative to the package (where `cargo test` runs). With
/// `GOLDEN=write` in the environment it writes the file instead.
///
/// # Panics
/// Where they differ, with both texts; that is how a test fails.
pub fn golden(file: impl AsRef<Path>, requests: &[Request]) {
    let file = file.as_ref();
    let actual = requests.iter().map(render).collect::<Vec<_>>().join("\n\n");
    if std::env::var_os("GOLDEN").is_some_and(|it| it == "write") {
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory).expect("the golden file's directory can be made");
        }
        std::fs::write(file, &actual).expect("the golden file can be written");
        return;
    }
    let expected = match std::fs::read_to_string(file) {
        Ok(expected) => expected.replace("\r\n", "\n"),
        Err(error) => panic!("{}: {error}; run the test with GOLDEN=write, then review it", file.display()),
    };
    assert!(
        expected == actual,
        "{} differs; if the change is meant, run with GOLDEN=write and review it\n--- expected\n{expected}\n--- actual\n{actual}",
        file.display()
    );
}

/// A request as text: line, headers, body. JSON is indented, bytes are hexadecimal.
#[must_use]
pub fn render(request: &Request) -> String {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Head => "HEAD",
    };
    let coding = match request.coding {
        ContentCoding::Identity => None,
        ContentCoding::Gzip => Some("gzip"),
        ContentCoding::Deflate => Some("deflate"),
        ContentCoding::Br => Some("br"),
        ContentCoding::Zstd => Some("zstd"),
    };
    let mut text = format!("{method} {{{}}}{}", request.endpoint, request.path);
    for (at, (name, value)) in request.query.iter().enumerate() {
        let separator = if at == 0 { '?' } else { '&' };
        let _ = write!(text, "{separator}{name}={value}");
    }
    text.push('\n');
    for header in &request.headers {
        let _ = writeln!(text, "{}: {}", header.name, header.value);
    }
    if let Some(coding) = coding {
        let _ = writeln!(text, "content-encoding: {coding} (by the host)");
    }
    text.push('\n');
    match &request.body {
        Body::Empty => {}
        Body::Text(body) => match serde_json::from_str::<serde_json::Value>(body) {
            Ok(json) => text.push_str(&serde_json::to_string_pretty(&json).unwrap_or_default()),
            Err(_) => text.push_str(body),
        },
        Body::Bytes(bytes) => {
            for line in bytes.chunks(32) {
                for byte in line {
                    let _ = write!(text, "{byte:02x}");
                }
                text.push('\n');
            }
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
