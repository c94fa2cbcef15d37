//! What a finished child process cost.

use std::{
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};

use crate::command;

/// How often the resident size is looked at. It only grows (`VmHWM`), so that just what is added after the last look is missed.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The cost of one run of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// User and system time of it and of the children it waited for.
    pub(crate) cpu: Duration,
    /// Largest resident size, in KiB.
    pub(crate) peak_rss_kib: u64,
}

/// Runs it to its end and says what it cost. Nothing else may be waited for by this process meanwhile.
///
/// # Errors
/// When it cannot be started or does not end with 0.
pub(crate) fn run(command: &mut Command) -> Result<Cost> {
    let before = cpu_of_children()?;
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", command::shown(command)))?;
    let ended = Arc::new(AtomicBool::new(false));
    let watcher = thread::spawn({
        let (process, ended) = (child.id(), Arc::clone(&ended));
        move || watch_peak_rss(process, &ended)
    });
    let status = child.wait();
    let wall = started.elapsed();
    ended.store(true, Ordering::Relaxed);
    let cpu = cpu_of_children()?.saturating_sub(before);
    let Ok(peak_rss_kib) = watcher.join() else { bail!("the watcher of the resident size died") };
    let status = status?;
    if !status.success() {
        bail!("`{}` ended with {status}", command::shown(command));
    }
    Ok(Cost { wall, cpu, peak_rss_kib })
}

/// CPU time that a running child has used so far, to a hundredth of a second; zero where `/proc` is not to be had.
pub(crate) fn cpu_so_far(child: &Child) -> Duration {
    /// What Linux reports these fields in, whatever the kernel's own tick is: `USER_HZ`, proc(5).
    const TICKS_A_SECOND: u32 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    // The second field is the program's name in parentheses and may hold anything; utime and stime are fields 14 and 15.
    let behind_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: u32 =
        behind_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Duration::from_secs(1) * ticks / TICKS_A_SECOND
}

/// CPU time of all children that were waited for.
fn cpu_of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let microseconds = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let sum = microseconds(usage.user_time()) + microseconds(usage.system_time());
    Ok(Duration::from_micros(u64::try_from(sum)?))
}

fn watch_peak_rss(process: u32, ended: &AtomicBool) -> u64 {
    let mut peak = 0;
    while !ended.load(Ordering::Relaxed) {
        peak = peak.max(peak_rss(process).unwrap_or(0));
        thread::sleep(LOOK_EVERY);
    }
    peak
}

/// `VmHWM` of a process, in KiB.
fn peak_rss(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_child_costs_cpu_and_memory() {
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        let cost = run(Command::new("sh").args(["-c", script])).unwrap();
        assert!(cost.cpu > Duration::from_millis(1), "{cost:?}");
        assert!(cost.wall >= cost.cpu / 2, "{cost:?}");
        assert!(cost.peak_rss_kib > 100, "{cost:?}");
    }

    #[test]
    fn a_child_that_fails_is_an_error() {
        assert!(run(Command::new("sh").args(["-c", "exit 3"])).is_err());
    }
}
