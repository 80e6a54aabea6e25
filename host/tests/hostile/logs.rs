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
    let mut lines = backend.take_logs();
    let told = lines.pop().unwrap();
    let limits = Limits::default();
    assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() <= limits.log_bytes);
    // Each is as long as a line may be, and says that it was longer.
    assert!(lines.iter().all(|line| line.text.len() == limits.log_line_bytes && line.text.ends_with('…')));
    assert!(lines.iter().all(|line| (line.stream, line.level) == (Stream::Log, Level::Info)));
    let (kept, dropped) = (lines.len(), 100 - lines.len());
    assert!(kept > 1, "{kept}");
    assert_eq!(
        (told.stream, told.text),
        (Stream::Host, format!("{dropped} more lines were dropped: the component wrote too much"))
    );
}

#[test]
fn a_line_cannot_speak_to_the_terminal() {
    let guest = Guest::with(|guest| {
        guest.items = "(data (i32.const 131072) \"\\1b[2J\\1b]0;owned\\07\\0afake line\")".into();
        guest.send = Some(
            "(call $log (i32.const 3) (i32.const 131072) (i32.const 24)) (call $request) (call $answer)"
                .into(),
        );
    });
    let mut backend = start(&guest).unwrap();
    assert_eq!(backend.send(&batch(1), &context()), Ok(Outcome::Delivered));
    let texts: Vec<String> = backend.take_logs().into_iter().map(|line| line.text).collect();
    assert_eq!(texts, ["\u{fffd}[2J\u{fffd}]0;owned\u{fffd} fake line"]);
}
