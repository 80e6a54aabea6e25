//! `reset`: gone here at once, asked for at the vendor until there is an answer, and nothing sent where
//! nothing ever was.

use std::path::Path;

use telemetry_tests::{Answer, Home, Ran, Request, Terminal, Vendor, eventually};

/// The HTTP backend at the vendor's `/events`, and this `[erasure]`; every run may send.
fn config(url: &str, erasure: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n\n\
         [consent]\nsupport = \"help@example.com\"\n\n\
         [backend]\nuse = \"http\"\n\n\
         [endpoints.receiver]\nurl = \"{url}/events\"\nallow = [\"http\", \"loopback\"]\n\n\
         [delivery]\ninterval = 0\n\n{erasure}"
    )
}

fn endpoint(url: &str) -> String {
    format!(
        "[erasure]\nendpoint = \"gdpr\"\n[endpoints.gdpr]\nurl = \"{url}/erase\"\nallow = [\"http\", \"loopback\"]\n"
    )
}

/// A home under whose id something was sent; and that id.
fn home_that_sent(vendor: &Vendor, erasure: &str) -> (Home, String) {
    let home = Home::new(&config(&vendor.url(), erasure));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let id = send_one(&home, vendor);
    (home, id)
}

/// Sends one event and gives the id that it was sent under.
fn send_one(home: &Home, vendor: &Vendor) -> String {
    let before = vendor.requests().len();
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let sent = vendor.wait_for(before + 1);
    eventually("the sender has ended", || {
        let status = home.run(&["telemetry", "status", "--json"]).stdout;
        let status: serde_json::Value = serde_json::from_str(&status).expect("status is JSON");
        status["sending"] == false && status["pending_events"] == 0
    });
    // Each run above started one, which would carry on what is asked for later.
    eventually("no sender is left", || !home.has_sender());
    sent[before].json()[0]["machine_id"].as_str().expect("an id").to_owned()
}

fn erasures(vendor: &Vendor) -> Vec<Request> {
    vendor.requests().into_iter().filter(|request| request.line.starts_with("POST /erase ")).collect()
}

fn asked_for(request: &Request) -> serde_json::Value {
    assert_eq!(request.header("content-type"), Some("application/json"));
    request.json()
}

fn lane(home: &Home) -> bool {
    home.state().join("com.example.greet/erasure").exists()
}

fn reset(home: &Home) -> Ran {
    let ran = home.run(&["telemetry", "reset"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("Local telemetry data cleared"), "{ran:?}");
    ran
}

/// No event, id or schedule is left; what stays are locks, the no, and how the erasure ended.
fn assert_cleared(home: &Home) {
    assert_eq!(left(home), [""; 0]);
}

/// What else is left.
fn left(home: &Home) -> Vec<String> {
    let allowed = [
        "consent",
        "consent.lock",
        "senders",
        "ids",
        "erasure",
        "erasure.last",
        "erasure.lock",
        "drain.lock",
    ];
    let files = home.created().into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        home.path("user").join(path).is_file() && path.starts_with("state") && !allowed.contains(&&*name)
    });
    files.map(|path| path.strip_prefix("state").unwrap_or(&path).display().to_string()).collect()
}

#[test]
fn an_endpoint_gets_one_post_for_each_id_that_was_sent_under() {
    let vendor = Vendor::start();
    let (home, first) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    // Another yes after a no is another id.
    assert_eq!(home.run(&["telemetry", "disable"]).code, Some(0));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let second = send_one(&home, &vendor);
    assert_ne!(first, second);

    let ran = reset(&home);
    assert!(ran.stdout.contains("Telemetry disabled.") && ran.stdout.contains("accepted"), "{ran:?}");
    let mut asked: Vec<_> = erasures(&vendor).iter().map(asked_for).collect();
    asked.sort_by_key(ToString::to_string);
    let mut expected = [first, second].map(|id| serde_json::json!({ "machine_id": id }));
    expected.sort_by_key(ToString::to_string);
    assert_eq!(asked, expected);
    assert!(!lane(&home));
    assert_cleared(&home);
    assert_eq!(std::fs::read_to_string(home.state().join("com.example.greet/ids")).unwrap().trim(), "");

    // With its receipt it is over: nobody is asked again.
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    assert!(reset(&home).stdout.contains("Nothing was ever sent"));
    assert_eq!(erasures(&vendor).len(), 2);
}

