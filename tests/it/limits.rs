//! Full, read-only, forbidden, and too many or too large files: what every operation says then, what readers see
//! meanwhile, and that the same handles work when it is over.

mod book;
mod program;
mod table;

use std::error::Error;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use buildbook::fsio::remove_tree;
use buildbook_tests::device::{Mounted, in_private_mounts};
use nix::errno::Errno;
use nix::mount::MsFlags;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Uid, geteuid, setfsuid};

use book::OpenBook;
use table::{Needs, ROWS};

type Failure = anyhow::Error;

/// Something that is in the way of some operations, while it lasts.
struct Obstacle<'a> {
    prevents: fn(Needs) -> bool,
    /// What the system says then.
    answer: Errno,
    /// Before each operation.
    begin: &'a mut dyn FnMut(),
    /// After each, before the readers look: only for what no reader can stand either.
    end: &'a mut dyn FnMut(),
}

/// Tries every operation, and tells what went otherwise than it should.
fn try_all(book: &OpenBook, obstacle: &mut Obstacle<'_>) -> Vec<String> {
    let mut surprises = Vec::new();
    for row in ROWS {
        let before = (book.answers().unwrap(), book.visible());
        (obstacle.begin)();
        let result = (row.operation)(book);
        (obstacle.end)();
        let prevented = (obstacle.prevents)(row.needs);
        match (result, prevented) {
            (Ok(()), false) => {}
            (Ok(()), true) => surprises.push(format!("{}: succeeded", row.name)),
            (Err(error), false) => surprises.push(format!("{}: {error:#}", row.name)),
            (Err(error), true) => {
                if !is_clear(&error, obstacle.answer, &book.root) {
                    surprises.push(format!("{}: not clear: {error:#}", row.name));
                }
            }
        }
        match book.answers() {
            Err(error) => surprises.push(format!("{}: then a reader fails: {error:#}", row.name)),
            Ok(answers) if prevented && (&answers, &book.visible()) != (&before.0, &before.1) => {
                surprises.push(format!("{}: failed, and changed something", row.name));
            }
            Ok(_) => {}
        }
    }
    surprises
}

/// With the obstacle gone, every operation succeeds on the handles that there were before.
fn try_again(book: &OpenBook) -> Vec<String> {
    let failed = ROWS.iter().filter_map(|row| Some((row, (row.operation)(book).err()?)));
    let mut surprises: Vec<_> =
        failed.map(|(row, error)| format!("{}, afterwards: {error:#}", row.name)).collect();
    surprises.extend(book.answers().err().map(|error| format!("a reader, afterwards: {error:#}")));
    surprises
}

/// Says what could not be done and where, and has the system's answer among its causes.
fn is_clear(error: &Failure, answer: Errno, root: &Path) -> bool {
    let text = error.to_string();
    let errno =
        |cause: &(dyn Error + 'static)| cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
    text.starts_with("cannot ")
        && text.contains(root.to_str().unwrap())
        && error.chain().any(|cause| errno(cause) == Some(answer as i32))
}

fn nothing() -> impl FnMut() {
    || {}
}

/// A small file system in memory. `None`, with the reason printed, where the machine gives none.
fn on_a_small_disk(options: &str, test: impl FnOnce(&Path) + Send) -> Option<()> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let tested = in_private_mounts(|| {
        let mounted = Mounted::mount("small", place, "tmpfs", MsFlags::empty(), options)?;
        test(mounted.path());
        Ok::<_, anyhow::Error>(())
    });
    let skipped = tested.and_then(|tested| tested).err()?;
    eprintln!("skipped: no small file system is to be had: {skipped:#}");
    None
}

