//! `telemetry-kit check` on a terminal and in a pipe: what a person sees while it works, and what is left.

use telemetry_tests::{Home, Terminal, eventually};

#[test]
fn check_shows_its_progress_and_its_colours_on_a_terminal_and_neither_in_a_pipe() {
    let test = "check_shows_its_progress_and_its_colours_on_a_terminal_and_neither_in_a_pipe";
    let home = Home::new("");
    home.author_file("http.wasm", telemetry_backends::get("http").expect("bundled").wasm);
    let Some(terminal) = Terminal::start(test, &home, &[]) else { return };
    let kit = home.kit(&[]).get_program().to_string_lossy().into_owned();
    let file = home.path("author/http.wasm").display().to_string();
    let check = format!("{kit} check {file}");

    // A file for each run: what tmux pipes to is a process of its own.
    let shown = |command: &str, file: &str| {
        let file = home.path(file);
        terminal.write_down(&file);
        terminal.start_command(command);
        let _ = terminal.ended_with(0);
        let mut printed = String::new();
        eventually("all that was printed is written down", || {
            printed = String::from_utf8_lossy(&std::fs::read(&file).unwrap_or_default()).into_owned();
            printed.contains("0 broken")
                && printed.rsplit("0 broken").next().is_some_and(|it| it.contains("exit-"))
        });
        printed
    };
    // What is going on is shown, and gone from the line again.
    let coloured = shown(&check, "coloured");
    for step in
        ["compiling the component ...", "limits: a batch of as many events as it takes is delivered ..."]
    {
        let (_, after) = coloured.split_once(step).unwrap_or_else(|| panic!("{step} is missing: {coloured}"));
        assert!(after.contains("\r\u{1b}[K"), "{step} stays");
    }
    assert!(
        coloured.contains("\u{1b}[1m") && coloured.contains("\u{1b}[32m"),
        "bold and green: {coloured:?}"
    );
    assert!(!terminal.screen().contains(" ..."), "{}", terminal.screen());

    let plain = shown(&format!("NO_COLOR=1 {check}"), "plain");
    assert!(!plain.contains("\u{1b}[32m") && !plain.contains("\u{1b}[1m"), "{plain:?}");
    assert!(plain.contains("compiling the component ..."), "{plain:?}");
    assert!(!terminal.screen().contains(" ..."), "{}", terminal.screen());

    let piped = home.kit(&["check", "author/http.wasm"]).output().expect("the kit runs");
    assert!(piped.status.success() && piped.stderr.is_empty(), "{piped:?}");
    let piped = String::from_utf8_lossy(&piped.stdout).into_owned();
    assert!(piped.contains("0 broken") && !piped.contains('\u{1b}') && !piped.contains(" ..."), "{piped}");
}
