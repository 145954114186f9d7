//! A simulated disk that fails on demand and whose power can be cut. A program that the
//! test starts uses it without knowing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::chance::Chance;
use crate::support;

/// A fault, counted from when the test sets it.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The n-th fsync, and only that.
    Sync(u32),
    /// The n-th write, and only that.
    Write(u32),
    /// Every write, after this many more bytes.
    Full(u64),
    /// No fsync does anything from then on, but all report success.
    Deaf,
}

/// An operation of a program. Names are relative to the disk's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Create(String),
    Write(String, usize, Vec<u8>),
    Truncate(String, usize),
    /// An fsync of a file, or of the directory if the name is empty.
    Sync(String),
    SyncFailed(String),
    Remove(String),
    Rename(String, String),
    /// A write to the standard output or to a peer.
    Said(String),
}

/// A directory with a record of every change, as long as only programs started by
/// [`FaultyDisk::command`] change it.
pub struct FaultyDisk {
    directory: PathBuf,
    /// The folder with the record of operations, and with the current fault.
    own: TempDir,
    before: Platter,
}

impl FaultyDisk {
    /// A disk in this directory, whose present contents are safe from a power cut.
    pub fn new(directory: &Path) -> Self {
        let directory = directory.canonicalize().unwrap();
        let before = Platter::of(&directory);
        Self {
            directory,
            own: TempDir::new().unwrap(),
            before,
        }
    }

    /// A command whose program uses this disk.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env("LD_PRELOAD", library())
            .env("CHATROOM_DISK", &self.directory)
            .env("CHATROOM_DISK_TRACE", self.own.path().join("trace"))
            .env("CHATROOM_DISK_FAULT", self.own.path().join("fault"));
        command
    }

    /// Sets the fault, also for running programs. A fault other than the one before starts
    /// its count anew.
    pub fn fail(&self, fault: Fault) {
        let order = match fault {
            Fault::Sync(n) => format!("fsync {n}"),
            Fault::Write(n) => format!("write {n}"),
            Fault::Full(bytes) => format!("full {bytes}"),
            Fault::Deaf => "deaf".to_owned(),
        };
        let new = self.own.path().join("fault-new");
        fs::write(&new, order).unwrap();
        fs::rename(new, self.own.path().join("fault")).unwrap();
    }

    /// All operations so far.
    pub fn operations(&self) -> Vec<Operation> {
        let trace = fs::read(self.own.path().join("trace")).unwrap_or_default();
        let mut rest = &trace[..];
        let mut operations = Vec::new();
        while let Some(operation) = parse(&mut rest) {
            operations.push(operation);
        }
        operations
    }

    /// The disk before all operations.
    pub fn before(&self) -> Platter {
        self.before.clone()
    }

    /// Writes into a directory what remains if the power fails after the first `count`
    /// operations; see [`Platter::lose_power`].
    pub fn rebuild(&self, count: usize, seed: Option<u64>, into: &Path) {
        let mut platter = self.before();
        for operation in &self.operations()[..count] {
            platter.apply(operation);
        }
        platter.lose_power(seed, into);
    }
}

/// The library loaded into the programs.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| support::library("faults/disk.c", &["-ldl", "-lpthread"]))
}

/// The first operation of a record, if it is complete.
fn parse(record: &mut &[u8]) -> Option<Operation> {
    let number = |bytes: &[u8]| usize::try_from(u64::from_ne_bytes(bytes.try_into().unwrap()));
    let head = record.get(..21)?;
    let name_length = u32::from_ne_bytes(head[1..5].try_into().unwrap()) as usize;
    let (offset, length) = (number(&head[5..13]).unwrap(), number(&head[13..]).unwrap());
    let name_end = 21 + name_length;
    let data = record.get(name_end..name_end + length)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let name = text(&record[21..name_end]);
    let operation = match head[0] {
        b'c' => Operation::Create(name),
        b'w' => Operation::Write(name, offset, data.to_vec()),
        b't' => Operation::Truncate(name, offset),
        b's' => Operation::Sync(name),
        b'f' => Operation::SyncFailed(name),
        b'u' => Operation::Remove(name),
        b'r' => Operation::Rename(name, text(data)),
        // A write to a peer can end in the middle of a character.
        b'o' => Operation::Said(String::from_utf8_lossy(data).into_owned()),
        kind => panic!("{kind}"),
    };
    *record = &record[name_end + length..];
    Some(operation)
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Clone, Debug)]
enum Renaming {
    Add(String, usize),
    Remove(String),
}

#[derive(Clone, Debug, Default)]
struct Contents {
    safe: Vec<u8>,
    /// Writes since the last fsync.
    unsafe_yet: Vec<Change>,
}

