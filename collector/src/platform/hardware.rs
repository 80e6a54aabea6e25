//! The hardware address of the first network interface that has one.
//!
//! On Linux the kernel is asked over a netlink socket, as Go's `net.Interfaces` asks it, because that
//! is the only answer that is exact: `/sys/class/net` shows the network namespace of whoever mounted
//! it, and names, not indices, order it.

/// The address as lower-case hexadecimal pairs joined by colons.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn first_address() -> Option<String> {
    netlink::first().ok().flatten()
}

/// The address as lower-case hexadecimal pairs joined by colons.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn first_address() -> Option<String> {
    mac_address::get_mac_address().ok().flatten().map(|address| pairs(&address.bytes()))
}

fn pairs(address: &[u8]) -> String {
    address.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod netlink {
    use super::pairs;
    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, sendto, socket_with,
    };
    use std::io;

    /// `RTM_NEWLINK` and `RTM_GETLINK`.
    const NEW_LINK: u16 = 16;
    const GET_LINK: u16 = 18;
    /// `NLMSG_ERROR` and `NLMSG_DONE`.
    const ERROR: u16 = 2;
    const DONE: u16 = 3;
    /// `NLM_F_REQUEST | NLM_F_DUMP`.
    const DUMP: u16 = 0x301;
    /// `IFLA_ADDRESS`.
    const ADDRESS: u16 = 1;
    /// `IFF_LOOPBACK`.
    const LOOPBACK: u32 = 8;
    /// The size of a message's header, of what follows it for an interface, and of an attribute's.
    const HEADER: usize = 16;
    const INTERFACE: usize = 16;
    const ATTRIBUTE: usize = 4;
    /// What the kernel fills at most in one answer to a reader with a buffer this large.
    const BUFFER: usize = 32 * 1024;
    /// No machine has so many interfaces that its answer has more parts.
    const PARTS: usize = 4096;

    pub(super) fn first() -> io::Result<Option<String>> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            // The protocol `NETLINK_ROUTE`, which is number 0.
            None,
        )?;
        sendto(&socket, &request(), SendFlags::empty(), &netlink::SocketAddrNetlink::new(0, 0))?;
        let mut buffer = vec![0; BUFFER];
        for _ in 0..PARTS {
            // The kernel has answered before `sendto` returned: there is nothing to wait for.
            let (length, _) = recv(&socket, &mut buffer[..], RecvFlags::DONTWAIT)?;
            match scan(&buffer[..length]) {
                Scan::Found(address) => return Ok(Some(address)),
                Scan::End => return Ok(None),
                Scan::More => {}
            }
        }
        Ok(None)
    }

    /// A header and a generic message that names no address family.
    fn request() -> [u8; HEADER + 4] {
        let mut bytes = [0; HEADER + 4];
        bytes[..4].copy_from_slice(&((HEADER + 4) as u32).to_ne_bytes());
        bytes[4..6].copy_from_slice(&GET_LINK.to_ne_bytes());
        bytes[6..8].copy_from_slice(&DUMP.to_ne_bytes());
        bytes
    }

    #[derive(PartialEq, Eq, Debug)]
    pub(super) enum Scan {
        Found(String),
        End,
        More,
    }

    /// The first address in one part of the answer, whose messages are in index order.
    pub(super) fn scan(mut bytes: &[u8]) -> Scan {
        while let (Some(length), Some(kind)) = (u32_at(bytes, 0), u16_at(bytes, 4)) {
            let length = length as usize;
            if length < HEADER || length > bytes.len() || matches!(kind, DONE | ERROR) {
                return Scan::End;
            }
            if kind == NEW_LINK
                && let Some(address) = address(&bytes[HEADER..length])
            {
                return Scan::Found(address);
            }
            bytes = bytes.get(align(length)..).unwrap_or_default();
        }
        Scan::More
    }

    /// The hardware address of an interface that is no loopback.
    fn address(message: &[u8]) -> Option<String> {
        let (kind, flags) = (u16_at(message, 2)?, u32_at(message, 8)?);
        if flags & LOOPBACK != 0 {
            return None;
        }
        let mut attributes = message.get(INTERFACE..)?;
        while let (Some(length), Some(name)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
            let length = usize::from(length);
            let value = attributes.get(ATTRIBUTE..length)?;
            if name == ADDRESS && is_hardware(kind, value) {
                return Some(pairs(value));
            }
            attributes = attributes.get(align(length)..).unwrap_or_default();
        }
        None
    }

    /// Tunnels carry their endpoint's IP address where others carry the hardware's, and one of zeros
    /// is none: Go's rules.
    fn is_hardware(kind: u16, value: &[u8]) -> bool {
        /// `ARPHRD_TUNNEL`, `ARPHRD_SIT`, `ARPHRD_IPGRE`.
        const IPV4_TUNNELS: [u16; 3] = [768, 776, 778];
        /// `ARPHRD_TUNNEL6`, `ARPHRD_IP6GRE`.
        const IPV6_TUNNELS: [u16; 2] = [769, 823];
        let is_endpoint = match value.len() {
            4 => IPV4_TUNNELS.contains(&kind),
            16 => IPV6_TUNNELS.contains(&kind),
            _ => false,
        };
        !is_endpoint && value.iter().any(|byte| *byte != 0)
    }

    const fn align(length: usize) -> usize {
        (length + 3) & !3
    }

    fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
        Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
    }

    fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
        Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
#[path = "hardware_tests.rs"]
mod tests;
