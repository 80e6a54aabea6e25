//! The machine id on machines that are made for it.
//!
//! A scenario is a shell script in name spaces of its own (network, mounts, host name), at whose end
//! this test program is started again and prints its signals and its unkeyed id. The expected ids
//! were worked out by hand: `printf %s <joined signals> | sha256sum | cut -c1-16`.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use telemetry::identity::{self, Identity, Signals, current, keyed, random, unkeyed};

#[path = "probe/needs.rs"]
mod needs;

const ROLE: &str = "TELEMETRY_MACHINE_ID_TEST_ROLE";

/// The other side of the scenarios. By itself: the id is made of the signals that it is said to be.
#[test]
fn what_a_machine_says() {
    let signals = Signals::read();
    let id = unkeyed(&signals);
    if std::env::var_os(ROLE).is_some() {
        let Signals { os_machine_id, mac, hostname, user } = &signals;
        let text = |signal: &Option<String>| signal.clone().unwrap_or_else(|| "(none)".to_owned());
        println!("SAYS {}|{}|{}|{}|{id}", text(os_machine_id), text(mac), text(hostname), text(user));
    } else {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(current(directory.path(), Identity::Unkeyed, "any"), Some(id));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "it needs no salt");
    }
}

/// What the machine that the script makes says.
fn machine(script: &str) -> Option<String> {
    let able = Command::new("unshare")
        .args(["-n", "-m", "-u", "ip", "link", "add", "v0", "type", "veth"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !able {
        needs::skip(
            "the machine id of a machine that is made for it",
            "this user may not make name spaces with network interfaces in them",
        );
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let script = format!(
        "mount --make-rprivate /\nhostname ci-7\n{script}\nexec \"$PROGRAM\" --exact what_a_machine_says --nocapture"
    );
    let output = Command::new("unshare")
        .args(["-n", "-m", "-u", "sh", "-ec", &script])
        .env(ROLE, "machine")
        .env("PROGRAM", std::env::current_exe().unwrap())
        .current_dir(directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = text.lines().find_map(|line| line.split_once("SAYS ")).map(|(_, said)| said.to_owned());
    Some(said.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))))
}

macro_rules! says {
    ($script:expr, $expected:expr) => {
        match machine($script) {
            Some(said) => assert_eq!(said, $expected),
            None => return,
        }
    };
}

const MACHINE_ID: &str = "echo id-1 > id && mount --bind id /etc/machine-id";
const ROOT: &str = "echo root:x:0:0:root:/root:/bin/sh > users && mount --bind users /etc/passwd";

#[test]
fn the_first_interface_by_index_counts_and_not_by_name_or_age() {
    says!(
        &format!(
            "echo 0123456789abcdef0123456789abcdef > id && mount --bind id /etc/machine-id
             {ROOT}
             ip link add aa0 index 20 address 02:00:00:00:00:14 type veth peer name ab0 index 21 address 02:00:00:00:00:15
             ip link add zz0 index 7 address 02:00:00:00:00:07 type veth peer name zy0 index 30 address 02:00:00:00:00:1e"
        ),
        "0123456789abcdef0123456789abcdef|02:00:00:00:00:07|ci-7|root|112c6f0c40d5d28e"
    );
}

#[test]
fn a_loopback_does_not_count_even_with_an_address() {
    says!(
        &format!(
            "{MACHINE_ID}\n{ROOT}
             ip link set lo address 02:00:00:00:00:01
             ip link add v0 index 5 address 02:00:00:00:00:0b type veth peer name v1 index 6"
        ),
        "id-1|02:00:00:00:00:0b|ci-7|root|9fc678113e3929eb"
    );
}

#[test]
fn an_interface_without_an_address_is_passed_over() {
    let tun = Path::new("/dev/net/tun").exists();
    if !tun {
        let test = "an_interface_without_an_address_is_passed_over";
        needs::skip(test, "there is no /dev/net/tun");
        return;
    }
    says!(
        &format!(
            "{MACHINE_ID}\n{ROOT}
             ip tuntap add dev tun0 mode tun
             ip link add v0 index 50 address 02:00:00:00:00:0b type veth peer name v1 index 60"
        ),
        "id-1|02:00:00:00:00:0b|ci-7|root|9fc678113e3929eb"
    );
}

#[test]
fn without_an_interface_the_address_is_empty() {
    says!(&format!("{MACHINE_ID}\n{ROOT}"), "id-1|(none)|ci-7|root|23dcc554d7c2b184");
}

#[test]
fn zeros_are_written() {
    says!(
        &format!(
            "{MACHINE_ID}\n{ROOT}
             ip link add v0 index 5 address 02:00:00:00:00:00 type veth peer name v1 index 6"
        ),
        "id-1|02:00:00:00:00:00|ci-7|root|8022dc74013524fc"
    );
}

#[test]
fn the_dbus_machine_id_does_not_count_and_a_missing_user_file_leaves_the_environment() {
    says!(
        "ip link add v0 index 5 address 02:00:00:00:00:0a type veth peer name v1 index 6
         mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/dbus && echo dbus-id > /var/lib/dbus/machine-id
         mount -t tmpfs tmpfs /etc
         export USER=ada HOME=/root",
        "(none)|02:00:00:00:00:0a|ci-7|ada|2e96da9b0d7323af"
    );
}

#[test]
fn a_user_without_a_name_is_left_out_with_the_colon() {
    says!(
        "ip link add v0 index 5 address 02:00:00:00:00:0a type veth peer name v1 index 6
         mount -t tmpfs tmpfs /etc
         unset USER",
        "(none)|02:00:00:00:00:0a|ci-7|(none)|1e0aa0106a51cfb3"
    );
}

#[test]
fn the_machine_id_is_trimmed_and_the_user_is_the_one_with_the_number() {
    says!(
        "printf '\\t id-1 \\n\\n' > id && mount --bind id /etc/machine-id
         printf 'ada:x:7:7:::\\neve:x:0:0:::\\nroot:x:0:0:::\\n' > users && mount --bind users /etc/passwd
         export USER=nobody
         ip link add v0 index 5 address 0A:0B:0C:0D:0E:0F type veth peer name v1 index 6",
        "id-1|0a:0b:0c:0d:0e:0f|ci-7|eve|f1470cf5d0630b83"
    );
}

fn signals() -> Signals {
    Signals {
        os_machine_id: Some("id-1".to_owned()),
        mac: Some("02:00:00:00:00:0b".to_owned()),
        hostname: Some("ci-7".to_owned()),
        user: Some("root".to_owned()),
    }
}

#[test]
fn everything_that_a_keyed_id_is_made_of_changes_it() {
    let id = |signals: &Signals, tool, salt, place| keyed(signals, tool, salt, place);
    let (salt, place) = ([7; 16], [1, 2]);
    let mut ids = vec![id(&signals(), "com.example.a", &salt, place)];
    ids.push(id(&signals(), "com.example.b", &salt, place));
    ids.push(id(&signals(), "com.example.a", &[8; 16], place));
    ids.push(id(&signals(), "com.example.a", &salt, [3, 2]));
    ids.push(id(&signals(), "com.example.a", &salt, [1, 3]));
    for change in 0..8 {
        let mut other = signals();
        let signal = match change % 4 {
            0 => &mut other.os_machine_id,
            1 => &mut other.mac,
            2 => &mut other.hostname,
            _ => &mut other.user,
        };
        *signal = (change < 4).then(String::new);
        ids.push(id(&other, "com.example.a", &salt, place));
    }
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    assert!(
        ids.iter()
            .all(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
    );
}

#[test]
fn a_signal_cannot_be_moved_into_its_neighbour() {
    let one = Signals { hostname: Some("ab".to_owned()), user: Some("c".to_owned()), ..signals() };
    let other = Signals { hostname: Some("a".to_owned()), user: Some("bc".to_owned()), ..signals() };
    assert_ne!(keyed(&one, "t", &[0; 16], [0; 2]), keyed(&other, "t", &[0; 16], [0; 2]));
}

const TOOL: &str = "com.example.greet";

fn id_in(directory: &Path, kind: Identity) -> String {
    current(directory, kind, TOOL).unwrap()
}

#[test]
fn two_tools_and_two_kinds_share_nothing() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ids = [
        id_in(one.path(), Identity::Keyed),
        id_in(one.path(), Identity::Random),
        id_in(one.path(), Identity::Unkeyed),
        id_in(other.path(), Identity::Keyed),
        id_in(other.path(), Identity::Random),
        // The same directory would give two tools the same salt: the tool's id keeps them apart.
        current(one.path(), Identity::Keyed, "com.example.other").unwrap(),
    ];
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    assert_eq!(current(one.path(), Identity::None, TOOL), None);
}

#[test]
fn an_id_stays_until_it_is_forgotten() {
    for kind in [Identity::Keyed, Identity::Random] {
        let directory = tempfile::tempdir().unwrap();
        let first = id_in(directory.path(), kind);
        for _ in 0..3 {
            assert_eq!(id_in(directory.path(), kind), first);
        }
        identity::forget(directory.path()).unwrap();
        assert_ne!(id_in(directory.path(), kind), first);
    }
}

#[test]
fn a_copied_home_has_another_id_and_a_moved_one_has_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let [home, moved, copy] = ["home", "moved", "copy"].map(|name| directory.path().join(name));
    let first = id_in(&home, Identity::Keyed);
    fs::rename(&home, &moved).unwrap();
    assert_eq!(id_in(&moved, Identity::Keyed), first);
    let copied = Command::new("cp").arg("-a").args([&moved, &copy]).status().unwrap();
    assert!(copied.success());
    let second = id_in(&copy, Identity::Keyed);
    assert_ne!(second, first);
    assert_eq!(id_in(&copy, Identity::Keyed), second, "and keeps it");
    assert_eq!(id_in(&moved, Identity::Keyed), first, "as the original does");
}

