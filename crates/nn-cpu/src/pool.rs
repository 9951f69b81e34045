//! Threads that claim work, and that a busy neighbour cannot hold up.
//!
//! A step has some hundred phases, each cut into pieces of a tenth of a millisecond that all threads claim; a phase ends
//! when its pieces are done. On a CPU that another process wants too, the system takes threads off it for milliseconds
//! at a time. A thread that is taken off in the middle of a piece holds up all others, so every millisecond it offers to
//! go between two pieces: while it is away, the others do all the work. Thread pools in general wait for every *thread*
//! at the end of a phase; this one waits for every *piece*. (The calling thread, which alone starts phases, is still
//! waited for.)

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a thread that has the CPU keeps it before it offers to go.
const TURN: Duration = Duration::from_millis(1);
/// How often a thread looks for work before it sleeps: some tens of microseconds, as a thread takes to wake.
const LOOKS: u32 = 2000;

/// Bits of the number of pieces, and of the next to be claimed, in [`Shared::state`].
const BITS: u32 = 16;
/// Most pieces of a phase.
pub(crate) const MOST_PIECES: usize = (1 << BITS) - 1;

thread_local! {
    /// Position of this thread among those of its pool; the caller is the first.
    static POSITION: Cell<usize> = const { Cell::new(0) };
}

/// Some threads, the calling one among them.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// One phase at a time.
    phase: Mutex<()>,
}

/// The work of a phase, on the stack of the thread that waits for its end.
struct Job<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Job<'_> {
    /// Keeps the first panic. Others are not even dropped: that might panic again, here where nobody catches it.
    fn keep(&self, panic: Box<dyn Any + Send>) {
        let mut kept = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
        match *kept {
            None => *kept = Some(panic),
            Some(_) => std::mem::forget(panic),
        }
    }
}

struct Shared {
    /// Pieces of the phase, and the next to be claimed. A piece that is claimed is one of the phase that is going on, and
    /// that cannot end before the piece is done: so whoever has claimed one may use the job.
    state: AtomicU32,
    job: AtomicPtr<Job<'static>>,
    /// Pieces done.
    done: AtomicU32,
    closed: AtomicBool,
    /// Threads asleep, and where they sleep: workers without work, and the caller before the end of a phase.
    sleep: Mutex<()>,
    sleepers: AtomicU32,
    work: Condvar,
    end: Condvar,
}

impl Pool {
    /// A pool of so many threads, at least one.
    ///
    /// # Errors
    /// If the system gives no more threads.
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: AtomicU32::new(0),
            job: AtomicPtr::new(std::ptr::null_mut()),
            done: AtomicU32::new(0),
            closed: AtomicBool::new(false),
            sleep: Mutex::new(()),
            sleepers: AtomicU32::new(0),
            work: Condvar::new(),
            end: Condvar::new(),
        });
        let mut pool = Self {
            shared,
            workers: Vec::new(),
            phase: Mutex::new(()),
        };
        for position in 1..threads {
            let shared = pool.shared.clone();
            let worker = move || {
                POSITION.set(position);
                shared.serve();
            };
            let name = format!("nn-cpu-{position}");
            pool.workers
                .push(thread::Builder::new().name(name).spawn(worker)?);
        }
        Ok(pool)
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// The position of the thread that asks, below [`threads`](Self::threads) within its pool's work.
    pub(crate) fn position() -> usize {
        POSITION.get()
    }

    /// Calls `work(piece)` once for each of at most [`MOST_PIECES`] pieces, on all threads; returns when all are done. Never
    /// called from within itself.
    pub(crate) fn run(&self, pieces: usize, work: impl Fn(usize) + Sync) {
        let _one = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &*self.shared;
        assert!(pieces <= MOST_PIECES, "{pieces} pieces of work");
        let job = Job {
            work: &work,
            panic: Mutex::new(None),
        };
        shared.done.store(0, Ordering::Relaxed);
        shared
            .job
            .store((&raw const job).cast_mut().cast(), Ordering::Relaxed);
        shared
            .state
            .store((pieces as u32) << BITS, Ordering::SeqCst);
        if shared.sleepers.load(Ordering::SeqCst) > 0 {
            drop(shared.lock());
            shared.work.notify_all();
        }
        while shared.work_once() {}
        shared.wait_for(pieces as u32);
        let panic = job
            .panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        drop(self.shared.lock());
        self.shared.work.notify_all();
        for worker in self.workers.drain(..) {
            // A worker returns whatever its work did.
            let _ = worker.join();
        }
    }
}

