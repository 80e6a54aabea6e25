//! A name that leads to a public address once and to this machine or its network the next time: whoever owns
//! it answers as they like, lookup by lookup. Here a library that is loaded ahead of the system's answers
//! (`preload/names.rs`), in the tool and in the sender that it starts.

use std::path::PathBuf;

use telemetry_tests::{Home, Ran, Vendor, eventually};

use super::{config, delivers, honest, run, stays, waiting};

const NAME: &str = "vendor.test";

/// An address that needs no word. Nobody is dialled there: the library says that nobody listens.
const PUBLIC: &str = "93.184.215.14";

const HTTP: &str = "allow = [\"http\"]";
const LOOPBACK: &str = "allow = [\"http\", \"loopback\"]";

/// The name, and what came of it.
struct Name {
    library: String,
    file: PathBuf,
    answers: String,
}

impl Name {
    /// Each lookup has the next of these answers, and from the last one on the same.
    fn leading_to(answers: &str, home: &Home) -> Self {
        let me = std::env::current_exe().expect("a test has an executable");
        let library = me.ancestors().nth(2).expect("target/<profile>").join("examples/libnames.so");
        assert!(library.exists(), "{} is missing: `cargo test --workspace` builds it", library.display());
        let library = library.into_os_string().into_string().expect("a path that is text");
        Self { library, file: home.path("names"), answers: answers.to_owned() }
    }

    fn environment(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("NAMES_FILE", self.file.to_str().expect("a path that is text")),
            ("NAMES_OF", NAME),
            ("NAMES_ANSWERS", &self.answers),
        ]
    }

    /// All lookups and all connections of all processes, in their order.
    fn seen(&self) -> Vec<String> {
        let seen = std::fs::read_to_string(&self.file).unwrap_or_default();
        seen.lines().map(str::to_owned).collect()
    }
}

fn url(vendor: &Vendor) -> String {
    format!("http://{NAME}:{}", vendor.address().port())
}

fn looked_up(answer: &str) -> String {
    format!("{NAME} is {answer}")
}

fn dialled(address: &str, vendor: &Vendor) -> String {
    format!("dials {address}:{}", vendor.address().port())
}

fn greeting() -> Ran {
    Ran { stdout: "Hello, Ada!\n".into(), stderr: String::new(), code: Some(0) }
}

#[test]
fn a_name_that_turns_inwards_after_it_was_public_is_judged_again_and_not_dialled() {
    for (inwards, why) in [
        ("127.0.0.1", "add `allow = [\"http\", \"loopback\"]` under [endpoints.receiver]"),
        ("::1", "add `allow = [\"http\", \"loopback\"]` under [endpoints.receiver]"),
        ("::ffff:127.0.0.1", "add `allow = [\"http\", \"loopback\"]` under [endpoints.receiver]"),
        ("10.0.0.1", "add `allow = [\"http\", \"private\"]` under [endpoints.receiver]"),
        ("169.254.169.254", "add `allow = [\"http\", \"link-local\"]` under [endpoints.receiver]"),
        // Linux dials this machine there.
        ("0.0.0.0", "no setting allows it"),
    ] {
        let vendor = Vendor::start();
        let home = waiting(honest(), &config("receiver", &url(&vendor), HTTP), &[]);
        let name = Name::leading_to(&format!("{PUBLIC} {inwards}"), &home);
        stays(&home, &name.environment(), "no connection: client error (Connect): tcp connect error");
        stays(&home, &name.environment(), &format!("leads to {NAME} ({inwards})"));
        stays(&home, &name.environment(), why);
        // One lookup for each connection: what it was answered with is what is dialled, or nothing is.
        let seen = [looked_up(PUBLIC), dialled(PUBLIC, &vendor), looked_up(inwards), looked_up(inwards)];
        assert_eq!(name.seen(), seen);
        assert!(vendor.requests().is_empty(), "{inwards}");
    }
}

