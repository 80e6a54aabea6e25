//! Loaded into a tool ahead of the system's functions, by `LD_PRELOAD`: its one name leads where a test says,
//! and no connection leaves the machine. What is looked up and what is dialled is written down in one file, in
//! the order in which it happened, by all processes of the tool.
//!
//! | variable | what it says |
//! | --- | --- |
//! | `NAMES_FILE` | the file |
//! | `NAMES_OF` | the name; there is no other |
//! | `NAMES_ANSWERS` | what lookups are answered with in turn, parted by spaces, the last from then on; the addresses of one answer are parted by commas |
#![cfg(target_os = "linux")]
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::{addrinfo, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// The file, which this process alone has until it drops it.
fn written() -> File {
    let file = OpenOptions::new().create(true).read(true).append(true).open(variable("NAMES_FILE"));
    let file = file.expect("the file opens");
    file.lock().expect("the file is locked");
    file
}

/// One element of an answer, with the address that it points at.
#[repr(C)]
struct Element {
    info: addrinfo,
    address: sockaddr_storage,
}

fn element(ip: IpAddr, socktype: c_int, next: *mut addrinfo) -> *mut addrinfo {
    // SAFETY: both are C structures of numbers and pointers, of which all zeros is a value.
    let element: *mut Element = Box::into_raw(Box::new(unsafe { std::mem::zeroed() }));
    // SAFETY: the element was made just now and nobody else has it; its room for an address is big enough and
    // aligned for each sort.
    unsafe {
        let address = &raw mut (*element).address;
        let (family, length) = match ip {
            IpAddr::V4(v4) => {
                let address = address.cast::<sockaddr_in>();
                (*address).sin_family = libc::AF_INET as libc::sa_family_t;
                (*address).sin_addr.s_addr = u32::from_ne_bytes(v4.octets());
                (libc::AF_INET, size_of::<sockaddr_in>())
            }
            IpAddr::V6(v6) => {
                let address = address.cast::<sockaddr_in6>();
                (*address).sin6_family = libc::AF_INET6 as libc::sa_family_t;
                (*address).sin6_addr.s6_addr = v6.octets();
                (libc::AF_INET6, size_of::<sockaddr_in6>())
            }
        };
        (*element).info.ai_family = family;
        (*element).info.ai_socktype = socktype;
        (*element).info.ai_addrlen = length as socklen_t;
        (*element).info.ai_addr = address.cast();
        (*element).info.ai_next = next;
    }
    element.cast()
}

/// Answers the next lookup, and writes it down.
///
/// # Safety
/// As for the system's function, in whose place it is called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    _service: *const c_char,
    hints: *const addrinfo,
    found: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: the caller's name is null or ends with a zero.
    let name = (!node.is_null()).then(|| unsafe { CStr::from_ptr(node) }.to_string_lossy());
    let name = name.as_deref().unwrap_or("nothing");
    let mut file = written();
    if name != variable("NAMES_OF") {
        writeln!(file, "{name} is unknown").expect("it is written down");
        return libc::EAI_NONAME;
    }
    let mut earlier = String::new();
    file.read_to_string(&mut earlier).expect("the file is read");
    let number = earlier.lines().filter(|line| line.starts_with(&format!("{name} is "))).count();
    let answers = variable("NAMES_ANSWERS");
    let answers: Vec<&str> = answers.split(' ').collect();
    let answer = answers[number.min(answers.len() - 1)];
    writeln!(file, "{name} is {answer}").expect("it is written down");
    // SAFETY: the caller's hints are null or valid.
    let socktype = unsafe { hints.as_ref() }.map_or(libc::SOCK_STREAM, |hints| hints.ai_socktype);
    let addresses = answer.split(',').map(|address| address.parse().expect("an address"));
    let list = addresses.rev().fold(std::ptr::null_mut(), |next, one| element(one, socktype, next));
    // SAFETY: the caller gives a place for the answer.
    unsafe { *found = list };
    0
}

/// Frees what [`getaddrinfo`] answered.
///
/// # Safety
/// As for the system's function, in whose place it is called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn freeaddrinfo(mut list: *mut addrinfo) {
    while !list.is_null() {
        // SAFETY: each element was made by `element`, and the caller gives it back once.
        let element = unsafe { Box::from_raw(list.cast::<Element>()) };
        list = element.info.ai_next;
    }
}

/// The address that is to be dialled; none if it is no address of a network.
///
/// # Safety
/// `address` points at an address of the length that its family has.
unsafe fn read(address: *const sockaddr) -> Option<SocketAddr> {
    // SAFETY: each address begins with its family, and the caller gives what this family has; it need not be
    // aligned for more than its first field.
    unsafe {
        match c_int::from((*address).sa_family) {
            libc::AF_INET => {
                let v4 = address.cast::<sockaddr_in>().read_unaligned();
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddr::new(ip.into(), u16::from_be(v4.sin_port)))
            }
            libc::AF_INET6 => {
                let v6 = address.cast::<sockaddr_in6>().read_unaligned();
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                Some(SocketAddr::new(ip.into(), u16::from_be(v6.sin6_port)))
            }
            _ => None,
        }
    }
}

/// Writes down what is dialled. To this machine it is let through; elsewhere nobody listens.
///
/// # Safety
/// As for the system's function, in whose place it is called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect(socket: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    // SAFETY: the caller's address is one.
    if let Some(to) = unsafe { read(address) } {
        writeln!(written(), "dials {to}").expect("it is written down");
        if !to.ip().to_canonical().is_loopback() {
            // SAFETY: the place of this thread's error is always there.
            unsafe { *libc::__errno_location() = libc::ECONNREFUSED };
            return -1;
        }
    }
    // SAFETY: the caller's own arguments, handed on to the system call that they are for.
    let result = unsafe { libc::syscall(libc::SYS_connect, socket, address, length) };
    c_int::try_from(result).expect("zero or minus one")
}
