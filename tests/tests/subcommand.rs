//! Walks through the subcommand as a user would: in a real terminal and in a pipe, for a first-time
//! user, a CI run, and a tool that its author forced on.

use telemetry_tests::{Home, Ran, Terminal, Vendor, eventually};

fn config(url: &str, tool: &str) -> String {
    format!(
        "[tool]\nid = \"com.example.greet\"\nsend_from_debug_builds = true\n{tool}\n\
         [consent]\nvendor = \"Example Corp\"\nsupport = \"help@example.com\"\n\n\
         [backend]\nuse = \"http\"\n\n\
         [endpoints.receiver]\nurl = \"{url}/events\"\nallow = [\"http\", \"loopback\"]\n\n\
         [delivery]\ninterval = 0\n[delivery.sample]\n\"feature.used\" = 0.5\n"
    )
}

fn json(home: &Home, arguments: &[&str]) -> serde_json::Value {
    let all = [&["telemetry"], arguments, &["--json"]].concat();
    let ran = home.run(&all);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ran:?}"))
}

fn outcome<'a>(diagnosis: &'a serde_json::Value, name: &str) -> &'a str {
    let checks = diagnosis["checks"].as_array().expect("checks");
    let check = checks.iter().find(|it| it["name"] == name);
    check.and_then(|it| it["outcome"].as_str()).unwrap_or_else(|| panic!("no check {name}: {diagnosis:#}"))
}

#[test]
fn a_first_time_user_in_a_terminal_is_asked_by_init_and_enter_means_no() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    let test = "a_first_time_user_in_a_terminal_is_asked_by_init_and_enter_means_no";
    let Some(terminal) = Terminal::start(test, &home, &[]) else { return };
    terminal.start_command("greet init");
    let question = terminal.wait_for("yes, no or skip [no]");
    let host = vendor.address().to_string();
    for part in ["pseudonymous", "Example Corp", &host, "greet telemetry disable"] {
        assert!(question.replace('\n', " ").contains(part), "{part}: {question}");
    }
    terminal.enter("");
    let _ = terminal.ended_with(0);
    let status = terminal.run("greet telemetry status");
    assert!(status.contains("you said no") && status.contains("denied"), "{status}");
    // Decided is decided: `init` does not ask again.
    let again = terminal.run("greet init");
    assert!(again.contains("greet is ready.") && !again.contains("yes, no or skip"), "{again}");
    assert!(vendor.requests().is_empty());
}

#[test]
fn a_first_time_user_in_a_terminal_says_yes_looks_around_and_says_no() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    let test = "a_first_time_user_in_a_terminal_says_yes_looks_around_and_says_no";
    let Some(terminal) = Terminal::start(test, &home, &[]) else { return };
    let shown = terminal.run("greet telemetry preview | tail -3");
    assert!(shown.contains("command.invocation"), "{shown}");
    terminal.start_command("greet init");
    let _ = terminal.wait_for("yes, no or skip [no]");
    terminal.enter("maybe");
    terminal.wait_for("Please answer yes, no or skip.");
    terminal.enter("yes");
    let _ = terminal.ended_with(0);
    assert!(terminal.run("greet hello Ada").contains("Hello, Ada!"));
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
    let status = terminal.run("greet telemetry status");
    assert!(status.contains("\u{1b}[") && status.contains("Machine ID:"), "colour on a terminal: {status:?}");
    let plain = terminal.run("NO_COLOR=1 greet telemetry status");
    let first = plain.lines().find(|line| line.contains("Telemetry:")).unwrap_or_default();
    assert!(!first.contains('\u{1b}'), "{first:?}");
    let doctor = terminal.run("greet telemetry doctor");
    assert!(doctor.contains("pass"), "{doctor}");
    let no = terminal.run("greet telemetry off");
    assert!(
        no.contains("Telemetry disabled") && no.contains("All pending events have been discarded"),
        "{no}"
    );
    let reset = terminal.run("greet telemetry reset");
    assert!(reset.contains("Local telemetry data cleared"), "{reset}");
}