/// Changes one bit of the file that holds the salt.
fn damage(directory: &Path, bit: usize) {
    let path = directory.join("identity");
    let mut bytes = fs::read(&path).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_salt_is_replaced_and_a_damaged_memory_is_computed_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut id = id_in(directory.path(), Identity::Keyed);
    let bytes = fs::read(directory.path().join("identity")).unwrap();
    let first_line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    for bit in 0..bytes.len() * 8 {
        damage(directory.path(), bit);
        let now = id_in(directory.path(), Identity::Keyed);
        if bit / 8 <= first_line {
            assert_ne!(now, id, "bit {bit} is of the salt");
        } else {
            assert_eq!(now, id, "bit {bit} is of what is remembered");
        }
        assert_eq!(id_in(directory.path(), Identity::Keyed), now);
        id = now;
    }
}

#[test]
fn every_truncation_leaves_a_working_id() {
    let directory = tempfile::tempdir().unwrap();
    let mut id = id_in(directory.path(), Identity::Keyed);
    let bytes = fs::read(directory.path().join("identity")).unwrap();
    let salt = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in (0..bytes.len()).rev() {
        let path = directory.path().join("identity");
        fs::File::options().write(true).open(&path).unwrap().set_len(length as u64).unwrap();
        let now = id_in(directory.path(), Identity::Keyed);
        assert_eq!(now == id, length >= salt, "{length} bytes");
        assert_eq!(id_in(directory.path(), Identity::Keyed), now, "{length} bytes");
        assert_eq!(fs::read(&path).unwrap().len(), bytes.len(), "{length} bytes: it is whole again");
        id = now;
    }
}

