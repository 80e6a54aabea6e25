//! Functions that are unsafe to call, and so not in a file that forbids unsafe code.
#![allow(unsafe_code, reason = "it is what is tested")]
#![deny(unused_unsafe)]

use telemetry::event::Event;

/// The one command that a run is, and that it ended in success.
fn succeeds<R>(name: &str, run: impl FnOnce() -> R) -> R {
    let (returned, events): (R, Vec<Event<'_>>) = telemetry::capture(false, run);
    let ends: Vec<_> = events.iter().map(|it| (&*it.name, it.exit_code)).collect();
    assert_eq!(ends, [(name, Some(0))]);
    returned
}

/// Reads what a pointer points to.
///
/// # Safety
/// It points to a number.
#[telemetry::command]
unsafe fn read(from: *const u8) -> u8 {
    // SAFETY: as the caller promised.
    unsafe { *from }
}

#[test]
fn an_unsafe_function() {
    // SAFETY: a constant lives for ever.
    assert_eq!(succeeds("read", || unsafe { read(&7) }), 7);
    let plain: unsafe fn(*const u8) -> u8 = read;
    // SAFETY: as above.
    assert_eq!(succeeds("read", || unsafe { plain(&8) }), 8);
}

/// Without a block of its own, as the editions before 2024 had it.
///
/// # Safety
/// It points to a number.
#[telemetry::command]
#[allow(unsafe_op_in_unsafe_fn, reason = "it is what is tested")]
unsafe fn read_without_a_block(from: *const u8) -> u8 {
    *from
}

#[test]
fn the_body_of_an_unsafe_function_may_do_what_it_might() {
    // SAFETY: a constant lives for ever.
    assert_eq!(succeeds("read-without-a-block", || unsafe { read_without_a_block(&7) }), 7);
}

/// Writes.
///
/// # Safety
/// It points to a number that nobody else looks at.
#[telemetry::command]
unsafe extern "C" fn write(to: *mut u8, n: u8) {
    // SAFETY: as the caller promised.
    unsafe { *to = n };
}

#[test]
fn an_unsafe_function_of_another_calling_convention() {
    let plain: unsafe extern "C" fn(*mut u8, u8) = write;
    let mut written = 0;
    // SAFETY: it points to a local that is looked at afterwards.
    succeeds("write", || unsafe { plain(&raw mut written, 7) });
    assert_eq!(written, 7);
}

struct Buffer([u8; 2]);

trait Unchecked {
    /// The number at this place.
    ///
    /// # Safety
    /// There is one.
    unsafe fn at(&self, place: usize) -> u8;
}

impl Unchecked for Buffer {
    #[telemetry::command(record(place))]
    unsafe fn at(&self, place: usize) -> u8 {
        // SAFETY: as the caller promised.
        unsafe { *self.0.get_unchecked(place) }
    }
}

#[test]
fn an_unsafe_function_of_a_trait() {
    // SAFETY: there are two.
    assert_eq!(succeeds("at", || unsafe { Buffer([1, 2]).at(1) }), 2);
}

/// Waits, then reads.
///
/// # Safety
/// It points to a number until the future is done.
#[telemetry::command]
async unsafe fn read_later(from: *const u8) -> u8 {
    std::future::ready(()).await;
    // SAFETY: as the caller promised.
    unsafe { *from }
}

#[test]
fn an_unsafe_async_function() {
    let returned = succeeds("read-later", || {
        // SAFETY: a constant lives for ever.
        let mut future = std::pin::pin!(unsafe { read_later(&7) });
        match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(out) => out,
            std::task::Poll::Pending => panic!("nothing here waits"),
        }
    });
    assert_eq!(returned, 7);
}

#[unsafe(no_mangle)]
#[telemetry::command]
extern "C" fn telemetry_test_exported(n: u8) -> u8 {
    n + 1
}

#[test]
fn a_function_whose_name_is_exported() {
    unsafe extern "C" {
        #[link_name = "telemetry_test_exported"]
        safe fn by_its_name(n: u8) -> u8;
    }
    assert_eq!(succeeds("telemetry-test-exported", || by_its_name(6)), 7);
}