/// Number of pieces, and the next to be claimed.
fn parts(state: u32) -> (u32, u32) {
    (state >> BITS, state & ((1 << BITS) - 1))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.sleep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a piece can be claimed.
    fn has_work(&self) -> bool {
        let (pieces, next) = parts(self.state.load(Ordering::SeqCst));
        next < pieces
    }

    /// Claims a piece and does it, if there is one.
    fn work_once(&self) -> bool {
        let claim = |state| {
            let (pieces, next) = parts(state);
            (next < pieces).then_some(state + 1)
        };
        let claimed = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, claim);
        let Ok(state) = claimed else { return false };
        let (pieces, piece) = parts(state);
        // SAFETY: a piece of this phase is claimed and not done, so `run` has not returned and its job is there; the
        // pointer was stored before the state that the claim has seen.
        let job = unsafe { &*self.job.load(Ordering::Relaxed) };
        let work = AssertUnwindSafe(|| (job.work)(piece as usize));
        if let Err(panic) = catch_unwind(work) {
            job.keep(panic);
        }
        if self.done.fetch_add(1, Ordering::SeqCst) + 1 == pieces {
            // The caller may be asleep; it holds the lock from its last look until it sleeps.
            drop(self.lock());
            self.end.notify_one();
        }
        true
    }

    /// A worker's life.
    fn serve(&self) {
        let mut since = Instant::now();
        while !self.closed.load(Ordering::SeqCst) {
            let mut looks = 0;
            while looks < LOOKS {
                if self.work_once() {
                    looks = 0;
                    if since.elapsed() > TURN {
                        thread::yield_now();
                        since = Instant::now();
                    }
                } else {
                    looks += 1;
                    std::hint::spin_loop();
                }
            }
            let mut guard = self.lock();
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            while !self.has_work() && !self.closed.load(Ordering::SeqCst) {
                guard = self
                    .work
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
            since = Instant::now();
        }
    }

    /// Returns when so many pieces are done.
    fn wait_for(&self, pieces: u32) {
        for _ in 0..LOOKS {
            if self.done.load(Ordering::SeqCst) == pieces {
                return;
            }
            std::hint::spin_loop();
        }
        let mut guard = self.lock();
        while self.done.load(Ordering::SeqCst) < pieces {
            guard = self.end.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn every_piece_is_done_once_before_the_phase_ends() {
        for threads in [1, 2, 3, 8] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.threads(), threads);
            for phase in 0..3000 {
                let pieces = phase * 7 % 33;
                let done: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
                let positions = AtomicU32::new(0);
                pool.run(pieces, |piece| {
                    done[piece].fetch_add(1, Ordering::Relaxed);
                    positions.fetch_or(1 << Pool::position(), Ordering::Relaxed);
                    if phase % 500 == 0 {
                        // Long enough for others to fall asleep.
                        thread::sleep(Duration::from_micros(300));
                    }
                });
                assert!(done.iter().all(|times| times.load(Ordering::Relaxed) == 1));
                assert!(positions.into_inner() < 1 << threads);
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(3).unwrap();
        let done = AtomicUsize::new(0);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            pool.run(9, |piece| {
                done.fetch_add(1, Ordering::Relaxed);
                assert!(piece != 4, "piece four");
            });
        }));
        let panic = ended.unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"piece four"));
        // The others were done all the same.
        assert_eq!(done.load(Ordering::Relaxed), 9);
        pool.run(5, |_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.load(Ordering::Relaxed), 14);
    }
}
