//! Memory that code is read into, is checked in, and then runs in: nothing is copied, and what was checked is
//! what runs.
//!
//! A file that is mapped can be cut short or written to while it runs. Memory that is made for a copy of it a
//! page at a time costs more than all else that a load does. This is memory of the process's own, in large pages
//! where the system has them: made in one step, written once, read-only from then on, and where the code is executable.
//!
//! The engine keeps it. `wasmtime` asks its engine to make code executable, and whatever uses the code, the code
//! itself included, holds what it asks: so the memory is there for as long as anything can run in it, and nothing
//! here frees it by itself.
//!
//! For x86-64 only: other processors must be told of new code, which `wasmtime` does where it makes the memory.

use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use memmap2::{Advice, Mmap, MmapMut};
use wasmtime::{CustomCodeMemory, Engine};

use crate::engine::{self, Target};
use crate::native_code::make_executable;

/// A large page, and what such a page is aligned to.
const LARGE: usize = 2 << 20;
/// Code from here on is worth a large page: to fill one costs as much as some hundred small ones.
const WORTH_LARGE: usize = LARGE / 4;
/// A small page, the least that code is aligned to.
const PAGE: usize = 4 << 10;

/// Memory that code is being read into.
pub(crate) struct Draft {
    map: MmapMut,
    start: usize,
    length: usize,
}

impl Draft {
    /// For so many bytes. None where the system has no memory.
    pub(crate) fn new(length: usize) -> Option<Self> {
        let (map, start) = if length >= WORTH_LARGE { large(length)? } else { (map(length)?, 0) };
        Some(Self { map, start, length })
    }

    pub(crate) fn bytes(&mut self) -> Option<&mut [u8]> {
        self.map.get_mut(self.start..)?.get_mut(..self.length)
    }

    /// Nobody writes to it any more.
    fn finish(self) -> Option<Code> {
        Some(Code { map: self.map.make_read_only().ok()?, start: self.start, length: self.length })
    }
}

fn map(length: usize) -> Option<MmapMut> {
    MmapMut::map_anon(length.next_multiple_of(PAGE)).ok()
}

/// The pages before and behind what is used are never touched, so there are none.
fn large(length: usize) -> Option<(MmapMut, usize)> {
    let used = length.checked_next_multiple_of(LARGE)?;
    let map = map(used.checked_add(LARGE)?)?;
    let start = map.as_ptr().align_offset(LARGE);
    // A system without large pages, or without one to spare, gives small ones.
    let _ = map.advise_range(Advice::HugePage, start, used);
    Some((map, start))
}

/// Code that can be run where it lies.
struct Code {
    map: Mmap,
    start: usize,
    length: usize,
}

impl Code {
    fn bytes(&self) -> &[u8] {
        self.map.get(self.start..).and_then(|rest| rest.get(..self.length)).unwrap_or_default()
    }
}

/// An engine with room for the code of one component.
pub(crate) struct Placed {
    pub(crate) engine: Engine,
    room: Arc<Room>,
}

impl Placed {
    pub(crate) fn new(target: Target) -> wasmtime::Result<Self> {
        let room = Arc::new(Room::default());
        let engine = engine::engine_with(target, room.clone())?;
        Ok(Self { engine, room })
    }

    /// Takes what was read and checked for this engine's code. It lies where it is for as long as the engine and
    /// all that is made with it, and it does not change. None where there is one already.
    pub(crate) fn keep(&self, draft: Draft) -> Option<NonNull<[u8]>> {
        self.room.code.set(draft.finish()?).ok()?;
        self.room.code.get().map(|code| NonNull::from(code.bytes()))
    }
}

/// Where the code is, once it is there. The engine has it.
#[derive(Default)]
struct Room {
    code: OnceLock<Code>,
}

impl CustomCodeMemory for Room {
    fn required_alignment(&self) -> usize {
        PAGE
    }

