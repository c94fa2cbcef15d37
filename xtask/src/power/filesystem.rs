//! An ext4 file system in a file, whose power can be cut.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::command;

/// Of the file system, in bytes.
const SIZE: u64 = 32 << 20;

/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`: from then on nothing reaches the disk, not even what the
/// file system's own journal has not written yet. (Linux: fs/ext4/ext4.h.)
const CUT: &str = "
import fcntl, os, struct, sys
place = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
sys.stdin.readline()
fcntl.ioctl(place, 0x8004587d, struct.pack('I', 2))
os.close(place)
print('cut', flush=True)
";

/// A mounted file system; it is unmounted when this is dropped.
pub(super) struct FileSystem {
    image: PathBuf,
    place: PathBuf,
    mounted: bool,
}

impl FileSystem {
    /// What keeps this machine from having one.
    pub(super) fn missing() -> Result<Option<String>> {
        if fs::metadata("/proc/self").map_or(u32::MAX, |this| this.uid()) != 0 {
            return Ok(Some("mounting needs root".into()));
        }
        for (program, argument) in [("mkfs.ext4", "-V"), ("mount", "-V"), ("umount", "-V"), ("python3", "-V")]
        {
            if !command::answers(Command::new(program).arg(argument))? {
                return Ok(Some(format!("there is no {program}")));
            }
        }
        Ok(None)
    }

    /// An empty one, in an image beside the place where it is mounted.
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let (image, place) = (folder.join("ext4.img"), folder.join("disk"));
        fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
        fs::File::create(&image)?.set_len(SIZE)?;
        command::output(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))?;
        let mut made = Self { image, place, mounted: false };
        made.mount()?;
        Ok(made)
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// As the machine does when its power comes back.
    pub(super) fn restart(&mut self) -> Result<()> {
        command::output(Command::new("umount").arg(&self.place))?;
        self.mounted = false;
        self.mount()
    }

    fn mount(&mut self) -> Result<()> {
        command::output(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.place))?;
        self.mounted = true;
        Ok(())
    }
}

impl Drop for FileSystem {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily, since a run that was not waited for may still have a file open.
            drop(command::output(Command::new("umount").arg("-l").arg(&self.place)));
        }
    }
}

/// A hand at the switch.
pub(super) struct Switch {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Switch {
    /// Ready to cut the power at once.
    pub(super) fn of(disk: &FileSystem) -> Result<Self> {
        let mut python = Command::new("python3");
        python.args(["-c", CUT]).arg(disk.place()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = python.spawn().context("cannot start python3")?;
        let stdin = process.stdin.take().context("its stdin is a pipe")?;
        let stdout = BufReader::new(process.stdout.take().context("its stdout is a pipe")?);
        let mut switch = Self { process, stdin, stdout };
        switch.wait_for("ready")?;
        Ok(switch)
    }

    /// Nothing that is written from now on lasts.
    pub(super) fn cut(mut self) -> Result<()> {
        self.stdin.write_all(b"\n")?;
        self.wait_for("cut")?;
        self.process.wait()?;
        Ok(())
    }

    fn wait_for(&mut self, word: &str) -> Result<()> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        if line.trim_end() != word {
            bail!("the file system cannot be shut down: {line:?} instead of {word:?}");
        }
        Ok(())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // After a cut it has ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