#[test]
fn a_no_during_which_a_sender_has_the_journal_leaves_nothing_and_its_own_end_starts_no_other() {
    let vendor = Vendor::start();
    let run = |action| {
        let (home, _) = home_that_sent(&vendor, "");
        let lock = home.state().join("com.example.greet/journal/drain.lock");
        let lock = std::fs::File::options().write(true).create(true).truncate(false).open(lock).unwrap();
        lock.lock().expect("nobody sends");
        let no = home.start(&["telemetry", action]);
        (home, lock, no)
    };
    // Each of them waits for the sender for some time; they do that at once.
    let runs = ["disable", "reset"].map(run);
    for ((home, lock, no), kept) in runs.into_iter().zip([&["com.example.greet/deliveries"][..], &[]]) {
        let ran = Ran::from(no.wait_with_output().expect("it ends"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(left(&home), kept, "{ran:?}");
        drop(lock);
    }
}

#[test]
fn nothing_is_sent_where_nothing_ever_was() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), &endpoint(&vendor.url())));
    assert!(reset(&home).stdout.contains("Nothing was ever sent"));
    assert_eq!(home.run(&["telemetry", "enable", "--local"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    assert!(home.state().join("com.example.greet/events.ndjson").exists());
    assert!(reset(&home).stdout.contains("Nothing was ever sent"));
    assert!(!home.state().join("com.example.greet/events.ndjson").exists(), "the local log goes too");
    assert!(vendor.requests().is_empty());
}

#[test]
fn a_reset_is_a_no_and_the_next_yes_has_a_new_id() {
    let vendor = Vendor::start();
    let (home, first) = home_that_sent(&vendor, "");
    reset(&home);
    let before = vendor.requests().len();
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let status = home.run(&["telemetry", "status"]);
    assert!(status.stdout.contains("off: you said no"), "{status:?}");
    assert!(!status.stdout.contains("Machine ID:"), "{status:?}");
    assert_eq!(vendor.requests().len(), before);
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    assert_ne!(send_one(&home, &vendor), first);
}

#[test]
fn an_endpoint_that_fails_is_asked_again_by_later_runs_of_the_denied_tool_until_it_answers() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    vendor.then(Answer::status(503));
    let ran = reset(&home);
    assert!(ran.stdout.contains("not confirmed yet") && ran.stdout.contains("status 503"), "{ran:?}");
    assert!(ran.stdout.contains("Later runs carry it on"), "{ran:?}");
    assert!(lane(&home));
    let status = home.run(&["telemetry", "status"]);
    assert!(status.stdout.contains("Erasure:") && status.stdout.contains("status 503"), "{status:?}");
    // A run like any other, of a user who said no.
    eventually("a later run gets the receipt", || {
        let ran = home.run(&["hello", "Ada"]);
        assert_eq!(ran, Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) });
        !lane(&home)
    });
    for request in erasures(&vendor) {
        assert_eq!(asked_for(&request), serde_json::json!({ "machine_id": id }));
    }
    assert!(erasures(&vendor).len() >= 2);
    assert_cleared_but_delivery(&home);
    assert!(home.run(&["telemetry", "status"]).stdout.contains("accepted at"));
}

/// A sender that carried the lane on has noted its start.
fn assert_cleared_but_delivery(home: &Home) {
    let journal = home.state().join("com.example.greet/journal");
    let left: Vec<_> = std::fs::read_dir(journal).into_iter().flatten().flatten().collect();
    assert!(left.iter().all(|file| file.file_name() == "drain.lock"), "{left:?}");
}

#[test]
fn the_lane_holds_ids_and_no_event() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    vendor.then(Answer::status(503));
    reset(&home);
    let text = std::fs::read_to_string(home.state().join("com.example.greet/erasure")).unwrap();
    assert!(text.contains(&id) && !text.contains("hello") && !text.contains("command"), "{text}");
}

#[test]
fn do_not_track_pauses_the_lane_and_its_end_carries_it_on() {
    let vendor = Vendor::start();
    let (home, _) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    let ran: Ran =
        home.greet(&["telemetry", "reset"]).env("DO_NOT_TRACK", "1").output().expect("greet runs").into();
    assert!(ran.stdout.contains("not asked for yet: DO_NOT_TRACK is set"), "{ran:?}");
    for _ in 0..3 {
        let quiet = home.greet(&["hello", "Ada"]).env("DO_NOT_TRACK", "1").status().expect("greet runs");
        assert!(quiet.success());
    }
    let paused: Ran =
        home.greet(&["telemetry", "status"]).env("DO_NOT_TRACK", "1").output().expect("greet runs").into();
    assert!(paused.stdout.contains("paused: DO_NOT_TRACK is set"), "{paused:?}");
    assert!(erasures(&vendor).is_empty() && lane(&home));
    eventually("a run without the variable asks", || {
        assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
        !lane(&home)
    });
    assert_eq!(erasures(&vendor).len(), 1);
}