#[test]
fn of_an_answer_that_leads_outwards_and_inwards_at_once_only_the_granted_part_is_dialled() {
    for inwards in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0"] {
        for answer in [format!("{PUBLIC},{inwards}"), format!("{inwards},{PUBLIC}")] {
            let vendor = Vendor::start();
            let home = waiting(honest(), &config("receiver", &url(&vendor), HTTP), &[]);
            let name = Name::leading_to(&answer, &home);
            stays(&home, &name.environment(), "no connection: client error (Connect): tcp connect error");
            assert_eq!(name.seen(), [looked_up(&answer), dialled(PUBLIC, &vendor)]);
            assert!(vendor.requests().is_empty(), "{answer}");
        }
    }
}

#[test]
fn the_same_name_is_dialled_where_its_author_granted_what_it_turns_to() {
    let vendor = Vendor::start();
    let home = waiting(honest(), &config("receiver", &url(&vendor), LOOPBACK), &[]);
    let name = Name::leading_to(&format!("{PUBLIC} 127.0.0.1"), &home);
    stays(&home, &name.environment(), "no connection: client error (Connect): tcp connect error");
    delivers(&home, &name.environment());
    let seen =
        [looked_up(PUBLIC), dialled(PUBLIC, &vendor), looked_up("127.0.0.1"), dialled("127.0.0.1", &vendor)];
    assert_eq!(name.seen(), seen);
    let [request] = &vendor.requests()[..] else { panic!("{:?}", vendor.requests()) };
    assert_eq!(request.json()[0]["name"], "hello");
    assert_eq!(request.header("host"), Some(&url(&vendor)["http://".len()..]));
}

#[test]
fn a_sender_of_its_own_does_not_follow_a_name_inwards_either_and_the_tool_does_not_notice() {
    let vendor = Vendor::start();
    let only_flush = |grant: &str| config("receiver", &url(&vendor), grant);
    // As a tool is shipped, but for the waits between attempts and the time that a sender has.
    let shipped = only_flush(HTTP).replace("mode = \"never\"", "interval = 0\nlifetime = \"10s\"");
    let home = Home::new(&shipped);
    home.author_file("backend.wasm", honest());
    let name = Name::leading_to(&format!("{PUBLIC} 127.0.0.1"), &home);
    let greet = |arguments: &[&str]| run(&home, arguments, &name.environment());
    let status = || greet(&["telemetry", "status"]).stdout;
    assert_eq!(greet(&["telemetry", "enable"]).code, Some(0));
    assert_eq!(greet(&["hello", "Ada"]), greeting());
    let mut told = String::new();
    eventually("the sender tries where the name led first, and again", || {
        told = status();
        told.contains("leads to vendor.test (127.0.0.1), a loopback address")
    });
    assert!(told.contains("add `allow = [\"http\", \"loopback\"]` under [endpoints.receiver]"), "{told}");
    assert!(told.contains("1 event, "), "it is still there: {told}");
    let failing =
        Ran { stdout: String::new(), stderr: "greet: this command always fails\n".into(), code: Some(3) };
    assert_eq!(greet(&["fail"]), failing);

    home.configure(&only_flush(LOOPBACK));
    eventually("the last sender ends", || !status().contains("(running)"));
    told = status();
    assert!(told.contains("2 events, "), "{told}");
    let inwards = name.seen();
    assert_eq!(inwards[..2], [looked_up(PUBLIC), dialled(PUBLIC, &vendor)]);
    assert!(inwards.len() > 2 && inwards[2..].iter().all(|it| *it == looked_up("127.0.0.1")), "{inwards:?}");
    assert!(vendor.requests().is_empty());

    delivers(&home, &name.environment());
    let mut names: Vec<_> = vendor
        .requests()
        .iter()
        .flat_map(|request| request.json().as_array().expect("events").clone())
        .map(|event| event["name"].clone())
        .collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["fail", "hello"]);
    let seen = name.seen().split_off(inwards.len());
    let each = [looked_up("127.0.0.1"), dialled("127.0.0.1", &vendor)];
    assert!(!seen.is_empty() && seen.chunks(2).all(|it| it == each), "{seen:?}");
}
