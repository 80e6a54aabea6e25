//! Logs that flood, and that speak to the terminal.

use super::*;

#[test]
fn a_flood_of_long_lines_is_cut_and_counted() {
    let guest = Guest::sending(
        "(local $n i32)
         (memory.fill (i32.const 131072) (i32.const 120) (i32.const 100000))
         (loop $l
           (call $log (i32.const 1) (i32.const 131072) (i32.const 100000))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $l (i32.lt_u (local.get $n) (i32.const 100))))
         (call $request) (call $answer)",
    );
    let mut backend = start(&guest).unwrap();
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    let lines = backend.take_logs();
    assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() <= 70_000);
    assert_eq!(lines.last().unwrap().stream, Stream::Host);
}

#[test]
fn a_line_cannot_speak_to_the_terminal() {
    let guest = Guest::with(|guest| {
        guest.items = "(data (i32.const 131072) \"\\1b[2J\\1b]0;owned\\07\\0afake line\")".into();
        guest.send = Some(
            "(call $log (i32.const 3) (i32.const 131072) (i32.const 23)) (call $request) (call $answer)"
                .into(),
        );
    });
    let mut backend = start(&guest).unwrap();
    backend.send(&batch(1), &context()).unwrap();
    let lines = backend.take_logs();
    assert_eq!(lines.len(), 1);
    assert!(!lines[0].text.chars().any(char::is_control), "{:?}", lines[0].text);
}