#[test]
fn a_variable_that_keeps_everything_here_pauses_the_lane() {
    let vendor = Vendor::start();
    let (home, _) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    for (name, value) in [("TELEMETRY_LOCAL", "1"), ("GREET_TELEMETRY", "local")] {
        let with = |arguments: &[&str]| -> Ran {
            home.greet(arguments).env(name, value).output().expect("greet runs").into()
        };
        let ran = with(&["telemetry", "reset"]);
        assert!(ran.stdout.contains("not asked for yet"), "{name}: {ran:?}");
        with(&["telemetry", "flush"]);
        assert_eq!(with(&["hello", "Ada"]).code, Some(0));
        assert!(erasures(&vendor).is_empty() && lane(&home), "{name}");
    }
    // A stored choice of local only is about events, and says so.
    let ran: Ran = home
        .greet(&["telemetry", "enable", "--local"])
        .env("DO_NOT_TRACK", "1")
        .output()
        .expect("greet runs")
        .into();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    eventually("a run without the variable asks", || {
        assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
        !lane(&home)
    });
}

#[test]
fn an_endpoint_that_refuses_ends_the_lane_with_what_to_do_instead() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    vendor.then(Answer::status(403));
    let ran = reset(&home);
    for part in ["not possible from here", "status 403", "write to help@example.com", &id] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    assert!(!lane(&home));
    let status = home.run(&["telemetry", "status"]);
    assert!(status.stdout.contains("not possible from here"), "{status:?}");
    // Without a receipt the id stays on the list, so that another reset asks again.
    assert!(reset(&home).stdout.contains("accepted"));
    assert_eq!(erasures(&vendor).len(), 2);
}

#[test]
fn a_component_that_erases_is_asked_through_its_own_export() {
    let vendor = Vendor::start();
    let granted =
        format!("[endpoints.erasure]\nurl = \"{}/erase\"\nallow = [\"http\", \"loopback\"]\n", vendor.url());
    let (home, id) = home_that_sent(&vendor, &granted);
    assert!(reset(&home).stdout.contains("accepted"));
    let asked: Vec<_> = erasures(&vendor).iter().map(asked_for).collect();
    assert_eq!(asked, [serde_json::json!({ "machine_id": id })]);
}

#[test]
fn a_component_that_cannot_erase_says_what_to_do() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, "");
    let ran = reset(&home);
    assert!(ran.stdout.contains("not possible from here") && ran.stdout.contains(&id), "{ran:?}");
    assert!(erasures(&vendor).is_empty());
}

#[test]
fn an_event_asks_through_any_backend() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, "[erasure]\nevent = true\n");
    let before = vendor.requests().len();
    assert!(reset(&home).stdout.contains("data.deletion_request"));
    let sent = &vendor.requests()[before..];
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].json()[0]["type"], "data.deletion_request");
    assert_eq!(sent[0].json()[0]["machine_id"], id);
}

#[test]
fn an_e_mail_is_prepared_and_in_a_pipe_only_shown() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, "[erasure]\nemail = \"privacy+gdpr@example.com\"\n");
    let ran = reset(&home);
    assert!(ran.stdout.contains("write to privacy+gdpr@example.com"), "{ran:?}");
    assert!(ran.stdout.contains("mailto:privacy%2Bgdpr@example.com?subject="), "{ran:?}");
    assert!(ran.stdout.contains(&id) && !lane(&home), "{ran:?}");
}

