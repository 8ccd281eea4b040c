//! Process: a started program with all its children, and what it uses.

use std::{
    collections::HashMap,
    fs,
    process::{ExitStatus, Stdio},
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// `/proc` counts processor time in these: USER_HZ, 100 on every Linux a program can see.
const TICKS_PER_SECOND: f64 = 100.0;

/// A program and its children. All of them are killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    pid: u32,
}

/// What a program and its children use, together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// MiB now (`VmRSS`). Pages that children share count once for each.
    pub(crate) now: f64,
    /// MiB at most so far (`VmHWM`).
    pub(crate) most: f64,
}

// === impl Process ===

impl Process {
    /// Starts it with captured output and an input that ends when this program does.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.as_std().get_program()))?;
        let pid = child.id().context("it ended at once")?;
        Ok(Self { child, pid })
    }

    /// Its standard output and standard error, once.
    pub(crate) fn outputs(&mut self) -> Result<(ChildStdout, ChildStderr)> {
        let outputs = self.child.stdout.take().zip(self.child.stderr.take());
        outputs.context("the output is read elsewhere")
    }

    /// Whether it has ended, and how.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Processor time so far in seconds, in user and kernel mode, of all threads.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let mut ticks = 0;
        for pid in self.pids() {
            let fields = stat(pid).with_context(|| format!("process {pid} is gone"))?;
            // proc_pid_stat(5): utime and stime are fields 14 and 15, and `stat` begins with 3.
            for field in [11, 12] {
                let value = fields.get(field).context("/proc/PID/stat is too short")?;
                ticks += value.parse::<u64>()?;
            }
        }
        Ok(ticks as f64 / TICKS_PER_SECOND)
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        let mut memory = Memory {
            now: 0.0,
            most: 0.0,
        };
        for pid in self.pids() {
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            memory.now += mebibytes(&status, "VmRSS:")?;
            memory.most += mebibytes(&status, "VmHWM:")?;
        }
        Ok(memory)
    }

    /// Its process id, and then its descendants'.
    fn pids(&self) -> Vec<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            let parent = stat(pid).and_then(|fields| fields.get(1)?.parse().ok());
            children
                .entry(parent.unwrap_or_default())
                .or_default()
                .push(pid);
        }
        let mut found = vec![self.pid];
        let mut next = 0;
        while let Some(pid) = found.get(next) {
            found.extend(children.remove(pid).unwrap_or_default());
            next += 1;
        }
        found
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // The parent first: it would replace its children.
        for pid in self.pids() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may have ended by itself.
                kill_process(pid, Signal::KILL).ok();
            }
        }
    }
}

/// The fields of `/proc/PID/stat` from the third on: what follows the name in brackets.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn mebibytes(status: &str, name: &str) -> Result<f64> {
    let kibibytes: Option<f64> = status.lines().find_map(|line| {
        line.strip_prefix(name)?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    Ok(kibibytes.with_context(|| format!("no {name} in /proc/PID/status"))? / 1024.0)
}
