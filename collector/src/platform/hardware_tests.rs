//! The kernel's answers as bytes, for what no test machine has: tunnels, InfiniBand, damage.

use super::netlink::{Scan, scan};

const ETHERNET: u16 = 1;
const LOOPBACK_FLAG: u32 = 8;

/// One interface, as the kernel tells of it: header, `ifinfomsg`, and two attributes.
fn interface(kind: u16, flags: u32, address: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0];
    body.extend(kind.to_ne_bytes());
    body.extend(7_i32.to_ne_bytes());
    body.extend(flags.to_ne_bytes());
    body.extend([0; 4]);
    for (name, value) in [(3_u16, &b"eth0\0"[..]), (1, address)] {
        body.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
        body.extend(name.to_ne_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    message(16, &body)
}

fn message(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + body.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
    bytes.extend(body);
    bytes
}

fn first(interfaces: &[Vec<u8>]) -> Scan {
    scan(&interfaces.concat())
}

fn found(address: &str) -> Scan {
    Scan::Found(address.to_owned())
}

#[test]
fn the_first_that_has_an_address_is_found() {
    let ethernet = interface(ETHERNET, 0, &[2, 0, 0, 0, 0, 0x0b]);
    let other = interface(ETHERNET, 0, &[2, 0, 0, 0, 0, 0x0c]);
    let loopback = interface(772, LOOPBACK_FLAG, &[2, 0, 0, 0, 0, 1]);
    assert_eq!(first(&[loopback.clone(), ethernet.clone(), other]), found("02:00:00:00:00:0b"));
    assert_eq!(first(&[loopback]), Scan::More);
    assert_eq!(first(&[message(3, &[0; 4]), ethernet]), Scan::End);
    assert_eq!(first(&[]), Scan::More);
}

#[test]
fn a_tunnels_endpoint_is_no_hardware_address() {
    for tunnel in [768, 776, 778] {
        assert_eq!(first(&[interface(tunnel, 0, &[10, 0, 0, 1])]), Scan::More);
    }
    for tunnel in [769, 823] {
        assert_eq!(first(&[interface(tunnel, 0, &[1; 16])]), Scan::More);
    }
    assert_eq!(first(&[interface(ETHERNET, 0, &[10, 0, 0, 1])]), found("0a:00:00:01"));
}

#[test]
fn zeros_alone_are_no_address_and_longer_ones_are_written_whole() {
    assert_eq!(first(&[interface(ETHERNET, 0, &[0; 6])]), Scan::More);
    assert_eq!(first(&[interface(ETHERNET, 0, &[])]), Scan::More);
    let infiniband = first(&[interface(32, 0, &[0xfe; 20])]);
    assert_eq!(infiniband, found(&["fe"; 20].join(":")));
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        at in 0_usize..60,
        byte in proptest::num::u8::ANY,
    ) {
        let _ = scan(&bytes);
        let mut damaged = interface(ETHERNET, 0, &[2, 0, 0, 0, 0, 0x0b]);
        let at = at % damaged.len();
        damaged[at] = byte;
        let _ = scan(&damaged);
        let _ = scan(&damaged[..at]);
    }
}
