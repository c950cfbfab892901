//! The allocator, and what it has to be told: when to give memory back, and in which pieces to take it. It keeps what was
//! freed for a while, and looks at the clock only when it is used: a server that has become idle would keep it for ever.

mod counted;

pub use counted::{Allocator, Counting};

/// Gives what this thread has freed, and what no thread uses, back to the system.
#[expect(unsafe_code, reason = "mimalloc offers this as a C function alone")]
pub fn give_back() {
    // SAFETY: `mi_collect` takes no pointers and may be called by any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// Takes memory in small pages from now on. The allocator asks for huge ones (2 MiB), of which a server at rest uses a part
/// and pays the whole: more than ten megabytes. Hashing passwords is no slower without them. Where the system refuses,
/// everything stays as it was.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "the system offers this as a C function alone")]
    // SAFETY: `PR_SET_THP_DISABLE` takes a number and no pointers (prctl(2)); the unused arguments must be 0.
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}
