//! The errors of opening a store, each with its sentence.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::*;

#[test]
fn only_the_user_can_read_what_was_said() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    store.write(&[said(1, 1, None)]).unwrap();
    let names = ["room.db", "room.db-lock", "room.db-shm", "room.db-wal"];
    assert_eq!(disk.names(), names);
    for name in names {
        let metadata = fs::metadata(disk.directory.path().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_store_is_open_only_once_by_whatever_name() {
    let disk = Disk::new();
    let link = disk.directory.path().join("link.db");
    symlink("room.db", &link).unwrap();
    // Made where the link points to.
    let (store, _) = Store::open(&link, Keep::default(), ALL, reading(0)).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    for path in [disk.path(), link.clone()] {
        let error = error_of(&path);
        assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
        let sentence = format!(
            "{} is in use by another server. Close that one first, or choose another file.",
            disk.path().canonicalize().unwrap().display()
        );
        assert_eq!(error.to_string(), sentence);
    }
    // A reader uses it too.
    let reader = store.reader().unwrap();
    drop(store);
    assert!(matches!(disk.error(), OpenError::InUse(_)));
    drop(reader);
    disk.open();
}

#[test]
fn what_is_deleted_is_gone_but_never_under_an_open_room() {
    let disk = Disk::with_messages(3);
    let (mut store, past) = disk.open();
    store.write(&[said(4, 1, None)]).unwrap();
    let error = Store::delete(&disk.path()).unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
    store.write(&[said(5, 1, None)]).unwrap();
    // As if somebody had killed its server.
    let log = fs::read(disk.directory.path().join("room.db-wal")).unwrap();
    drop(store);
    fs::write(disk.directory.path().join("room.db-wal"), log).unwrap();
    for _ in 0..2 {
        Store::delete(&disk.path()).unwrap();
        assert_eq!(disk.names(), ["room.db-lock"]);
    }
    let (_, new) = disk.open();
    assert_eq!((new.next_seq, new.entries.len()), (1, 0));
    assert_ne!(new.epoch, past.epoch);
}

#[test]
fn a_failed_second_opening_takes_no_lock_from_the_first() {
    let disk = Disk::new();
    let (mut store, _) = disk.open();
    assert!(matches!(disk.error(), OpenError::InUse(_)));
    store.write(&[said(1, 1, None)]).unwrap();
    // Another process must still see that SQLite has the file open: it must not
    // take the log beside it away when it closes the file.
    let output = Command::new("/proc/self/exe")
        .args([
            "--exact",
            "store::sqlite::tests::opening::another_process",
            "--ignored",
        ])
        .env("CHATROOM_TEST_STORE", disk.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(disk.names().contains(&"room.db-wal".to_owned()));
    store.write(&[said(2, 1, None)]).unwrap();
    drop(store);
    assert_eq!(disk.open().1.next_seq, 3);
}

#[test]
#[ignore = "another process, which the tests start"]
fn another_process() {
    let path = std::env::var_os("CHATROOM_TEST_STORE").unwrap();
    let connection = Connection::open(path).unwrap();
    let count: i64 = connection
        .query_row("SELECT count(*) FROM message", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_store_of_a_newer_version_is_left_as_it_is() {
    let disk = Disk::with_messages(1);
    let connection = Connection::open(disk.path()).unwrap();
    connection
        .pragma_update(None, "user_version", schema::VERSION + 1)
        .unwrap();
    drop(connection);
    let before = fs::read(disk.path()).unwrap();
    let error = disk.error();
    assert!(matches!(error, OpenError::Newer(_)), "{error:?}");
    assert!(error.to_string().contains("newer version of Chatroom"));
    assert_eq!(fs::read(disk.path()).unwrap(), before);
    assert_eq!(disk.names(), ["room.db", "room.db-lock"]);
}

#[test]
fn the_file_of_somebody_else_is_left_as_it_is() {
    let foreign = Disk::new();
    let connection = Connection::open(foreign.path()).unwrap();
    connection
        .execute_batch("CREATE TABLE room (epoch); INSERT INTO room VALUES (1)")
        .unwrap();
    drop(connection);
    let letter = Disk::new();
    fs::write(letter.path(), "Dear Ada,\n").unwrap();
    for disk in [foreign, letter] {
        let before = fs::read(disk.path()).unwrap();
        let error = disk.error();
        assert!(matches!(error, OpenError::NotAStore(_)), "{error:?}");
        assert_eq!(fs::read(disk.path()).unwrap(), before);
        assert_eq!(disk.names(), ["room.db"]);
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let disk = Disk::new();
    fs::write(disk.path(), "").unwrap();
    assert_eq!(disk.open().1.next_seq, 1);
}

#[test]
fn what_a_server_left_that_was_ended_while_it_made_the_store_is_no_hindrance() {
    let disk = Disk::new();
    for name in ["room.db-new", "room.db-new-journal", "room.db-lock"] {
        fs::write(disk.directory.path().join(name), "half").unwrap();
    }
    assert_eq!(disk.open().1.next_seq, 1);
    assert_eq!(disk.names(), ["room.db", "room.db-lock"]);
}

#[test]
fn a_directory_is_no_store_and_needs_to_exist() {
    let disk = Disk::new();
    let error = error_of(disk.directory.path());
    assert!(matches!(error, OpenError::IsDirectory(_)), "{error:?}");
    let missing = disk.directory.path().join("missing/room.db");
    let error = error_of(&missing);
    let sentence = format!(
        "The directory {} does not exist. Make it first, or choose another file.",
        missing.parent().unwrap().display()
    );
    assert_eq!(error.to_string(), sentence);
    let error = error_of(Path::new("/dev/null"));
    assert!(matches!(error, OpenError::NotAStore(_)), "{error:?}");
}

#[test]
#[ignore = "another process, which the tests start"]
fn a_process_that_opens_a_store() {
    let path = std::env::var_os("CHATROOM_TEST_STORE").unwrap();
    println!("told: {}", error_of(Path::new(&path)));
}

/// The answer to another process that tries to open the store at `path`.
fn told(mut command: Command, path: &Path) -> String {
    let output = command
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("store::sqlite::tests::opening::a_process_that_opens_a_store")
        .env("CHATROOM_TEST_STORE", path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    let told = said.lines().find_map(|line| line.strip_prefix("told: "));
    told.unwrap_or_else(|| panic!("{output:?}")).to_owned()
}

#[test]
fn who_may_not_write_there_is_told() {
    let disk = Disk::with_messages(1);
    // First the file that may not be opened, then the directory.
    let path = disk.path().canonicalize().unwrap();
    let lock = disk.directory.path().join("room.db-lock");
    for (directory_mode, file_mode, lock_mode) in [(0o777, 0o444, 0o666), (0o555, 0o666, 0o444)] {
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        set(&path, file_mode).unwrap();
        set(&lock, lock_mode).unwrap();
        set(disk.directory.path(), directory_mode).unwrap();
        let mut command = Command::new("/proc/self/exe");
        if rustix::process::geteuid().is_root() {
            // Root may write anywhere, the user `nobody` may not.
            command.uid(65_534).gid(65_534);
        }
        let sentence = told(command, &path);
        assert!(
            sentence.starts_with("There is no permission to read and write"),
            "{sentence}"
        );
        set(disk.directory.path(), 0o700).unwrap();
    }
}

#[test]
fn a_file_system_that_is_read_only_is_no_place_for_a_store() {
    let directory = TempDir::new().unwrap();
    let mount = |arguments: &str| {
        let script = format!("mount -t tmpfs -o ro none \"$1\" && shift && {arguments}");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-c"]);
        command.args([&script, "sh"]).arg(directory.path());
        command
    };
    if !mount("true").status().is_ok_and(|status| status.success()) {
        println!("not tested: no mount of our own can be made on this system");
        return;
    }
    let mut command = mount("exec \"$@\"");
    command.arg(std::env::current_exe().unwrap());
    let path = directory.path().canonicalize().unwrap().join("room.db");
    assert_eq!(
        told(command, &path),
        format!(
            "{} is on a file system that is read-only. Choose another file.",
            path.display()
        )
    );
}

#[test]
fn every_cause_has_its_sentence() {
    let path = Path::new("/srv/room.db");
    let of_system = |errno: rustix::io::Errno| OpenError::of_system(path, errno.into()).to_string();
    assert_eq!(
        of_system(rustix::io::Errno::ROFS),
        "/srv/room.db is on a file system that is read-only. Choose another file."
    );
    assert_eq!(
        of_system(rustix::io::Errno::ACCESS),
        "There is no permission to read and write /srv/room.db. Change its owner or its mode."
    );
    assert_eq!(
        of_system(rustix::io::Errno::NOSPC),
        "/srv/room.db cannot be opened because the disk is full. Free some space, and start again."
    );
}