    /// Of this engine's code, and of no other: the rest of it is a component's data, and is not to be run.
    fn publish_executable(&self, from: *const u8, length: usize) -> wasmtime::Result<()> {
        let code = self.code.get().map(Code::bytes).unwrap_or_default();
        let at = from.addr().wrapping_sub(code.as_ptr().addr());
        let Some(text) = code.get(at..).and_then(|rest| rest.get(..length)) else {
            return Err(wasmtime::format_err!("an engine with room for one component got another"));
        };
        Ok(make_executable(text)?)
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(target: Target, bytes: &[u8]) -> (Placed, NonNull<[u8]>) {
        let placed = Placed::new(target).unwrap();
        let mut draft = Draft::new(bytes.len()).unwrap();
        draft.bytes().unwrap().copy_from_slice(bytes);
        let code = placed.keep(draft).unwrap();
        (placed, code)
    }

    /// What may be done with the memory there, as the system says it.
    fn rights(at: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| {
            let (from, to) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let [from, to] = [from, to].map(|it| usize::from_str_radix(it, 16).unwrap());
            (from..to).contains(&at)
        });
        line.unwrap().split(' ').nth(1).unwrap().to_owned()
    }

    #[test]
    fn what_was_placed_is_there_as_it_was_written_and_cannot_be_written_to_any_more() {
        for length in [1, PAGE + 1, WORTH_LARGE, LARGE + 1] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            for target in [Target::Native, Target::Pulley] {
                let (placed, code) = placed(target, &bytes);
                assert_eq!(placed.room.code.get().unwrap().bytes(), bytes);
                assert_eq!(code.len(), length);
                let [first, last] = [0, length - 1].map(|at| code.addr().get() + at);
                assert_eq!([rights(first), rights(last)], ["r--p"; 2], "{length}");
                assert!(first.is_multiple_of(PAGE));
            }
        }
    }

    #[test]
    fn of_what_was_placed_only_the_code_can_be_run() {
        for length in [3 * PAGE, LARGE + PAGE] {
            let (placed, code) = placed(Target::Native, &vec![1; length]);
            let first = code.cast::<u8>().as_ptr().cast_const();
            placed.room.publish_executable(first.wrapping_add(PAGE), PAGE).unwrap();
            let found = [0, PAGE, 2 * PAGE - 1, 2 * PAGE].map(|at| rights(first.addr() + at));
            assert_eq!(found, ["r--p", "r-xp", "r-xp", "r--p"]);
        }
    }

    #[test]
    fn an_engine_with_room_takes_one_code_and_makes_no_other_executable() {
        let (placed, code) = placed(Target::Native, &[0; 3 * PAGE]);
        let mut second = Draft::new(PAGE).unwrap();
        second.bytes().unwrap().fill(1);
        assert!(placed.keep(second).is_none());
        assert_eq!(placed.room.code.get().unwrap().bytes(), [0; 3 * PAGE], "the first one stays");
        let own = code.cast::<u8>().as_ptr().cast_const();
        placed.room.publish_executable(own, 3 * PAGE).unwrap();
        placed.room.publish_executable(own, 3 * PAGE + 1).unwrap_err();
        placed.room.publish_executable(own.wrapping_sub(PAGE), PAGE).unwrap_err();
        placed.room.publish_executable([0_u8; 8].as_ptr(), 8).unwrap_err();
        Room::default().publish_executable(own, PAGE).unwrap_err();
    }

    #[test]
    fn the_memory_is_there_as_long_as_the_component_and_no_longer() {
        // The least component there is.
        let code =
            engine::engine(Target::Native).unwrap().precompile_component(b"\0asm\x0d\0\x01\0").unwrap();
        let placed = Placed::new(Target::Native).unwrap();
        let mut draft = Draft::new(code.len()).unwrap();
        draft.bytes().unwrap().copy_from_slice(&code);
        let loaded =
            crate::native_code::deserialize_placed(&placed, draft, crate::native_code::Origin::JustCompiled);
        let component = loaded.unwrap().unwrap();
        let room = Arc::downgrade(&placed.room);
        drop(placed);
        assert!(room.upgrade().is_some_and(|room| room.code.get().is_some()), "the component has it");
        drop(component);
        assert!(room.upgrade().is_none());
    }
}
