//! Letting others go first.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

thread_local! {
    static WANTED: Cell<bool> = const { Cell::new(false) };
}

/// Goes to the end of the queue of tasks that are ready. Tokio's `yield_now` looks for new work before it goes on, too: among
/// several that are about to do the same, that would have the first of them go on with the few who were there first.
pub async fn requeue() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        WANTED.set(true);
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Whether somebody on this thread has asked for [`requeue`] since it was last looked at: for futures that poll others again
/// where they stand.
pub fn is_requeued() -> bool {
    WANTED.take()
}
