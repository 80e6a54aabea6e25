//! Which class an address belongs to, in every spelling that IPv6 has for IPv4.
//!
//! A grant names a host; this says what kind of place that host turned out to be. What is not plainly
//! a public unicast address is either granted by its own word or never dialled.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The class of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A public unicast address: needs no word.
    Public,
    /// This machine.
    Loopback,
    /// The local network, a carrier's, or a laboratory's.
    Private,
    /// The same wire, and the metadata services of cloud providers, which hand out credentials.
    LinkLocal,
    /// Never dialled: unspecified, multicast, broadcast, documentation, reserved, obsolete tunnels.
    Never,
}

impl Class {
    /// The word in `allow` that grants it; none for what needs no word and what no word grants.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Class::Public | Class::Never => None,
            Class::Loopback => Some("loopback"),
            Class::Private => Some("private"),
            Class::LinkLocal => Some("link-local"),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Public => "a public address",
            Class::Loopback => "a loopback address",
            Class::Private => "a private address",
            Class::LinkLocal => "a link-local or cloud metadata address",
            Class::Never => "not an address of a server on the public network",
        })
    }
}

/// The class of any address.
pub fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        // Metadata services outside the link-local range: Alibaba, Azure's wire server, Oracle.
        [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => Class::LinkLocal,
        // "This network". Linux dials 0.0.0.0 as loopback, so no word grants it by another name.
        [0, ..] => Class::Never,
        [127, ..] => Class::Loopback,
        [10, ..] | [192, 168, ..] => Class::Private,
        [172, b, ..] if (16..=31).contains(&b) => Class::Private,
        // Carrier-grade NAT, also used by overlay networks.
        [100, b, ..] if (64..=127).contains(&b) => Class::Private,
        // Benchmarking; local proxies hand these out as stand-ins.
        [198, 18 | 19, ..] => Class::Private,
        [169, 254, ..] => Class::LinkLocal,
        // Protocol assignments, documentation, and the relays of 6to4.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => Class::Never,
        // Multicast, reserved, broadcast.
        [a, ..] if a >= 224 => Class::Never,
        _ => Class::Public,
    }
}

fn embedded(high: u16, low: u16) -> Class {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    classify_v4(Ipv4Addr::new(a, b, c, d))
}

fn classify_v6(address: Ipv6Addr) -> Class {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        // ::ffff:a.b.c.d, IPv4 written as IPv6: the kernel dials the IPv4 address.
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        // 64:ff9b::/96, NAT64: how networks with IPv6 only reach IPv4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 64:ff9b:1::/48, NAT64 of one's own network: where it ends is not ours to know.
        [0x64, 0xff9b, 1, ..] => Class::Private,
        // Metadata services inside the unique local range: AWS (several in one block), Google, Oracle, Scaleway,
        // Alibaba, Akamai.
        [0xfd00, 0xec2, ..]
        | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]
        | [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
        | [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42]
        | [0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200]
        | [0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1] => Class::LinkLocal,
        [0xfc00..=0xfdff, ..] => Class::Private,
        [0xfe80..=0xfebf, ..] => Class::LinkLocal,
        // Site-local, obsolete but still routed in places.
        [0xfec0..=0xfeff, ..] => Class::Private,
        // 2001::/23: Teredo, benchmarking, ORCHID and other protocol assignments.
        [0x2001, 0..=0x1ff, ..] => Class::Never,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Never,
        // 6to4, an obsolete tunnel to any IPv4 address.
        [0x2002, ..] => Class::Never,
        // ISATAP: an IPv4 address in the interface identifier, reached through the site's own router.
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => embedded(high, low),
        [0x2000..=0x3fff, ..] => Class::Public,
        // Unspecified, IPv4-compatible, IPv4-translated, discard, multicast, and all that is unassigned.
        _ => Class::Never,
    }
}
