//! Names and times of any text.

use std::fmt::{Debug, Display};
use std::path::Path;
use std::str::FromStr;

use buildbook::build_lock::LockName;
use buildbook::layout::{
    Book, BuildHash, LayerName, MAX_NAME_BYTES, PackageId, Platform, RunId, Timestamp, Universe,
};

/// Whatever is taken for a name is spelled as it was, is one component of a path, and stays in its folder.
///
/// # Panics
///
/// If it does not hold.
pub fn check_names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    name::<RunId>(text);
    name::<BuildHash>(text);
    name::<LayerName>(text);
    name::<Universe>(text);
    name::<Platform>(text);
    if let Some(package) = name::<PackageId>(text) {
        stays(package.name());
        package.version().into_iter().for_each(stays);
        for lock in [LockName::build(&package), LockName::doc(&package), LockName::tool(&package)] {
            name::<LockName>(&lock.to_string()).expect("the name of a lock is read back");
        }
        let book = Book::at("/book");
        let platform = book.platform(&"p".parse().unwrap());
        let history = platform.packages().history(&package);
        assert_eq!(history, Path::new("/book/p/packages").join(text).join("history.jsonl"));
        assert_eq!(history.components().count(), 6);
    }
    if let Some(lock) = name::<LockName>(text) {
        assert!(lock.package().len() <= text.len());
    }
    times(text);
}

/// Reads a name, and looks whether it is spelled and placed as it must be.
fn name<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    match text.parse::<T>() {
        Ok(value) => {
            assert_eq!(value.to_string(), text);
            assert_eq!(text.parse::<T>().ok().as_ref(), Some(&value));
            stays(text);
            Some(value)
        }
        Err(error) => {
            assert!(error.to_string().len() < 2000, "an error repeats what it is about at length");
            None
        }
    }
}

fn stays(component: &str) {
    assert!(!component.is_empty() && component.len() <= MAX_NAME_BYTES + 55, "{component:?}");
    assert!(!component.contains(['/', '\0', '\n', '\u{202e}', '\u{200f}']), "{component:?}");
    assert!(!component.starts_with('.'), "{component:?}");
    assert_eq!(Path::new(component).components().count(), 1);
}

fn times(text: &str) {
    let Ok(time) = Timestamp::parse(text) else { return };
    let spelled = time.to_string();
    let again = Timestamp::parse(&spelled).expect("what is spelled is read");
    assert_eq!((again.to_string(), again.as_unix()), (spelled.clone(), time.as_unix()));
    let id = RunId::starting_at(time);
    assert_eq!(id.started().as_unix(), time.as_unix());
    assert_eq!(id.as_str().parse::<RunId>().ok(), Some(id));
}