#[test]
fn where_no_salt_can_be_stored_the_id_lasts_for_the_process_only() {
    let directory = tempfile::tempdir().unwrap();
    let not_a_directory = directory.path().join("file");
    fs::write(&not_a_directory, "").unwrap();
    let id = id_in(&not_a_directory, Identity::Keyed);
    assert_eq!(id_in(&not_a_directory, Identity::Keyed), id);
    assert_ne!(id, unkeyed(&Signals::read()));
}

#[test]
fn of_many_first_runs_at_once_all_have_the_same_id() {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let ids: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| id_in(&directory.path().join("greet"), Identity::Keyed)))
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

#[test]
fn the_salt_is_private_and_is_no_other_users_to_give() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let id = id_in(directory.path(), Identity::Keyed);
    let path = directory.path().join("identity");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let other = id_in(directory.path(), Identity::Keyed);
    assert_ne!(other, id, "anybody may have written that salt");
    assert_eq!(id_in(directory.path(), Identity::Keyed), other);
    let elsewhere = directory.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_ne!(id_in(directory.path(), Identity::Keyed), other);
    assert!(fs::symlink_metadata(&path).unwrap().is_file(), "a link is replaced");
}

#[test]
fn a_random_id_gives_the_salt_not_away() {
    let id = random(&[0xab; 16]);
    assert_eq!(id.len(), 16);
    assert!(!id.contains("abab"));
}

#[test]
fn the_ids_that_were_sent_under_are_kept_until_erased_and_are_sixteen_at_most() {
    let directory = tempfile::tempdir().unwrap();
    let sent = || identity::sent_under(directory.path()).unwrap();
    assert_eq!(sent(), Vec::<String>::new());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "asking creates nothing");
    for number in 0..20 {
        identity::remember(directory.path(), &format!("{number:016x}")).unwrap();
        identity::remember(directory.path(), &format!("{number:016x}")).unwrap();
    }
    let kept: Vec<_> = (4..20).map(|number| format!("{number:016x}")).collect();
    assert_eq!(sent(), kept);
    identity::erased(directory.path(), &kept[..15]).unwrap();
    assert_eq!(sent(), kept[15..]);
    identity::erased(directory.path(), &kept).unwrap();
    assert_eq!(sent(), Vec::<String>::new());
}

#[test]
fn a_no_does_not_take_the_ids_that_an_erasure_needs() {
    use telemetry::consent::{Place, SystemWait, allow, deny};
    use telemetry::event::Timestamp;
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    allow(&place, true, 1, "", Timestamp::default()).unwrap();
    identity::remember(directory.path(), "00000000000000aa").unwrap();
    deny(&place, 1, Timestamp::default(), &SystemWait::default()).unwrap();
    assert_eq!(identity::sent_under(directory.path()).unwrap(), ["00000000000000aa"]);
}

#[test]
fn what_is_no_id_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    for bad in ["", "a b", "a\nb", "\u{0}", &"x".repeat(201)] {
        assert!(identity::remember(directory.path(), bad).is_err(), "{bad:?}");
    }
    assert_eq!(identity::sent_under(directory.path()).unwrap(), Vec::<String>::new());
}

#[test]
fn ids_remembered_at_once_are_all_kept() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..12 {
            let path = directory.path();
            scope.spawn(move || identity::remember(path, &format!("{number:016x}")).unwrap());
        }
    });
    assert_eq!(identity::sent_under(directory.path()).unwrap().len(), 12);
}
