//
fn build(one: &str, other: &str) -> &str {
    if one.is_empty() { other } else { one }
}

fn main() {
    build("", "");
}