#[test]
fn a_yes_makes_the_next_run_ready_and_a_no_leaves_nothing_of_that() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    let journal = home.state().join("com.example.greet/journal");
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let slots = || std::fs::read_dir(&journal).map_or(0, Iterator::count);
    assert_eq!(slots(), 1);
    assert_eq!(json(&home, &["status"])["pending_events"], 0);
    assert_eq!(home.run(&["telemetry", "disable"]).code, Some(0));
    assert!(!journal.exists());
    assert!(!home.state().join("com.example.greet/identity").exists());
    // Where something outranks the yes, nothing is made.
    let enabled = home.greet(&["telemetry", "enable"]).env("DO_NOT_TRACK", "1").status();
    assert!(enabled.is_ok_and(|status| status.success()));
    assert!(!journal.exists());
    assert!(!home.state().join("com.example.greet/identity").exists());
}

#[test]
fn a_skipped_question_is_put_again_by_init_and_not_by_a_start() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    let test = "a_skipped_question_is_put_again_by_init_and_not_by_a_start";
    let Some(terminal) = Terminal::start(test, &home, &[]) else { return };
    let leaky = home.leaky(&[]).get_program().to_string_lossy().into_owned();
    terminal.start_command(&format!("{leaky} ask --protocol"));
    assert!(!terminal.ended_with(0).contains("yes, no or skip"), "stdio speaks a protocol");
    terminal.start_command(&format!("{leaky} ask"));
    let _ = terminal.wait_for("yes, no or skip [no]");
    terminal.enter("skip");
    let _ = terminal.ended_with(0);
    let again = terminal.run(&format!("{leaky} ask"));
    assert!(again.contains("done") && !again.contains("yes, no or skip"), "{again}");
    terminal.start_command("greet init");
    let _ = terminal.wait_for("yes, no or skip [no]");
    terminal.enter("skip");
    let _ = terminal.ended_with(0);
    let skipped = terminal.run("greet init --skip-telemetry");
    assert!(skipped.contains("greet is ready.") && !skipped.contains("yes, no or skip"), "{skipped}");
    assert_eq!(json(&home, &["status"])["decision"], "undecided");
}

#[test]
fn nobody_is_asked_in_ci_or_under_do_not_track_even_in_a_terminal() {
    for (name, value) in [("CI", "true"), ("GITHUB_ACTIONS", "true"), ("DO_NOT_TRACK", "1")] {
        let vendor = Vendor::start();
        let home = Home::new(&config(&vendor.url(), ""));
        let test = "nobody_is_asked_in_ci_or_under_do_not_track_even_in_a_terminal";
        let Some(terminal) = Terminal::start(test, &home, &[(name, value)]) else { return };
        let ran = terminal.run("greet init --skip-telemetry=false");
        assert!(ran.contains("greet is ready.") && !ran.contains("yes, no or skip"), "{name}: {ran}");
        assert_eq!(home.created().len(), 0, "{name}");
    }
}

