//! The allocator, and the one thing it has to be told: when to give memory back. It keeps what was freed for a while,
//! and looks at the clock only when it is used: a server that has become idle would keep it for ever.

/// Keeps little memory that nobody uses, and is quick about it.
pub use mimalloc::MiMalloc as Allocator;

/// Gives what this thread has freed, and what no thread uses, back to the system.
#[expect(unsafe_code, reason = "mimalloc offers this as a C function alone")]
pub fn give_back() {
    // SAFETY: `mi_collect` takes no pointers and may be called by any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
