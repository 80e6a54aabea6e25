#[telemetry::command]
fn build<'a>(kept: &mut Vec<&'a str>, text: &'a str) -> usize {
    let made = text.to_owned();
    kept.push(&made);
    kept.len()
}

fn main() {
    build(&mut Vec::new(), "");
}