#[test]
fn a_first_time_user_in_a_pipe() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    // A pipe is never asked.
    let init = home.run(&["init"]);
    assert_eq!(init, Ran { stdout: "greet is ready.\n".into(), stderr: String::new(), code: Some(0) });
    let status = json(&home, &["status"]);
    assert_eq!((status["telemetry"].as_str(), status["decision"].as_str()), (Some("off"), Some("undecided")));
    assert_eq!(status["sampling"], serde_json::json!([["feature.used", 0.5]]));
    assert_eq!(home.created().len(), 0);
    assert_eq!(outcome(&json(&home, &["doctor"]), "endpoint receiver"), "skip", "off dials nothing");

    assert_eq!(json(&home, &["on"])["local"], false);
    assert_eq!(home.run(&["hello", "Ada"]).stdout, "Hello, Ada!\n");
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
    eventually("status tells of the delivery", || json(&home, &["status"])["delivered"] == 1);
    let status = json(&home, &["status"]);
    assert_eq!((status["telemetry"].as_str(), status["decision"].as_str()), (Some("on"), Some("granted")));
    assert!(status["decided_at"].is_string() && status["last_delivery"].is_string(), "{status:#}");
    assert_eq!(status["support"], "help@example.com");
    let diagnosis = json(&home, &["doctor"]);
    for name in
        ["configuration", "decision", "journal", "backend", "endpoint receiver", "clock", "last delivery"]
    {
        assert_eq!(outcome(&diagnosis, name), "pass", "{diagnosis:#}");
    }
    assert_eq!(vendor.requests().len(), 1, "doctor sends nothing");
    let text = home.run(&["telemetry", "status"]).stdout;
    assert!(text.contains("Machine ID:") && !text.contains('\u{1b}'), "no colour in a pipe: {text:?}");

    assert_eq!(json(&home, &["off"])["discarded"], 0);
    assert_eq!(json(&home, &["reset"])["disabled"], true);
    assert_eq!(json(&home, &["status"])["decision"], "denied");
    assert_eq!(home.run(&["telemetry", "enable", "--local"]).code, Some(0));
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let log = json(&home, &["log"]);
    assert_eq!(
        (log["events"][0]["state"].as_str(), log["events"][0]["json"]["name"].as_str()),
        (Some("local"), Some("hello"))
    );
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn a_ci_run() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    let run = |arguments: &[&str]| -> Ran {
        home.greet(arguments)
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .output()
            .expect("greet runs")
            .into()
    };
    assert_eq!(run(&["init"]).stdout, "greet is ready.\n");
    assert_eq!(run(&["hello", "Ada"]).code, Some(0));
    assert_eq!(home.created().len(), 0);
    // A pipeline says yes by a variable, and waits for what it sends by `flush`.
    let yes: Ran = home
        .greet(&["hello", "Ada"])
        .envs([("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GREET_TELEMETRY", "on")])
        .output()
        .expect("greet runs")
        .into();
    assert_eq!(yes.stdout, "Hello, Ada!\n");
    let flushed: Ran = home
        .greet(&["telemetry", "flush", "--json"])
        .envs([("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GREET_TELEMETRY", "on")])
        .output()
        .expect("greet runs")
        .into();
    let json: serde_json::Value = serde_json::from_str(&flushed.stdout).expect("JSON");
    // Its own thread may have been faster: then none was left for `flush`.
    assert!(json["left"].is_null() && flushed.code == Some(0), "{flushed:?}");
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
}

#[test]
fn a_forced_tool_says_so_and_cannot_be_switched_off_by_its_user() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), "force = true\n"));
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let _ = vendor.wait_for(1);
    let forced = "the author of this tool has switched it on without asking";
    assert!(home.run(&["telemetry", "status"]).stdout.contains(forced));
    let off = home.run(&["telemetry", "disable"]);
    assert!(off.stdout.contains("Telemetry is still on") && off.stdout.contains(forced), "{off:?}");
    assert!(!off.stdout.contains("Telemetry disabled"), "it is not: {off:?}");
    let reset = home.run(&["telemetry", "reset"]);
    assert!(
        reset.stdout.contains("Local telemetry data cleared") && reset.stdout.contains("still on"),
        "{reset:?}"
    );
    assert_eq!(home.run(&["init"]).stdout, "greet is ready.\n");
}

