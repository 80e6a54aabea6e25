//
fn build(text: String) -> usize {
    drop(text);
    text.len()
}

fn main() {
    build(String::new());
}
