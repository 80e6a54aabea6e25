#![deny(dead_code)]

//
fn never_called() -> u8 {
    1
}

fn main() {}