#[test]
fn an_e_mail_address_with_control_characters_is_refused_by_name() {
    let vendor = Vendor::start();
    let bad = "[erasure]\nemail = \"privacy@example.com\\r\\nbcc: thief@example.com\"\n";
    let home = Home::new(&config(&vendor.url(), bad));
    assert_eq!(home.run(&["hello", "Ada"]).stderr, "");
    let ran = home.run(&["telemetry", "reset"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("[erasure] email") && ran.stderr.contains("control character"), "{ran:?}");
    assert!(ran.stderr.contains("write one address"), "{ran:?}");
}

#[test]
fn under_force_everything_is_cleared_and_it_is_still_on_under_a_new_id() {
    let vendor = Vendor::start();
    let forced =
        config(&vendor.url(), &endpoint(&vendor.url())).replace("[consent]", "force = true\n[consent]");
    let home = Home::new(&forced);
    let first = send_one(&home, &vendor);
    let ran = reset(&home);
    assert!(ran.stdout.contains("Telemetry is still on"), "{ran:?}");
    assert!(ran.stdout.contains("accepted"), "{ran:?}");
    assert_eq!(asked_for(&erasures(&vendor)[0]), serde_json::json!({ "machine_id": first }));
    let before = vendor.requests().len();
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let again = vendor.wait_for(before + 1)[before].json()[0]["machine_id"].clone();
    assert_ne!(again, first.as_str());
}

#[test]
fn a_request_that_nobody_answers_is_made_once_more_with_flush_and_json_says_so() {
    let nobody = Vendor::nobody();
    let vendor = Vendor::start();
    let dead = endpoint(&format!("http://{nobody}"));
    let (home, _) = home_that_sent(&vendor, &dead);
    let ran = home.run(&["telemetry", "reset", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((json["disabled"].clone(), json["erasure"]["state"].clone()), (true.into(), "waiting".into()));
    assert!(lane(&home));
    let up = Vendor::start_at(nobody);
    let _ = home.run(&["telemetry", "flush"]);
    assert!(!lane(&home), "{:?}", home.run(&["telemetry", "status"]));
    assert_eq!(erasures(&up).len(), 1);
    assert!(Path::new(&home.state()).exists());
}

#[test]
fn a_lane_that_nobody_confirms_in_time_ends_as_unconfirmed_with_the_authors_contact_and_the_ids() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    vendor.otherwise(Answer::status(503));
    reset(&home);
    assert!(lane(&home));
    // The author's time is over.
    let over =
        format!("{}\n", endpoint(&vendor.url())).replace("[erasure]\n", "[erasure]\ngive_up = \"1ms\"\n");
    home.configure(&config(&vendor.url(), &over));
    let asked = erasures(&vendor).len();
    let _ = home.run(&["telemetry", "flush"]);
    let status = home.run(&["telemetry", "status"]);
    for part in ["unconfirmed", "status 503", "write to help@example.com", &id] {
        assert!(status.stdout.contains(part), "{part}: {status:?}");
    }
    assert!(!lane(&home));
    assert_eq!(erasures(&vendor).len(), asked);
}

#[test]
fn the_request_comes_after_a_batch_that_was_under_way_when_the_user_said_no() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    vendor.then(Answer::Hang);
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let _ = vendor.wait_for(2);
    // The no ends the sender that hangs; only then is anything asked.
    assert!(reset(&home).stdout.contains("accepted"));
    let lines: Vec<_> = vendor.requests().iter().map(|request| request.line.clone()).collect();
    assert_eq!(lines, ["POST /events HTTP/1.1", "POST /events HTTP/1.1", "POST /erase HTTP/1.1"]);
    assert_eq!(asked_for(&erasures(&vendor)[0]), serde_json::json!({ "machine_id": id }));
}

#[test]
fn under_force_the_request_waits_for_a_batch_that_is_under_way() {
    let vendor = Vendor::start();
    let forced =
        config(&vendor.url(), &endpoint(&vendor.url())).replace("[consent]", "force = true\n[consent]");
    let home = Home::new(
        &forced.replace("use = \"http\"\n", "use = \"http\"\n[backend.limits]\nrequest_time = \"7s\"\n"),
    );
    let id = send_one(&home, &vendor);
    vendor.then(Answer::Hang);
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let _ = vendor.wait_for(2);
    let ran = reset(&home);
    assert!(ran.stdout.contains("the request comes after them"), "{ran:?}");
    assert!(erasures(&vendor).is_empty() && lane(&home));
    eventually("the request is made once the batch has ended", || {
        assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
        !lane(&home)
    });
    assert_eq!(asked_for(&erasures(&vendor)[0]), serde_json::json!({ "machine_id": id }));
}

#[test]
fn several_ids_are_erased_one_by_one_and_none_is_asked_for_twice_after_its_receipt() {
    let vendor = Vendor::start();
    let (home, first) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    assert_eq!(home.run(&["telemetry", "disable"]).code, Some(0));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let second = send_one(&home, &vendor);
    // The first is accepted, then the vendor is down.
    vendor.then(Answer::status(200));
    vendor.otherwise(Answer::status(503));
    reset(&home);
    vendor.otherwise(Answer::status(200));
    eventually("the rest is asked for", || {
        let _ = home.run(&["telemetry", "flush"]);
        !lane(&home)
    });
    let asked: Vec<String> =
        erasures(&vendor).iter().map(|it| asked_for(it)["machine_id"].to_string()).collect();
    let count = |id: &str| asked.iter().filter(|it| it.contains(id)).count();
    let mut counts = [count(&first), count(&second)];
    counts.sort_unstable();
    assert!(counts[0] == 1 && counts[1] >= 2, "{asked:?}");
}

#[test]
fn the_authors_own_function_is_asked_until_it_has_a_receipt() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    let noted = home.path("author/erasures");
    let run = |arguments: &[&str]| -> Ran {
        home.leaky(arguments).env("LEAKY_ERASURES", &noted).output().expect("leaky runs").into()
    };
    assert_eq!(run(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(run(&["kinds"]).code, Some(0));
    let id = vendor.wait_for(1)[0].json()[0]["machine_id"].as_str().expect("an id").to_owned();
    let ran = run(&["telemetry", "reset"]);
    assert!(ran.stdout.contains("not today"), "{ran:?}");
    eventually("a later run gets the receipt", || {
        assert_eq!(run(&["kinds"]).code, Some(0));
        !lane(&home)
    });
    assert!(run(&["telemetry", "status"]).stdout.contains("ticket 7"));
    let asked = std::fs::read_to_string(&noted).expect("it was asked");
    assert!(asked.lines().count() >= 2 && asked.lines().all(|line| line == id), "{asked}");
}

#[test]
fn a_lane_that_is_damaged_is_made_anew_from_the_ids_that_were_sent_under() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    vendor.then(Answer::status(503));
    reset(&home);
    std::fs::write(home.state().join("com.example.greet/erasure"), b"nonsense").unwrap();
    eventually("it is asked for all the same", || {
        let _ = home.run(&["telemetry", "flush"]);
        !lane(&home)
    });
    assert_eq!(asked_for(erasures(&vendor).last().expect("asked")), serde_json::json!({ "machine_id": id }));
}

#[test]
fn a_user_who_then_chose_local_only_still_gets_the_erasure() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    vendor.then(Answer::status(503));
    reset(&home);
    // So that this very run does not carry it on.
    let local = home.greet(&["telemetry", "enable", "--local"]).env("DO_NOT_TRACK", "1").output();
    assert!(local.is_ok_and(|output| output.status.success()) && lane(&home));
    eventually("a local run gets the receipt", || {
        assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
        !lane(&home)
    });
    for request in erasures(&vendor) {
        assert_eq!(asked_for(&request), serde_json::json!({ "machine_id": id }));
    }
    let events = vendor.requests().iter().filter(|it| it.line.starts_with("POST /events ")).count();
    assert_eq!(events, 1, "nothing else left");
}