#[test]
fn doctor_names_what_is_broken_and_exits_with_1() {
    let nobody = Vendor::nobody();
    let home = Home::new(&config(&format!("http://{nobody}"), ""));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let ran = home.run(&["telemetry", "doctor"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stdout.contains("fail  endpoint receiver") && ran.stdout.contains("no connection"),
        "{ran:?}"
    );

    // A name that leads to a place that was not granted.
    home.configure(&config("http://localhost:9", "").replace("[\"http\", \"loopback\"]", "[\"http\"]"));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let diagnosis = json(&home, &["doctor"]);
    assert_eq!(outcome(&diagnosis, "endpoint receiver"), "fail");
    assert!(diagnosis.to_string().contains("\\\"loopback\\\""), "{diagnosis:#}");

    home.configure("this is not a configuration");
    let ran = home.run(&["telemetry", "doctor"]);
    assert_eq!((ran.code, ran.stdout.contains("fail  configuration")), (Some(1), true), "{ran:?}");
}

#[test]
fn doctor_warns_of_a_credential_that_stands_in_the_configuration_and_fails_for_a_missing_one() {
    let vendor = Vendor::start();
    let with = |source: &str| {
        let credential = format!("\"loopback\"]\ncredential = {{ bearer = true, {source} }}\n");
        config(&vendor.url(), "").replace("\"loopback\"]\n", &credential)
    };
    let home = Home::new(&with("value = \"s3cret-value\""));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let ran = home.run(&["telemetry", "doctor"]);
    assert!(ran.stdout.contains("warn  credential of receiver") && !ran.stdout.contains("s3cret"), "{ran:?}");
    assert_eq!(ran.code, Some(0), "a warning is no failure");
    home.configure(&with("env = \"GREET_TOKEN\""));
    let ran = home.run(&["telemetry", "doctor"]);
    assert!(
        ran.stdout.contains("fail  credential of receiver") && ran.stdout.contains("GREET_TOKEN"),
        "{ran:?}"
    );
    assert_eq!(ran.code, Some(1));
    home.author_file("greet.token", b"s3cret-value\n");
    home.configure(&with("file = \"greet.token\""));
    assert_eq!(outcome(&json(&home, &["doctor"]), "credential of receiver"), "pass");
}

#[test]
fn doctor_names_a_component_that_is_not_the_pinned_one_and_one_that_is_not_pinned() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), "").replace("use = \"http\"", "path = \"http.wasm\""));
    home.author_file("http.wasm", telemetry_backends::get("http").expect("bundled").wasm);
    let diagnosis = json(&home, &["doctor"]);
    assert_eq!((outcome(&diagnosis, "backend"), outcome(&diagnosis, "pin")), ("pass", "warn"));
    let pin = format!("path = \"http.wasm\"\nsha256 = \"{}\"", "0".repeat(64));
    home.configure(&config(&vendor.url(), "").replace("use = \"http\"", &pin));
    let ran = home.run(&["telemetry", "doctor"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("fail  backend: the component's SHA-256 is"), "{ran:?}");
    assert_eq!(home.created().len(), 0, "looking creates nothing");
}

#[test]
fn a_consent_file_that_does_not_count_and_a_variable_that_is_not_understood_are_named_with_what_to_do() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    assert_eq!(home.run(&["telemetry", "enable"]).code, Some(0));
    let consent = home.state().join("com.example.greet/consent");
    let good = std::fs::read(&consent).expect("the consent file");

    std::fs::write(&consent, b"telemetry consent 9 0123456789abcdef\n{}\n").unwrap();
    let ran = home.run(&["telemetry", "status"]);
    assert!(ran.stdout.contains("a newer version of this tool wrote it (format 9)"), "{ran:?}");
    let refused = home.run(&["telemetry", "enable"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("use that version"), "{refused:?}");
    let diagnosis = json(&home, &["doctor"]);
    assert_eq!(outcome(&diagnosis, "decision"), "fail");

    std::fs::write(&consent, &good[..good.len() / 2]).unwrap();
    let ran = home.run(&["telemetry", "status"]);
    assert!(ran.stdout.contains("damaged") && ran.stdout.contains("decide again"), "{ran:?}");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&consent, &good).unwrap();
        std::fs::set_permissions(&consent, std::fs::Permissions::from_mode(0o666)).unwrap();
        let ran = home.run(&["telemetry", "status"]);
        assert!(ran.stdout.contains("other users may write it"), "{ran:?}");
        std::fs::set_permissions(&consent, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    // Only root can give a file away.
    #[cfg(unix)]
    if std::os::unix::fs::chown(&consent, Some(12_345), None).is_ok() {
        let ran = home.run(&["telemetry", "status"]);
        assert!(ran.stdout.contains("another user owns it (user id 12345)"), "{ran:?}");
        assert_eq!(json(&home, &["status"])["telemetry"], "off");
        std::fs::remove_file(&consent).unwrap();
    }
    std::fs::write(&consent, &good).unwrap();
    let maybe: Ran = home
        .greet(&["telemetry", "status"])
        .env("TELEMETRY_ENABLED", "maybe")
        .output()
        .expect("greet runs")
        .into();
    let says = "TELEMETRY_ENABLED=\"maybe\" is not understood and taken for `false`";
    assert!(maybe.stdout.contains(says) && maybe.stdout.contains("off"), "{maybe:?}");
    assert_eq!(home.run(&["hello", "Ada"]).code, Some(0));
    let _ = vendor.wait_for(1);
}