/// Writes until nothing goes in any more.
fn fill(folder: &Path) {
    let mut file = File::options().create(true).append(true).open(folder.join("filler")).unwrap();
    for size in [1 << 20, 1 << 16, 1 << 12] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[test]
fn on_a_full_disk_everything_that_needs_room_says_so_and_works_again_when_there_is_some() {
    on_a_small_disk("size=4m,mode=755", |disk| {
        let book = OpenBook::create(&disk.join("book"));
        let mut begin = || fill(disk);
        let mut obstacle = Obstacle {
            prevents: |needs| needs.bytes,
            answer: Errno::ENOSPC,
            begin: &mut begin,
            end: &mut nothing(),
        };
        assert_eq!(try_all(&book, &mut obstacle), Vec::<String>::new());
        fs::remove_file(disk.join("filler")).unwrap();
        assert_eq!(try_again(&book), Vec::<String>::new());
    });
}

#[test]
fn on_a_disk_without_room_for_names_what_makes_one_says_so_and_works_again_when_there_is_some() {
    on_a_small_disk("size=16m,nr_inodes=200,mode=755", |disk| {
        let book = OpenBook::create(&disk.join("book"));
        let fillers = disk.join("fillers");
        fs::create_dir(&fillers).unwrap();
        let mut number = 0;
        let mut begin = || {
            while File::create(fillers.join(number.to_string())).is_ok() {
                number += 1;
            }
        };
        let mut obstacle = Obstacle {
            prevents: |needs| needs.name,
            answer: Errno::ENOSPC,
            begin: &mut begin,
            end: &mut nothing(),
        };
        assert_eq!(try_all(&book, &mut obstacle), Vec::<String>::new());
        fs::remove_dir_all(fillers).unwrap();
        assert_eq!(try_again(&book), Vec::<String>::new());
    });
}

#[test]
fn on_a_read_only_mount_every_writer_says_so_and_nothing_changes() {
    on_a_small_disk("size=16m,mode=755", |disk| {
        let book = OpenBook::create(&disk.join("book"));
        let mounted = Mounted::read_only(&disk.join("book")).unwrap();
        let mut obstacle = Obstacle {
            prevents: |needs| needs.right,
            answer: Errno::EROFS,
            begin: &mut nothing(),
            end: &mut nothing(),
        };
        assert_eq!(try_all(&book, &mut obstacle), Vec::<String>::new());
        drop(mounted);
        assert_eq!(try_again(&book), Vec::<String>::new());
    });
}

/// Takes the right to write to a folder and everything in it, or gives it.
fn set_writable(folder: &Path, writable: bool) {
    for entry in walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap()) {
        let mode = match (entry.file_type().is_dir(), writable) {
            _ if entry.path_is_symlink() => continue,
            (true, true) => 0o777,
            (true, false) => 0o555,
            (false, true) => 0o666,
            (false, false) => 0o444,
        };
        fs::set_permissions(entry.path(), Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn without_the_right_to_write_every_writer_says_so_and_nothing_changes() {
    // The rights of a thread to files may be those of somebody else, and rights do not bind root.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let root = geteuid().is_root();
            let folder = tempfile::tempdir().unwrap();
            fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
            let nobody = || root.then(|| setfsuid(Uid::from_raw(65534)));
            nobody();
            let book = OpenBook::create(&folder.path().join("book"));
            set_writable(&book.root, false);
            let mut obstacle = Obstacle {
                prevents: |needs| needs.right,
                answer: Errno::EACCES,
                begin: &mut nothing(),
                end: &mut nothing(),
            };
            assert_eq!(try_all(&book, &mut obstacle), Vec::<String>::new());
            set_writable(&book.root, true);
            assert_eq!(try_again(&book), Vec::<String>::new());
        });
    });
}

const PART: &str = "BUILDBOOK_LIMITS_PART";

/// Plays a part in a process of its own, because limits hold for a process. It ignores the signal of a file that has
/// become too large, as whoever uses the libraries under such a limit has to.
fn in_a_process_of_its_own(part: &str) {
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#]).arg(std::env::current_exe().unwrap());
    let output = command
        .args(["--exact", "limits::plays_a_part", "--nocapture"])
        .env(PART, part)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}: {}", output.status, said.concat());
    assert!(said.concat().contains("played the part"), "{}", said.concat());
}

/// Does nothing in an ordinary test run.
#[test]
fn plays_a_part() {
    let Ok(part) = std::env::var(PART) else { return };
    let folder = tempfile::tempdir().unwrap();
    let book = OpenBook::create(&folder.path().join("book"));
    match part.as_str() {
        "few descriptors" => few_descriptors(&book),
        "small files" => small_files(&book),
        other => panic!("{other:?}"),
    }
    println!("played the part");
}

#[test]
fn thirty_two_descriptors_are_enough_and_none_at_all_is_said() {
    in_a_process_of_its_own("few descriptors");
}

fn few_descriptors(book: &OpenBook) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 32, hard).unwrap();
    let taken = std::cell::RefCell::new(Vec::new());
    let mut begin = || {
        while let Ok(file) = File::open("/dev/null") {
            taken.borrow_mut().push(file);
        }
    };
    let mut end = || taken.borrow_mut().clear();
    let mut obstacle = Obstacle {
        prevents: |needs| needs.descriptor,
        answer: Errno::EMFILE,
        begin: &mut begin,
        end: &mut end,
    };
    assert_eq!(try_all(book, &mut obstacle), Vec::<String>::new());
    assert_eq!(try_again(book), Vec::<String>::new());
    // A tree that is deeper than there are descriptors goes as well.
    fs::create_dir_all(book.own("deep").join("x/".repeat(100))).unwrap();
    remove_tree(&book.own("deep")).unwrap();
    assert!(!book.own("deep").exists());
}

#[test]
fn what_a_limit_on_file_sizes_cuts_off_is_taken_back() {
    in_a_process_of_its_own("small files");
}

fn small_files(book: &OpenBook) {
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    let history = book.tree.packages().history(&crate::package("a.1"));
    // Some of a line goes in.
    let limit = fs::metadata(history).unwrap().len() + 100;
    let mut begin = || setrlimit(Resource::RLIMIT_FSIZE, limit, hard).unwrap();
    let mut end = || setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    let mut obstacle = Obstacle {
        prevents: |needs| needs.long_file,
        answer: Errno::EFBIG,
        begin: &mut begin,
        end: &mut end,
    };
    assert_eq!(try_all(book, &mut obstacle), Vec::<String>::new());
    assert_eq!(try_again(book), Vec::<String>::new());
}