#[test]
fn a_mail_program_opens_on_the_prepared_message_before_a_person_in_a_terminal() {
    let vendor = Vendor::start();
    let (home, id) = home_that_sent(&vendor, "[erasure]\nemail = \"privacy@example.com\"\n");
    // The platform's opener, as far as this test is concerned.
    home.author_file(
        "xdg-open",
        format!("#!/bin/sh\necho \"$@\" > {}\n", home.path("opened").display()).as_bytes(),
    );
    let opener = home.path("author/xdg-open");
    #[cfg(unix)]
    std::fs::set_permissions(&opener, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", opener.parent().expect("a directory").display());
    let greet = home.greet(&[]).get_program().to_string_lossy().into_owned();
    let test = "a_mail_program_opens_on_the_prepared_message_before_a_person_in_a_terminal";
    let Some(terminal) = Terminal::start(test, &home, &[("PATH", &path)]) else { return };
    let shown = terminal.run(&format!("{greet} telemetry reset"));
    assert!(shown.contains("your mail program has a message to privacy@example.com"), "{shown}");
    eventually("the opener has the link", || {
        std::fs::read_to_string(home.path("opened"))
            .is_ok_and(|link| link.starts_with("mailto:privacy@example.com?subject=") && link.contains(&id))
    });
}

#[test]
fn what_lets_nothing_leave_this_machine_pauses_the_lane_and_is_named() {
    let vendor = Vendor::start();
    let (home, _) = home_that_sent(&vendor, &endpoint(&vendor.url()));
    // The author's own gate, and a debug build whose author does not let it send.
    let sending = config(&vendor.url(), &endpoint(&vendor.url()));
    for (line, reason) in [
        ("send_from_debug_builds = false", "this is a debug build"),
        ("send_from_debug_builds = true\nenabled = false", "the author of this tool has switched it off"),
    ] {
        home.configure(&sending.replace("send_from_debug_builds = true", line));
        let ran = reset(&home);
        assert!(ran.stdout.contains("not asked for yet") && ran.stdout.contains(reason), "{ran:?}");
        assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
        assert!(erasures(&vendor).is_empty() && lane(&home));
    }
    home.configure(&sending);
    // A sender of the run before may read this configuration, too, and come first.
    let ran = reset(&home);
    assert!(ran.stdout.contains("accepted") || !erasures(&vendor).is_empty(), "{ran:?}");
}