#[test]
fn a_site_by_name_is_shown_as_the_host_that_it_stands_for() {
    let config = |site: &str| {
        format!(
            "[tool]\nid = \"com.example.greet\"\n\n[backend]\nuse = \"datadog\"\n\n\
             [endpoints.intake]\nsite = \"{site}\"\ncredential = {{ query = \"dd-api-key\", value = \"pub0123\" }}\n"
        )
    };
    let home = Home::new(&config("eu1-public"));
    let shown = |command: &str| home.run(&["telemetry", command]).stdout;
    for (command, part) in [
        ("status", "datadog at browser-intake-datadoghq.eu"),
        ("doctor", "endpoint intake (site eu1-public)"),
        ("doctor", "https://browser-intake-datadoghq.eu/: telemetry sends nothing now"),
        ("preview", "https://browser-intake-datadoghq.eu/api/v2/logs?dd-api-key=***"),
    ] {
        assert!(shown(command).contains(part), "{command}: {part}: {}", shown(command));
    }
    // A name that Datadog does not have sends nothing anywhere, and says which there are.
    home.configure(&config("eu2"));
    let wrong = shown("status");
    assert!(wrong.contains("site = \"eu2\" is none of datadog's: there are \"us1\""), "{wrong}");
    assert_eq!(home.run(&["hello", "Ada"]).stderr, "");
}

#[test]
fn a_yes_or_a_no_that_something_outranks_is_said_to_be_stored_and_not_to_be_in_force() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    let with = |arguments: &[&str], name: &str, value: &str| -> Ran {
        let mut greet = home.greet(&[&["telemetry"], arguments].concat());
        greet.env(name, value).output().expect("greet runs").into()
    };
    let yes = with(&["enable"], "DO_NOT_TRACK", "1");
    assert_eq!(yes.stdout, "Your yes is stored, but telemetry is off: DO_NOT_TRACK is set.\n");
    let yes: serde_json::Value =
        serde_json::from_str(&with(&["enable", "--json"], "DO_NOT_TRACK", "1").stdout).expect("JSON");
    assert_eq!((&yes["enabled"], &yes["overruled"]), (&false.into(), &"off: DO_NOT_TRACK is set".into()));
    assert_eq!(json(&home, &["status"])["telemetry"], "on", "it counts once nothing outranks it");

    let local = with(&["enable", "--local"], "GREET_TELEMETRY", "on");
    assert!(local.stdout.contains("for now telemetry is on: GREET_TELEMETRY is set"), "{local:?}");
    assert!(!local.stdout.contains("Nothing leaves this machine"), "it may: {local:?}");
    let local = with(&["enable"], "TELEMETRY_LOCAL", "1");
    assert!(local.stdout.contains("for now telemetry is local only: you said yes"), "{local:?}");
    assert!(!local.stdout.contains("events go to"), "they do not: {local:?}");

    let no = with(&["disable"], "GREET_TELEMETRY", "on");
    assert_eq!(
        no.stdout,
        "Your no is stored. All pending events have been discarded (0 events).\n\
         Telemetry is still on: GREET_TELEMETRY is set.\n"
    );
    let no = json(&home, &["disable"]);
    assert_eq!((&no["stored"], &no["overruled"]), (&true.into(), &serde_json::Value::Null));
    let no = home.run(&["telemetry", "disable"]);
    assert_eq!(no.stdout, "Telemetry disabled. All pending events have been discarded (0 events).\n");
}

