//! Ctrl-C and SIGTERM: the program that runs is asked to stop, and then whatever was started beside it ends in the usual way.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// Whether a signal has come.
static ASKED: AtomicBool = AtomicBool::new(false);
/// The program that is waited for.
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
                stop(*RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
            }
        });
    });
    Ok(())
}

/// An error if a signal has come.
pub(crate) fn check() -> Result<()> {
    ensure!(!ASKED.load(Ordering::SeqCst), "interrupted");
    Ok(())
}

/// Waits for a program's end. At a terminal it hears Ctrl-C itself; that it is told twice changes nothing.
pub(crate) fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let running = |child: Option<Pid>| {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = child;
    };
    let pid = pid(child);
    running(pid);
    if check().is_err() {
        // The signal came just before.
        stop(pid);
    }
    let status = child.wait();
    running(None);
    status
}

/// The number of a process, which is that of its group if it leads one.
pub(crate) fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn stop(running: Option<Pid>) {
    if let Some(pid) = running {
        // One that has ended needs no signal.
        let _ = kill_process(pid, Signal::TERM);
    }
}
