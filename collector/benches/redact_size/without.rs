//! Prints its arguments as they are. Measured by `benches/redact_size`.

use std::borrow::Cow;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for argument in arguments.iter().map(|it| Cow::Borrowed(it.as_str())) {
        println!("{argument}");
    }
}