#[test]
fn a_ci_run_in_a_terminal_is_asked_nothing_and_the_whole_subcommand_works() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    let test = "a_ci_run_in_a_terminal_is_asked_nothing_and_the_whole_subcommand_works";
    let ci = [("CI", "true"), ("GITHUB_ACTIONS", "true")];
    let Some(terminal) = Terminal::start(test, &home, &ci) else { return };
    assert!(terminal.run("greet init").contains("greet is ready."));
    assert!(terminal.run("greet hello Ada").contains("Hello, Ada!"));
    assert!(terminal.run("greet telemetry status").contains("you have not decided yet"));
    assert!(terminal.run("greet telemetry preview | tail -3").contains("command.invocation"));
    assert_eq!(home.created().len(), 0, "undecided in CI creates nothing");
    assert!(terminal.run("greet telemetry enable").contains("Telemetry enabled."));
    assert!(terminal.run("greet hello Ada").contains("Hello, Ada!"));
    // The next run's own thread may be faster than `flush`.
    assert!(terminal.run("greet telemetry flush").contains("delivered."));
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
    let status = terminal.run("greet telemetry status");
    assert!(status.contains("a thread of the next run") && status.contains("Machine ID:"), "{status}");
    assert!(terminal.run("greet telemetry log | tail -2").contains("delivered"));
    assert!(terminal.run("greet telemetry doctor").contains("pass"));
    assert!(terminal.run("greet telemetry schema | grep hello").contains("hello"));
    assert!(terminal.run("greet telemetry reset").contains("Local telemetry data cleared"));
    assert!(terminal.run("greet telemetry disable").contains("Telemetry disabled."));
    assert!(terminal.run("greet telemetry status").contains("you said no"));
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn a_forced_tool_in_a_terminal_never_asks_and_never_says_that_it_is_off() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), "force = true\n"));
    let test = "a_forced_tool_in_a_terminal_never_asks_and_never_says_that_it_is_off";
    let Some(terminal) = Terminal::start(test, &home, &[]) else { return };
    let forced = "switched it on without asking";
    let init = terminal.run("greet init");
    assert!(init.contains("greet is ready.") && !init.contains("yes, no or skip"), "{init}");
    assert!(terminal.run("greet hello Ada").contains("Hello, Ada!"));
    assert_eq!(vendor.wait_for(1)[0].json()[0]["name"], "hello");
    let status = terminal.run("greet telemetry status");
    assert!(status.contains(forced) && status.contains("an administrator can forbid it"), "{status}");
    for command in ["disable", "reset"] {
        let said = terminal.run(&format!("greet telemetry {command}"));
        assert!(said.contains("Telemetry is still on") && said.contains(forced), "{command}: {said}");
        assert!(!said.contains("Telemetry disabled"), "{command}: {said}");
    }
    assert!(terminal.run("greet hello Bob").contains("Hello, Bob!"));
    assert_eq!(vendor.wait_for(2)[1].json()[0]["name"], "hello");
}

#[test]
fn two_tools_in_one_home_have_two_consents_and_two_ids() {
    let vendor = Vendor::start();
    let home = Home::new(&config(&vendor.url(), ""));
    home.author_file(
        "other.toml",
        config(&vendor.url(), "").replace("com.example.greet", "com.example.other").as_bytes(),
    );
    let other = |arguments: &[&str]| -> serde_json::Value {
        let mut greet = home.greet(&[&["telemetry"], arguments, &["--json"]].concat());
        greet.env("GREET_CONFIG", home.path("author/other.toml"));
        serde_json::from_slice(&greet.output().expect("greet runs").stdout).expect("JSON")
    };
    assert_eq!(json(&home, &["enable"])["enabled"], true);
    assert_eq!(json(&home, &["status"])["telemetry"], "on");
    assert_eq!(
        (&other(&["status"])["telemetry"], &other(&["status"])["decision"]),
        (&"off".into(), &"undecided".into())
    );
    assert_eq!(other(&["enable"])["enabled"], true);
    let ids = [json(&home, &["status"]), other(&["status"])].map(|status| status["machine_id"].clone());
    assert!(ids.iter().all(serde_json::Value::is_string) && ids[0] != ids[1], "{ids:?}");
    assert_eq!(json(&home, &["disable"])["stored"], true);
    assert_eq!(json(&home, &["status"])["telemetry"], "off");
    assert_eq!(other(&["status"])["telemetry"], "on", "one tool's no is not another's");
}

/// What is cut off is no success: `telemetry schema --markdown > TELEMETRY.md` on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure_and_a_reader_that_went_away_is_none() {
    let home = Home::new(&config(&format!("http://{}", Vendor::nobody()), ""));
    let full = std::fs::File::options().write(true).open("/dev/full").expect("there is one");
    let ran = home.greet(&["telemetry", "status"]).stdout(full).output().expect("greet runs");
    assert_eq!(ran.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("cannot be written"), "{ran:?}");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ran = home.greet(&["telemetry", "status"]).stdout(writer).output().expect("greet runs");
    assert_eq!((ran.status.code(), ran.stderr.len()), (Some(0), 0));
}
