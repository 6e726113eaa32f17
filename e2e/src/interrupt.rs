//! Ctrl-C and SIGTERM: what runs is broken off, and what explains it is collected and everything removed all the same.

use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

use crate::program::say;

/// Whether a signal has come.
static ASKED: AtomicBool = AtomicBool::new(false);
/// How many hold signals off.
static HOLDING_OFF: AtomicUsize = AtomicUsize::new(0);
/// The process group that the run waits for.
static RUNNING: Mutex<Option<Pid>> = Mutex::new(None);

/// Listens for signals from now on.
pub(crate) fn listen() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                ASKED.store(true, Ordering::SeqCst);
                say("interrupted: what was set up is removed first");
                let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
                stop(*running);
            }
        });
    });
    Ok(())
}

/// Whether what runs has to be broken off.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst) && HOLDING_OFF.load(Ordering::SeqCst) == 0
}

/// An error if what runs has to be broken off.
pub(crate) fn check() -> Result<()> {
    ensure!(!is_asked(), "interrupted");
    Ok(())
}

fn stop(running: Option<Pid>) {
    if let Some(group) = running.filter(|_| is_asked()) {
        // One that has ended needs no signal.
        let _ = kill_process_group(group, Signal::TERM);
    }
}

/// A program that the run waits for; a signal asks it to stop too.
pub(crate) struct Running(());

impl Running {
    pub(crate) fn new(child: &Child) -> Self {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        *running = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        // The signal may have come just before.
        stop(*running);
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// While it lives nothing is broken off: evidence is collected, or something is removed.
pub(crate) struct HeldOff(());

impl HeldOff {
    pub(crate) fn begin() -> Self {
        HOLDING_OFF.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for HeldOff {
    fn drop(&mut self) {
        HOLDING_OFF.fetch_sub(1, Ordering::SeqCst);
    }
}
