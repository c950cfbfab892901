//! A future that is polled again where it stands when it wakes itself.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::task::AtomicWaker;
use vestibule_kernel::requeue::is_requeued;

/// Times that it is polled in a row, at most: whoever wakes itself for ever is not to keep others from running.
const IN_A_ROW: usize = 8;

/// Nobody polls it.
const RESTS: u8 = 0;
/// It is being polled.
const POLLED: u8 = 1;
/// It is being polled, and was woken since.
const WOKEN: u8 = 2;

/// Polls a future, and again at once where it was woken meanwhile.
///
/// A task that wakes itself while it is polled goes to the end of the runtime's queue, and another worker is woken to take it
/// from there. The connections of hyper do so with every body that they read. Who means to let others go first is let:
/// [`requeue`](vestibule_kernel::requeue::requeue).
pub(super) struct Wakeful<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    waker: Waker,
}

impl<F> Wakeful<F> {
    /// Over a future.
    pub(super) fn new(future: F) -> Self {
        let bell = Arc::new(Bell { state: AtomicU8::new(RESTS), outer: AtomicWaker::new() });
        let waker = Waker::from(Arc::clone(&bell));
        Self { future: Box::pin(future), bell, waker }
    }
}

impl<F: Future> Future for Wakeful<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.bell.outer.register(context.waker());
        // Whoever else has asked for it on this thread is not meant.
        is_requeued();
        for _ in 0..IN_A_ROW {
            this.bell.state.store(POLLED, Ordering::SeqCst);
            let polled = this.future.as_mut().poll(&mut Context::from_waker(&this.waker));
            let rests = this.bell.state.compare_exchange(POLLED, RESTS, Ordering::SeqCst, Ordering::SeqCst).is_ok();
            if rests || polled.is_ready() {
                return polled;
            }
            if is_requeued() {
                break;
            }
        }
        this.bell.state.store(RESTS, Ordering::SeqCst);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What wakes it.
struct Bell {
    state: AtomicU8,
    /// The task that it is part of.
    outer: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // While it is polled, it is polled again before it rests.
        if self.state.compare_exchange(POLLED, WOKEN, Ordering::SeqCst, Ordering::SeqCst) == Err(RESTS) {
            self.outer.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Polls it once as a task would; how often the task was woken then.
    fn poll<F: Future>(future: &mut Wakeful<F>, woken: &Arc<Count>) -> (Poll<F::Output>, usize) {
        let polled = Pin::new(future).poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken))));
        (polled, woken.0.swap(0, Ordering::SeqCst))
    }

    fn count() -> Arc<Count> {
        Arc::new(Count(AtomicUsize::new(0)))
    }

    /// Whoever wakes themselves a few times is done without the task being woken.
    #[test]
    fn it_is_polled_again_where_it_stands() {
        let mut polls = 0;
        let mut future = Wakeful::new(poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert_eq!(poll(&mut future, &count()), (Poll::Ready(()), 0));
        drop(future);
        assert_eq!(polls, 3);
    }

    /// Who does so for ever lets others run.
    #[test]
    fn it_lets_others_run() {
        let mut polls = 0;
        let mut future = Wakeful::new(poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        assert_eq!(poll(&mut future, &count()), (Poll::Pending, 1));
        drop(future);
        assert_eq!(polls, IN_A_ROW);
    }

    /// Who means to let others run is let.
    #[test]
    fn it_goes_to_the_end_of_the_queue() {
        let mut future = Wakeful::new(vestibule_kernel::requeue::requeue());
        let woken = count();
        assert_eq!(poll(&mut future, &woken), (Poll::Pending, 1));
        assert_eq!(poll(&mut future, &woken), (Poll::Ready(()), 0));
    }

    /// Woken while nobody polls it, it wakes the task that polled it last.
    #[test]
    fn it_wakes_its_task() {
        let kept = AtomicWaker::new();
        let mut future = Wakeful::new(poll_fn(|context| {
            kept.register(context.waker());
            Poll::<()>::Pending
        }));
        let (first, second) = (count(), count());
        assert_eq!(poll(&mut future, &first), (Poll::Pending, 0));
        assert_eq!(poll(&mut future, &second), (Poll::Pending, 0));
        kept.wake();
        assert_eq!((first.0.load(Ordering::SeqCst), second.0.load(Ordering::SeqCst)), (0, 1));
    }

    /// However many threads wake it, it does not sleep through.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_is_forgotten() {
        for _ in 0..200 {
            let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
            for _ in 0..4 {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for _ in 0..8 {
                        sender.send(()).await.unwrap();
                    }
                });
            }
            drop(sender);
            let all = async move {
                let mut count = 0;
                while receiver.recv().await.is_some() {
                    count += 1;
                }
                count
            };
            assert_eq!(tokio::spawn(Wakeful::new(all)).await.unwrap(), 32);
        }
    }
}
