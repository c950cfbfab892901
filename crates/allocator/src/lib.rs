//! The allocator, and what it has to be told: when to give memory back, and in which pieces to take it. It keeps what was
//! freed for a while, and looks at the clock only when it is used: a server that has become idle would keep it for ever.

mod counted;
mod large;

pub use counted::{Allocator, Counting};
pub use large::Large;

/// Gives what this thread has freed, and what no thread uses, back to the system.
#[expect(unsafe_code, reason = "mimalloc offers this as a C function alone")]
pub fn give_back() {
    // SAFETY: `mi_collect` takes no pointers and may be called by any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// Takes memory in small pages from now on, but where it is asked for otherwise ([`Large`]). Where the system hands out huge
/// ones (2 MiB) unasked, a server at rest uses a part of each and pays the whole: more than ten megabytes. Systems before Linux
/// 6.18 know no exception. Where the system refuses, everything stays as it was.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    {
        /// `PR_THP_DISABLE_EXCEPT_ADVISED` (linux/prctl.h).
        const EXCEPT_ADVISED: libc::c_ulong = 1 << 1;
        let unasked = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
        if !unasked.is_ok_and(|modes| modes.contains("[always]")) {
            return;
        }
        #[expect(unsafe_code, reason = "the system offers this as a C function alone")]
        // SAFETY: `PR_SET_THP_DISABLE` takes numbers and no pointers (prctl(2)); the unused arguments must be 0.
        unsafe {
            if libc::prctl(libc::PR_SET_THP_DISABLE, 1, EXCEPT_ADVISED, 0, 0) != 0 {
                libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
            }
        }
    }
}

/// Bytes of a small page.
#[cfg(target_os = "linux")]
fn page() -> usize {
    #[expect(unsafe_code, reason = "the system offers this as a C function alone")]
    // SAFETY: `sysconf` takes no pointers.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(page).unwrap_or_default().max(1)
}

/// Gives the pages of the program itself back that only its start needed. They are the file's, which the system keeps as
/// long as it has room: what is needed again is there again, page by page. Where the system refuses, everything stays.
pub fn give_back_code() {
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "the system offers this as a C function alone")]
    // SAFETY: the callback keeps to the signature that `dl_iterate_phdr` wants, and uses no data.
    unsafe {
        libc::dl_iterate_phdr(Some(code::give_back), std::ptr::null_mut());
    }
}

#[cfg(target_os = "linux")]
mod code {
    use std::ffi::{c_int, c_void};

    /// Called with each object that is loaded, the program first (`dl_iterate_phdr(3)`); not 0 ends it.
    #[expect(unsafe_code, reason = "what the system says comes as pointers")]
    pub(super) unsafe extern "C" fn give_back(info: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
        // SAFETY: the caller passes a valid entry, whose array of headers has as many elements as it says.
        let (base, headers) = unsafe {
            let info = &*info;
            (info.dlpi_addr, std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()))
        };
        let page = super::page() as u64;
        // What nobody has ever been allowed to write holds what the file holds, whenever it is read.
        let fixed = headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0);
        for header in fixed {
            let start = (base + header.p_vaddr).next_multiple_of(page);
            let end = (base + header.p_vaddr + header.p_memsz) / page * page;
            if let (Ok(from), Ok(length)) = (usize::try_from(start), usize::try_from(end.saturating_sub(start)))
                && length > 0
            {
                // SAFETY: whole pages of a mapping of a file that is private and never written: they are read again from it.
                unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(from), length, libc::MADV_DONTNEED) };
            }
        }
        1
    }
}
