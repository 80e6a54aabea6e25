//! What a tool costs that has nothing: everything else is compared with it.

fn main() {
    println!("Hello, world!");
}