/// The contents of a disk: those that are safe from a power cut, and those that are not
/// yet. The model guarantees no more than the system does. The name of a file is safe
/// after an fsync of the directory, its contents after an fsync of the file. After a failed
/// fsync, the data is lost, and no later fsync makes it safe.
#[derive(Clone, Debug, Default)]
pub struct Platter {
    files: Vec<Contents>,
    names: Vec<(String, usize)>,
    safe_names: Vec<(String, usize)>,
    unsafe_names: Vec<Renaming>,
}

const SECTOR: usize = 512;

impl Platter {
    fn of(directory: &Path) -> Self {
        let mut platter = Self::default();
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            platter.names.push((name, platter.files.len()));
            platter.files.push(Contents {
                safe: fs::read(entry.path()).unwrap(),
                unsafe_yet: Vec::new(),
            });
        }
        platter.safe_names.clone_from(&platter.names);
        platter
    }

    fn file(&mut self, name: &str) -> Option<&mut Contents> {
        let (_, file) = self.names.iter().find(|(other, _)| other == name)?;
        self.files.get_mut(*file)
    }

    fn rename(&mut self, renaming: Renaming) {
        renaming.apply(&mut self.names);
        self.unsafe_names.push(renaming);
    }

    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Create(name) => {
                self.rename(Renaming::Add(name.clone(), self.files.len()));
                self.files.push(Contents::default());
            }
            Operation::Remove(name) => self.rename(Renaming::Remove(name.clone())),
            Operation::Rename(from, to) => {
                let file = self.names.iter().find(|(name, _)| name == from).unwrap().1;
                // A single change; without it the old name stays, and nothing is lost.
                self.rename(Renaming::Add(to.clone(), file));
                Renaming::Remove(from.clone()).apply(&mut self.names);
            }
            Operation::Write(name, offset, data) => {
                if let Some(file) = self.file(name) {
                    file.unsafe_yet.push(Change::Write(*offset, data.clone()));
                }
            }
            Operation::Truncate(name, length) => {
                if let Some(file) = self.file(name) {
                    file.unsafe_yet.push(Change::Truncate(*length));
                }
            }
            Operation::Sync(name) if name.is_empty() => {
                self.safe_names.clone_from(&self.names);
                self.unsafe_names.clear();
            }
            Operation::Sync(name) => {
                if let Some(file) = self.file(name) {
                    for change in std::mem::take(&mut file.unsafe_yet) {
                        change.apply(&mut file.safe);
                    }
                }
            }
            Operation::SyncFailed(name) => {
                if let Some(file) = self.file(name) {
                    file.unsafe_yet.clear();
                }
            }
            Operation::Said(_) => {}
        }
    }

    /// Writes into an empty directory what is left after a power cut. Without a seed, that
    /// is only the safe contents. With a seed, it is also a random part of the rest: some
    /// writes and not others, and of some only some sectors.
    pub fn lose_power(&self, seed: Option<u64>, into: &Path) {
        let mut chance = Chance::new(seed.unwrap_or(0));
        let mut names = self.safe_names.clone();
        if seed.is_some() {
            let kept = chance.below(self.unsafe_names.len() + 1);
            for renaming in &self.unsafe_names[..kept] {
                renaming.apply(&mut names);
            }
        }
        for (name, file) in names {
            let file = &self.files[file];
            let mut bytes = file.safe.clone();
            if seed.is_some() {
                for change in &file.unsafe_yet {
                    chance.tear(change, &mut bytes);
                }
            }
            fs::write(into.join(name), bytes).unwrap();
        }
    }
}

impl Renaming {
    fn apply(&self, names: &mut Vec<(String, usize)>) {
        let (Self::Add(name, _) | Self::Remove(name)) = self;
        names.retain(|(other, _)| other != name);
        if let Self::Add(name, file) = self {
            names.push((name.clone(), *file));
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Truncate(length) => bytes.resize(*length, 0),
            Self::Write(offset, data) => {
                let end = offset + data.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(data);
            }
        }
    }
}

impl Chance {
    /// Applies half of the changes, and half of those as a whole.
    fn tear(&mut self, change: &Change, bytes: &mut Vec<u8>) {
        match (self.below(4), change) {
            (0 | 1, _) => {}
            (2, Change::Write(offset, data)) => {
                let mut done = 0;
                while done < data.len() {
                    let start = offset + done;
                    let part = (SECTOR - start % SECTOR).min(data.len() - done);
                    if self.below(2) == 0 {
                        let sector = data[done..done + part].to_vec();
                        Change::Write(start, sector).apply(bytes);
                    }
                    done += part;
                }
            }
            _ => change.apply(bytes),
        }
    }
}
