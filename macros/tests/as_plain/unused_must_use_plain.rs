#![deny(unused_must_use)]

//
fn fails() -> Result<u8, String> {
    Ok(1)
}

//
async fn waits() -> u8 {
    1
}

#[must_use]
//
fn needed() -> u8 {
    1
}

//
fn build() -> u8 {
    fails();
    waits();
    needed();
    needed() + 1
}

fn main() {
    build();
}
