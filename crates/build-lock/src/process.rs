//! Who this process is, as far as the system tells.

use std::sync::OnceLock;

/// What sets a process apart from all others, on all machines and at all times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Identity {
    pub(crate) pid: Option<u32>,
    pub(crate) host: Option<String>,
    /// Process ids begin anew with every boot.
    pub(crate) boot_id: Option<String>,
    /// Process ids are used again; the clock ticks from boot to the start of the process tell which it is.
    pub(crate) process_start: Option<u64>,
}

impl Identity {
    /// Asks the system until it has told everything, once for each process: a forked child is another one, and finds
    /// out what it is each time.
    pub(crate) fn of_this_process() -> Self {
        static KNOWN: OnceLock<Identity> = OnceLock::new();
        Identity::remembered(&KNOWN, Identity::find)
    }

    fn remembered(known: &OnceLock<Identity>, find: impl FnOnce() -> Identity) -> Self {
        if let Some(known) = known.get().filter(|known| known.pid == Some(std::process::id())) {
            return known.clone();
        }
        let found = find();
        if found.host.is_some() && found.boot_id.is_some() && found.process_start.is_some() {
            let _ = known.set(found.clone());
        }
        found
    }

    fn find() -> Self {
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let stat = std::fs::read_to_string("/proc/self/stat").ok();
        Identity {
            pid: Some(std::process::id()),
            host: host.and_then(|host| one_line(&host)),
            boot_id: boot_id.and_then(|id| one_line(&id)),
            process_start: stat.as_deref().and_then(start_in_stat),
        }
    }
}

fn one_line(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}

/// The 22nd field. The second is the program's name in parentheses and may have anything in it, so that
/// the fields are counted from its end.
fn start_in_stat(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_found_behind_any_program_name() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21";
        for name in ["sh", "a b", "x) R 1 (y", ""] {
            assert_eq!(start_in_stat(&format!("42 ({name}) {fields}")), Some(987_654), "{name}");
        }
        for broken in
            ["", "42 (sh", "42 (sh) S 1 2", "42 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x"]
        {
            assert_eq!(start_in_stat(broken), None, "{broken}");
        }
    }

    #[test]
    fn what_is_known_of_this_process_is_not_asked_again_unless_something_is_missing_or_it_was_another() {
        let word = || Some("word".to_owned());
        let whole = |pid| Identity { pid: Some(pid), host: word(), boot_id: word(), process_start: Some(1) };
        let own = whole(std::process::id());
        let known = OnceLock::new();
        let partial = Identity { boot_id: None, ..own.clone() };
        assert_eq!(Identity::remembered(&known, || partial.clone()), partial, "descriptors were short");
        assert_eq!(Identity::remembered(&known, || own.clone()), own);
        assert_eq!(Identity::remembered(&known, || partial.clone()), own, "nothing is asked again");
        let parent = OnceLock::from(whole(1));
        assert_eq!(Identity::remembered(&parent, || own.clone()), own);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_known() {
        let identity = Identity::of_this_process();
        assert_eq!(identity.pid, Some(std::process::id()));
        assert_eq!(identity.boot_id.as_ref().map(String::len), Some(36));
        assert!(identity.process_start.is_some());
    }
}
