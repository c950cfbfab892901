//! Counts what a thread allocates while it runs a program of others, and nothing of the other threads: memory limits of the
//! expressions stand on it.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use mimalloc::MiMalloc;

/// Keeps little memory that nobody uses, is quick about it, and counts where it is asked to.
pub struct Allocator;

thread_local! {
    static COUNTER: Cell<Option<&'static AtomicUsize>> = const { Cell::new(None) };
    static TAKEN: Cell<isize> = const { Cell::new(0) };
}

/// Counts what this thread allocates and frees until it is dropped.
pub struct Counting {
    before: Option<&'static AtomicUsize>,
    taken_before: isize,
}

impl Counting {
    /// Bytes are added to `counter` (and taken from it, wrapping) from now on.
    pub fn start(counter: &'static AtomicUsize) -> Self {
        Self { before: COUNTER.replace(Some(counter)), taken_before: TAKEN.replace(0) }
    }

    /// Bytes taken since the start, less those given back.
    pub fn taken(&self) -> isize {
        TAKEN.get()
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        COUNTER.set(self.before);
        TAKEN.set(self.taken_before);
    }
}

#[inline]
fn count(bytes: isize) {
    // A thread that is ending has no cell any more.
    if let Ok(Some(counter)) = COUNTER.try_with(Cell::get) {
        counter.fetch_add(bytes.cast_unsigned(), Ordering::Relaxed);
        let _ = TAKEN.try_with(|taken| taken.set(taken.get().wrapping_add(bytes)));
    }
}

#[expect(clippy::cast_possible_wrap, reason = "a layout is at most isize::MAX bytes")]
fn size(bytes: usize) -> isize {
    bytes as isize
}

#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
// SAFETY: every call goes to `MiMalloc` unchanged; counting touches two cells and an atomic number, and never allocates.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(size(new_size).wrapping_sub(size(layout.size())));
        unsafe { MiMalloc.realloc(pointer, layout, new_size) }
    }
}
