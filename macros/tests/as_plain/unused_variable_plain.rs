#![deny(unused)]

//
fn build(text: &str, unused: u8) -> usize {
    let also_unused = 1;
    let mut never_changed = text.len();
    never_changed
}

//
fn clean(unused: u8) {
    let also_unused = 1;
}

//
async fn wait(unused: u8) -> u8 {
    let also_unused = 1;
    std::future::ready(1).await
}

fn main() {
    build("", 1);
    clean(1);
    drop(wait(1));
}
